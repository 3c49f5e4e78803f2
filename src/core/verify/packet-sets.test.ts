/** Shows that sets hold exactly the packets that the oracle allows, that equal sets have equal numbers, and that limits and rollbacks leave no trace. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '#base/wrong.ts';
import { filterVerdict, type Header } from '#program/filter.ts';
import type { Filter, Rule } from '#program/program.ts';
import { filterSet } from '#verify/filter-set.ts';
import { type LocalEnd, PacketSets, valuesOf } from '#verify/packet-sets.ts';
import { boundaryPackets, randomFilter, type RandomFilter } from '#test/generate/filter.ts';
import { randomFrom } from '#test/generate/random.ts';

const firstSeed = 20_260;
const filters = 20;
const packetsPerFilter = 1000;

const allowed = ({ filter, sets }: RandomFilter, packet: Header) =>
  filterVerdict(filter, sets, packet).verdict === 'allow';

test('a filter and each operation on two of them hold what the oracle says, for 20,000 packets at their edges', (context) => {
  context.diagnostic(`seeds ${firstSeed} to ${firstSeed + filters - 1}, ${packetsPerFilter} packets each`);
  let held = 0;
  for (let seed = firstSeed; seed < firstSeed + filters; seed++) {
    const random = randomFrom(seed);
    const left = randomFilter(random, random.pick(['mixed', 'mixed', 'access', 'firewall']), 2 + random.below(8));
    const right = randomFilter(random, 'mixed', 2 + random.below(6));
    const local: LocalEnd = random.pick(['source', 'target']);
    const store = new PacketSets({ memoBits: 12 });
    const one = filterSet(store, { ...left, local });
    const other = filterSet(store, { ...right, local });
    const rows: [string, number, (inOne: boolean, inOther: boolean) => boolean][] = [
      ['left', one, (inOne) => inOne],
      ['right', other, (_, inOther) => inOther],
      ['union', store.union(one, other), (inOne, inOther) => inOne || inOther],
      ['intersection', store.intersection(one, other), (inOne, inOther) => inOne && inOther],
      ['difference', store.difference(one, other), (inOne, inOther) => inOne && !inOther],
      ['complement', store.complement(one), (inOne) => !inOne],
    ];
    const draws = [boundaryPackets(random, left), boundaryPackets(random, right)];
    for (let count = 0; count < packetsPerFilter; count++) {
      const packet = random.pick(draws)();
      const says = [allowed(left, packet), allowed(right, packet)] as const;
      if (says[0]) held++;
      const values = valuesOf(packet, local) ?? assert.fail(JSON.stringify(packet));
      for (const [name, set, wanted] of rows) {
        if (store.holdsValues(set, values) === wanted(...says)) continue;
        assert.fail(`seed ${seed}, ${name}: ${JSON.stringify(packet)} should ${wanted(...says) ? '' : 'not '}be held`);
      }
    }
    for (const [name, set] of rows) {
      const example = store.example(set, local);
      assert.equal(example === undefined, store.isEmpty(set), `seed ${seed}, ${name}`);
      if (example !== undefined) assert.ok(store.holds(set, example, local), `seed ${seed}, ${name}`);
      if (example !== undefined && name === 'left') assert.ok(allowed(left, example), `seed ${seed}`);
    }
  }
  // A test of packets that are all denied would show little.
  assert.ok(held > (filters * packetsPerFilter) / 20, `${held} packets were allowed`);
});

const match = (name: string) =>
  fc.constantFrom<Rule['source']>(
    'any',
    { prefixes: ['0.0.0.0/1'], sets: [] },
    { prefixes: ['128.0.0.0/1', '::/1'], sets: [] },
    { prefixes: [], sets: [name] },
  );
const ports = fc.constantFrom<Rule['targetPorts']>(
  [],
  [[0, 32_767]],
  [[32_768, 65_535]],
  [
    [0, 32_767],
    [32_768, 65_535],
  ],
);
const rule: fc.Arbitrary<Rule> = fc.record({
  access: fc.constantFrom('allow', 'deny'),
  protocol: fc.constantFrom('any', 'tcp', 'udp', 'icmp', 'esp', 'ah'),
  source: match('low'),
  target: match('six'),
  sourcePorts: ports,
  targetPorts: ports,
  because: fc.constant('x'),
});
const smallFilter: fc.Arbitrary<Filter> = fc
  .array(rule, { maxLength: 3 })
  .map((rules) => ({ rules: Object.fromEntries(rules.map((one, index) => [`000${index}/r`, one])) }));
const smallSets = { low: ['0.0.0.0/1', '::/1'], six: ['::/0'] };

// Every class of packets that the rules above can tell apart.
const everyPacket: Header[] = [
  ['0.0.0.1', '128.0.0.1'],
  ['::1', '8000::1'],
].flatMap((addresses) =>
  addresses.flatMap((source) =>
    addresses.flatMap((target) => [
      ...(['tcp', 'udp'] as const).flatMap((protocol) =>
        [1, 40_000].flatMap((sourcePort) =>
          [1, 40_000].map((targetPort) => ({ source, target, protocol, sourcePort, targetPort })),
        ),
      ),
      ...(['icmp', 'esp', 'ah'] as const).map((protocol) => ({
        source,
        target,
        protocol,
        sourcePort: 0,
        targetPort: 0,
      })),
    ]),
  ),
);

test('two filters have one number if and only if they say the same of every packet there is', () => {
  let equal = 0;
  fc.assert(
    fc.property(fc.array(smallFilter, { minLength: 12, maxLength: 12 }), (several) => {
      const store = new PacketSets({ memoBits: 10 });
      const seen = new Map<string, number>();
      const owners = new Map<number, string>();
      for (const filter of several) {
        const says = everyPacket.map((packet) => filterVerdict(filter, smallSets, packet).verdict[0]).join('');
        const set = filterSet(store, { filter, sets: smallSets });
        if (seen.has(says)) equal++;
        assert.equal(seen.get(says) ?? set, set);
        assert.equal(owners.get(set) ?? says, says);
        seen.set(says, set);
        owners.set(set, says);
      }
    }),
    { numRuns: 20 },
  );
  assert.ok(equal > 20, `${equal} equal filters`);
});

test('sets obey the laws of sets, whatever the way to them', () => {
  const law = (store: PacketSets, [a, b, c]: readonly [number, number, number]) => {
    assert.equal(store.union(a, b), store.union(b, a));
    assert.equal(
      store.intersection(a, store.union(b, c)),
      store.union(store.intersection(a, b), store.intersection(a, c)),
    );
    assert.equal(store.complement(store.union(a, b)), store.intersection(store.complement(a), store.complement(b)));
    assert.equal(store.complement(store.complement(a)), a);
    assert.equal(store.difference(a, b), store.intersection(a, store.complement(b)));
    assert.equal(store.union(store.difference(a, b), store.intersection(a, b)), a);
    assert.ok(store.isEmpty(store.intersection(a, store.complement(a))));
  };
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(4, 8, 12), (seed, memoBits) => {
      const random = randomFrom(seed);
      const store = new PacketSets({ memoBits });
      const set = () => filterSet(store, randomFilter(random, random.pick(['mixed', 'firewall']), 1 + random.below(8)));
      law(store, [set(), set(), set()]);
    }),
    { numRuns: 20 },
  );
});

const onePort = (index: number): Filter => ({
  rules: {
    '0100/r': {
      access: 'allow',
      protocol: 'tcp',
      source: 'any',
      target: { prefixes: [`10.0.${index}.0/24`, `fd00:${index}::/32`], sets: [] },
      sourcePorts: [],
      targetPorts: [[index, index]],
      because: 'x',
    },
  },
});

test('a node that leads to many others is the same in either direction of growth, and narrow again when they go', () => {
  const store = new PacketSets();
  const sets = Array.from({ length: 40 }, (_, index) => filterSet(store, { filter: onePort(index), sets: {} }));
  const up = sets.reduce((whole, set) => store.union(whole, set), 0);
  const down = sets.reduceRight((whole, set) => store.union(set, whole), 0);
  assert.equal(up, down);
  // 12 children and the rest that leads nowhere are one more than a narrow node has.
  for (const kept of [1, 11, 12, 13, 39]) {
    const some = sets.slice(0, kept).reduce((whole, set) => store.union(whole, set), 0);
    const cut = sets.slice(kept).reduce((whole, set) => store.difference(whole, set), up);
    assert.equal(cut, some, `${kept} kept`);
    assert.equal(store.intersection(up, some), some);
  }
  const packet: Header = { source: '10.0.0.1', target: '10.0.7.255', protocol: 'tcp', sourcePort: 1, targetPort: 7 };
  assert.ok(store.holds(up, packet));
  assert.ok(!store.holds(up, { ...packet, targetPort: 8 }));
  assert.ok(!store.holds(up, { ...packet, source: 'fd00::1' }), 'two families in one packet');
});

test('beyond its budget a question is refused by name, and the store answers the next one', () => {
  const big = randomFilter(randomFrom(5), 'mixed', 30);
  for (const limits of [{ steps: 200 }, { rows: 200 }]) {
    const store = new PacketSets(limits);
    const mark = store.mark();
    assert.throws(
      () => filterSet(store, big),
      (error) => error instanceof Refusal && error.code === 'ProofBudgetExceeded' && error.status === 429,
    );
    store.rollback(mark);
    assert.deepEqual(store.size, { nodes: 0, labelNodes: 0 });
    store.budget.refill();
    const set = filterSet(store, { filter: onePort(7), sets: {} });
    assert.deepEqual(store.example(set), {
      source: '203.0.113.9',
      target: '10.0.7.0',
      protocol: 'tcp',
      sourcePort: 50_000,
      targetPort: 7,
    });
  }
});

test('after a rollback the store makes the same numbers as one that never tried', () => {
  for (let seed = 1; seed <= 8; seed++) {
    for (const memoBits of [4, 12]) {
      const [tried, fresh] = [new PacketSets({ memoBits }), new PacketSets({ memoBits })];
      for (let round = 0; round < 4; round++) {
        const make = (store: PacketSets, salt: number) => {
          const random = randomFrom(seed * 1000 + round * 10 + salt);
          const one = filterSet(store, randomFilter(random, 'mixed', 4));
          return store.difference(one, filterSet(store, randomFilter(random, 'mixed', 3)));
        };
        const mark = tried.mark();
        make(tried, 1);
        const inner = tried.mark();
        make(tried, 2);
        tried.rollback(inner);
        make(tried, 3);
        tried.rollback(mark);
        assert.equal(make(tried, 4), make(fresh, 4), `seed ${seed}, round ${round}, memo ${memoBits}`);
        assert.deepEqual(tried.size, fresh.size);
        if (round % 2 === 1) tried.commit();
      }
    }
  }
});
