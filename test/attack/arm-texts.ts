/** Attacks by what a body holds: bytes that are no JSON, names and values that end in kernel rules, batches, files or logs. */

import { type Callers, expects, network, unsound } from '#test/attack/arm-ground.ts';
import type { Answer, Lab, Wanted } from '#test/attack/lab.ts';
import type { Attempt } from '#test/attack/row.ts';

/** All of them. */
export function bodyAndTextAttempts(lab: Lab, callers: Callers): Attempt[] {
  return [...bodyAttempts(lab, callers), ...textAttempts(lab, callers)];
}

function bodyAttempts(lab: Lab, { owner }: Callers): Attempt[] {
  const nsg = `${network}/networkSecurityGroups/body`;
  const put = (text: string | Buffer, headers: { readonly [name: string]: string } = {}): Promise<Answer> =>
    lab.arm(nsg, { token: owner, method: 'PUT', raw: text, headers });
  const refused: readonly (readonly [string, () => Promise<Answer>])[] = [
    ['a prototype', () => put('{"location":"local","__proto__":{"isAdmin":true}}')],
    ['a prototype in tags', () => put('{"location":"local","tags":{"__proto__":"x"}}')],
    [
      'a prototype deep inside',
      () =>
        put(
          '{"location":"local","properties":{"securityRules":[{"name":"a","properties":{"__proto__":{"access":"Allow"}}}]}}',
        ),
    ],
    ['10,000 levels', () => put(`{"location":"local","properties":${'['.repeat(10_000)}${']'.repeat(10_000)}}`)],
    ['one byte more than 4 MiB', () => put(`{"location":"local","tags":{"a":"${'x'.repeat(4 * 1024 * 1024)}"}}`)],
    ['no JSON', () => put('{"location":')],
    ['NaN', () => put('{"location":"local","properties":{"a":NaN}}')],
    ['bytes that are no UTF-8', () => put(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]))],
    ['XML', () => put('<a/>', { 'content-type': 'text/xml' })],
    ['a list', () => put('[]')],
    ['a text', () => put('"x"')],
    ['a compressed body', () => put('{"location":"local"}', { 'content-encoding': 'gzip' })],
    ['a location that is an object', () => put('{"location":{"toString":"x"}}')],
    [
      '60 tags',
      () =>
        put(
          JSON.stringify({
            location: 'local',
            tags: Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`t${index}`, 'x'])),
          }),
        ),
    ],
    ['a tag of 5,000 characters', () => put(JSON.stringify({ location: 'local', tags: { a: 'x'.repeat(5000) } }))],
  ];
  const sound: readonly (readonly [string, () => Promise<Answer>])[] = [
    ['tags that are numbers', () => put('{"location":"local","tags":{"a":1}}')],
    [
      'a constructor in tags',
      () => put('{"location":"local","tags":{"constructor":"x","toString":"y","hasOwnProperty":"z"}}'),
    ],
    ['a number beyond all', () => put('{"location":"local","properties":{"a":1e999}}')],
    ['a lone surrogate', () => put('{"location":"local","tags":{"a":"\\ud800"}}')],
    ['the same member twice', () => put('{"location":"local","location":"elsewhere"}')],
    ['an internal member', () => put('{"location":"local","internal":{"key":1},"id":"/subscriptions/x","etag":"x"}')],
    ['nothing', () => put('')],
  ];
  return [
    ...refused.map(([name, ask]) => expects(`body: ${name}`, [400, 413, 415, 0], ask)),
    ...sound.map(([name, ask]): Attempt => ({ name: `body: ${name}`, run: async () => unsound(await ask()) })),
  ];
}

const odd = [
  'a"b',
  'a\nb',
  'a;b',
  'a}b',
  'a{b',
  "a'b",
  'a b ',
  'a\\b',
  'a#b',
  'a$(id)',
  'a`id`',
  'a\u202eb',
  'a\u0000b',
  'ａ',
  '-a',
  'a'.repeat(261),
  '../a',
  '.',
  'a@b',
  'a,b',
  'a|b',
  '%',
  'a\tb',
];

/** Texts that end in kernel rules, batches, files or logs: refused where they are not what they must be. */
// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function textAttempts(lab: Lab, { owner }: Callers): Attempt[] {
  const named = (type: string, name: string) => `${network}/${type}/${encodeURIComponent(name)}`;
  const rule = (more: object) => ({
    name: 'r',
    properties: {
      priority: 100,
      direction: 'Inbound',
      access: 'Allow',
      protocol: 'Tcp',
      sourceAddressPrefix: '*',
      destinationAddressPrefix: '*',
      sourcePortRange: '*',
      destinationPortRange: '80',
      ...more,
    },
  });
  const group4 = (more: object): Wanted => ({
    token: owner,
    method: 'PUT',
    body: { location: 'local', properties: { securityRules: [rule(more)] } },
  });
  const table = (more: object): Wanted => ({
    token: owner,
    method: 'PUT',
    body: {
      location: 'local',
      properties: {
        routes: [
          {
            name: 'r',
            properties: {
              addressPrefix: '10.0.0.0/8',
              nextHopType: 'VirtualAppliance',
              nextHopIpAddress: '10.50.0.4',
              ...more,
            },
          },
        ],
      },
    },
  });
  const space = (prefix: string): Wanted => ({
    token: owner,
    method: 'PUT',
    body: { location: 'local', properties: { addressSpace: { addressPrefixes: [prefix] } } },
  });
  const nic = (address: string): Wanted => ({
    token: owner,
    method: 'PUT',
    body: {
      location: 'local',
      properties: {
        ipConfigurations: [
          {
            name: 'c',
            properties: {
              privateIPAllocationMethod: 'Static',
              privateIPAddress: address,
              subnet: { id: `${lab.subscription}${network}/virtualNetworks/vnet/subnets/s` },
            },
          },
        ],
      },
    },
  });
  const injected = [
    '10.0.0.0/8 accept',
    '10.0.0.0/8\n10.1.0.0/16',
    '10.0.0.0/8;',
    '10.0.0.0/8 }',
    '@own4',
    '010.0.0.1',
    '10.0.0.0/33',
    '0x0a000001',
    '10.1',
    '::ffff:10.0.0.1/96 x',
    '10.0.0.0/8 dev lo',
    '-6',
  ];
  return [
    ...odd.map((name) =>
      expects(`name: an NSG ${JSON.stringify(name.slice(0, 20))}`, [400, 403, 404, 405], () =>
        lab.arm(named('networkSecurityGroups', name), { token: owner, method: 'PUT', body: { location: 'local' } }),
      ),
    ),
    ...odd.map((name) =>
      expects(`name: a rule ${JSON.stringify(name.slice(0, 20))}`, [400], () =>
        lab.arm(named('networkSecurityGroups', 'texts'), {
          token: owner,
          method: 'PUT',
          body: { location: 'local', properties: { securityRules: [{ ...rule({}), name }] } },
        }),
      ),
    ),
    ...injected.flatMap((text) => [
      expects(`text: a rule's source ${JSON.stringify(text)}`, [400], () =>
        lab.arm(named('networkSecurityGroups', 'texts'), group4({ sourceAddressPrefix: text })),
      ),
      expects(`text: a route's prefix ${JSON.stringify(text)}`, [400], () =>
        lab.arm(named('routeTables', 'texts'), table({ addressPrefix: text })),
      ),
      expects(`text: a route's next hop ${JSON.stringify(text)}`, [400], () =>
        lab.arm(named('routeTables', 'texts'), table({ nextHopIpAddress: text })),
      ),
      expects(`text: a VNet's prefix ${JSON.stringify(text)}`, [400], () =>
        lab.arm(named('virtualNetworks', 'texts'), space(text)),
      ),
      expects(`text: a NIC's address ${JSON.stringify(text)}`, [400], () =>
        lab.arm(named('networkInterfaces', 'texts'), nic(text)),
      ),
    ]),
    ...['80 accept', '80;', '-1', '65536', '80-', '80-70', '0x50', '80,90\n', '*;'].map((text) =>
      expects(`text: a rule's port ${JSON.stringify(text)}`, [400], () =>
        lab.arm(named('networkSecurityGroups', 'texts'), group4({ destinationPortRange: text })),
      ),
    ),
    ...['tcp; accept', 'All', '', 'icmpv6 accept', '6'].map((text) =>
      expects(`text: a rule's protocol ${JSON.stringify(text)}`, [400], () =>
        lab.arm(named('networkSecurityGroups', 'texts'), group4({ protocol: text })),
      ),
    ),
    ...[
      '169.254.0.0/16',
      '168.63.129.16/32',
      '168.63.129.0/24',
      '127.0.0.0/8',
      '224.0.0.0/4',
      '255.255.255.255/32',
      '0.0.0.0/0',
      'fe80::/10',
      'ff00::/8',
      '::/0',
      '::1/128',
    ].map((prefix) =>
      expects(`space: ${prefix}`, [400], () => lab.arm(named('virtualNetworks', 'space'), space(prefix))),
    ),
    ...['10.50.0.0', '10.50.0.1', '10.50.0.255', '10.50.1.4', '168.63.129.16', '169.254.79.1', '127.0.0.1'].map(
      (text) =>
        expects(`address: a NIC asks for ${text}`, [400, 409], () =>
          lab.arm(named('networkInterfaces', 'texts'), nic(text)),
        ),
    ),
    ...['/\r\nHost: x', '/ HTTP/1.0\r\n\r\n', '/a b', ''].map((text) =>
      expects(`text: a probe's path ${JSON.stringify(text)}`, [400], () =>
        lab.arm(named('loadBalancers', 'texts'), {
          token: owner,
          method: 'PUT',
          body: {
            location: 'local',
            properties: {
              frontendIPConfigurations: [
                {
                  name: 'f',
                  properties: { subnet: { id: `${lab.subscription}${network}/virtualNetworks/vnet/subnets/s` } },
                },
              ],
              probes: [{ name: 'p', properties: { protocol: 'Http', port: 80, requestPath: text } }],
            },
          },
        }),
      ),
    ),
    {
      name: 'text: a description full of syntax changes nothing but itself',
      run: async () => {
        const answer = await lab.armEnd(
          named('networkSecurityGroups', 'described'),
          group4({ description: '"; } chain x { accept }\n\u202e\u001b[2J' }),
        );
        return unsound(answer);
      },
    },
    {
      name: "address: a public address may not be one of the stamp's own",
      run: async () => {
        const answer = await lab.armEnd(named('publicIPAddresses', 'own'), {
          token: owner,
          method: 'PUT',
          body: {
            location: 'local',
            properties: { publicIPAllocationMethod: 'Static', ipAddress: `198.18.${lab.number}.5` },
          },
        });
        return (
          unsound(answer) ??
          (answer.text.includes(`198.18.${lab.number}.5"`) ? `given: ${answer.text.slice(0, 300)}` : undefined)
        );
      },
    },
  ];
}
