/** Shows that equal filters are found equal however they are written, and that a difference comes with a packet that shows it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterVerdict } from '#program/filter.ts';
import type { Filter, Rule } from '#program/program.ts';
import { sameFilter } from '#verify/equivalence.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { boundaryPackets, randomFilter } from '#test/generate/filter.ts';
import { randomFrom } from '#test/generate/random.ts';

const base: Rule = {
  access: 'allow',
  protocol: 'any',
  source: 'any',
  target: 'any',
  sourcePorts: [],
  targetPorts: [],
  because: 'x',
};
const filterOf = (...rules: Partial<Rule>[]): Filter => ({
  rules: Object.fromEntries(rules.map((one, index) => [`${100 + index}/r`.padStart(6, '0'), { ...base, ...one }])),
});
const from = (...prefixes: string[]) => ({ source: { prefixes, sets: [] } });
const deny = { access: 'deny' } as const;

const equal: [string, Filter, Filter][] = [
  ['no rule denies', filterOf(), filterOf(deny)],
  ['two halves', filterOf(from('10.0.0.0/25', '10.0.0.128/25')), filterOf(from('10.0.0.0/24'))],
  ['both families', filterOf(from('0.0.0.0/0', '::/0')), filterOf({})],
  [
    'adjacent ports',
    filterOf({ protocol: 'tcp', targetPorts: [[1, 5]] }, { protocol: 'tcp', targetPorts: [[6, 9]] }),
    filterOf({ protocol: 'tcp', targetPorts: [[1, 9]] }),
  ],
  ['all ports', filterOf({ protocol: 'udp', targetPorts: [[0, 65_535]] }), filterOf({ protocol: 'udp' })],
  ['ports of ICMP', filterOf({ protocol: 'icmp', targetPorts: [[80, 80]] }), filterOf({ protocol: 'icmp' })],
  [
    'any with ports',
    filterOf({ targetPorts: [[80, 80]] }),
    filterOf({ protocol: 'tcp', targetPorts: [[80, 80]] }, { protocol: 'udp', targetPorts: [[80, 80]] }),
  ],
  [
    'every protocol by name',
    filterOf(...(['tcp', 'udp', 'icmp', 'esp', 'ah'] as const).map((protocol) => ({ protocol }))),
    filterOf({}),
  ],
  [
    'order of disjoint rules',
    filterOf(from('10.0.0.0/24'), { ...deny, ...from('10.0.1.0/24') }),
    filterOf(from('10.0.0.0/24')),
  ],
];

const different: [string, Filter, Filter][] = [
  ['any with all ports is not any', filterOf({ targetPorts: [[0, 65_535]] }), filterOf({})],
  ['one address', filterOf(from('10.0.0.0/24')), filterOf(from('10.0.0.0/25', '10.0.0.128/26', '10.0.0.192/27'))],
  [
    'one port of IPv6',
    filterOf({ protocol: 'tcp', targetPorts: [[1, 9]], ...from('fd00::/8') }),
    filterOf({ protocol: 'tcp', targetPorts: [[1, 8]], ...from('fd00::/8') }),
  ],
  ['order', filterOf(deny, {}), filterOf({}, deny)],
  ['ESP alone', filterOf({ ...deny, protocol: 'esp' }, {}), filterOf({})],
];

test('filters that say the same are the same, however they are written', () => {
  for (const [name, left, right] of equal) {
    assert.deepEqual(sameFilter({ filter: left, sets: {} }, { filter: right, sets: {} }), { kind: 'same' }, name);
  }
});

test('filters that differ come with a packet and both verdicts of the oracle', () => {
  for (const [name, left, right] of different) {
    const found = sameFilter({ filter: left, sets: {} }, { filter: right, sets: {} });
    assert.ok(found.kind === 'differs', name);
    assert.deepEqual(found.left, filterVerdict(left, {}, found.packet), name);
    assert.deepEqual(found.right, filterVerdict(right, {}, found.packet), name);
    assert.notEqual(found.left.verdict, found.right.verdict, name);
  }
  const [, left, right] = different[2] ?? assert.fail();
  assert.deepEqual(sameFilter({ filter: left, sets: {} }, { filter: right, sets: {} }), {
    kind: 'differs',
    packet: { source: 'fd00::5', target: 'fd00::4', protocol: 'tcp', sourcePort: 50_000, targetPort: 9 },
    left: { verdict: 'allow', because: 'x', rule: '0100/r'.slice(0, 6) },
    right: { verdict: 'deny', because: 'no rule matched' },
  });
});

test('a set that changes changes the filters that speak of it', () => {
  const filter = filterOf({ source: { prefixes: [], sets: ['web'] } });
  const found = sameFilter({ filter, sets: { web: ['10.0.0.4/32'] } }, { filter, sets: {} });
  assert.ok(found.kind === 'differs');
  assert.equal(found.packet.source, '10.0.0.4');
});

test('a random filter with one rule turned is the same only where no packet tells', () => {
  const kinds = { same: 0, differs: 0 };
  const store = new PacketSets({ memoBits: 14 });
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomFrom(seed);
    const { filter, sets } = randomFilter(random, 'mixed', 8);
    const key = random.pick(Object.keys(filter.rules));
    const rule = filter.rules[key] ?? base;
    const turned = {
      rules: { ...filter.rules, [key]: { ...rule, access: rule.access === 'allow' ? 'deny' : 'allow' } },
    } as Filter;
    const found = sameFilter({ filter, sets }, { filter: turned, sets }, store);
    kinds[found.kind]++;
    if (found.kind === 'differs') {
      assert.ok(found.left.rule === key && found.right.rule === key, `seed ${seed}`);
      continue;
    }
    const draw = boundaryPackets(random, { filter, sets });
    for (let count = 0; count < 200; count++) {
      assert.notEqual(filterVerdict(filter, sets, draw()).rule, key, `seed ${seed}: the rule decides`);
    }
  }
  assert.ok(kinds.same > 3 && kinds.differs > 10, JSON.stringify(kinds));
});
