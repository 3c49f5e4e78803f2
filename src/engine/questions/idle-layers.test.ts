/** The states of rules at a NIC: rows of groups with what each rule is there, and the oracle on what is called dead. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layersOf, portOfNic } from '#compile/answer/port.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { layerStates } from '#engine/questions/idle-layers.ts';
import { filterVerdict } from '#program/filter.ts';
import * as build from '#test/generate/build.ts';
import { randomFrom } from '#test/generate/random.ts';

/** The states at a NIC with these rules in the group of its subnet, and in its own. */
async function statesOf(subnet: readonly build.RuleRow[], nic: readonly build.RuleRow[] | undefined) {
  const made = build.newBuild();
  build.addNsg(made, 'subnet', subnet);
  if (nic !== undefined) build.addNsg(made, 'nic', nic);
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addSubnet(made, 'net/web', [['10.0.1.0/24'], { nsg: 'subnet' }]);
  const own = nic === undefined ? {} : { nsg: 'nic' };
  build.addNic(made, 'web', { subnet: 'net/web', addresses: ['10.0.1.4'], ...own });
  const view = build.viewOf(made);
  const programs = compileStamp(view, build.labStamp, new CompileMemo());
  const placed = portOfNic(programs, build.idOf('networkInterfaces/web'));
  assert.ok(placed);
  const states = await layerStates(placed, layersOf(view, placed.port));
  const told = (filter: string, rule: string): string => {
    for (const [key, { state, by }] of states.get(filter) ?? []) {
      if (key.endsWith(`/${rule}`)) return [state, ...by.map((each) => each.split('/')[1])].join(' ');
    }
    return 'absent';
  };
  return { states, told, router: placed.router };
}

const web: build.RuleRow = ['web', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', ['80', '443']];

// One row is one rule: the groups of subnet and NIC, the filter and the rule, and its state with the rules that decide instead.
const rows: readonly (readonly [
  subnet: readonly build.RuleRow[],
  nic: readonly build.RuleRow[] | undefined,
  filter: string,
  rule: string,
  state: string,
])[] = [
  [[web], undefined, 'nsg/g/subnet/in', 'web', 'live'],
  [[web], undefined, 'nsg/g/subnet/in', 'DenyAllInBound', 'live'],
  [
    [web, ['again', 200, 'In', 'Allow', 'Tcp', 'Internet', '*', '80']],
    undefined,
    'nsg/g/subnet/in',
    'again',
    'shadowed web',
  ],
  [
    [web, ['shut', 4096, 'In', 'Deny', '*', '*', '*']],
    undefined,
    'nsg/g/subnet/in',
    'AllowVnetInBound',
    'shadowed shut',
  ],
  [
    [web, ['no-22', 300, 'In', 'Deny', 'Tcp', 'Internet', '*', '22']],
    undefined,
    'nsg/g/subnet/in',
    'no-22',
    'redundant DenyAllInBound',
  ],
  [[['asg', 100, 'In', 'Allow', '*', 'asg:nobody', '*']], undefined, 'nsg/g/subnet/in', 'asg', 'empty'],
  // The NIC's group lets the internet in on 443 alone: what the subnet's says of 25 ends there.
  [[['mail', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', '25']], [web], 'nsg/g/subnet/in', 'mail', 'dead'],
  [[web], [['tls', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', '443']], 'nsg/g/subnet/in', 'web', 'live'],
  [[web], [['mail', 100, 'In', 'Allow', 'Tcp', '*', '*', '25']], 'nsg/g/nic/in', 'mail', 'live'],
  [[web], [['out', 100, 'Out', 'Deny', '*', '*', 'Internet']], 'nsg/g/subnet/out', 'AllowInternetOutBound', 'dead'],
  // A rule that denies does its work whatever the other layer says.
  [
    [['no', 100, 'In', 'Deny', 'Tcp', 'VirtualNetwork', '*', '22']],
    [['no', 100, 'In', 'Deny', '*', '*', '*']],
    'nsg/g/subnet/in',
    'no',
    'live',
  ],
];

test('[S2.19] each rule at a NIC is told as what it is there, with the rules that decide in its place', async () => {
  for (const [subnet, nic, filter, rule, state] of rows)
    assert.equal((await statesOf(subnet, nic)).told(filter, rule), state, `${filter} ${rule}`);
});

test('what is called dead lets no packet through both layers, and a rule called shadowed never decides', async () => {
  const seed = 20_261_126;
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const rule = (index: number): build.RuleRow => [
    `r${index}`,
    100 + index,
    'In',
    pick(['Allow', 'Deny'] as const),
    pick(['Tcp', 'Udp', '*']),
    pick(['*', 'Internet', 'VirtualNetwork', '10.9.0.0/16', '203.0.113.0/24']),
    '*',
    pick(['*', '22', '80', '80-443']),
  ];
  let [dead, shadowed] = [0, 0];
  for (let round = 0; round < 40; round += 1) {
    const group = (): build.RuleRow[] => Array.from({ length: 4 }, (_, index) => rule(index));
    const { states, router } = await statesOf(group(), group());
    const filters = ['nsg/g/subnet/in', 'nsg/g/nic/in'] as const;
    for (const source of ['203.0.113.9', '10.9.1.1', '10.0.1.9', '8.8.8.8', '168.63.129.16']) {
      for (const protocol of ['tcp', 'udp', 'icmp'] as const) {
        for (const targetPort of protocol === 'icmp' ? [0] : [22, 80, 81, 443, 5000]) {
          const packet = {
            source,
            target: '10.0.1.4',
            protocol,
            sourcePort: protocol === 'icmp' ? 0 : 50_000,
            targetPort,
          };
          const verdicts = filters.map((name) =>
            filterVerdict(router.filters[name] ?? { rules: {} }, router.sets, packet),
          );
          for (const [index, { rule: key = '' }] of verdicts.entries()) {
            const state = states.get(filters[index] ?? '')?.get(key)?.state;
            const says = `seed ${seed} round ${round} ${filters[index]} ${key} ${JSON.stringify(packet)}`;
            assert.ok(state !== 'shadowed' && state !== 'empty', says);
            if (state === 'dead')
              assert.ok(
                verdicts.some(({ verdict }) => verdict === 'deny'),
                says,
              );
          }
        }
      }
    }
    for (const each of states.values()) {
      for (const { state } of each.values()) {
        if (state === 'dead') dead += 1;
        if (state === 'shadowed') shadowed += 1;
      }
    }
  }
  assert.ok(dead > 5 && shadowed > 5, `${dead} dead and ${shadowed} shadowed rules in all`);
});
