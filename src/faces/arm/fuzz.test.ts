/** Whatever a client sends, the answer is never a 500, and every refusal is an ARM error envelope. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '#base/json.ts';
import { fakeStamp, s } from '#faces/arm/fake-engine.ts';

const words = [
  'subscriptions',
  s.split('/')[2] ?? '',
  'resourceGroups',
  'resourcegroups',
  'rg1',
  'providers',
  'Microsoft.Network',
  'Microsoft.Compute',
  'Microsoft.Authorization',
  'Microsoft.Resources',
  'Microsoft.Storage',
  'virtualNetworks',
  'v1',
  'subnets',
  'a',
  'networkInterfaces',
  'loadBalancers',
  'probes',
  'locations',
  'local',
  'operations',
  'operationResults',
  'deployments',
  'd1',
  'validate',
  'whatIf',
  'cancel',
  'tags',
  'default',
  'tagNames',
  'tagValues',
  'locks',
  'roleDefinitions',
  'roleAssignments',
  'policyDefinitions',
  'policyAssignments',
  'permissions',
  'storageAccounts',
  'virtualMachines',
  'start',
  'instanceView',
  'disks',
  'resources',
  'exportTemplate',
  'register',
  'publishers',
  'usages',
  'vmSizes',
  '..',
  '.',
  '%00',
  '%2F',
  '%e2%82%ac',
  '%',
  '__proto__',
  'constructor',
  '*',
  '"',
  "'",
  '\\',
  '{}',
  '',
] as const;
const versions = [
  '2018-11-01',
  '2019-10-01',
  '2020-06-01',
  '2016-09-01',
  '2015-07-01',
  '2022-04-01',
  '2021-06-01',
  '2024-05-01',
  '',
  'x',
  '9999-99-99',
];

const segment = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...words) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed())) },
);
const known = fc.constantFrom(
  s,
  `${s}/resourceGroups/rg1`,
  `${s}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/v1`,
  `${s}/providers/Microsoft.Network`,
  '',
  `${s}/resourceGroups/rg1/providers/Microsoft.Resources/deployments/d1`,
  `${s}/resourceGroups/rg1/providers/Microsoft.Network/networkInterfaces/n1`,
  `${s}/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/m1`,
  `${s}/resourceGroups/rg1/providers/Microsoft.Network/loadBalancers/b1`,
);
const path = fc
  .tuple(known, fc.array(segment, { maxLength: 5 }))
  .map(([start, rest]) => `${start}/${rest.join('/')}`.replace(/[^\x21-\x7e]/g, '%20').replace(/[?#\s]/g, ''));
const query = fc
  .tuple(
    fc.constantFrom(...versions),
    fc.array(
      fc.tuple(
        fc.constantFrom('$filter', '$top', '$skiptoken', '$expand', '$orderby', 'ipAddress', 'API-VERSION', 'x'),
        fc.oneof(
          fc.string({ maxLength: 30 }),
          fc.constantFrom("name eq 'x'", 'atScope()', "tagName eq 'a' and", 'instanceView', 'MC4='),
        ),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([version, more]) => new URLSearchParams([['api-version', version], ...more]).toString());
const body = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    '',
    '{}',
    '[]',
    'null',
    '{"properties":null}',
    '{"properties":{"template":1}}',
    '{"location":5,"tags":{"a":{}}}',
    '{"properties":{"tags":{"a":1}},"operation":"merge"}',
    '{"properties":{"subnets":[1,null,{}]}}',
    '{"resources":["*"]}',
  ),
);
const header = fc.record({
  'if-match': fc.constantFrom('', '*', 'W/"1"', 'x'),
  'if-none-match': fc.constantFrom('', '*'),
  'content-type': fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain', ';'),
  host: fc.constantFrom('127.0.0.1', 'evil.example', 'a b', '[::1]:3'),
  'x-ms-correlation-request-id': fc.constantFrom('', 'abc', '<script>'),
});

const targets = [
  'Network/virtualNetworks/v1',
  'Network/virtualNetworks/v1/subnets/a',
  'Network/virtualNetworks/v1/virtualNetworkPeerings/p',
  'Network/networkSecurityGroups/n1',
  'Network/networkSecurityGroups/n1/securityRules/r',
  'Network/routeTables/t1',
  'Network/routeTables/t1/routes/r',
  'Network/publicIPAddresses/p1',
  'Network/networkInterfaces/i1',
  'Network/loadBalancers/b1',
  'Network/loadBalancers/b1/inboundNatRules/r',
  'Network/loadBalancers/b1/backendAddressPools/p',
  'Network/natGateways/g1',
  'Network/connections/c1',
  'Network/virtualNetworkGateways/g1',
  'Network/localNetworkGateways/l1',
  'Network/applicationSecurityGroups/a1',
  'Network/networkWatchers/w1',
  'Compute/virtualMachines/m1',
  'Compute/virtualMachines/m1/extensions/e',
  'Compute/disks/d1',
  'Compute/availabilitySets/s1',
  'Storage/storageAccounts/acc1',
  'Authorization/locks/l1',
  'Authorization/policyAssignments/p1',
  'Authorization/roleAssignments/11111111-1111-4111-8111-111111111111',
  'Authorization/roleDefinitions/11111111-1111-4111-8111-111111111112',
];
const names =
  `properties location tags sku name id etag subnets addressSpace addressPrefixes addressPrefix subnet ipConfigurations securityRules routes frontendIPConfigurations
  backendAddressPools loadBalancingRules probes inboundNatRules outboundRules publicIPAddress privateIPAddress privateIPAllocationMethod networkSecurityGroup routeTable natGateway
  remoteVirtualNetwork priority protocol direction access sourcePortRange destinationPortRanges sourceAddressPrefix destinationAddressPrefixes nextHopType nextHopIpAddress
  hardwareProfile vmSize storageProfile imageReference osDisk dataDisks lun createOption managedDisk osProfile adminUsername adminPassword linuxConfiguration ssh publicKeys
  networkProfile networkInterfaces primary availabilitySet publisher offer version type settings protectedSettings level notes owners policyRule if then effect parameters
  policyDefinitionId principalId roleDefinitionId permissions actions notActions assignableScopes dnsSettings domainNameLabel idleTimeoutInMinutes zones dhcpOptions dnsServers
  gatewayType bgpSettings asn sharedKey virtualNetworkGateway1 connectionType kind diskSizeGB creationData __proto__ constructor`.split(
    /\s+/,
  );
const value: fc.Arbitrary<unknown> = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(
      'a',
      '',
      '*',
      '10.0.0.0/16',
      '10.0.0.0/24',
      '10.0.0.4',
      '::1',
      'fd00::/64',
      'Tcp',
      'Inbound',
      'Allow',
      'Dynamic',
      'Static',
      'Standard',
      'Standard_LRS',
      'Empty',
      'x'.repeat(300),
      '80',
      '1-2',
      '2-1',
      'Internet',
      `${s}/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/v1/subnets/a`,
      `${s}/resourceGroups/rg1/providers/Microsoft.Network/publicIPAddresses/p1`,
    ),
    fc.constantFrom(0, 1, -1, 100, 4096, 65_536, 1.5, 1e308, true, false, null),
    fc.array(tie('node'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom(...names), tie('node')), { maxLength: 6 })
      .map((entries) => Object.fromEntries(entries)),
  ),
})).node;
const bodyLike = fc
  .array(fc.tuple(fc.constantFrom(...names), value), { minLength: 1, maxLength: 8 })
  .map((entries) => JSON.stringify({ location: 'local', properties: Object.fromEntries(entries) }));

test('whatever stands in the body of a type, it is taken or refused', async () => {
  const stamp = await fakeStamp();
  const group = `${s}/resourceGroups/rg1`;
  await stamp.send(`${group}?api-version=2019-10-01`, { method: 'PUT', body: { location: 'local' } });
  await stamp.send(`${group}/providers/Microsoft.Network/virtualNetworks/v1?api-version=2018-11-01`, {
    method: 'PUT',
    body: {
      properties: {
        addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
        subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/24' } }],
      },
    },
  });
  for (const name of ['networkSecurityGroups/n1', 'routeTables/t1', 'loadBalancers/b1'])
    await stamp.send(`${group}/providers/Microsoft.Network/${name}?api-version=2018-11-01`, {
      method: 'PUT',
      body: {},
    });
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...targets),
        fc.constantFrom('PUT', 'PUT', 'PATCH'),
        bodyLike,
        async (target, method, text) => {
          const version = target.startsWith('Authorization/role')
            ? '2022-04-01'
            : target.startsWith('Authorization/policy')
              ? '2021-06-01'
              : target.startsWith('Auth')
                ? '2016-09-01'
                : '2018-11-01';
          const where = `${group}/providers/Microsoft.${target}?api-version=${target.startsWith('Storage') || target.includes('disks') ? '2019-06-01' : version}`;
          const reply = await stamp.send(where, { method, body: text });
          const bug = stamp.bugs.at(-1);
          assert.ok(
            reply.status < 500,
            `${method} ${target} ${text}: ${bug instanceof Error ? (bug.stack ?? '') : String(bug)}`,
          );
          if (reply.status < 300) assert.ok((await stamp.send(where)).status === 200);
        },
      ),
      { numRuns: 200 },
    );
  } finally {
    await stamp.close();
  }
});

test('never a 500, always an envelope', async () => {
  const stamp = await fakeStamp();
  await stamp.send(`${s}/resourceGroups/rg1?api-version=2019-10-01`, { method: 'PUT', body: { location: 'local' } });
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'PATCH', 'POST', 'DELETE', 'HEAD', 'OPTIONS'),
        path,
        query,
        header,
        body,
        async (...[method, where, asked, headers, text]) => {
          const reply = await stamp.send(`${where}?${asked}`, {
            method,
            headers,
            ...(method === 'GET' || method === 'HEAD' ? {} : { body: text }),
          });
          assert.ok(
            reply.status < 500,
            `${reply.status} ${reply.text} ${String(stamp.bugs.at(-1))} ${stamp.bugs.at(-1) instanceof Error ? (stamp.bugs.at(-1) as Error).stack : ''}`,
          );
          if (reply.status >= 400 && method !== 'HEAD') {
            const error = reply.json['error'] as JsonObject;
            assert.ok(typeof error['code'] === 'string' && typeof error['message'] === 'string', reply.text);
          }
          assert.ok(reply.headers['x-ms-request-id']);
        },
      ),
      { numRuns: 250 },
    );
    assert.deepEqual(stamp.bugs, []);
  } finally {
    await stamp.close();
  }
});
