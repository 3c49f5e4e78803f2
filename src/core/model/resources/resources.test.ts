/** Groups, tags, locks, storage accounts and VPN resources: rows of bodies and what becomes of them. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { nameFault } from '#model/names.ts';
import { nounOf } from '#model/nouns.ts';
import { group, makeWorld, net, outcome, type World } from '#model/test-world.ts';
import { checkStorageName, storageAccount } from '#model/storage/storage-account.ts';
import { computeUsages, networkUsages } from '#model/usage.ts';

const manyTags = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, 'x']));

// Each row: the tags of a group and the outcome of its PUT.
const tagRows: [unknown, string][] = [
  [{ a: 'b', c: 1 }, 'ok'],
  [{ a: null }, 'ok'],
  [manyTags, 'TooManyTags /tags'],
  [[], 'InvalidParameter /tags'],
  [{ 'a<b': 'x' }, 'InvalidTagName /tags'],
  [{ a: 'x', A: 'y' }, 'InvalidTagName /tags'],
  [{ microsoftthing: 'x' }, 'InvalidTagName /tags'],
  [{ a: 'x'.repeat(257) }, 'InvalidTagName /tags'],
  [{ ['x'.repeat(513)]: 'x' }, 'InvalidTagName /tags'],
  [JSON.parse('{"__proto__":"x"}'), 'InvalidTagName /tags'],
];

test('tags are accepted or refused by ARM’s limits', () => {
  for (const [tags, expected] of tagRows)
    equal(
      outcome(() => makeWorld().put(group, { tags } as JsonObject)),
      expected,
      JSON.stringify(tags)?.slice(0, 100),
    );
});

// Each row: a type, a name, and whether Azure accepts it.
const nameRows: [string, string, boolean][] = [
  ['Microsoft.Resources/resourceGroups', 'rg-1_(a).b', true],
  ['Microsoft.Resources/resourceGroups', 'grün', true],
  ['Microsoft.Resources/resourceGroups', 'rg.', false],
  ['Microsoft.Resources/resourceGroups', 'x'.repeat(91), false],
  ['Microsoft.Network/networkInterfaces', 'n', true],
  ['Microsoft.Network/networkInterfaces', 'a.b-c_', true],
  ['Microsoft.Network/networkInterfaces', 'a-', false],
  ['Microsoft.Network/networkInterfaces', 'x'.repeat(81), false],
  ['Microsoft.Network/networkInterfaces', 'a b', false],
  ['Microsoft.Compute/virtualMachines', 'vm_1', false],
  ['Microsoft.Storage/storageAccounts', 'Upper', false],
  ['Microsoft.Storage/storageAccounts', 'abc123', true],
  ['Microsoft.Authorization/locks', 'a lock', true],
  ['Microsoft.Authorization/locks', 'a/b', false],
  ['Microsoft.Authorization/locks', '__proto__', false],
];

test('names are accepted or refused by the rule of their type', () => {
  for (const [type, name, isGood] of nameRows) equal(nameFault(type, name) === undefined, isGood, `${type} ${name}`);
});

test('a group keeps its manager, takes tags by PATCH, and shows its state', () => {
  const world = makeWorld();
  world.put(group, { location: 'local', managedBy: '/x', tags: { a: 'b' } });
  equal(
    outcome(() => world.put(group, { location: 'local', managedBy: '/y' })),
    'ResourceGroupManagedByMismatch /managedBy',
  );
  const patched = nounOf('microsoft.resources/resourcegroups')?.patch?.(
    world.get(group),
    { tags: { c: 'd' } },
    world.draft,
    world.context,
  );
  deepEqual([patched?.tags, patched?.managedBy], [{ c: 'd' }, '/x']);
  deepEqual(world.properties(group), { provisioningState: 'Succeeded' });
});

test('a lock has a level, and lies on something that exists', () => {
  const world = makeWorld();
  const lockAt = (scope: string) => `${scope}/providers/Microsoft.Authorization/locks/l`;
  equal(
    outcome(() => world.put(lockAt('/subscriptions/s1'), { properties: { level: 'readonly' } })),
    'ok',
  );
  equal(world.properties(lockAt('/subscriptions/s1'))['level'], 'ReadOnly');
  equal(
    outcome(() => world.put(lockAt(group), { properties: {} })),
    'InvalidRequestFormat /properties/level',
  );
  equal(
    outcome(() => world.put(lockAt(group), { properties: { level: 'NotSpecified' } })),
    'InvalidParameter /properties/level',
  );
  equal(
    outcome(() => world.put(lockAt(group), { properties: { level: 'CanNotDelete', notes: 'x'.repeat(513) } })),
    'InvalidParameter /properties/notes',
  );
  equal(
    outcome(() => world.put(lockAt(net('virtualNetworks/no')), { properties: { level: 'ReadOnly' } })),
    `ResourceNotFound ${net('virtualNetworks/no')}`,
  );
});

const account = `${group}/providers/Microsoft.Storage/storageAccounts/store1`;

function action(world: World, name: string, body: JsonObject = {}): { keys: { keyName: string; value: string }[] } {
  return storageAccount.actions?.[name]?.run(
    world.get(account),
    { body, query: new Map() },
    world.draft,
    world.context,
  ) as never;
}

test('a storage account has one name in the world, keys of its own, and shows none of them', () => {
  const world = makeWorld();
  world.put(account, { sku: { name: 'standard_lrs' }, kind: 'StorageV2' });
  const [first, second] = action(world, 'listKeys').keys.map(({ value }) => value);
  ok(first !== second && Buffer.from(first ?? '', 'base64').length === 64);
  ok(!JSON.stringify(world.show(account)).includes(first ?? 'x'));
  action(world, 'regenerateKey', { keyName: 'key1' });
  const again = action(world, 'listKeys').keys.map(({ value }) => value);
  deepEqual([again[0] === first, again[1] === second], [false, true]);
  const other = account.replace('rg1', 'rg2');
  equal(
    outcome(() => world.put(other, { sku: { name: 'Standard_LRS' } })),
    'StorageAccountAlreadyTaken /name',
  );
  equal(
    outcome(() => world.put(account.replace('store1', 'Store_1'), {})),
    'AccountNameInvalid /name',
  );
  deepEqual(
    [
      checkStorageName({ name: 'STORE1' }, world.draft)['reason'],
      checkStorageName({ name: 'store1' }, world.draft)['reason'],
      checkStorageName({ name: 'free1' }, world.draft),
    ],
    ['AccountNameInvalid', 'AlreadyExists', { nameAvailable: true }],
  );
});

function vpn(): World {
  const world = makeWorld();
  const subnets = [
    { name: 'GatewaySubnet', properties: { addressPrefix: '10.0.0.0/27' } },
    { name: 'a', properties: { addressPrefix: '10.0.1.0/24' } },
  ];
  world.put(net('virtualNetworks/v1'), { properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets } });
  world.put(net('publicIPAddresses/p1'));
  return world;
}

const gateway = (subnet: string, more: JsonObject = {}) => ({
  properties: {
    ipConfigurations: [
      {
        name: 'c',
        properties: {
          subnet: { id: net(`virtualNetworks/v1/subnets/${subnet}`) },
          publicIPAddress: { id: net('publicIPAddresses/p1') },
        },
      },
    ],
    ...more,
  },
});

test('a gateway lies in GatewaySubnet, and a connection never shows its key nor claims to be connected', () => {
  const world = vpn();
  const g1 = net('virtualNetworkGateways/g1');
  equal(
    outcome(() => world.put(g1, gateway('a'))),
    'InvalidGatewaySubnet /properties/ipConfigurations/0/properties/subnet',
  );
  equal(
    outcome(() => world.put(g1, {})),
    'InvalidRequestFormat /properties/ipConfigurations',
  );
  equal(
    outcome(() => world.put(g1, gateway('GatewaySubnet', { gatewayType: 'ExpressRoute' }))),
    'InvalidParameter /properties/gatewayType',
  );
  equal(
    outcome(() => world.put(g1, gateway('GatewaySubnet'))),
    'ok',
  );
  equal(world.get(net('publicIPAddresses/p1')).properties['ipAddress'], '198.18.3.32');
  equal(
    outcome(() => world.put(net('localNetworkGateways/l1'), { properties: { gatewayIpAddress: 'x.x.x.x' } })),
    'InvalidIPAddressFormat /properties/gatewayIpAddress',
  );
  world.put(net('localNetworkGateways/l1'), {
    properties: { gatewayIpAddress: '198.51.100.7', localNetworkAddressSpace: { addressPrefixes: ['10.9.0.0/16'] } },
  });
  const c1 = net('connections/c1');
  const body = {
    properties: {
      connectionType: 'IPsec',
      virtualNetworkGateway1: { id: g1 },
      localNetworkGateway2: { id: net('localNetworkGateways/l1') },
      sharedKey: 'quiet words',
    },
  };
  equal(
    outcome(() => world.put(c1, { properties: { ...body.properties, localNetworkGateway2: undefined } })),
    'InvalidRequestFormat /properties/localNetworkGateway2',
  );
  world.put(c1, body);
  ok(!JSON.stringify(world.show(c1)).includes('quiet words'));
  equal(world.properties(c1)['connectionStatus'], 'NotConnected');
  equal(
    outcome(() => world.remove(g1)),
    `VirtualNetworkGatewayCannotBeDeleted ${g1}`,
  );
});

test('a subscription has one network watcher, and usages count what is there', () => {
  const world = vpn();
  world.put(net('networkWatchers/w1'));
  equal(
    outcome(() => world.put(net('networkWatchers/w2'))),
    'NetworkWatcherCountLimitReached',
  );
  equal(
    outcome(() => world.put(net('networkWatchers/w2').replace('/s1/', '/s2/'))),
    'ok',
  );
  const usage = networkUsages(world.draft, 's1', 'local').find(
    ({ name }) => (name as JsonObject)['value'] === 'VirtualNetworks',
  );
  equal(usage?.['currentValue'], 1);
  equal(computeUsages(world.draft, 's1').length, 3);
});
