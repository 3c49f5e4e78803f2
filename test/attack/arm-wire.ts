/** Attacks on the way in: tokens, bytes on the wire, names of hosts, paths and queries. */

import { createHmac } from 'node:crypto';
import { type Callers, expects, raw, rawGet } from '#test/attack/arm-ground.ts';
import type { Lab } from '#test/attack/lab.ts';
import type { Attempt } from '#test/attack/row.ts';

/** All of them. */
export function wayInAttempts(lab: Lab, callers: Callers): Attempt[] {
  return [...tokenAttempts(lab, callers), ...wireAttempts(lab, callers), ...pathAttempts(lab, callers)];
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

function tokenAttempts(lab: Lab, { owner }: Callers): Attempt[] {
  const [head = '', body = '', signature = ''] = owner.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { [name: string]: unknown };
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { [name: string]: unknown };
  const signed = (first: unknown, second: unknown, key: string): string => {
    const text = `${encode(first)}.${encode(second)}`;
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  };
  const keys = async () => (await lab.ask(`${lab.up.endpoints.adfs}/adfs/discovery/keys`)).text;
  const rows: readonly (readonly [string, () => string | Promise<string>])[] = [
    ['alg none', () => `${encode({ ...header, alg: 'none' })}.${body}.`],
    ['alg none with the old signature', () => `${encode({ ...header, alg: 'none' })}.${body}.${signature}`],
    ['alg NoNe', () => `${encode({ ...header, alg: 'NoNe' })}.${body}.${signature}`],
    [
      'HS256 with the published keys as its secret',
      async () => signed({ ...header, alg: 'HS256' }, claims, await keys()),
    ],
    ['HS256 with an empty secret', () => signed({ ...header, alg: 'HS256' }, claims, 'x')],
    ['a foreign kid', () => `${encode({ ...header, kid: 'foreign' })}.${body}.${signature}`],
    ['a kid that is a path', () => `${encode({ ...header, kid: '../../../../dev/null' })}.${body}.${signature}`],
    ['a kid that is __proto__', () => `${encode({ ...header, kid: '__proto__' })}.${body}.${signature}`],
    [
      'a key of its own in the header',
      () => `${encode({ ...header, jwk: { kty: 'oct', k: 'AA' } })}.${body}.${signature}`,
    ],
    ['a key to fetch', () => `${encode({ ...header, jku: 'http://203.0.113.9/keys' })}.${body}.${signature}`],
    ['a critical header', () => `${encode({ ...header, crit: ['exp'] })}.${body}.${signature}`],
    ['another type', () => `${encode({ ...header, typ: 'JWT' })}.${body}.${signature}`],
    ['a later end', () => `${head}.${encode({ ...claims, exp: 4_000_000_000 })}.${signature}`],
    [
      'another principal',
      () => `${head}.${encode({ ...claims, oid: '00000000-0000-0000-0000-000000000000' })}.${signature}`,
    ],
    ['no signature', () => `${head}.${body}.`],
    ['no body', () => `${head}..${signature}`],
    ['four parts', () => `${owner}.${signature}`],
    ['a body that is no JSON', () => `${head}.${encode('{')}.${signature}`],
    ['a token of 20,000 bytes', () => `${head}.${encode('x'.repeat(20_000))}.${signature}`],
  ];
  const path = `${lab.up.endpoints.management}/subscriptions?api-version=2016-06-01`;
  return [
    expects('token: the honest one', [200], () => lab.ask(path, { token: owner })),
    ...rows.map(([name, make]) =>
      expects(`token: ${name}`, [401, 431], async () => lab.ask(path, { token: await make() })),
    ),
    expects('token: none', [401], () => lab.ask(path)),
    expects('token: in the query', [401], () => lab.ask(`${path}&access_token=${owner}`)),
    expects('token: in a cookie', [401], () => lab.ask(path, { headers: { cookie: `access_token=${owner}` } })),
    expects('token: basic', [401], () =>
      lab.ask(path, { headers: { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` } }),
    ),
    expects('token: two in one header', [401], () =>
      lab.ask(path, { headers: { authorization: `Bearer ${owner}, Bearer ${owner}` } }),
    ),
    expects('token: for another audience', [401], async () => {
      const other = await lab.principal(`attack-audience-${Date.now() % 100_000}`, 'Owner');
      return lab.ask(path, { token: await lab.token(other, lab.up.endpoints.graph) });
    }),
  ];
}

// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function wireAttempts(lab: Lab, { owner }: Callers): Attempt[] {
  const { hostname } = new URL(lab.up.endpoints.management);
  const admin = new URL(lab.up.endpoints.adminManagement).hostname;
  const login = new URL(lab.up.endpoints.adfs).hostname;
  const start = (line: string, headers: readonly string[]) =>
    `${line}\r\n${['connection: close', ...headers].join('\r\n')}\r\n\r\n`;
  const own = [`host: ${hostname}`, `authorization: Bearer ${owner}`];
  const put = 'PUT /subscriptions/x/resourceGroups/smuggled?api-version=2019-10-01 HTTP/1.1';
  const inner = `GET /subscriptions?api-version=2016-06-01 HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${owner}\r\n\r\n`;
  const smuggles: readonly (readonly [string, string])[] = [
    [
      'content-length and transfer-encoding',
      start(put, [...own, 'content-type: application/json', 'content-length: 4', 'transfer-encoding: chunked']) +
        `0\r\n\r\n${inner}`,
    ],
    ['two content-lengths', start(put, [...own, 'content-length: 0', `content-length: ${inner.length}`]) + inner],
    ['a space before the colon', start(put, [...own, 'transfer-encoding : chunked', 'content-length: 0']) + inner],
    ['an unknown transfer-encoding', start(put, [...own, 'transfer-encoding: xchunked']) + inner],
    ['chunked twice', start(put, [...own, 'transfer-encoding: chunked, chunked']) + `0\r\n\r\n${inner}`],
    ['a folded header', start(put, [...own, 'x: y\r\n transfer-encoding: chunked']) + inner],
    ['a chunk size with a sign', start(put, [...own, 'transfer-encoding: chunked']) + `-1\r\n\r\n${inner}`],
    ['bare line feeds', `GET / HTTP/1.1\nhost: ${hostname}\ncontent-length: 5\n\n${inner}`],
    ['a negative content-length', start(put, [...own, 'content-length: -1']) + inner],
  ];
  const hosts: readonly (readonly [string, readonly string[], number])[] = [
    ['no host', [], 4],
    ['an unknown host', ['host: evil.example'], 4],
    ['the admin endpoint by the management address', [`host: ${admin}`], 4],
    ['the sign-in face by the management address', [`host: ${login}`], 4],
    ['management by the sign-in address', [`host: ${hostname}`], 6],
    ['two hosts', [`host: ${hostname}`, `host: ${admin}`], 4],
    ['a host with a user', [`host: x@${hostname}`], 4],
    ['a host with a dot', [`host: ${hostname}.`], 4],
  ];
  return [
    ...smuggles.map(
      ([name, bytes]): Attempt => ({
        name: `wire: ${name}`,
        run: async () => {
          const { text } = await raw(lab, bytes);
          return (text.match(/HTTP\/1\.1 /g) ?? []).length > 1
            ? `two answers: ${text.slice(0, 400)}`
            : /HTTP\/1\.1 5/.test(text)
              ? text.slice(0, 300)
              : undefined;
        },
      }),
    ),
    ...hosts.map(
      ([name, headers, to]): Attempt => ({
        name: `host: ${name}`,
        run: async () => {
          const { text } = await raw(lab, start('GET /metadata/endpoints?api-version=2015-01-01 HTTP/1.1', headers), {
            to,
          });
          return /HTTP\/1\.1 (200|5)/.test(text) ? `answered: ${text.slice(0, 300)}` : undefined;
        },
      }),
    ),
    expects('wire: headers of 64 KiB', [431, 0], () =>
      lab.arm('/resourceGroups', { token: owner, headers: { x: 'y'.repeat(65_536) } }),
    ),
  ];
}

/** Begun when asked for, looked at last: it takes as long as the stamp has patience. */
export function patienceAttempt(lab: Lab): Attempt {
  const { hostname } = new URL(lab.up.endpoints.management);
  const slow = raw(lab, `GET / HTTP/1.1\r\nhost: ${hostname}\r\n`, { waitMs: 45_000 });
  return {
    name: 'wire: a request that never ends its headers is cut off',
    run: async () => ((await slow).isClosed ? undefined : 'still open after 45 s'),
  };
}

// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function pathAttempts(lab: Lab, { narrow, owner }: Callers): Attempt[] {
  const sub = lab.subscription;
  const ask = (path: string, token: string) =>
    lab
      .ask(`${lab.up.endpoints.management}/`, { token, headers: {}, method: 'GET' })
      .then(() => rawGet(lab, path, token));
  const closed = [400, 401, 403, 404, 405];
  const sneaky = [
    'one/../two',
    'one%2f..%2ftwo',
    'one/%2e%2e/two',
    'one/..;/two',
    'one%5c..%5ctwo',
    'two%00',
    'two%0d%0aX:%20y',
    'two%20',
    'two.',
    '%EF%BD%94wo',
    '%ff%fe',
    'one/./two',
    'one//..//two',
    'two%2f',
    '%74wo',
    'TWO',
    'two?api-version=2019-10-01&x=',
  ];
  return [
    ...sneaky.map((name) =>
      expects(`path: group ${name} for one who has only the other`, closed, () =>
        ask(
          `${sub}/resourceGroups/${name}/providers/Microsoft.Network/networkSecurityGroups/secret?api-version=2018-11-01`,
          narrow,
        ),
      ),
    ),
    ...[
      '//',
      '/%',
      '/subscriptions/%',
      `${sub}/resourceGroups/a%2fb`,
      `${sub}/resourceGroups/${'x'.repeat(300)}`,
      `${sub}/${'a/'.repeat(500)}`,
      `${sub}/providers/__proto__/constructor`,
      '/__proto__',
      `${sub}/resourceGroups/__proto__`,
      `${sub}/resourceGroups/constructor/providers/Microsoft.Network/toString/valueOf`,
    ].map((path) =>
      expects(`path: ${path.slice(0, 80)}`, [...closed, 200], () => ask(`${path}?api-version=2019-10-01`, owner)),
    ),
    ...[
      'api-version=',
      'api-version[]=2019-10-01',
      'api-version=2019-10-01&api-version=2018-11-01',
      'API-VERSION=x',
      `api-version=${'9'.repeat(5000)}`,
      '$filter=x%27%20or%201%20eq%201&api-version=2019-10-01',
      '$top=-1&api-version=2019-10-01',
      '$skiptoken=%00&api-version=2019-10-01',
      `${'a=b&'.repeat(1000)}api-version=2019-10-01`,
    ].map((query) =>
      expects(`query: ${query.slice(0, 60)}`, [...closed, 200], () => ask(`${sub}/resourceGroups?${query}`, owner)),
    ),
  ];
}
