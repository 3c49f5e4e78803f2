/** Questions about what is in force as clients send them: Azure's shapes, refusals by member, and never a 500. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '#base/json.ts';
import type { FakeStamp } from '#faces/arm/fake-engine.ts';
import {
  type Asked,
  check,
  diagnostic,
  flow,
  hop,
  machine,
  net,
  profile,
  questionStamp,
} from '#faces/arm/question-world.ts';

let stamp: FakeStamp;
let ask: Asked['ask'];
before(async () => {
  ({ stamp, ask } = await questionStamp());
});
after(() => stamp.close());

test('effective rules and routes have the shapes of Azure', async () => {
  const rules = await ask('networkInterfaces/n/effectiveNetworkSecurityGroups');
  assert.equal(rules.status, 200, rules.text);
  const [layer] = rules.json['value'] as JsonObject[];
  assert.deepEqual(layer?.['networkSecurityGroup'], { id: `${net}/networkSecurityGroups/guard` });
  assert.deepEqual(layer?.['association'], { subnet: { id: `${net}/virtualNetworks/v1/subnets/a` } });
  const all = layer?.['effectiveSecurityRules'] as JsonObject[];
  const { expandedSourceAddressPrefix, ...web } = all[0] ?? {};
  assert.deepEqual(web, {
    name: 'securityRules/web',
    protocol: 'Tcp',
    sourcePortRange: '0-65535',
    sourcePortRanges: ['0-65535'],
    sourceAddressPrefix: 'Internet',
    sourceAddressPrefixes: ['Internet'],
    destinationPortRange: '80-80',
    destinationPortRanges: ['80-80'],
    destinationAddressPrefix: '0.0.0.0/0',
    destinationAddressPrefixes: ['0.0.0.0/0', '::/0'],
    access: 'Allow',
    priority: 100,
    direction: 'Inbound',
    ringwall: { state: 'live', by: [], says: 'decides packets' },
  });
  assert.ok((expandedSourceAddressPrefix as string[]).length > 10);
  const last = all.at(-1) ?? {};
  assert.deepEqual(
    [last['name'], last['protocol'], last['priority']],
    ['defaultSecurityRules/DenyAllOutBound', 'All', 65_500],
  );
  const routes = (await ask('networkInterfaces/n/effectiveRouteTable', {})).json['value'] as JsonObject[];
  const user = {
    name: 'all',
    source: 'User',
    state: 'Active',
    addressPrefix: ['0.0.0.0/0'],
    nextHopType: 'VirtualAppliance',
    nextHopIpAddress: ['10.0.0.9'],
    ringwall: { state: 'live', by: [], says: 'decides packets' },
  };
  assert.deepEqual(routes.at(-1), user);
  assert.deepEqual(
    routes.find(({ state }) => state === 'Invalid'),
    {
      source: 'Default',
      state: 'Invalid',
      addressPrefix: ['0.0.0.0/0'],
      nextHopType: 'Internet',
      nextHopIpAddress: [],
      ringwall: {
        state: 'inactive',
        by: ['0.0.0.0/0'],
        says: "a user's route of the same prefix stands in its place",
      },
    },
  );
});

test('a watcher answers flows, hops, rules of a machine and topology in the shapes of Azure', async () => {
  const watch = async (name: string, body: JsonObject): Promise<JsonObject> => {
    const reply = await ask(`networkWatchers/w/${name}`, body);
    assert.equal(reply.status, 200, reply.text);
    return reply.json;
  };
  assert.deepEqual(await watch('ipFlowVerify', flow), { access: 'Allow', ruleName: 'securityRules/web' });
  assert.deepEqual(await watch('ipFlowVerify', { ...flow, localPort: 81, remotePort: '*' }), {
    access: 'Deny',
    ruleName: 'defaultSecurityRules/DenyAllInBound',
  });
  assert.deepEqual(await watch('nextHop', hop), {
    nextHopType: 'VirtualAppliance',
    nextHopIpAddress: '10.0.0.9',
    routeTableId: `${net}/routeTables/table`,
  });
  assert.deepEqual(await watch('nextHop', { ...hop, destinationIPAddress: '10.0.0.77' }), {
    nextHopType: 'VnetLocal',
    routeTableId: 'System Route',
  });
  const [nic] = (await watch('securityGroupView', { targetResourceId: machine }))['networkInterfaces'] as JsonObject[];
  const associations = nic?.['securityRuleAssociations'] as { [name: string]: JsonObject & JsonObject[] };
  const atSubnet: JsonObject = associations['subnetAssociation'] ?? {};
  assert.equal((atSubnet['securityRules'] as JsonObject[])[0]?.['name'], 'web');
  assert.equal(associations['networkInterfaceAssociation'], undefined);
  assert.deepEqual(
    [associations['defaultSecurityRules']?.length, associations['effectiveSecurityRules']?.length],
    [6, 7],
  );
  const topology = await watch('topology', { targetResourceGroupName: 'RG1' });
  const entry = (topology['resources'] as JsonObject[]).find(({ id }) => id === machine);
  assert.deepEqual(entry?.['associations'], [
    { name: 'n', resourceId: `${net}/networkInterfaces/n`, associationType: 'Contains' },
  ]);
  const subnet = await watch('topology', { targetSubnet: { id: `${net}/virtualNetworks/v1/subnets/a` } });
  assert.ok((subnet['resources'] as JsonObject[]).some(({ name }) => name === 'n'));
});

// One row is one refusal: the question, its body, and the status, code and member that are told.
const refusals: readonly (readonly [string, JsonObject | string | undefined, number, string])[] = [
  ['networkInterfaces/loose/effectiveRouteTable', undefined, 400, 'NetworkInterfaceNotAttachedToVirtualMachine'],
  ['networkInterfaces/loose/effectiveNetworkSecurityGroups', {}, 400, 'NetworkInterfaceNotAttachedToVirtualMachine'],
  ['networkInterfaces/none/effectiveRouteTable', {}, 404, 'ResourceNotFound'],
  ['networkWatchers/none/nextHop', hop, 404, 'ResourceNotFound'],
  ['networkWatchers/w/ipFlowVerify', undefined, 400, 'InvalidRequestContent'],
  ['networkWatchers/w/ipFlowVerify', {}, 400, '/remoteIPAddress'],
  ['networkWatchers/w/ipFlowVerify', { ...flow, direction: 'Sideways' }, 400, '/direction'],
  ['networkWatchers/w/ipFlowVerify', { ...flow, protocol: 'ICMP' }, 400, '/protocol'],
  ['networkWatchers/w/ipFlowVerify', { ...flow, localPort: '*' }, 400, '/localPort'],
  ['networkWatchers/w/ipFlowVerify', { ...flow, remotePort: '65536' }, 400, '/remotePort'],
  ['networkWatchers/w/ipFlowVerify', { ...flow, localIPAddress: '10.0.0.300' }, 400, '/localIPAddress'],
  ['networkWatchers/w/ipFlowVerify', { ...flow, localIPAddress: '10.0.0.99' }, 400, '10.0.0.4'],
  ['networkWatchers/w/ipFlowVerify', { ...flow, remoteIPAddress: '2001:db8::1' }, 400, '/remoteIPAddress'],
  ['networkWatchers/w/ipFlowVerify', { ...flow, targetResourceId: net }, 400, '/targetResourceId'],
  [
    'networkWatchers/w/ipFlowVerify',
    { ...flow, targetNicResourceId: `${net}/networkInterfaces/loose` },
    400,
    '/targetNicResourceId',
  ],
  ['networkWatchers/w/nextHop', { ...hop, targetResourceId: `${machine}x` }, 404, 'ResourceNotFound'],
  ['networkWatchers/w/nextHop', { ...hop, destinationIPAddress: '' }, 400, '/destinationIPAddress'],
  ['networkWatchers/w/securityGroupView', {}, 400, '/targetResourceId'],
  ['networkWatchers/w/topology', {}, 400, '/targetResourceGroupName'],
  ['networkWatchers/w/topology', { targetResourceGroupName: 'absent' }, 404, 'ResourceGroupNotFound'],
  [
    'networkWatchers/w/topology',
    { targetVirtualNetwork: { id: `${net}/virtualNetworks/absent` } },
    404,
    'ResourceNotFound',
  ],
  ['networkWatchers/w/topology', { targetVirtualNetwork: { id: machine } }, 400, '/targetVirtualNetwork'],
  ['networkWatchers/w/troubleshoot', {}, 404, 'a later one will'],
  ['networkWatchers/w/connectivityCheck', {}, 400, '/source/resourceId'],
  ['networkWatchers/w/connectivityCheck', { ...check, destination: {} }, 400, '/destination/address'],
  ['networkWatchers/w/connectivityCheck', { ...check, protocol: 'Udp' }, 400, '/protocol'],
  ['networkWatchers/w/connectivityCheck', { ...check, source: { resourceId: net } }, 400, '/source/resourceId'],
  ['networkWatchers/w/connectivityCheck', { ...check, source: { resourceId: `${machine}x` } }, 404, 'ResourceNotFound'],
  [
    'networkWatchers/w/connectivityCheck',
    { ...check, destination: { address: '10.0.0.9' }, protocol: 'Tcp' },
    400,
    'port',
  ],
  [
    'networkWatchers/w/connectivityCheck',
    { ...check, destination: { address: 'a b', port: 1 } },
    400,
    '/destination/address',
  ],
  [
    'networkWatchers/w/connectivityCheck',
    { ...check, destination: { address: '2001:db8::1', port: 80 } },
    400,
    'family',
  ],
  [
    'networkWatchers/w/connectivityCheck',
    { ...check, destination: { resourceId: `${net}/routeTables/table`, port: 80 } },
    400,
    '/destination/resourceId',
  ],
  ['networkWatchers/none/connectivityCheck', check, 404, 'ResourceNotFound'],
  [
    'networkWatchers/w/connectivityCheck',
    {
      ...check,
      protocol: 'Http',
      protocolConfiguration: { HTTPConfiguration: { headers: [{ name: 'X', value: 'a\r\nY: b' }] } },
    },
    400,
    '/protocolConfiguration/HTTPConfiguration/headers/0/value',
  ],
  ['networkWatchers/w/networkConfigurationDiagnostic', {}, 400, '/targetResourceId'],
  ['networkWatchers/w/networkConfigurationDiagnostic', { ...diagnostic, profiles: [] }, 400, '/profiles'],
  [
    'networkWatchers/w/networkConfigurationDiagnostic',
    { ...diagnostic, profiles: [{ ...profile, destinationPort: '90-80' }] },
    400,
    '/profiles/0/destinationPort',
  ],
  [
    'networkWatchers/w/networkConfigurationDiagnostic',
    { ...diagnostic, profiles: [{ ...profile, source: 'Nowhere' }] },
    400,
    'Nowhere',
  ],
  [
    'networkWatchers/w/networkConfigurationDiagnostic',
    { ...diagnostic, targetResourceId: `${net}/networkInterfaces/loose` },
    400,
    'NetworkInterfaceNotAttachedToVirtualMachine',
  ],
];

test('what makes no sense is refused by member, and what is not answered yet says so', async () => {
  for (const [path, body, status, has] of refusals) {
    const reply = await ask(path, body);
    assert.equal(reply.status, status, `${path} ${JSON.stringify(body)}: ${reply.text}`);
    assert.ok(reply.text.includes(has), `${has}: ${reply.text}`);
  }
  assert.equal((await stamp.send(`${net}/networkInterfaces/n/effectiveRouteTable?api-version=2018-11-01`)).status, 405);
  const headers = { authorization: 'Bearer stranger' };
  assert.equal((await ask('networkInterfaces/n/effectiveRouteTable', {}, headers)).status, 403);
  assert.equal((await ask('networkWatchers/w/ipFlowVerify', flow, headers)).status, 403);
  assert.deepEqual(stamp.bugs, []);
});

const values: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    machine,
    `${net}/networkInterfaces/n`,
    'rg1',
    '10.0.0.4',
    '203.0.113.9',
    '::1',
    'fe80::1%eth0',
    '168.63.129.16',
  ),
  fc.constantFrom<unknown>(
    'Inbound',
    'outbound',
    'tcp',
    'UDP',
    '*',
    '80',
    '65535',
    '-1',
    '',
    'x'.repeat(3000),
    '__proto__',
    `${machine}/../x`,
  ),
  fc.constantFrom<unknown>(
    null,
    0,
    1.5,
    65_536,
    1e308,
    true,
    [],
    {},
    { id: `${net}/virtualNetworks/v1` },
    { id: 7 },
    { id: '/' },
  ),
  fc.string({ maxLength: 20 }),
);
const members = [
  ...Object.keys(flow),
  ...Object.keys(hop),
  ...Object.keys(check),
  ...Object.keys(diagnostic),
  'targetNicResourceId',
  'targetResourceGroupName',
  'targetSubnet',
  'targetVirtualNetwork',
];

test('whatever stands in a question, it is answered or refused, never a 500', async () => {
  const paths = ['networkInterfaces/n/effectiveNetworkSecurityGroups', 'networkInterfaces/n/effectiveRouteTable'];
  for (const name of [
    ...['ipFlowVerify', 'nextHop', 'securityGroupView', 'topology'],
    ...['connectivityCheck', 'networkConfigurationDiagnostic'],
  ])
    paths.push(`networkWatchers/w/${name}`);
  let answered = 0;
  const changes = fc.array(fc.tuple(fc.constantFrom(...members), values), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), changes, async (path, changed) => {
      const body = JSON.stringify({ ...flow, ...hop, ...check, ...diagnostic, ...Object.fromEntries(changed) });
      const reply = await ask(path, body);
      assert.ok(reply.status < 500, `${path} ${body}: ${reply.text} ${String(stamp.bugs.at(-1))}`);
      if (reply.status === 200) answered += 1;
    }),
    { numRuns: 300 },
  );
  assert.ok(answered > 50);
  assert.deepEqual(stamp.bugs, []);
});
