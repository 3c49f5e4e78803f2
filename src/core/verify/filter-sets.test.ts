/** Shows that kept filters equal those compiled from scratch, through changes, rollbacks and commits, whatever the memos forget. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '#base/json.ts';
import { derived } from '#base/lineage.ts';
import type { Filter, Rule } from '#program/program.ts';
import { filterSet } from '#verify/filter-set.ts';
import { FilterSets } from '#verify/filter-sets.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { randomFilter } from '#test/generate/filter.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';

const rule: Rule = Object.freeze({
  access: 'allow',
  protocol: 'tcp',
  source: { prefixes: [], sets: ['tag'] },
  target: 'any',
  sourcePorts: [],
  targetPorts: [],
  because: 'x',
});
const filter: Filter = Object.freeze({ rules: Object.freeze({ '0100/r': rule }) });
const tag = (prefix: string) => Object.freeze({ tag: Object.freeze([prefix]) });

test('named sets first seen after a mark are forgotten at its rollback', () => {
  const store = new PacketSets();
  const filters = new FilterSets(store);
  const mark = store.mark();
  filters.setOf(filter, tag('10.0.0.0/8'), 'target');
  store.rollback(mark);
  // Takes the rows that the rollback let go.
  filters.setOf(filter, tag('192.0.2.0/24'), 'target');
  const sets = tag('10.0.0.0/8');
  assert.equal(filters.setOf(filter, sets, 'target'), filterSet(store, { filter, sets }));
});

test('after random changes, rollbacks and commits a kept filter is the one compiled from scratch', () => {
  const seed = Date.now() % 1_000_000;
  console.log(`seed ${seed}`);
  const random = randomFrom(seed);
  // Small memos, so that most of what is remembered is soon written over.
  const store = new PacketSets({ memoBits: 4 });
  const filters = new FilterSets(store);
  const { filter: first, sets } = randomFilter(random, 'mixed', 12);
  let stands = first.rules;
  for (let round = 0; round < 200; round++) {
    const mark = store.mark();
    const next = changed(stands, random);
    const after = random.chance(0.3) ? Object.freeze({ ...sets, [`${round}`]: [] }) : sets;
    for (const [rules, named] of [[stands, sets] as const, [next, after] as const]) {
      const kept = filters.setOf({ rules }, named, 'target');
      const fresh = filterSet(store, { filter: { rules }, sets: named });
      assert.equal(kept, fresh, `seed ${seed}, round ${round}`);
    }
    if (random.chance(0.5)) store.rollback(mark);
    else stands = next;
    store.commit();
  }
});

test('the same work counts the same, and what is remembered is no miss', () => {
  const count = (): [PacketSets, FilterSets] => {
    const store = new PacketSets();
    const filters = new FilterSets(store);
    const { filter: one, sets } = randomFilter(randomFrom(7), 'mixed', 40);
    filters.setOf(one, sets, 'target');
    return [store, filters];
  };
  const [store, filters] = count();
  const first = store.counters();
  assert.deepEqual(first, count()[0].counters());
  assert.ok(first.operations > first.misses && first.misses > 0 && first.nodes > 0 && first.labelNodes > 0);
  // Another list of equal rules makes the same rows.
  const { filter: again, sets } = randomFilter(randomFrom(7), 'mixed', 40);
  filters.setOf(again, sets, 'target');
  const { nodes, labelNodes } = store.counters();
  assert.deepEqual({ nodes, labelNodes }, { nodes: first.nodes, labelNodes: first.labelNodes });
});

/** Some rules put in, changed or taken away, as a write does it: the others are the same objects. */
function changed(rules: Filter['rules'], random: Random): Filter['rules'] {
  const donors = Object.values(randomFilter(random, 'mixed', 3).filter.rules);
  const keys = Object.keys(rules);
  const changes = new Map<string, Json | undefined>();
  for (const donor of donors) {
    const isNew = keys.length < 4 || random.chance(0.3);
    const key = isNew ? `${String(random.below(20_000)).padStart(5, '0')}/n` : random.pick(keys);
    changes.set(key, !isNew && random.chance(0.5) ? undefined : (donor as unknown as Json));
  }
  return derived(rules as unknown as JsonObject, changes) as unknown as Filter['rules'];
}
