/** Shows that exactly the rules that no packet would miss are listed, and that groups on a stamp are judged with their VNet's sets. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Filter, Program, Rule } from '#program/program.ts';
import { filterSet } from '#verify/filter-set.ts';
import { idleReport } from '#verify/idle-report.ts';
import { idleRules } from '#verify/idle-rules.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { boundaryPackets, randomFilter } from '#test/generate/filter.ts';
import { filterVerdict } from '#program/filter.ts';
import { randomFrom } from '#test/generate/random.ts';
import { twoNics } from '#test/generate/two-nics.ts';

const base: Rule = {
  access: 'allow',
  protocol: 'tcp',
  source: 'any',
  target: 'any',
  sourcePorts: [],
  targetPorts: [],
  because: 'x',
};
const from = (...prefixes: string[]) => ({ source: { prefixes, sets: [] } });
const deny = { access: 'deny' } as const;
const none = () => false;

// Rules 1, 2, 3 …, and what is found: number, kind, and the rules that decide instead.
const rows: [string, Partial<Rule>[], string[]][] = [
  ['apart', [from('10.0.0.0/24'), from('10.0.1.0/24')], []],
  ['covered by one', [from('10.0.0.0/16'), { ...deny, ...from('10.0.1.0/24') }], ['2 shadowed 1']],
  [
    'covered by two together',
    [from('10.0.0.0/25'), { ...deny, ...from('10.0.0.128/25') }, from('10.0.0.0/24')],
    // The second one only denies what the end denies, and keeps the third one out: it stays.
    ['3 shadowed 1,2'],
  ],
  ['a special case of a later rule', [from('10.0.0.0/25'), from('10.0.0.0/24')], ['1 redundant 2']],
  ['denied at the end anyway', [from('10.0.0.0/24'), { ...deny, ...from('10.0.1.0/24') }], ['2 redundant ']],
  ['an exception is needed', [{ ...deny, ...from('10.0.0.0/25') }, from('10.0.0.0/24')], []],
  ['twice the same: the second goes', [from('10.0.0.0/24'), from('10.0.0.0/24')], ['2 shadowed 1']],
  ['no addresses', [from(), from('10.0.0.0/24')], ['1 empty ']],
  [
    'ports of TCP and UDP',
    [{ protocol: 'any', targetPorts: [[80, 80]] }, { targetPorts: [[80, 80]] }],
    ['2 shadowed 1'],
  ],
  ['ESP is not reached by ports', [{ protocol: 'any', targetPorts: [[0, 65_535]] }, { protocol: 'esp' }], []],
];

test('[S1.13] a rule that can never decide or changes nothing is listed with the rules that decide instead', () => {
  for (const [name, rules, wanted] of rows) {
    const filter: Filter = {
      rules: Object.fromEntries(rules.map((one, index) => [`000${index + 1}/r`, { ...base, ...one }])),
    };
    const number = (key: string) => String(Number(key.slice(0, 4)));
    const found = idleRules({ filter, sets: {} }, none).map(
      ({ rule, kind, by }) => `${number(rule)} ${kind} ${by.map(number).join(',')}`,
    );
    assert.deepEqual(found, wanted, name);
  }
});

function without(filter: Filter, keys: readonly string[]): Filter {
  return { rules: Object.fromEntries(Object.entries(filter.rules).filter(([key]) => !keys.includes(key))) };
}

test('without any of the idle rules a filter is the same for every packet; every other rule is needed', () => {
  let idleCount = 0;
  let keptCount = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const random = randomFrom(seed);
    const { filter, sets } = randomFilter(random, random.pick(['mixed', 'firewall']), 9);
    const store = new PacketSets({ memoBits: 12 });
    const idle = idleRules({ filter, sets }, none, store).map(({ rule }) => rule);
    const setWithout = (keys: readonly string[]) => filterSet(store, { filter: without(filter, keys), sets });
    const isSame = (left: readonly string[], right: readonly string[]) => setWithout(left) === setWithout(right);
    assert.ok(isSame([], idle), `seed ${seed}`);
    for (let count = 0; count < 3; count++) {
      const some = idle.filter(() => random.chance(0.5));
      assert.ok(isSame([], some), `seed ${seed}: without ${some.join(', ')}`);
    }
    const draw = boundaryPackets(random, { filter, sets });
    for (let count = 0; count < 50; count++) {
      const packet = draw();
      const verdicts = [filter, without(filter, idle)].map((one) => filterVerdict(one, sets, packet).verdict);
      assert.equal(verdicts[0], verdicts[1], `seed ${seed}: ${JSON.stringify(packet)}`);
    }
    for (const key of Object.keys(filter.rules).filter((one) => !idle.includes(one))) {
      const after = idle.filter((one) => one > key);
      const isIdle = subsetsOf(after).every((some) => isSame(some, [...some, key]));
      assert.ok(!isIdle, `seed ${seed}: ${key} is idle and was not listed`);
      keptCount++;
    }
    idleCount += idle.length;
  }
  assert.ok(idleCount > 20 && keptCount > 20, `${idleCount} idle, ${keptCount} kept`);
});

function subsetsOf(keys: readonly string[]): string[][] {
  return Array.from({ length: 1 << keys.length }, (_, bits) => keys.filter((_key, index) => (bits >> index) & 1));
}

test('[S1.13] the groups of a stamp are judged with the sets of their VNet; default rules are no finding', () => {
  const report = idleReport(
    twoNics(
      [
        ['web', 100, 'In', 'Allow', 'Tcp', '*', '*', '443'],
        ['late', 200, 'In', 'Deny', 'Tcp', '203.0.113.0/24', '*', '443'],
        ['inside', 300, 'In', 'Allow', '*', '10.0.0.0/24', '10.0.1.0/24', '*'],
        ['ssh', 400, 'In', 'Allow', 'Tcp', '203.0.113.7', '*', '22'],
        ['out', 100, 'Out', 'Deny', 'Tcp', '*', 'Internet', '25'],
      ],
      [['all', 100, 'In', 'Allow', '*', '*', '*', '*']],
    ),
  );
  assert.deepEqual(report.unjudged, []);
  assert.equal(report.filters, 4);
  assert.equal(report.rules, 6 + 4 * 3);
  assert.deepEqual(
    report.idle.map(({ because, kind, says }) => `${because} ${kind}: ${says}`),
    [
      'nsg/sub/late shadowed: can never decide: earlier rules decide all that it matches (nsg/sub/web)',
      'nsg/sub/inside redundant: changes nothing: without it the same is said by nsg/sub/AllowVnetInBound',
    ],
  );
  assert.match(report.idle[0]?.vnet ?? '', /\/virtualNetworks\/a$/);
});

const routerOf = (key: string, groups: { readonly [name: string]: readonly string[] }, filter: Filter): Program =>
  ({
    kind: 'router',
    key,
    vnet: `/virtualNetworks/${key}`,
    sets: groups,
    filters: { 'nsg/g/web/in': filter },
  }) as never;

test('a rule that another VNet needs is told as such; a group that costs too much is told as not judged', () => {
  const filter: Filter = {
    rules: {
      '0100/a': { ...base, source: { prefixes: [], sets: ['asg/one'] } },
      '0200/b': { ...base, ...from('10.0.0.0/8') },
    },
  };
  const report = idleReport({
    'router/v1/h1': routerOf('v1', { 'asg/one': ['10.0.0.4/32'] }, filter),
    'router/v1/h2': routerOf('v1', { 'asg/one': ['10.0.0.4/32'] }, filter),
    'router/v2/h1': routerOf('v2', { 'asg/one': ['192.168.0.4/32'] }, filter),
    'router/v3/h1': routerOf('v3', { 'asg/one': [] }, filter),
  });
  assert.equal(report.filters, 3, 'two hosts of one VNet are one');
  assert.deepEqual(
    report.idle.map(({ vnet, rule, kind, neededElsewhere }) => [vnet, rule, kind, neededElsewhere]),
    [
      ['/virtualNetworks/v1', '0100/a', 'redundant', true],
      ['/virtualNetworks/v3', '0100/a', 'empty', true],
    ],
  );
  const costly = idleReport({ 'router/v1/h1': routerOf('v1', {}, filter) }, new PacketSets({ rows: 5 }));
  assert.deepEqual(costly.idle, []);
  assert.match(costly.unjudged[0]?.says ?? '', /more than 5 rows/);
});
