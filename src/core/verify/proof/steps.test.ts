/** The proof step by step: with changes taken back and its store made anew, it finds what it finds from scratch. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { changeToldEachMax, standingToldEachMax } from '#base/limits.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { type MemoryView } from '#model/memory.ts';
import { evaluate } from '#program/eval.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';
import type { World } from '#verify/proof/standing.ts';
import type { Breach } from '#verify/proof/verdict.ts';
import { addNic, addSubnet, addVnet, labStamp, newBuild, viewOf } from '#test/generate/build.ts';
import { randomEdits } from '#test/generate/edit.ts';
import { testEstate } from '#test/generate/estate.ts';
import { randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';

const firstSeed = 500;
const about = { title: 'it holds', effect: 'deny', owner: 'operator', exclude: [] } as const;
const shells: Invariant = {
  ...about,
  id: 'shells',
  kind: 'never',
  from: [{ kind: 'internet' }],
  to: [{ kind: 'nics' }],
  services: [{ protocol: 'tcp', ports: [[22, 22]] }],
  exceptFrom: [],
  exceptTo: [],
};
const baseline: readonly Invariant[] = [
  shells,
  { ...about, id: 'tenants', kind: 'tenants' },
  { ...about, id: 'infrastructure', kind: 'infrastructure' },
  { ...about, id: 'spoofing', kind: 'spoofing' },
  { ...about, id: 'loops', kind: 'loops' },
  { ...about, id: 'return', kind: 'return' },
];

/** Kept with the view: what did not change must be the same objects, or everything is looked at again and nothing is tested. */
const estateMemos = new WeakMap<MemoryView, CompileMemo>();

function worldOf(view: MemoryView, invariants: readonly Invariant[], memo = new CompileMemo()): World {
  const estates = estateMemos.get(view) ?? new CompileMemo();
  estateMemos.set(view, estates);
  return { programs: compileStamp(view, labStamp, memo), estate: testEstate(view, labStamp, estates), invariants };
}

test('step by step, with changes taken back, finds what from scratch finds; every witness is the oracle’s', () => {
  for (let seed = firstSeed; seed < firstSeed + 15; seed++) {
    const random = randomFrom(seed);
    const view = viewOf(randomStamp(seed));
    const memo = new CompileMemo();
    const demands: readonly Invariant[] = [
      ...baseline,
      { ...about, id: 'via', kind: 'via', from: [{ kind: 'nics' }], to: [{ kind: 'internet' }], through: [] },
      { ...about, id: 'e', kind: 'exposure', of: [{ kind: 'nics' }], max: 1 },
    ];
    // Every other proof makes its store anew all the time, a few steps between the writes and while a proposal is open.
    const proof = new Proof(seed % 2 === 0 ? {} : { rowsEasyMax: 1 });
    const tend = (): void => {
      for (let steps = random.below(60); steps > 0; steps--) proof.tend();
    };
    proof.load(worldOf(view, demands, memo));
    for (let step = 0; step < 8; step++) {
      const says = `seed ${seed}, step ${step}`;
      tend();
      const edits = randomEdits(random, view);
      const back = edits.map(({ id }) => ({ id, after: view.get(id) }));
      view.commit(edits);
      const { refused, noted } = proof.propose(worldOf(view, demands, memo));
      for (const { witness } of [...refused, ...noted]) {
        if (witness === undefined) continue;
        const fate = evaluate(compileStamp(view, labStamp, new CompileMemo()), witness.packet);
        assert.equal(fate.verdict, witness.fate.verdict, says);
      }
      tend();
      if (random.chance(0.4)) {
        proof.drop();
        view.commit(back.map(({ id, after }) => ({ id, before: view.get(id), after })).toReversed());
      } else proof.keep();
      const afresh = new Proof().load(worldOf(view, demands));
      assert.deepEqual(places(proof.standing()), places(afresh), says);
    }
  }
});

test('what a store holds that nothing needs is let go between the writes, and no write is told otherwise', () => {
  const build = randomStamp(3);
  const view = viewOf(build);
  const proof = new Proof({ rowsEasyMax: 1 });
  proof.load(worldOf(view, baseline));
  const random = randomFrom(3);
  let largest = 0;
  for (let step = 0; step < 40; step++) {
    view.commit(randomEdits(random, view));
    proof.propose(worldOf(view, baseline));
    proof.keep();
    largest = Math.max(largest, proof.counters().nodes);
    if (step === 39) while (proof.tend());
  }
  assert.ok(proof.counters().nodes < largest, `${proof.counters().nodes} of ${largest}`);
  assert.deepEqual(places(proof.standing()), places(new Proof().load(worldOf(view, baseline))));
});

function places(breaches: readonly Breach[]): readonly string[] {
  return breaches.map(({ invariant, subject }) => `${invariant.id} ${JSON.stringify(subject)}`).sort();
}

test('of much that is broken the first is told, with packets; all of it is counted and placed', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/16']]);
  for (let index = 0; index < 130; index++)
    addNic(build, `n${index}`, { subnet: 'a/s', addresses: [{ address: `10.0.1.${index + 4}` }] });
  const view = viewOf(build);
  const apart: Invariant = { ...about, id: 'apart', kind: 'only', from: [], to: [{ kind: 'nics' }], services: [] };
  const proof = new Proof();
  assert.equal(proof.load(worldOf(view, [{ ...apart, effect: 'audit' }])).length, standingToldEachMax);
  assert.equal(proof.standingCount, 130);
  assert.equal(new Set(proof.brokenAt().map(({ mark }) => mark)).size, 130);
  const { noted, more } = proof.propose(worldOf(view, [{ ...apart, id: 'new' }]));
  assert.equal(noted.length, changeToldEachMax);
  assert.deepEqual(more, { refused: 0, noted: 130 - changeToldEachMax });
});
