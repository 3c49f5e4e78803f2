/** Load balancers and their parts: what is accepted, what is refused, and what NICs and answers see of it. */

import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { makeWorld, net, nicBody, outcome, withVnet, type World } from '#model/test-world.ts';

const lb = net('loadBalancers/lb');
const n1 = net('networkInterfaces/n1');
const to = (path: string) => ({ id: `${lb}/${path}` });
const named = (name: string, properties: JsonObject = {}) => ({ name, properties });
const inside = named('fe', { subnet: { id: net('virtualNetworks/v1/subnets/a') } });
const outside = named('fe', { publicIPAddress: { id: net('publicIPAddresses/std') } });
const rule = {
  frontendIPConfiguration: to('frontendIPConfigurations/fe'),
  backendAddressPool: to('backendAddressPools/be'),
  probe: to('probes/pr'),
  protocol: 'Tcp',
  frontendPort: 80,
  backendPort: 8080,
};
const nat = {
  frontendIPConfiguration: to('frontendIPConfigurations/fe'),
  protocol: 'Tcp',
  frontendPort: 3389,
  backendPort: 3389,
};
const probe = named('pr', { protocol: 'Tcp', port: 80 });
const outbound = {
  frontendIPConfigurations: [to('frontendIPConfigurations/fe')],
  backendAddressPool: to('backendAddressPools/be'),
  protocol: 'All',
};

function body(more: JsonObject = {}, sku = 'Standard'): JsonObject {
  const properties = {
    frontendIPConfigurations: [inside],
    backendAddressPools: [named('be')],
    probes: [probe],
    loadBalancingRules: [named('r', rule)],
    ...more,
  };
  return { sku: { name: sku }, properties };
}

function prepared(): World {
  const world = withVnet(makeWorld());
  world.put(net('publicIPAddresses/std'), {
    sku: { name: 'Standard' },
    properties: { publicIPAllocationMethod: 'Static' },
  });
  world.put(net('publicIPAddresses/basic'));
  return world;
}

const fe = '/properties/frontendIPConfigurations';
const rules = '/properties/loadBalancingRules';
// Each row: the body of a load balancer and the outcome of its PUT.
const rows: [JsonObject, string][] = [
  [{}, 'ok'],
  [body(), 'ok'],
  [body({}, 'Gateway'), 'InvalidParameter /sku/name'],
  [body({ frontendIPConfigurations: [outside] }), 'ok'],
  [
    body({ frontendIPConfigurations: [outside] }, 'Basic'),
    `PublicIPAndLBSkuDoNotMatch ${fe}/0/properties/publicIPAddress`,
  ],
  [body({ frontendIPConfigurations: [named('fe')] }), `LoadBalancerFrontendIPConfigurationInvalid ${fe}/0/properties`],
  [
    body({ frontendIPConfigurations: [inside, { ...outside, name: 'two' }] }),
    `LoadBalancerFrontendsMixPublicAndPrivate ${fe}`,
  ],
  [body({ frontendIPConfigurations: [outside, { ...outside, name: 'two' }] }), `PublicIPAddressInUse ${fe}`],
  [body({ frontendIPConfigurations: [] }), `InvalidResourceReference ${rules}/0/properties/frontendIPConfiguration/id`],
  [body({ backendAddressPools: [] }), `InvalidResourceReference ${rules}/0/properties/backendAddressPool/id`],
  [body({ probes: [] }), `InvalidResourceReference ${rules}/0/properties/probe/id`],
  [
    body({ loadBalancingRules: [named('r', { ...rule, probe: { id: `${net('loadBalancers/other')}/probes/pr` } })] }),
    `InvalidResourceReference ${rules}/0/properties/probe/id`,
  ],
  [
    body({ loadBalancingRules: [named('r', { ...rule, frontendPort: 0 })] }),
    `InvalidParameter ${rules}/0/properties/frontendPort`,
  ],
  [body({ loadBalancingRules: [named('r', { ...rule, protocol: 'All', frontendPort: 0, backendPort: 0 })] }), 'ok'],
  [
    body({
      frontendIPConfigurations: [outside],
      loadBalancingRules: [named('r', { ...rule, protocol: 'All', frontendPort: 0, backendPort: 0 })],
    }),
    `LoadBalancingRuleAllPortsNotAllowedForPublicFrontend ${rules}/0`,
  ],
  [
    body({ loadBalancingRules: [named('r', { ...rule, protocol: 'All', frontendPort: 0, backendPort: 0 })] }, 'Basic'),
    `LoadBalancingRuleProtocolAllNotAllowedForBasicSku ${rules}/0/properties/protocol`,
  ],
  [
    body({ loadBalancingRules: [named('r', rule), named('s', { ...rule, backendPort: 81 })] }),
    `RulesUseSameFrontendPortProtocol ${rules}`,
  ],
  [body({ loadBalancingRules: [named('r', rule), named('s', { ...rule, protocol: 'Udp' })] }), 'ok'],
  [body({ inboundNatRules: [named('n', { ...nat, frontendPort: 80 })] }), `RulesUseSameFrontendPortProtocol ${rules}`],
  [body({ inboundNatRules: [named('n', nat)] }), 'ok'],
  [
    body({ inboundNatPools: [named('p', { ...nat, frontendPortRangeStart: 70, frontendPortRangeEnd: 90 })] }),
    `RulesUseSameFrontendPortProtocol ${rules}`,
  ],
  [
    body({ probes: [named('pr', { protocol: 'Http', port: 80 })] }),
    'InvalidRequestFormat /properties/probes/0/properties/requestPath',
  ],
  [
    body({ probes: [named('pr', { protocol: 'Http', port: 80, requestPath: '/a b' })] }),
    'InvalidParameter /properties/probes/0/properties/requestPath',
  ],
  [
    body({ probes: [named('pr', { protocol: 'Tcp', port: 80, intervalInSeconds: 4 })] }),
    'InvalidParameter /properties/probes/0/properties/intervalInSeconds',
  ],
  [body({ loadBalancingRules: [named('r', { ...rule, enableFloatingIP: false })] }), 'ok'],
  [
    body({ loadBalancingRules: [named('r', { ...rule, enableFloatingIP: true })] }),
    `FloatingIPNotSupported ${rules}/0/properties/enableFloatingIP`,
  ],
  [
    body({ inboundNatRules: [named('n', { ...nat, enableFloatingIP: true })] }),
    'FloatingIPNotSupported /properties/inboundNatRules/0/properties/enableFloatingIP',
  ],
  [
    body({
      inboundNatPools: [
        named('p', { ...nat, frontendPortRangeStart: 90, frontendPortRangeEnd: 99, enableFloatingIP: true }),
      ],
    }),
    'FloatingIPNotSupported /properties/inboundNatPools/0/properties/enableFloatingIP',
  ],
  [body({ outboundRules: [named('o', outbound)] }), 'OutboundRuleNeedsPublicFrontend /properties/outboundRules'],
  [
    body({ frontendIPConfigurations: [outside], outboundRules: [named('o', outbound)] }),
    `LoadBalancingRuleMustDisableSNATSinceSameFrontendIPConfigurationIsReferencedByOutboundRule ${rules}/0`,
  ],
  [
    body({
      frontendIPConfigurations: [outside],
      outboundRules: [named('o', outbound)],
      loadBalancingRules: [named('r', { ...rule, disableOutboundSnat: true })],
    }),
    'ok',
  ],
];

test('a load balancer body is accepted or refused with its code and place', () => {
  for (const [stated, expected] of rows)
    equal(
      outcome(() => prepared().put(lb, stated)),
      expected,
      JSON.stringify(stated).slice(0, 600),
    );
});

function joined(): World {
  const world = prepared();
  world.put(lb, body({ inboundNatRules: [named('n', nat)] }));
  world.put(
    n1,
    nicBody({
      loadBalancerBackendAddressPools: [to('backendAddressPools/be')],
      loadBalancerInboundNatRules: [to('inboundNatRules/n')],
    }),
  );
  return world;
}

test('a private frontend gets an address and keeps it; members are shown from their NICs', () => {
  const world = joined();
  const shown = world.properties(lb) as unknown as { frontendIPConfigurations: { properties: JsonObject }[] };
  equal(shown.frontendIPConfigurations[0]?.properties['privateIPAddress'], '10.0.0.4');
  deepEqual(shown.frontendIPConfigurations[0]?.properties['loadBalancingRules'], [to('loadBalancingRules/r')]);
  const member = { id: `${n1}/ipConfigurations/one` };
  deepEqual(world.properties(`${lb}/backendAddressPools/be`)['backendIPConfigurations'], [member]);
  deepEqual(world.properties(`${lb}/inboundNatRules/n`)['backendIPConfiguration'], member);
  equal(
    (world.get(n1).properties['ipConfigurations'] as { properties: JsonObject }[])[0]?.properties['privateIPAddress'],
    '10.0.0.5',
  );
});

test('a NAT rule leads to one NIC only, and a pool in use by a rule cannot be deleted', () => {
  const world = joined();
  const other = nicBody({ loadBalancerInboundNatRules: [to('inboundNatRules/n')] });
  equal(
    outcome(() => world.put(net('networkInterfaces/n2'), other)),
    'LoadBalancerInboundNatRuleInUse /properties/ipConfigurations/0/properties/loadBalancerInboundNatRules',
  );
  equal(
    outcome(() => world.remove(`${lb}/backendAddressPools/be`)),
    `InUseBackendAddressPoolCannotBeDeleted ${lb}/backendAddressPools/be`,
  );
  equal(
    outcome(() => world.put(`${lb}/inboundNatRules/m`, { properties: { ...nat, frontendPort: 80 } })),
    'RulesUseSameFrontendPortProtocol /properties/frontendPort',
  );
  equal(
    outcome(() =>
      world.put(`${lb}/inboundNatRules/m`, {
        properties: { ...nat, frontendPort: 81, frontendIPConfiguration: to('frontendIPConfigurations/no') },
      }),
    ),
    'InvalidResourceReference /properties/frontendIPConfiguration/id',
  );
  equal(
    outcome(() =>
      world.put(`${lb}/backendAddressPools/q`, {
        properties: { loadBalancerBackendAddresses: [{ name: 'x', properties: { ipAddress: '10.0.0.9' } }] },
      }),
    ),
    'InvalidParameter /properties/loadBalancerBackendAddresses/0/properties/ipAddress',
  );
});

test('a deleted load balancer leaves no reference behind, and gives its public address back', () => {
  const world = joined();
  world.remove(lb);
  const [entry] = world.get(n1).properties['ipConfigurations'] as { properties: JsonObject }[];
  deepEqual(
    [entry?.properties['loadBalancerBackendAddressPools'], entry?.properties['loadBalancerInboundNatRules']],
    [[], []],
  );
  deepEqual(world.draft.referrersOf(`${lb}/backendAddressPools/be`), []);
  const basic = {
    sku: { name: 'Basic' },
    properties: {
      frontendIPConfigurations: [named('fe', { publicIPAddress: { id: net('publicIPAddresses/basic') } })],
    },
  };
  world.put(lb, basic);
  equal(world.get(net('publicIPAddresses/basic')).properties['ipAddress'], '198.18.3.33');
  world.remove(lb);
  equal(world.get(net('publicIPAddresses/basic')).properties['ipAddress'], undefined);
});

test('members of an internal load balancer lie in its VNet', () => {
  const world = joined();
  world.put(net('virtualNetworks/v2'), {
    properties: {
      addressSpace: { addressPrefixes: ['10.9.0.0/16'] },
      subnets: [named('a', { addressPrefix: '10.9.0.0/24' })],
    },
  });
  const stranger = nicBody({
    subnet: { id: net('virtualNetworks/v2/subnets/a') },
    loadBalancerBackendAddressPools: [to('backendAddressPools/be')],
  });
  equal(
    outcome(() => world.put(net('networkInterfaces/n2'), stranger)),
    'InternalLoadBalancerReferenceCrossVnet /properties/ipConfigurations/0/properties/subnet',
  );
});

test('the members of a public load balancer lie in one VNet: their addresses tell them apart', () => {
  const world = prepared();
  world.put(net('virtualNetworks/v2'), {
    properties: {
      addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
      subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/24' } }],
    },
  });
  const elsewhere = { subnet: { id: net('virtualNetworks/v2/subnets/a') } };
  world.put(
    lb,
    body({
      frontendIPConfigurations: [outside],
      backendAddressPools: [named('be'), named('other')],
      inboundNatRules: [named('nat', nat)],
    }),
  );
  const inPool = (name: string) => ({ loadBalancerBackendAddressPools: [to(`backendAddressPools/${name}`)] });
  const byRule = { loadBalancerInboundNatRules: [to('inboundNatRules/nat')] };
  const refused = 'LoadBalancerMembersInDifferentVnets /properties/ipConfigurations/0/properties/subnet';
  world.put(n1, nicBody(inPool('be')));
  for (const use of [inPool('be'), inPool('other'), byRule]) {
    equal(
      outcome(() => world.put(net('networkInterfaces/n2'), nicBody({ ...use, ...elsewhere }))),
      refused,
    );
    equal(
      outcome(() => world.put(net('networkInterfaces/n3'), nicBody(use))),
      'ok',
    );
    world.remove(net('networkInterfaces/n3'));
  }
  world.put(n1, nicBody(elsewhere));
  equal(
    outcome(() => world.put(net('networkInterfaces/n2'), nicBody({ ...inPool('be'), ...elsewhere }))),
    'ok',
  );
});
