/** NICs, public addresses and NAT gateways: allocation, attachment, and what is refused. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isObject, type JsonObject } from '#base/json.ts';
import { holds, tryAddress } from '#base/prefix.ts';
import { claimsOf, prefixesOf, usableOf } from '#model/network/address-use.ts';
import { labelAddress, macAddress } from '#model/network/label.ts';
import { makeWorld, net, nicBody, outcome, withVnet, type World } from '#model/test-world.ts';

const n1 = net('networkInterfaces/n1');
const n2 = net('networkInterfaces/n2');
const subnetA = net('virtualNetworks/v1/subnets/a');
const pip = net('publicIPAddresses/p1');
const at = '/properties/ipConfigurations';

function addresses(world: World, id = n1): unknown[] {
  const list = world.get(id).properties['ipConfigurations'];
  return (Array.isArray(list) ? list : []).map(({ properties }) => properties.privateIPAddress);
}

const fixed = (privateIPAddress: string) => nicBody({ privateIPAllocationMethod: 'Static', privateIPAddress });
const two = (first: JsonObject, second: JsonObject): JsonObject => {
  const make = (name: string, more: JsonObject) => ({ name, properties: { subnet: { id: subnetA }, ...more } });
  return { properties: { ipConfigurations: [make('one', first), make('two', second)] } };
};

// Each row: a NIC's body and the outcome; n2 holds 10.0.0.77 and p2.
const rows: [JsonObject, string][] = [
  [nicBody(), 'ok'],
  [{}, 'InvalidRequestFormat /properties/ipConfigurations'],
  [{ properties: { ipConfigurations: [] } }, `NetworkInterfaceMustHaveOneIpConfiguration ${at}`],
  [{ properties: { ipConfigurations: [{ name: 'x' }] } }, `InvalidRequestFormat ${at}/0/properties/subnet`],
  [
    nicBody({ subnet: { id: net('virtualNetworks/v1/subnets/b') } }),
    `InvalidResourceReference ${at}/0/properties/subnet/id`,
  ],
  [fixed('10.0.0.10'), 'ok'],
  [fixed('10.0.0.3'), `PrivateIPAddressInReservedRange ${at}/0/properties/privateIPAddress`],
  [fixed('10.0.0.255'), `PrivateIPAddressInReservedRange ${at}/0/properties/privateIPAddress`],
  [fixed('10.0.1.4'), `PrivateIPAddressNotInSubnet ${at}/0/properties/privateIPAddress`],
  [fixed('10.0.0.77'), `PrivateIPAddressIsAllocated ${at}/0/properties/privateIPAddress`],
  [fixed('10.0.0'), `InvalidIPAddressFormat ${at}/0/properties/privateIPAddress`],
  [nicBody({ privateIPAllocationMethod: 'Static' }), `PrivateIPAddressMissing ${at}/0/properties/privateIPAddress`],
  [nicBody({ privateIPAddressVersion: 'IPv6' }), `Ipv6IpConfigurationCannotBePrimary ${at}`],
  [two({}, { privateIPAddressVersion: 'IPv6' }), 'ok'],
  [two({ primary: true }, { primary: true }), `IpConfigurationsOnSameNicMustHaveOnePrimary ${at}`],
  [
    two(
      { privateIPAllocationMethod: 'Static', privateIPAddress: '10.0.0.9' },
      { privateIPAllocationMethod: 'Static', privateIPAddress: '10.0.0.9' },
    ),
    `PrivateIPAddressIsAllocated ${at}/1/properties/privateIPAddress`,
  ],
  [nicBody({ publicIPAddress: { id: pip } }), 'ok'],
  [nicBody({ publicIpAddress: { id: pip } }), 'ok'],
  [
    nicBody({ publicIPAddress: { id: net('publicIPAddresses/p2') } }),
    `PublicIPAddressInUse ${at}/0/properties/publicIPAddress`,
  ],
  [two({ publicIPAddress: { id: pip } }, { publicIPAddress: { id: pip } }), `PublicIPAddressInUse ${at}`],
  [
    nicBody({ subnet: { id: net('virtualNetworks/v1/subnets/GatewaySubnet') } }),
    `GatewaySubnetReserved ${at}/0/properties/subnet`,
  ],
  [
    nicBody({}, { networkSecurityGroup: { id: net('networkSecurityGroups/x') } }),
    'InvalidResourceReference /properties/networkSecurityGroup/id',
  ],
];

test('a NIC body is accepted or refused with its code and place', () => {
  for (const [body, expected] of rows) {
    const world = withVnet(makeWorld());
    world.put(net('virtualNetworks/v1/subnets/GatewaySubnet'), { properties: { addressPrefix: '10.0.9.0/27' } });
    world.put(pip);
    world.put(net('publicIPAddresses/p2'));
    world.put(
      n2,
      nicBody({
        privateIPAllocationMethod: 'Static',
        privateIPAddress: '10.0.0.77',
        publicIPAddress: { id: net('publicIPAddresses/p2') },
      }),
    );
    equal(
      outcome(() => world.put(n1, body)),
      expected,
      JSON.stringify(body),
    );
  }
});

test('addresses are the lowest free ones, kept over writes, and free again after deletion', () => {
  const world = withVnet(makeWorld());
  world.put(n1, two({}, { privateIPAddressVersion: 'IPv6' }));
  deepEqual(addresses(world), ['10.0.0.4', 'fd00:1::4']);
  world.put(n2, nicBody());
  deepEqual(addresses(world, n2), ['10.0.0.5']);
  world.remove(n1);
  world.put(n2, nicBody({ privateIPAddress: '10.0.0.250' }));
  deepEqual(addresses(world, n2), ['10.0.0.5']);
  world.put(n1, nicBody());
  deepEqual(addresses(world), ['10.0.0.4']);
});

test('a full subnet refuses, and no reserved or taken address is ever handed out', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          nic: fc.integer({ min: 0, max: 14 }),
          isFixed: fc.boolean(),
          last: fc.integer({ min: 0, max: 20 }),
          remove: fc.boolean(),
        }),
        { maxLength: 40 },
      ),
      (steps) => {
        const world = makeWorld();
        world.put(net('virtualNetworks/v1'), {
          properties: {
            addressSpace: { addressPrefixes: ['10.0.0.0/28'] },
            subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/28' } }],
          },
        });
        for (const { nic, isFixed, last, remove } of steps) {
          const id = net(`networkInterfaces/n${nic}x`);
          const isThere = world.draft.get(id) !== undefined;
          if (remove && isThere) world.remove(id);
          else outcome(() => world.put(id, isFixed ? fixed(`10.0.0.${last}`) : nicBody()));
          const seen = new Set<bigint>();
          const [prefix] = prefixesOf(world.get(subnetA));
          for (const one of world.draft.ofType('Microsoft.Network/networkInterfaces')) {
            for (const claim of claimsOf(one)) {
              ok(
                prefix !== undefined &&
                  holds(prefix, claim) &&
                  claim.value >= usableOf(prefix).first &&
                  claim.value <= usableOf(prefix).last,
              );
              ok(!seen.has(claim.value));
              seen.add(claim.value);
            }
          }
        }
      },
    ),
    { numRuns: 60 },
  );
  const world = makeWorld();
  world.put(net('virtualNetworks/v1'), {
    properties: {
      addressSpace: { addressPrefixes: ['10.0.0.0/29'] },
      subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/29' } }],
    },
  });
  const results = [1, 2, 3, 4].map((n) => outcome(() => world.put(net(`networkInterfaces/n${n}`), nicBody())));
  deepEqual(results, ['ok', 'ok', 'ok', 'SubnetIsFull']);
});

test('marks, MACs and labels are stable, unique, and kept by name', () => {
  const world = withVnet(makeWorld());
  world.put(n1, two({}, {}));
  world.put(n2, nicBody());
  deepEqual([world.get(n1).internal?.['mark'], world.get(n2).internal?.['mark']], [1, 2]);
  deepEqual([world.get(n1).internal?.['labels'], world.get(n2).internal?.['labels']], [{ one: 1, two: 2 }, { one: 3 }]);
  world.put(n1, {
    properties: {
      ipConfigurations: [
        { name: 'two', properties: { subnet: { id: subnetA } } },
        { name: 'new', properties: { subnet: { id: subnetA } } },
      ],
    },
  });
  deepEqual(world.get(n1).internal?.['labels'], { two: 2, new: 4 });
  equal(world.get(n1).internal?.['mac'], '02:57:03:00:00:01');
  equal(world.properties(n1)['macAddress'], '02-57-03-00-00-01');
  equal(macAddress(3, 65_535), '02:57:03:00:ff:ff');
  equal(labelAddress(3, 258, 4), '100.67.1.2');
  equal(labelAddress(3, 258, 6), 'fd52:5703::102');
});

test('a NIC lies in one VNet', () => {
  const world = withVnet(makeWorld());
  world.put(net('virtualNetworks/v2'), {
    properties: {
      addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
      subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/24' } }],
    },
  });
  const body = two({}, { subnet: { id: net('virtualNetworks/v2/subnets/a') } });
  equal(
    outcome(() => world.put(n1, body)),
    `IpConfigurationsOnSameNicCannotUseDifferentVnets ${at}`,
  );
});

test('a NIC lies in one subnet, whose security group and routes are all that it has', () => {
  const world = withVnet(makeWorld());
  const other = net('virtualNetworks/v1/subnets/other');
  world.put(other, { properties: { addressPrefix: '10.0.7.0/24' } });
  equal(
    outcome(() => world.put(n1, two({}, { subnet: { id: other } }))),
    `IpConfigurationsOnSameNicCannotUseDifferentSubnets ${at}`,
  );
  equal(
    outcome(() => world.put(n1, two({ subnet: { id: other } }, { subnet: { id: other.toUpperCase() } }))),
    'ok',
  );
  equal(
    outcome(() => world.put(n1, two({}, {}))),
    'ok',
  );
});

test('[S1.3] a static public address is there at once, a dynamic one while it is used', () => {
  const world = withVnet(makeWorld());
  const address = (id = pip) => world.get(id).properties['ipAddress'];
  world.put(net('publicIPAddresses/s1'), {
    sku: { name: 'Standard' },
    properties: { publicIPAllocationMethod: 'Static' },
  });
  equal(address(net('publicIPAddresses/s1')), '198.18.3.32');
  world.put(pip, { properties: { dnsSettings: { domainNameLabel: 'web' } } });
  equal(address(), undefined);
  world.put(n1, nicBody({ publicIPAddress: { id: pip } }));
  equal(address(), '198.18.3.33');
  equal((world.properties(pip)['dnsSettings'] as JsonObject)['fqdn'], 'web.local.cloudapp.local3.ringwall.internal');
  deepEqual(world.properties(pip)['ipConfiguration'], { id: `${n1}/ipConfigurations/one` });
  equal(
    outcome(() => world.remove(pip)),
    `PublicIPAddressCannotBeDeleted ${pip}`,
  );
  world.put(pip, { properties: {} });
  equal(address(), '198.18.3.33');
  world.put(n1, nicBody());
  equal(address(), undefined);
  world.put(net('publicIPAddresses/six'), {
    properties: { publicIPAddressVersion: 'IPv6', publicIPAllocationMethod: 'Static' },
  });
  ok(tryAddress(String(address(net('publicIPAddresses/six'))))?.family === 6);
});

// Each row: a public address's body and the outcome; another one has the label "taken".
const publics: [JsonObject, string][] = [
  [{}, 'ok'],
  [
    {
      sku: { name: 'Standard' },
      properties: { publicIPAllocationMethod: 'Static', publicIPAddressVersion: 'IPv4', idleTimeoutInMinutes: 10 },
    },
    'ok',
  ],
  [
    { sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Dynamic' } },
    'StandardSkuPublicIPAddressesMustBeStatic /properties/publicIPAllocationMethod',
  ],
  [{ sku: { name: 'Premium' } }, 'InvalidParameter /sku/name'],
  [{ properties: { idleTimeoutInMinutes: 31 } }, 'InvalidParameter /properties/idleTimeoutInMinutes'],
  [
    { properties: { dnsSettings: { domainNameLabel: 'TAKEN' } } },
    'DnsRecordInUse /properties/dnsSettings/domainNameLabel',
  ],
  [
    { properties: { dnsSettings: { domainNameLabel: '1x' } } },
    'InvalidDomainNameLabel /properties/dnsSettings/domainNameLabel',
  ],
  [{ properties: { publicIPPrefix: { id: 'x' } } }, 'InvalidParameter /properties/publicIPPrefix'],
];

test('a public address is accepted or refused with its code and place', () => {
  for (const [body, expected] of publics) {
    const world = makeWorld();
    world.put(net('publicIPAddresses/p2'), { properties: { dnsSettings: { domainNameLabel: 'taken' } } });
    equal(
      outcome(() => world.put(pip, body)),
      expected,
      JSON.stringify(body),
    );
  }
});

test('[S1.3] the public pool ends, with a refusal and no reserved address', () => {
  const world = makeWorld({ publicPools: ['198.18.3.0/29'], publicReserved: 4 });
  const make = (n: number) =>
    outcome(() => world.put(net(`publicIPAddresses/p${n}`), { properties: { publicIPAllocationMethod: 'Static' } }));
  deepEqual([1, 2, 3, 4].map(make), ['ok', 'ok', 'ok', 'PublicIPCountLimitReached']);
});

test('a NAT gateway takes standard IPv4 addresses that nobody else has', () => {
  const world = withVnet(makeWorld());
  const gateway = net('natGateways/g1');
  const body = (id: string) => ({ sku: { name: 'Standard' }, properties: { publicIpAddresses: [{ id }] } });
  world.put(pip);
  const standard = net('publicIPAddresses/s1');
  world.put(standard, { sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Static' } });
  equal(
    outcome(() => world.put(gateway, body(pip))),
    'NatGatewayPublicIPAddressInvalid /properties/publicIpAddresses/0/id',
  );
  equal(
    outcome(() => world.put(gateway, {})),
    'InvalidRequestFormat /properties/publicIpAddresses',
  );
  world.put(gateway, body(standard));
  world.put(subnetA, { properties: { addressPrefix: '10.0.0.0/24', natGateway: { id: gateway } } });
  equal(
    outcome(() => world.remove(gateway)),
    `InUseNatGatewayCannotBeDeleted ${gateway}`,
  );
  equal(
    outcome(() => world.put(n1, nicBody({ publicIPAddress: { id: standard } }))),
    `PublicIPAddressInUse ${at}/0/properties/publicIPAddress`,
  );
  ok(isObject(world.properties(standard)['natGateway']));
});
