/** Answers about what is in force: rows of flows, hops, routes and rules, and the oracle as a second opinion on random stamps. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { flowVerdict, type Flow, type FlowVerdict } from '#compile/answer/flow.ts';
import { layersOf, portOfNic, type Placed } from '#compile/answer/port.ts';
import { effectiveRules, ruleName } from '#compile/answer/rule.ts';
import { topologyOf } from '#compile/answer/topology.ts';
import { effectiveRoutes, nextHopOf } from '#compile/answer/way.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { View } from '#model/resource.ts';
import { evaluate } from '#program/eval.ts';
import type { Programs } from '#program/program.ts';
import * as build from '#test/generate/build.ts';
import { packetPool, randomPacket } from '#test/generate/packet.ts';
import { randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';

type Sample = { readonly view: View; readonly programs: Programs };

/** A VNet with an NSG at the subnet and one at the NIC `web`, a NIC without, an appliance, a peered VNet and a user's routes. */
function sample(): Sample {
  const made = build.newBuild();
  build.addNsg(made, 'subnet', [
    ['web', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', ['80', '443']],
    ['dns', 110, 'In', 'Allow', 'Udp', '*', '*', '5000', '53'],
    ['ssh', 200, 'In', 'Allow', 'Tcp', '10.9.0.0/16', '*', '22'],
  ]);
  build.addNsg(made, 'nic', [
    ['no-443', 100, 'In', 'Deny', '*', '*', '*', '443'],
    ['rest', 200, 'In', 'Allow', '*', '*', '*'],
    ['out', 100, 'Out', 'Deny', 'Tcp', '*', '203.0.113.0/24', '25'],
  ]);
  build.addRoutes(made, 'table', [
    ['all', '0.0.0.0/0', 'VirtualAppliance', '10.0.2.4'],
    ['lost', '198.51.100.0/24', 'None'],
    ['gone', '192.0.2.0/24', 'VirtualNetworkGateway'],
  ]);
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addVnet(made, 'far', ['10.9.0.0/16']);
  build.addSubnet(made, 'net/web', [['10.0.1.0/24'], { nsg: 'subnet', routeTable: 'table' }]);
  build.addSubnet(made, 'net/hub', [['10.0.2.0/24']]);
  build.addSubnet(made, 'far/one', [['10.9.1.0/24']]);
  build.addPeering(made, ['net', 'far']);
  build.addPeering(made, ['far', 'net']);
  build.addNic(made, 'web', { subnet: 'net/web', addresses: ['10.0.1.4'], nsg: 'nic' });
  build.addNic(made, 'hub', { subnet: 'net/hub', addresses: ['10.0.2.4'], forwarding: true });
  build.addNic(made, 'far', { subnet: 'far/one', addresses: ['10.9.1.4'], host: 'h2' });
  build.addNic(made, 'loose', { subnet: 'net/hub', addresses: ['10.0.2.9'], host: '' });
  const view = build.viewOf(made);
  return { view, programs: compileStamp(view, build.labStamp, new CompileMemo()) };
}

const { view, programs } = sample();

function at(nic: string): Placed {
  const placed = portOfNic(programs, build.idOf(`networkInterfaces/${nic}`));
  assert.ok(placed);
  return placed;
}

function flow(
  direction: Flow['direction'],
  protocol: Flow['protocol'],
  ends: readonly [string, number | 'any', string, number | 'any'],
): Flow {
  const [local, localPort, remote, remotePort] = ends;
  return {
    direction,
    protocol,
    local: { address: local, port: localPort },
    remote: { address: remote, port: remotePort },
  };
}

function told(verdict: FlowVerdict): string {
  if (verdict.kind === 'depends') return `depends ${verdict.ports.allow} ${verdict.ports.deny}`;
  return [verdict.kind, verdict.filter, verdict.rule && ruleName(verdict.filter ?? '', verdict.rule)]
    .filter((word) => word !== undefined)
    .join(' ');
}

// One row is one flow at a NIC: direction, protocol, local end, remote end, and what decides it.
const flows: readonly (readonly [string, Flow, string])[] = [
  ['web', flow('inbound', 'tcp', ['10.0.1.4', 80, '203.0.113.9', 50_000]), 'allow nsg/g/nic/in securityRules/rest'],
  ['web', flow('inbound', 'tcp', ['10.0.1.4', 443, '203.0.113.9', 50_000]), 'deny nsg/g/nic/in securityRules/no-443'],
  [
    'web',
    flow('inbound', 'tcp', ['10.0.1.4', 81, '203.0.113.9', 50_000]),
    'deny nsg/g/subnet/in defaultSecurityRules/DenyAllInBound',
  ],
  ['web', flow('inbound', 'tcp', ['10.0.1.4', 22, '10.9.1.4', 50_000]), 'allow nsg/g/nic/in securityRules/rest'],
  ['web', flow('inbound', 'udp', ['10.0.1.4', 5000, '203.0.113.9', 53]), 'allow nsg/g/nic/in securityRules/rest'],
  ['web', flow('inbound', 'udp', ['10.0.1.4', 5000, '203.0.113.9', 'any']), 'depends 53 0'],
  ['web', flow('inbound', 'tcp', ['10.0.1.4', 80, '203.0.113.9', 'any']), 'allow nsg/g/nic/in securityRules/rest'],
  ['web', flow('inbound', 'udp', ['10.0.1.4', 5000, '10.0.2.4', 'any']), 'allow nsg/g/nic/in securityRules/rest'],
  ['web', flow('outbound', 'tcp', ['10.0.1.4', 'any', '203.0.113.9', 25]), 'deny nsg/g/nic/out securityRules/out'],
  [
    'web',
    flow('outbound', 'tcp', ['10.0.1.4', 50_000, '203.0.113.9', 80]),
    'allow nsg/g/subnet/out defaultSecurityRules/AllowInternetOutBound',
  ],
  ['web', flow('outbound', 'udp', ['10.0.1.4', 50_000, '168.63.129.16', 53]), 'allow'],
  ['web', flow('outbound', 'udp', ['10.0.1.4', 50_000, '168.63.129.16', 54]), 'deny'],
  ['web', flow('outbound', 'udp', ['10.0.1.4', 50_000, '224.0.0.1', 53]), 'deny'],
  ['hub', flow('inbound', 'tcp', ['10.0.2.4', 22, '203.0.113.9', 50_000]), 'allow'],
];

test('[S1.5] a flow is judged layer by layer, and the layer and rule that decide are named', () => {
  for (const [nic, asked, wanted] of flows)
    assert.equal(told(flowVerdict(programs, at(nic), asked)), wanted, JSON.stringify(asked));
});

test('a sender port left open among too many ranges is refused, not guessed', () => {
  const made = build.newBuild();
  const ports = Array.from({ length: 300 }, (_, index) => String(1000 + 2 * index));
  build.addNsg(made, 'wide', [['many', 100, 'In', 'Allow', 'Tcp', '*', '*', '80', ports]]);
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addSubnet(made, 'net/web', [['10.0.1.0/24'], { nsg: 'wide' }]);
  build.addNic(made, 'web', { subnet: 'net/web', addresses: ['10.0.1.4'] });
  const wide = compileStamp(build.viewOf(made), build.labStamp, new CompileMemo());
  const placed = portOfNic(wide, build.idOf('networkInterfaces/web'));
  assert.ok(placed);
  const ask = (port: number | 'any') =>
    flowVerdict(wide, placed, flow('inbound', 'tcp', ['10.0.1.4', 80, '203.0.113.9', port]));
  assert.throws(() => ask('any'), Refusal);
  assert.equal(told(ask(1000)), 'allow nsg/g/wide/in securityRules/many');
  assert.equal(told(ask(1001)), 'deny nsg/g/wide/in defaultSecurityRules/DenyAllInBound');
});

test('[S1.6] the next hop is that of the longest prefix, with the user route that made it', () => {
  const rows: readonly (readonly [string, string, string, string?])[] = [
    ['web', '10.0.2.4', 'local'],
    ['web', '10.9.1.4', 'peer'],
    ['web', '203.0.113.9', 'appliance', 'all'],
    ['web', '198.51.100.7', 'none', 'lost'],
    ['web', '192.0.2.7', 'none', 'gone'],
    ['web', '172.16.1.1', 'none'],
    ['web', '168.63.129.16', 'internet'],
    ['web', '2001:db8::1', 'internet'],
    ['hub', '203.0.113.9', 'internet'],
    ['hub', '198.51.100.7', 'internet'],
  ];
  for (const [nic, target, hop, name] of rows) {
    const answer = nextHopOf(at(nic), target);
    assert.deepEqual([answer.hop.kind, answer.name], [hop, name], `${nic} ${target}`);
  }
});

test('[S1.6] effective routes tell the system routes, the user routes, and which of the former are replaced', () => {
  const rows = effectiveRoutes(at('web')).map(({ prefix, hop, isActive, name }) => [prefix, hop.kind, isActive, name]);
  const has = (...row: unknown[]) =>
    assert.ok(
      rows.some((each) => JSON.stringify(each) === JSON.stringify(row)),
      JSON.stringify(rows),
    );
  has('10.0.0.0/16', 'local', true, undefined);
  has('10.9.0.0/16', 'peer', true, undefined);
  has('0.0.0.0/0', 'internet', false, undefined);
  has('0.0.0.0/0', 'appliance', true, 'all');
  has('198.51.100.0/24', 'none', true, 'lost');
  assert.ok(
    rows.every(([prefix]) => !String(prefix).includes(':')),
    'the NIC has no IPv6 address',
  );
  assert.deepEqual(rows.at(0), ['10.0.0.0/16', 'local', true, undefined]);
  assert.ok(effectiveRoutes(at('hub')).every(({ isActive, name }) => isActive && name === undefined));
});

test('[S1.6] a route of which longer prefixes leave no address is told as shadowed by them, and no other', () => {
  const made = build.newBuild();
  build.addRoutes(made, 'halves', [
    ['low', '192.0.2.0/25', 'None'],
    ['high', '192.0.2.128/25', 'None'],
    ['both', '192.0.2.0/24', 'Internet'],
    ['some', '203.0.113.0/24', 'None'],
    ['part', '203.0.113.0/25', 'Internet'],
  ]);
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addSubnet(made, 'net/a', [['10.0.1.0/24'], { routeTable: 'halves' }]);
  build.addNic(made, 'a', { subnet: 'net/a', addresses: ['10.0.1.4'] });
  const set = compileStamp(build.viewOf(made), build.labStamp, new CompileMemo());
  const placed = portOfNic(set, build.idOf('networkInterfaces/a'));
  assert.ok(placed);
  const shadowed = effectiveRoutes(placed).flatMap(({ name, shadowedBy }) =>
    shadowedBy.length === 0 ? [] : [[name, ...shadowedBy.toSorted()]],
  );
  assert.deepEqual(shadowed, [['both', '192.0.2.0/25', '192.0.2.128/25']]);
});

test('effective rules come per NSG with tags written out, and a NIC that is not attached has no port', () => {
  const layers = layersOf(view, at('web').port);
  assert.deepEqual(
    layers.map(({ nsg, nic, subnet }) => [nsg?.name, nic?.split('/').at(-1), subnet?.split('/').at(-1)]),
    [
      ['nic', 'web', undefined],
      ['subnet', undefined, 'web'],
    ],
  );
  const [, subnet] = layers;
  assert.ok(subnet);
  const rules = effectiveRules(at('web'), subnet);
  assert.equal(rules.length, 3 + 6);
  const [web] = rules;
  assert.deepEqual(
    [web?.name, web?.priority, web?.direction, web?.access, web?.protocol],
    ['securityRules/web', 100, 'inbound', 'allow', 'tcp'],
  );
  assert.deepEqual(web?.source.stated, ['Internet']);
  assert.ok((web?.source.expanded.length ?? 0) > 10);
  assert.deepEqual(web?.target, {
    ports: [
      [80, 80],
      [443, 443],
    ],
    stated: ['0.0.0.0/0', '::/0'],
    expanded: [],
  });
  const vnet = rules.find(({ name }) => name === 'defaultSecurityRules/AllowVnetInBound');
  assert.deepEqual(vnet?.source.stated, ['VirtualNetwork']);
  assert.ok(vnet?.source.expanded.includes('10.9.0.0/16'));
  assert.deepEqual(layersOf(view, at('hub').port), []);
  assert.equal(portOfNic(programs, build.idOf('networkInterfaces/loose')), undefined);
  assert.ok(portOfNic(programs, build.idOf('networkInterfaces/web').toUpperCase()));
});

test('a NIC with a Standard address and no NSG is told as closed, in rules and in flows', () => {
  const made = build.newBuild();
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addSubnet(made, 'net/web', [['10.0.1.0/24']]);
  build.addPublicIp(made, 'front', ['198.18.0.40', 'Standard']);
  build.addNic(made, 'web', { subnet: 'net/web', addresses: [{ address: '10.0.1.4', publicIp: 'front' }] });
  const set = build.viewOf(made);
  const closed = compileStamp(set, build.labStamp, new CompileMemo());
  const placed = portOfNic(closed, build.idOf('networkInterfaces/web'));
  assert.ok(placed);
  const [layer] = layersOf(set, placed.port);
  assert.ok(layer);
  assert.deepEqual(
    effectiveRules(placed, layer).map(({ name, access }) => [name, access]),
    [
      ['standard-closed/vnet', 'allow'],
      ['standard-closed/probe', 'allow'],
      ['standard-closed/outside', 'deny'],
    ],
  );
  const asked = flow('inbound', 'tcp', ['10.0.1.4', 80, '203.0.113.9', 50_000]);
  assert.equal(told(flowVerdict(closed, placed, asked)), 'deny standard-closed standard-closed/outside');
});

test('rules that stand for more prefixes than an answer tells are refused', () => {
  const made = build.newBuild();
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addSubnet(made, 'net/web', [['10.0.0.0/20'], { nsg: 'wide' }]);
  const rows = Array.from(
    { length: 900 },
    (_, index): build.RuleRow => [`r${index}`, 100 + index, 'In', 'Allow', 'Tcp', 'asg:all', '*'],
  );
  build.addNsg(made, 'wide', rows);
  for (let index = 0; index < 300; index += 1) {
    const address = `10.0.${index >> 8}.${index & 255}`;
    build.addNic(made, `n${index}`, { subnet: 'net/web', addresses: [{ address, groups: ['all'] }] });
  }
  const set = build.viewOf(made);
  const wide = compileStamp(set, build.labStamp, new CompileMemo());
  const placed = portOfNic(wide, build.idOf('networkInterfaces/n7'));
  assert.ok(placed);
  const [layer] = layersOf(set, placed.port);
  assert.ok(layer);
  assert.throws(() => effectiveRules(placed, layer), { code: 'EffectiveRulesTooLarge' });
});

test('a topology tells what is in what and what is tied to what, and nothing that may not be read', () => {
  const group = build.idOf('networkInterfaces/web').split('/').slice(0, 5).join('/');
  const all = topologyOf(view, { kind: 'group', id: group }, () => true);
  const links = (name: string, type: string) =>
    all
      .find(({ resource }) => resource.name === name && resource.type.endsWith(type))
      ?.links.map(({ to, kind }) => `${kind} ${to.type.split('/').at(-1)}/${to.name}`)
      .toSorted();
  assert.deepEqual(links('web', 'virtualMachines'), ['Contains networkInterfaces/web']);
  assert.deepEqual(links('web', 'networkInterfaces'), [
    'Associated networkSecurityGroups/nic',
    'Associated subnets/web',
  ]);
  assert.deepEqual(links('net', 'virtualNetworks'), ['Contains subnets/hub', 'Contains subnets/web']);
  const few = topologyOf(view, { kind: 'group', id: group }, ({ type }) => !type.endsWith('networkSecurityGroups'));
  assert.ok(!JSON.stringify(few).includes('"type":"Microsoft.Network/networkSecurityGroups"'));
  const hub = topologyOf(view, { kind: 'subnet', id: build.idOf('virtualNetworks/net/subnets/hub') }, () => true);
  const names = hub.map(({ resource }) => `${resource.type.split('/').at(-1)}/${resource.name}`);
  assert.ok(names.includes('networkInterfaces/hub') && names.includes('virtualMachines/hub'), names.join());
  assert.ok(!names.includes('networkInterfaces/web'), names.join());
});

test('on random stamps a flow question stops exactly what the filters of the sender stop in the oracle, by the same rule', () => {
  const random = randomFrom(20_261_124);
  let [asked, allowed] = [0, 0];
  for (let stamps = 0; stamps < 6; stamps += 1) {
    const made = randomStamp(9000 + stamps);
    const all = compileStamp(build.viewOf(made), made.stamp, new CompileMemo());
    const pool = packetPool(all);
    for (let packets = 0; packets < 150; packets += 1) {
      const packet = randomPacket(random, pool, { spoof: 0, probe: false, protocols: ['tcp', 'udp'] });
      if (packet.origin.kind !== 'nic' || (packet.protocol !== 'tcp' && packet.protocol !== 'udp')) continue;
      const { mark } = packet.origin;
      const router = Object.values(all).find(
        (each) => each.kind === 'router' && Object.values(each.ports).some((port) => port.mark === mark),
      );
      if (router?.kind !== 'router') continue;
      const nic = Object.values(router.ports).find((port) => port.mark === mark)?.nic ?? '';
      const placed = portOfNic(all, nic);
      assert.ok(placed);
      const fate = evaluate(all, packet);
      const ends = [packet.source, packet.sourcePort, packet.target, packet.targetPort] as const;
      const verdict = flowVerdict(all, placed, flow('outbound', packet.protocol, ends));
      if (fate.hops[0]?.step === 'spoof') continue;
      const last = fate.hops.at(-1);
      const { length } = placed.port.outbound;
      const isStopped = fate.verdict === 'drop' && last?.step === 'filter' && fate.hops.length <= length;
      assert.equal(verdict.kind === 'deny' && verdict.filter !== undefined, isStopped, JSON.stringify(packet));
      if (isStopped)
        assert.equal(last.because.split('/').at(-1), verdict.kind === 'deny' ? verdict.rule?.split('/').at(-1) : '');
      if (fate.verdict === 'deliver') assert.equal(verdict.kind, 'allow', JSON.stringify(packet));
      asked += 1;
      if (verdict.kind === 'allow') allowed += 1;
    }
  }
  assert.ok(asked > 100 && allowed > 20 && allowed < asked, `${allowed} of ${asked}`);
});
