/** Virtual networks, subnets and peerings: what is accepted, what is refused and how, and what is shown. */

import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { vnet } from '#model/network/vnet.ts';
import { makeWorld, net, nicBody, outcome, refusalOf, withVnet, type World } from '#model/test-world.ts';

const v1 = net('virtualNetworks/v1');
const v2 = net('virtualNetworks/v2');
const space = (...addressPrefixes: string[]) => ({ addressSpace: { addressPrefixes } });
const sub = (name: string, addressPrefix: string, more: JsonObject = {}) => ({
  name,
  properties: { addressPrefix, ...more },
});

// Each row: the properties of a VNet, and the outcome of its PUT.
const bodies: [JsonObject, string][] = [
  [space('10.0.0.0/16'), 'ok'],
  [space('10.0.0.0/16', '10.1.0.0/16', 'fd00:1::/48'), 'ok'],
  [{ AddressSpace: { AddressPrefixes: ['10.0.0.0/16'] } }, 'ok'],
  [{ ...space('10.0.0.0/16'), dhcpOptions: { dnsServers: ['10.0.0.4'] } }, 'ok'],
  [{}, 'InvalidRequestFormat /properties/addressSpace/addressPrefixes'],
  [space(), 'InvalidParameter /properties/addressSpace/addressPrefixes'],
  [space('10.0.0.0'), 'InvalidAddressPrefixFormat /properties/addressSpace/addressPrefixes'],
  [space('10.0.0.1/16'), 'InvalidCIDRNotation /properties/addressSpace/addressPrefixes'],
  [space('10.0.0.0/33'), 'InvalidCIDRNotation /properties/addressSpace/addressPrefixes'],
  [space('10.0.0.0/16', '10.0.1.0/24'), 'AddressPrefixesOverlap /properties/addressSpace/addressPrefixes'],
  [space('169.254.0.0/24'), 'AddressPrefixNotAllowed /properties/addressSpace/addressPrefixes'],
  [space('168.63.0.0/16'), 'AddressPrefixNotAllowed /properties/addressSpace/addressPrefixes'],
  [space('100.67.4.0/24'), 'AddressPrefixNotAllowed /properties/addressSpace/addressPrefixes'],
  [space('100.68.4.0/24'), 'ok'],
  [space('fe80::/64'), 'AddressPrefixNotAllowed /properties/addressSpace/addressPrefixes'],
  [
    { ...space('10.0.0.0/16'), dhcpOptions: { dnsServers: ['x'] } },
    'InvalidIPAddressFormat /properties/dhcpOptions/dnsServers',
  ],
  [{ ...space('10.0.0.0/16'), enableDdosProtection: true }, 'InvalidParameter /properties/enableDdosProtection'],
  [{ ...space('10.0.0.0/16'), subnets: [sub('a', '10.0.0.0/24'), sub('b', '10.0.1.0/24')] }, 'ok'],
  [
    { ...space('10.0.0.0/16'), subnets: [sub('a', '10.0.0.0/24'), sub('A', '10.0.1.0/24')] },
    'DuplicateResourceName /properties/subnets/1/name',
  ],
  [
    { ...space('10.0.0.0/16'), subnets: [sub('a', '10.0.0.0/24'), sub('b', '10.0.0.128/25')] },
    'NetcfgSubnetRangesOverlap /properties/addressPrefix',
  ],
  [
    { ...space('10.0.0.0/16'), subnets: [sub('a', '10.1.0.0/24')] },
    'NetcfgSubnetRangeOutsideVnet /properties/addressPrefix',
  ],
  [
    { ...space('10.0.0.0/16'), subnets: [sub('a', '10.0.0.0/30')] },
    'NetcfgInvalidSubnet /properties/subnets/0/properties/addressPrefix',
  ],
  [
    { ...space('fd00::/48'), subnets: [sub('a', 'fd00::/65')] },
    'NetcfgInvalidSubnet /properties/subnets/0/properties/addressPrefix',
  ],
  [
    { ...space('10.0.0.0/16'), subnets: [{ name: 'a' }] },
    'InvalidRequestFormat /properties/subnets/0/properties/addressPrefix',
  ],
  [{ ...space('10.0.0.0/16'), subnets: [sub('_a', '10.0.0.0/24')] }, 'InvalidResourceName /properties/subnets/0/name'],
  [
    {
      ...space('10.0.0.0/16'),
      subnets: [sub('a', '10.0.0.0/24', { networkSecurityGroup: { id: net('networkSecurityGroups/none') } })],
    },
    'InvalidResourceReference /properties/subnets/0/properties/networkSecurityGroup/id',
  ],
  [
    {
      ...space('10.0.0.0/16'),
      subnets: [sub('a', '10.0.0.0/24', { routeTable: { id: net('networkSecurityGroups/x') } })],
    },
    'LinkedInvalidPropertyId /properties/subnets/0/properties/routeTable/id',
  ],
  [
    { ...space('10.0.0.0/16'), subnets: [sub('a', '10.0.0.0/24', { serviceEndpointPolicies: [{}] })] },
    'InvalidParameter /properties/subnets/0/properties/serviceEndpointPolicies',
  ],
];

test('a VNet body is accepted or refused with the code and the place of its first error', () => {
  for (const [properties, expected] of bodies)
    equal(
      outcome(() => makeWorld().put(v1, { properties })),
      expected,
      JSON.stringify(properties),
    );
});

test('all errors of one body are told at once', () => {
  const refusal = refusalOf(() =>
    makeWorld().put(v1, { properties: { ...space('10.0.0.1/8', 'x'), subnets: [{ name: 'a' }] } }),
  );
  deepEqual(
    refusal?.details.map(({ code }) => code),
    ['InvalidCIDRNotation', 'InvalidAddressPrefixFormat', 'InvalidRequestFormat'],
  );
  match(refusal?.message ?? '', /and 2 more/);
});

test('names and locations are judged', () => {
  const body = { properties: space('10.0.0.0/16') };
  equal(
    outcome(() => makeWorld().put(net('virtualNetworks/v'), body)),
    'InvalidResourceName /name',
  );
  equal(
    outcome(() => makeWorld().put(v1, { ...body, location: 'westus' })),
    'LocationNotAvailableForResourceType /location',
  );
  equal(
    outcome(() => makeWorld().put(v1, { ...body, location: 'Lo cal' })),
    'ok',
  );
  equal(
    outcome(() => makeWorld().put(v1, { ...body, tags: { a: 'x'.repeat(257) } })),
    'InvalidTagName /tags',
  );
  equal(
    outcome(() => makeWorld().put(net('virtualNetworks/v9/subnets/a'), {})),
    `ParentResourceNotFound ${net('virtualNetworks/v9')}`,
  );
});

test('a PUT without subnets removes them before 2023-09-01, keeps them from then on, and never removes one in use', () => {
  const body = { properties: space('10.0.0.0/16', 'fd00:1::/48') };
  const subnets = (world: World) => (world.properties(v1)['subnets'] as unknown[]).length;
  const world = withVnet(makeWorld());
  world.put(v1, body, '2023-09-01');
  equal(subnets(world), 1);
  world.put(v1, { properties: { ...body.properties, subnets: [] } }, '2023-09-01');
  equal(subnets(world), 0);
  const old = withVnet(makeWorld());
  old.put(v1, body, '2022-07-01');
  equal(subnets(old), 0);
  const used = withVnet(makeWorld());
  used.put(net('networkInterfaces/n1'), nicBody());
  equal(
    outcome(() => used.put(v1, body)),
    `InUseSubnetCannotBeDeleted ${v1}/subnets/a`,
  );
});

test('a subnet cannot lose the addresses that are in use, and cannot be deleted while it has users', () => {
  const world = withVnet(makeWorld());
  world.put(
    net('networkInterfaces/n1'),
    nicBody({ privateIPAllocationMethod: 'Static', privateIPAddress: '10.0.0.200' }),
  );
  const put = (prefix: string) =>
    outcome(() => world.put(`${v1}/subnets/a`, { properties: { addressPrefix: prefix } }));
  equal(put('10.0.0.0/25'), 'InUsePrefixCannotBeDeleted /properties/addressPrefix');
  equal(put('10.0.0.0/23'), 'ok');
  equal(
    outcome(() => world.remove(`${v1}/subnets/a`)),
    `InUseSubnetCannotBeDeleted ${v1}/subnets/a`,
  );
  equal(
    outcome(() => world.remove(v1)),
    `InUseSubnetCannotBeDeleted ${v1}/subnets/a`,
  );
  world.remove(net('networkInterfaces/n1'));
  equal(
    outcome(() => world.remove(v1)),
    'ok',
  );
  equal(world.draft.get(`${v1}/subnets/a`), undefined);
});

test('an unchanged subnet keeps its object when its VNet is written again', () => {
  const world = withVnet(makeWorld());
  const before = world.get(`${v1}/subnets/a`);
  const etag = world.get(v1).etag;
  withVnet(world);
  equal(world.get(`${v1}/subnets/a`), before);
  equal(world.get(v1).etag === etag, false);
});

test('a subnet shows who lies in it, and a VNet its number', () => {
  const world = withVnet(makeWorld());
  world.put(net('networkInterfaces/n1'), nicBody());
  deepEqual(world.properties(`${v1}/subnets/a`)['ipConfigurations'], [
    { id: `${net('networkInterfaces/n1')}/ipConfigurations/one` },
  ]);
  equal(world.get(v1).internal?.['key'], 1);
  world.put(v2, { properties: space('10.0.0.0/16') });
  equal(world.get(v2).internal?.['key'], 2);
  world.remove(net('networkInterfaces/n1'));
  world.remove(v1);
  world.put(net('virtualNetworks/v3'), { properties: space('10.9.0.0/16') });
  equal(world.get(net('virtualNetworks/v3')).internal?.['key'], 1);
});

test('an address is told to be free or taken, with five others', () => {
  const world = withVnet(makeWorld());
  world.put(net('networkInterfaces/n1'), nicBody());
  const ask = (ip: string) =>
    askAddress(world, ip) as {
      available: boolean;
      availableIPAddresses: string[];
    };
  equal(ask('10.0.0.9').available, true);
  deepEqual(ask('10.0.0.4').availableIPAddresses, ['10.0.0.5', '10.0.0.6', '10.0.0.7', '10.0.0.8', '10.0.0.9']);
  equal(ask('10.0.0.1').available, false);
  equal(
    outcome(() => ask('nope')),
    'InvalidIPAddressFormat ipAddress',
  );
});

function askAddress(world: World, ip: string): unknown {
  const input = { body: null, query: new Map([['ipAddress', ip]]) };
  return vnet.actions?.['CheckIPAddressAvailability']?.run(world.get(v1), input, world.draft, world.context);
}

function peer(world: World, [from, to]: readonly [string, string], more: JsonObject = {}): string {
  return outcome(() =>
    world.put(`${from}/virtualNetworkPeerings/p`, { properties: { remoteVirtualNetwork: { id: to }, ...more } }),
  );
}

test('peerings are Initiated until both sides exist, Disconnected when one goes', () => {
  const world = makeWorld();
  world.put(v1, { properties: space('10.1.0.0/16') });
  world.put(v2, { properties: space('10.2.0.0/16') });
  const state = (id: string) => world.properties(`${id}/virtualNetworkPeerings/p`)['peeringState'];
  equal(peer(world, [v1, v2]), 'ok');
  equal(state(v1), 'Initiated');
  equal(peer(world, [v2, v1]), 'ok');
  deepEqual([state(v1), state(v2)], ['Connected', 'Connected']);
  deepEqual(world.properties(`${v1}/virtualNetworkPeerings/p`)['remoteAddressSpace'], {
    addressPrefixes: ['10.2.0.0/16'],
  });
  world.remove(`${v2}/virtualNetworkPeerings/p`);
  equal(state(v1), 'Disconnected');
  equal(peer(world, [v2, v1]), 'RemotePeeringIsDisconnected /properties/remoteVirtualNetwork');
  world.remove(`${v1}/virtualNetworkPeerings/p`);
  equal(peer(world, [v2, v1]), 'ok');
});

test('half a peering does not speak for a network that gets the same name later', () => {
  const world = makeWorld();
  world.put(v1, { properties: space('10.1.0.0/16') });
  world.put(v2, { properties: space('10.2.0.0/16') });
  peer(world, [v2, v1]);
  world.remove(v1);
  equal(world.properties(`${v2}/virtualNetworkPeerings/p`)['peeringState'], 'Disconnected');
  world.put(v1, { properties: space('10.1.0.0/16') });
  equal(peer(world, [v1, v2]), 'RemotePeeringIsDisconnected /properties/remoteVirtualNetwork');
  equal(peer(world, [v2, v1]), 'ok');
  equal(peer(world, [v1, v2]), 'ok');
});

test('a VNet body may state peerings; what it does not state stays', () => {
  const world = makeWorld();
  world.put(v2, { properties: space('10.2.0.0/16') });
  const links = (allowForwardedTraffic: boolean) => [
    { name: 'p', properties: { remoteVirtualNetwork: { id: v2 }, allowForwardedTraffic } },
  ];
  const forwarded = () => world.get(`${v1}/virtualNetworkPeerings/p`).properties['allowForwardedTraffic'];
  world.put(v1, { properties: { ...space('10.1.0.0/16'), virtualNetworkPeerings: links(false) } });
  equal(forwarded(), false);
  world.put(v1, { properties: { ...space('10.1.0.0/16'), virtualNetworkPeerings: links(true) } });
  equal(forwarded(), true);
  world.put(v1, { properties: space('10.1.0.0/16') });
  equal(forwarded(), true);
});

test('peerings of overlapping, peered-overlapping, own and already peered networks are refused', () => {
  const world = makeWorld();
  world.put(v1, { properties: space('10.1.0.0/16') });
  world.put(v2, { properties: space('10.1.128.0/17') });
  const v3 = net('virtualNetworks/v3');
  world.put(v3, { properties: space('10.3.0.0/16') });
  const target = '/properties/remoteVirtualNetwork';
  equal(peer(world, [v1, v2]), `VnetAddressSpacesOverlap ${target}`);
  equal(peer(world, [v1, v1]), `VnetAddressSpacesOverlap ${target}`);
  equal(peer(world, [v3, v1]), 'ok');
  equal(
    outcome(() => world.put(`${v3}/virtualNetworkPeerings/q`, { properties: { remoteVirtualNetwork: { id: v2 } } })),
    `VnetAddressSpaceOverlapsWithAlreadyPeeredVnet ${target}`,
  );
  equal(
    outcome(() => world.put(`${v3}/virtualNetworkPeerings/q`, { properties: { remoteVirtualNetwork: { id: v1 } } })),
    `AnotherPeeringAlreadyReferencesRemoteVnet ${target}`,
  );
  equal(peer(world, [v1, v3], { useRemoteGateways: true }), `RemoteVnetHasNoGateways ${target}`);
  equal(
    outcome(() => world.put(v3, { properties: space('10.3.0.0/16', '10.1.7.0/24') })),
    'VnetAddressSpaceOverlapsWithAlreadyPeeredVnet /properties/addressSpace/addressPrefixes',
  );
});
