/** Tests of the token endpoint over TLS: every grant as clients send it, and every way to be refused. */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import fc from 'fast-check';
import { decodeJwt } from 'jose';
import { principalOf } from '#engine/identity/directory.ts';
import { setEnabled } from '#engine/identity/users.ts';
import { verifyAccessToken } from '#engine/identity/verify-token.ts';
import { arm, az, password, startFixture, type Fixture, type Reply } from '#faces/identity/fixture.ts';

let face: Fixture;
before(async () => {
  face = await startFixture();
});
after(async () => await face.close());

const graph = 'https://graph.local.ringwall.internal/';
const scope = `${arm}/.default`;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const user = () => ({
  grant_type: 'password',
  client_id: az,
  username: 'ann',
  password,
  scope: `${scope} offline_access openid profile`,
});
const program = () => ({
  grant_type: 'client_credentials',
  client_id: face.application.appId,
  client_secret: face.secret,
  scope,
});
const asserted = async (claims = {}, header = {}) => ({
  grant_type: 'client_credentials',
  client_id: face.application.appId,
  client_assertion_type: assertionType,
  client_assertion: await face.assertion(claims, header),
  scope,
});
const verify = (token: unknown, audience = arm) =>
  verifyAccessToken(String(token), {
    issuer: `${face.base}/adfs`,
    tenantId: 'tenant',
    audiences: [audience],
    keys: face.keys,
    now: () => face.clock.ms,
    principalOf: (oid) => principalOf(face.directory, oid),
  });
function isRefused(reply: Reply, status: number, error: string): void {
  assert.deepEqual([reply.status, reply.json['error']], [status, error], reply.text);
  assert.equal(typeof reply.json['error_description'], 'string');
}
// Failed sign-ins of one test must not make those of the next wait.
const forgiven = (): void => face.directory.attempts.counts.clear();

test('the discovery document names endpoints that answer, and the key set has public keys only', async () => {
  const { status, json } = await face.ask('GET', '/adfs/.well-known/openid-configuration');
  assert.equal(status, 200);
  assert.equal(json['issuer'], `${face.base}/adfs`);
  assert.match(String(json['token_endpoint']), /\/adfs\/oauth2\/token\/$/);
  for (const name of [
    'authorization_endpoint',
    'token_endpoint',
    'device_authorization_endpoint',
    'jwks_uri',
    'end_session_endpoint',
  ]) {
    const path = String(json[name]).slice(face.base.length);
    assert.notEqual((await face.ask('GET', path)).status, 404, name);
  }
  const { json: keys } = await face.ask('GET', '/adfs/discovery/keys');
  assert.deepEqual(keys, JSON.parse(JSON.stringify(face.keys.published)));
  assert.ok(!JSON.stringify(keys).includes('"d"'));
});

test('a program signs in with its secret, in the form or the header, by scope or by resource', async () => {
  const { client_id: id, client_secret: secret, ...rest } = program();
  const basic = { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
  const type = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const replies = [
    await face.token(program()),
    await face.token({ ...program(), client_info: '1', claims: '{"access_token":{"xms_cc":{"values":["CP1"]}}}' }),
    await face.token({ ...program(), scope: '', resource: `${arm}/` }),
    await face.token({ ...program(), scope: `${arm}//.default` }),
    await face.ask('POST', '/adfs/oauth2/token', {
      body: String(new URLSearchParams(rest)),
      headers: { ...type, ...basic },
    }),
  ];
  for (const { status, json, text, headers } of replies) {
    assert.equal(status, 200, text);
    assert.deepEqual(Object.keys(json).sort(), ['access_token', 'expires_in', 'token_type']);
    assert.deepEqual([json['expires_in'], headers['cache-control']], [600, 'no-store']);
    const { kind, oid, appid } = await verify(json['access_token']);
    assert.deepEqual([kind, oid, appid], ['servicePrincipal', face.application.id, face.application.appId]);
    assert.deepEqual(
      [decodeJwt(String(json['access_token']))['appidacr'], decodeJwt(String(json['access_token']))['idtyp']],
      ['1', 'app'],
    );
  }
  const other = await face.token({ ...program(), scope: `${graph}.default` });
  assert.equal((await verify(other.json['access_token'], graph)).oid, face.application.id);
});

test('a program that proves nothing gets nothing', async () => {
  isRefused(await face.token({ ...program(), client_secret: 'wrong' }), 401, 'invalid_client');
  isRefused(await face.token({ ...program(), client_secret: '' }), 401, 'invalid_client');
  isRefused(await face.token({ ...program(), client_id: '' }), 401, 'invalid_client');
  isRefused(await face.token({ ...program(), client_id: az }), 401, 'invalid_client');
  isRefused(await face.token({ ...program(), scope: 'https://elsewhere/.default' }), 400, 'invalid_scope');
  isRefused(await face.token({ ...program(), resource: graph }), 400, 'invalid_scope');
  isRefused(await face.token({ ...program(), grant_type: 'password' }), 400, 'unauthorized_client');
  isRefused(await face.token({ grant_type: 'client_credentials', client_id: az }), 400, 'unauthorized_client');
  isRefused(await face.token({ ...program(), ...(await asserted()) }), 400, 'invalid_request');
  await setEnabled(face.directory, face.application.id, false);
  isRefused(await face.token(program()), 401, 'invalid_client');
  await setEnabled(face.directory, face.application.id, true);
  forgiven();
});

test('a program signs in with its certificate, by either thumbprint and either padding', async () => {
  for (const header of [
    {},
    { x5t: `${face.x5t}=` },
    { x5t: undefined, 'x5t#S256': face.x5tS256 },
    { typ: 'JWT', x5c: ['ignored'] },
  ]) {
    const { status, json, text } = await face.token(await asserted({}, header));
    assert.equal(status, 200, text);
    assert.equal(decodeJwt(String(json['access_token']))['appidacr'], '2');
  }
  const { client_id: _, ...bare } = await asserted();
  assert.equal((await face.token(bare)).status, 200);
  const withoutSlash = await asserted({ aud: `${face.base}/adfs/oauth2/token` });
  assert.equal((await face.token(withoutSlash)).status, 200);
  assert.equal((await face.token(withoutSlash)).status, 200);
});

test('each wrong assertion is refused', async () => {
  const nowS = Math.floor(face.clock.ms / 1000);
  const rows: [string, object, object][] = [
    ['audience', { aud: 'https://elsewhere/adfs/oauth2/token/' }, {}],
    ['issuer', { iss: 'other' }, {}],
    ['subject', { sub: 'other' }, {}],
    ['expired', { exp: nowS - 120 }, {}],
    ['no end', { exp: undefined }, {}],
    ['far end', { exp: nowS + 86_400 }, {}],
    ['no jti', { jti: undefined }, {}],
    ['not yet', { nbf: nowS + 600 }, {}],
    ['thumbprint', {}, { x5t: 'AAAA' }],
    ['no thumbprint', {}, { x5t: undefined }],
    ['other SHA-256 thumbprint', {}, { 'x5t#S256': 'AAAA' }],
  ];
  for (const [name, claims, header] of rows) {
    const reply = await face.token(await asserted(claims, header));
    assert.deepEqual([name, reply.status, reply.json['error']], [name, 401, 'invalid_client']);
    forgiven();
  }
  const good = await asserted();
  const cut = good.client_assertion.slice(0, -10);
  for (const text of [
    'x',
    'a.b.c',
    '..',
    cut,
    `${'a'.repeat(20_000)}.b.c`,
    good.client_assertion.replace(/\.[^.]*$/, '.'),
  ]) {
    isRefused(await face.token({ ...good, client_assertion: text }), 401, 'invalid_client');
    forgiven();
  }
  isRefused(await face.token({ ...good, client_assertion_type: 'saml' }), 400, 'invalid_request');
});

test('a user signs in by password and gets the three tokens that MSAL wants', async () => {
  const { status, json, text } = await face.token(user());
  assert.equal(status, 200, text);
  assert.equal(json['scope'], user().scope);
  const id = decodeJwt(String(json['id_token']));
  const wanted = { aud: az, tid: 'tenant', upn: face.user.upn, preferred_username: face.user.upn, sub: face.user.id };
  assert.deepEqual(
    { aud: id.aud, tid: id['tid'], upn: id['upn'], preferred_username: id['preferred_username'], sub: id.sub },
    wanted,
  );
  assert.equal((await verify(json['access_token'])).upn, face.user.upn);
  const slim = await face.token({ ...user(), scope });
  assert.deepEqual(Object.keys(slim.json).sort(), ['access_token', 'expires_in', 'scope', 'token_type']);
  const version1 = await face.token({ ...user(), scope: '', resource: arm });
  assert.deepEqual(Object.keys(version1.json).sort(), [
    'access_token',
    'expires_in',
    'id_token',
    'refresh_token',
    'resource',
    'token_type',
  ]);
});

test('a wrong password is refused, then waits, and neither is in the events', async () => {
  for (let count = 0; count < 5; count++)
    isRefused(await face.token({ ...user(), password: 'wrong' }), 400, 'invalid_grant');
  const reply = await face.token(user());
  isRefused(reply, 429, 'temporarily_unavailable');
  assert.equal(reply.headers['retry-after'], '30');
  forgiven();
  isRefused(await face.token({ ...user(), username: '' }), 400, 'invalid_request');
  isRefused(await face.token({ ...user(), client_id: 'f'.repeat(36) }), 401, 'invalid_client');
  isRefused(await face.token({ ...user(), client_id: az, client_secret: 'x' }), 401, 'invalid_client');
  const { at, ...told } = {
    at: 0,
    ...face.events.find((event) => event.outcome === 'refused' && event.name === 'ann'),
  };
  assert.deepEqual([at, told.flow, told.source, told.clientId], [0, 'password', '127.0.0.1', az]);
  assert.ok(!JSON.stringify(face.events).includes(password) && !JSON.stringify(face.events).includes(face.secret));
});

test('a refresh token works once for its client, for any audience, and its reuse ends the sign-in', async () => {
  const first = (await face.token(user())).json['refresh_token'];
  const refresh = (token: unknown, more = {}) =>
    face.token({
      grant_type: 'refresh_token',
      client_id: az,
      refresh_token: String(token),
      scope: user().scope,
      ...more,
    });
  isRefused(await refresh(first, { client_id: '1950a258-227b-4e31-a9cf-717495945fc2' }), 400, 'invalid_grant');
  const second = await refresh(first);
  assert.equal(second.status, 200, second.text);
  assert.notEqual(second.json['refresh_token'], first);
  const third = await refresh(second.json['refresh_token'], { scope: `${graph}.default offline_access` });
  assert.equal((await verify(third.json['access_token'], graph)).oid, face.user.id);
  isRefused(await refresh(first), 400, 'invalid_grant');
  isRefused(await refresh(third.json['refresh_token']), 400, 'invalid_grant');
  isRefused(await refresh('a.b'), 400, 'invalid_grant');
  isRefused(await refresh(''), 400, 'invalid_request');
});

// One row: what differs from a good POST of a form, and how it is refused.
const form = 'application/x-www-form-urlencoded';
const tokenPath = '/adfs/oauth2/token';
const misfits: [
  { body?: string; type?: string; method?: string; path?: string; more?: Record<string, string> },
  number,
  string,
][] = [
  [{}, 400, 'invalid_request'],
  [{ body: 'grant_type=nothing' }, 400, 'unsupported_grant_type'],
  [{ body: 'grant_type=nothing', path: '//ADFS//OAuth2//Token/?a=1&b' }, 400, 'unsupported_grant_type'],
  [{ body: 'grant_type=password&grant_type=password' }, 400, 'invalid_request'],
  [{ body: '{"grant_type":"password"}', type: 'application/json' }, 415, 'invalid_request'],
  [{ body: `a=${'b'.repeat(70_000)}` }, 413, 'invalid_request'],
  [{ body: Array.from({ length: 100 }, (_, index) => `p${index}=1`).join('&') }, 400, 'invalid_request'],
  [{ method: 'GET' }, 405, 'invalid_request'],
  [{ method: 'PUT' }, 405, 'invalid_request'],
  [{ path: '/adfs/nothing' }, 404, 'not_found'],
  [{ path: '/__proto__' }, 404, 'not_found'],
  [{ body: 'grant_type=password', more: { 'sec-fetch-site': 'cross-site' } }, 403, 'invalid_request'],
  [{ body: 'grant_type=client_credentials', more: { authorization: 'Basic %%%' } }, 400, 'invalid_request'],
];
test('requests that are not token requests are told so', async () => {
  for (const [{ body = '', type = form, method = 'POST', path = tokenPath, more = {} }, status, error] of misfits) {
    isRefused(await face.ask(method, path, { body, headers: { 'content-type': type, ...more } }), status, error);
  }
});

test('az finds the tenant that it is told as "adfs"', async () => {
  const { json } = await face.ask('GET', '/adfs/adfs/v2.0/.well-known/openid-configuration');
  assert.equal(String(json['issuer']).split('/')[3], 'adfs');
});

test('whatever is sent to the token endpoint, it is never our mistake', async () => {
  const names = [
    'grant_type',
    'client_id',
    'client_secret',
    'client_assertion',
    'client_assertion_type',
    'scope',
    'resource',
    'username',
    'password',
    'code',
    'code_verifier',
    'redirect_uri',
    'refresh_token',
    'device_code',
  ];
  const values = [
    'password',
    'client_credentials',
    'authorization_code',
    'refresh_token',
    'device_code',
    az,
    face.application.appId,
    face.user.upn,
    assertionType,
    scope,
    'a.b.c',
    '%00',
    '__proto__',
    'toString',
    await face.assertion(),
  ];
  const fields = fc.array(
    fc.tuple(
      fc.constantFrom(...names),
      fc.oneof(fc.constantFrom(...values), fc.string({ unit: 'binary', maxLength: 40 })),
    ),
    { maxLength: 9 },
  );
  const body = fc.oneof(
    fields.map((pairs) => String(new URLSearchParams(pairs))),
    fc.string({ unit: 'binary', maxLength: 200 }),
  );
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      forgiven();
      const { status } = await face.ask('POST', tokenPath, { body: text, headers: { 'content-type': form } });
      assert.ok(status < 500, `${status}`);
    }),
    { numRuns: 300 },
  );
  forgiven();
  assert.deepEqual(face.bugs, []);
});
