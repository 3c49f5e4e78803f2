/** Security groups, their rules, and route tables: rows of rules and what becomes of them. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { resourceGroup } from '#model/resources/resource-group.ts';
import { group, makeWorld, net, outcome, refusalOf, withVnet } from '#model/test-world.ts';

const nsg1 = net('networkSecurityGroups/nsg1');
const base = {
  protocol: 'Tcp',
  sourceAddressPrefix: '*',
  sourcePortRange: '*',
  destinationAddressPrefix: '*',
  destinationPortRange: '80',
  access: 'Allow',
  priority: 100,
  direction: 'Inbound',
};
const at = '/properties/';
const without = (name: string) => Object.fromEntries(Object.entries(base).filter(([key]) => key !== name));

// Each row: what differs from a good rule, and the outcome.
const rules: [JsonObject, string][] = [
  [base, 'ok'],
  [{ ...base, protocol: 'TCP' }, 'ok'],
  [{ ...base, protocol: 'Esp' }, 'ok'],
  [{ ...base, protocol: 'Gre' }, `InvalidParameter ${at}protocol`],
  [{ ...base, priority: '4096' }, 'ok'],
  [{ ...base, priority: 99 }, `SecurityRuleInvalidPriority ${at}priority`],
  [{ ...base, priority: 4097 }, `SecurityRuleInvalidPriority ${at}priority`],
  [{ ...base, priority: 100.5 }, `SecurityRuleInvalidPriority ${at}priority`],
  [without('priority'), `InvalidRequestFormat ${at}priority`],
  [without('direction'), `InvalidRequestFormat ${at}direction`],
  [without('protocol'), `InvalidRequestFormat ${at}protocol`],
  [without('sourcePortRange'), `InvalidRequestFormat ${at}sourcePortRange`],
  [without('destinationAddressPrefix'), `InvalidRequestFormat ${at}destinationAddressPrefix`],
  [{ ...base, access: 'Maybe' }, `InvalidParameter ${at}access`],
  [{ ...base, destinationPortRange: 443 }, 'ok'],
  [{ ...base, destinationPortRange: '0-65535' }, 'ok'],
  [{ ...base, destinationPortRange: '90-80' }, `SecurityRuleInvalidPortRange ${at}destinationPortRange`],
  [{ ...base, destinationPortRange: '65536' }, `SecurityRuleInvalidPortRange ${at}destinationPortRange`],
  [{ ...base, destinationPortRange: '80,443' }, `SecurityRuleInvalidPortRange ${at}destinationPortRange`],
  [{ ...without('destinationPortRange'), destinationPortRanges: ['80', '443-445'] }, 'ok'],
  [{ ...base, destinationPortRanges: ['80', '443'] }, `InvalidParameter ${at}destinationPortRange`],
  [{ ...base, destinationPortRanges: ['80'] }, 'ok'],
  [{ ...base, destinationPortRanges: [] }, 'ok'],
  [{ ...base, sourceAddressPrefix: 'VIRTUALNETWORK' }, 'ok'],
  [{ ...base, sourceAddressPrefix: 'Internet' }, 'ok'],
  [
    { ...base, sourceAddressPrefix: 'Storage' },
    `SecurityRuleParameterContainsUnsupportedValue ${at}sourceAddressPrefix`,
  ],
  [{ ...base, sourceAddressPrefix: '10.0.0.1/24' }, `SecurityRuleInvalidAddressPrefix ${at}sourceAddressPrefix`],
  [{ ...base, sourceAddressPrefix: '10.0.0.1' }, 'ok'],
  [{ ...base, sourceAddressPrefix: 'fd00::/8' }, 'ok'],
  [{ ...base, sourceAddressPrefix: '10.0.0.1-10.0.0.9' }, `SecurityRuleInvalidAddressPrefix ${at}sourceAddressPrefix`],
  [{ ...without('sourceAddressPrefix'), sourceAddressPrefixes: ['10.0.0.0/24', '10.2.0.0/24', 'Internet'] }, 'ok'],
  [
    { ...without('sourceAddressPrefix'), sourceAddressPrefixes: ['*', '10.2.0.0/24'] },
    `InvalidParameter ${at}sourceAddressPrefixes`,
  ],
  [{ ...base, description: 'x'.repeat(141) }, `InvalidParameter ${at}description`],
  [
    {
      ...without('sourceAddressPrefix'),
      sourceApplicationSecurityGroups: [{ id: net('applicationSecurityGroups/web') }],
    },
    'ok',
  ],
  [
    { ...base, sourceApplicationSecurityGroups: [{ id: net('applicationSecurityGroups/web') }] },
    `InvalidParameter ${at}sourceAddressPrefix`,
  ],
  [
    {
      ...without('sourceAddressPrefix'),
      sourceApplicationSecurityGroups: [{ id: net('applicationSecurityGroups/no') }],
    },
    `InvalidResourceReference ${at}sourceApplicationSecurityGroups/0/id`,
  ],
  [
    {
      ...base,
      ...{ sourceAddressPrefix: undefined, destinationPortRange: undefined },
      sourceAddressPrefixes: many(200, (n) => `10.0.${n}.0/24`),
      destinationPortRanges: many(200, String),
    },
    `SecurityRuleTooLarge ${at.slice(0, -1)}`,
  ],
];

function many(count: number, of: (number: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => of(index + 1));
}

test('a group cannot be asked to cut established flows with each change of its rules', () => {
  const world = makeWorld();
  const put = (flushConnection: unknown) =>
    outcome(() => world.put(nsg1, { properties: { flushConnection } as JsonObject }));
  equal(put(true), 'InvalidParameter /properties/flushConnection');
  equal(put('maybe'), 'InvalidParameter /properties/flushConnection');
  equal(put(false), 'ok');
  equal(put(null), 'ok');
});

test('[S1.5] a security rule is accepted or refused with its code and place', () => {
  for (const [properties, expected] of rules) {
    const world = makeWorld();
    world.put(net('applicationSecurityGroups/web'));
    world.put(nsg1);
    equal(
      outcome(() => world.put(`${nsg1}/securityRules/r`, { properties })),
      expected,
      JSON.stringify(properties).slice(0, 300),
    );
  }
});

test('two rules of one direction never share a priority', () => {
  const world = makeWorld();
  world.put(nsg1);
  world.put(`${nsg1}/securityRules/a`, { properties: base });
  equal(
    outcome(() => world.put(`${nsg1}/securityRules/b`, { properties: base })),
    'SecurityRuleConflict /properties/priority',
  );
  equal(
    outcome(() => world.put(`${nsg1}/securityRules/b`, { properties: { ...base, direction: 'Outbound' } })),
    'ok',
  );
  equal(
    outcome(() => world.put(`${nsg1}/securityRules/A`, { properties: { ...base, access: 'Deny' } })),
    'ok',
  );
  equal(world.draft.childrenOf(nsg1, 'Microsoft.Network/networkSecurityGroups/securityRules').length, 2);
  const twice = [
    { name: 'a', properties: base },
    { name: 'b', properties: base },
  ];
  equal(
    outcome(() => world.put(nsg1, { properties: { securityRules: twice } })),
    'SecurityRuleConflict /properties/securityRules/1/properties/priority',
  );
});

test('a PUT of the group replaces its rules, and a rule of its own gives the group a new etag', () => {
  const world = makeWorld();
  world.put(nsg1, { properties: { securityRules: [{ name: 'a', properties: base }] } });
  const { etag } = world.get(nsg1);
  world.put(`${nsg1}/securityRules/b`, { properties: { ...base, priority: 200 } });
  equal(world.get(nsg1).etag === etag, false);
  world.put(nsg1, { properties: { securityRules: [{ name: 'c', properties: base }] } });
  const names = (world.properties(nsg1)['securityRules'] as { name: string }[]).map(({ name }) => name);
  deepEqual(names, ['c']);
});

test('a group shows six default rules and who uses it, and cannot go while it is used', () => {
  const world = withVnet(makeWorld());
  world.put(nsg1);
  world.put(net('virtualNetworks/v1/subnets/a'), {
    properties: {
      addressPrefixes: ['10.0.0.0/24', 'fd00:1::/64'],
      networkSecurityGroup: { id: nsg1.toUpperCase().replace('/SUBSCRIPTIONS/S1', '/subscriptions/s1') },
    },
  });
  const shown = world.properties(nsg1);
  equal((shown['defaultSecurityRules'] as unknown[]).length, 6);
  deepEqual(shown['subnets'], [{ id: net('virtualNetworks/v1/subnets/a') }]);
  equal(
    outcome(() => world.remove(nsg1)),
    `InUseNetworkSecurityGroupCannotBeDeleted ${nsg1}`,
  );
});

test('a reference to another subscription is refused', () => {
  const world = withVnet(makeWorld());
  const foreign = nsg1.replace('/s1/', '/s2/');
  world.put(foreign);
  const body = { properties: { addressPrefix: '10.0.0.0/24', networkSecurityGroup: { id: foreign } } };
  equal(
    outcome(() => world.put(net('virtualNetworks/v1/subnets/a'), body)),
    'InvalidResourceReference /properties/networkSecurityGroup/id',
  );
});

const routes: [JsonObject, string][] = [
  [{ addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance', nextHopIpAddress: '10.0.0.4' }, 'ok'],
  [{ addressPrefix: '0.0.0.0/0', nextHopType: 'virtualappliance', nextHopIpAddress: '10.0.0.4' }, 'ok'],
  [{ addressPrefix: '::/0', nextHopType: 'None' }, 'ok'],
  [{ addressPrefix: '10.0.0.0/24', nextHopType: 'Internet', nextHopIpAddress: '' }, 'ok'],
  [
    { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance' },
    'MissingNextHopIpAddress /properties/nextHopIpAddress',
  ],
  [
    { addressPrefix: '0.0.0.0/0', nextHopType: 'Internet', nextHopIpAddress: '10.0.0.4' },
    'NextHopIpAddressNotAllowed /properties/nextHopIpAddress',
  ],
  [
    { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance', nextHopIpAddress: 'fd00::4' },
    'InvalidParameter /properties/nextHopIpAddress',
  ],
  [{ addressPrefix: '0.0.0.0/0', nextHopType: 'Somewhere' }, 'InvalidParameter /properties/nextHopType'],
  [{ addressPrefix: '10.0.0.1/8', nextHopType: 'None' }, 'InvalidCIDRNotation /properties/addressPrefix'],
  [{ nextHopType: 'None' }, 'InvalidRequestFormat /properties/addressPrefix'],
];

test('[S1.6] a route is accepted or refused with its code and place', () => {
  const table = net('routeTables/rt1');
  for (const [properties, expected] of routes) {
    const world = makeWorld();
    world.put(table);
    equal(
      outcome(() => world.put(`${table}/routes/r`, { properties })),
      expected,
      JSON.stringify(properties),
    );
  }
  const world = makeWorld();
  world.put(table, {
    properties: { routes: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/8', nextHopType: 'None' } }] },
  });
  equal(
    outcome(() =>
      world.put(`${table}/routes/b`, { properties: { addressPrefix: '10.0.0.0/8', nextHopType: 'Internet' } }),
    ),
    'RouteConflict /properties/routes',
  );
});

test('a table in use cannot be deleted, and shows its subnets', () => {
  const world = withVnet(makeWorld());
  const table = net('routeTables/rt1');
  world.put(table);
  world.put(net('virtualNetworks/v1/subnets/a'), {
    properties: { addressPrefix: '10.0.0.0/24', routeTable: { id: table } },
  });
  equal(
    outcome(() => world.remove(table)),
    `InUseRouteTableCannotBeDeleted ${table}`,
  );
  equal((world.properties(table)['subnets'] as unknown[]).length, 1);
});

test('deleting a resource group takes all that lies in it, unless something outside uses it', () => {
  const world = withVnet(makeWorld());
  world.put(group, { location: 'local' });
  world.put(nsg1, { properties: { securityRules: [{ name: 'a', properties: base }] } });
  world.put(net('virtualNetworks/v1/subnets/a'), {
    properties: { addressPrefix: '10.0.0.0/24', networkSecurityGroup: { id: nsg1 } },
  });
  const other = net('virtualNetworks/v1').replace('rg1', 'rg2');
  world.put(other, {
    properties: {
      addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
      subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/24', networkSecurityGroup: { id: nsg1 } } }],
    },
  });
  equal(
    outcome(() => world.settled().remove(group)),
    `ResourceGroupDeletionBlocked ${group}`,
  );
  deepEqual(
    refusalOf(() => world.settled().remove(group))?.details.map(({ code, target }) => [code, target]),
    [['InUseNetworkSecurityGroupCannotBeDeleted', nsg1]],
  );
  equal(
    outcome(() => resourceGroup.remove(world.get(group), world.draft, world.context)).split(' ')[0],
    'ResourceGroupNotEmpty',
  );
  const next = world.settled();
  next.remove(other);
  next.remove(group);
  ok([...next.draft.under('/')].length === 0);
});
