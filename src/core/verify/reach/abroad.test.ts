/** All senders at once against one after another: the same set, by number, for any part of them, at every address. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { hairpinsInto } from '#verify/reach/abroad.ts';
import { hairpin } from '#verify/reach/outward.ts';
import { type End, endsOf, Reach, reachParts } from '#verify/reach/reach.ts';
import { withBalances } from '#test/generate/balance.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { randomEdits } from '#test/generate/edit.ts';
import { randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';
import { withDenial } from '#test/generate/switch.ts';

function oneByOne(reach: Reach, marks: ReadonlySet<number>, to: End): Half {
  const { store, halves } = reach.parts;
  let found: Half = nothing;
  for (const place of reach.places.marks.values()) {
    if (!marks.has(place.port.mark) || place.port.mark === to.mark) continue;
    for (const from of endsOf(place)) {
      const family = from.address.includes(':') ? 6 : 4;
      const service = hairpin(reach, from, to);
      const single = halves.remote([`${from.address}/${family === 4 ? 32 : 128}`], family);
      if (service !== nothing) found = store.union(found, store.intersection(single, service));
    }
  }
  return found;
}

test('what all NICs send out and back in is the union of what each does', () => {
  let some = 0;
  for (let seed = 3000; seed < 3000 + 60; seed++) {
    const random = randomFrom(seed);
    const view = viewOf(randomStamp(seed));
    const memo = new CompileMemo();
    const store = new PacketSets();
    const parts = reachParts(store);
    let before: Reach | undefined;
    for (let step = 0; step < 3; step++) {
      view.commit(randomEdits(random, view));
      const compiled = compileStamp(view, labStamp, memo);
      const denied = seed % 3 === 0 ? withDenial(randomFrom(seed), compiled) : compiled;
      const programs = seed % 4 === 0 ? withBalances(randomFrom(seed), denied) : denied;
      const mark = store.mark();
      const reach = new Reach(programs, parts, before);
      const all = [...reach.places.marks.keys()];
      for (const place of reach.places.marks.values()) {
        for (const to of endsOf(place)) {
          const marks = new Set(all.filter(() => random.chance(0.8)));
          const [left, right] = [hairpinsInto(reach, marks, to), oneByOne(reach, marks, to)];
          assert.equal(left, right, `seed ${seed}, step ${step}, to ${to.mark} ${to.address}`);
          if (left !== nothing) some += 1;
        }
      }
      if (random.chance(0.4)) store.rollback(mark);
      else before = reach;
      store.commit();
    }
  }
  assert.ok(some > 100, `${some} of them something`);
});
