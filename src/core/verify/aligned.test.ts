/** Shows that what tells two filters apart is found from the rules that they do not share, and that it is what all rules together say. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Filter } from '#program/program.ts';
import { apart } from '#verify/aligned.ts';
import { filterSet, type Policy } from '#verify/filter-set.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { randomFilter, rewritten, turned } from '#test/generate/filter.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';

/** Some rules left out, turned, exchanged with a neighbour, doubled, or split in two. */
function edited(random: Random, { rules }: Filter): Filter {
  let entries = Object.entries(rules);
  for (let count = random.below(4); count > 0 && entries.length > 1; count--) {
    const at = random.below(entries.length - 1);
    const kept = entries.map(([, rule]) => rule);
    const [one, next] = [kept[at] ?? assert.fail(), kept[at + 1] ?? assert.fail()];
    const put = random.pick([[], [{ ...one, access: 'deny' as const }, next], [next, one], [one, one, next]]);
    kept.splice(at, 2, ...put);
    entries = kept.map((rule, index) => [`${String(index).padStart(5, '0')}/e`, rule]);
  }
  const filter = { rules: Object.fromEntries(entries) };
  return random.chance(0.3) ? rewritten(filter) : random.chance(0.2) ? turned(filter) : filter;
}

const seed = Date.now() % 1_000_000;
test(`random edits: they are equal, and differ, by the same packets as all rules laid over each other (seed ${seed})`, () => {
  const random = randomFrom(seed);
  const kinds = { same: 0, differs: 0 };
  for (let round = 0; round < 150; round++) {
    const store = new PacketSets({ memoBits: 14 });
    const left: Policy = randomFilter(random, random.pick(['mixed', 'access', 'firewall']), 2 + random.below(20));
    const right: Policy = { ...left, filter: edited(random, left.filter) };
    const [mine, other] = apart(store, left, right) ?? assert.fail('too much differs');
    const [whole, otherWhole] = [filterSet(store, left), filterSet(store, right)];
    kinds[mine === other ? 'same' : 'differs'] += 1;
    assert.equal(store.difference(mine, other), store.difference(whole, otherWhole), `round ${round}`);
    assert.equal(store.difference(other, mine), store.difference(otherWhole, whole), `round ${round}`);
  }
  assert.ok(kinds.same > 20 && kinds.differs > 20, JSON.stringify(kinds));
});

test('filters with little in common are laid over each other instead', () => {
  const [left, right] = [randomFilter(randomFrom(1), 'access', 100), randomFilter(randomFrom(2), 'access', 100)];
  assert.equal(apart(new PacketSets(), left, right), undefined);
});

test('a long list in other words costs no more than its rules', () => {
  const left: Policy = randomFilter(randomFrom(1), 'access', 2000);
  const store = new PacketSets();
  const [mine, other] = apart(store, left, { ...left, filter: rewritten(left.filter) }) ?? assert.fail();
  assert.equal(mine, other);
  // To lay them all over each other takes a million steps and more.
  assert.ok(store.budget.steps < 20_000, String(store.budget.steps));
});
