/** Step by step against from scratch: random writes, some taken back, under invariants of all kinds, with memories so small that they forget all the time. */

import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { MemoryView } from '#model/memory.ts';
import type { Invariant, Parties } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';
import type { World } from '#verify/proof/standing.ts';
import type { Breach } from '#verify/proof/verdict.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { randomEdits } from '#test/generate/edit.ts';
import { testEstate } from '#test/generate/estate.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';
import { type PartEnd, type PartOrder, saysOf } from '#test/oracle/part.ts';

const stepsPerStamp = 20;
/** 16 results are remembered, and the store is made anew every few changes: at once, or in steps between them. */
const tiny = { memoBits: 4, rowsKeptMax: 20_000, rowsEasyMax: 2000 };
const tendingMax = 40;

/** Makes `count` writes; after each, what stands broken must be what a proof from scratch finds. */
export function stepsPart({ seed, count, onProgress }: PartOrder): PartEnd {
  const disagreements: string[] = [];
  const seen = { refused: 0, back: 0 };
  let steps = 0;
  for (let at = seed; steps < count; at++) {
    try {
      const run = new Run(at);
      for (let step = 0; step < stepsPerStamp && steps < count; step++) {
        const said = run.step();
        steps += 1;
        if (said.isRefused) seen.refused += 1;
        if (said.isBack) seen.back += 1;
        if (said.wrong !== undefined) disagreements.push(`seed ${at}, step ${step}: ${said.wrong}`);
      }
    } catch (error) {
      disagreements.push(`seed ${at}: ${saysOf(error)}`);
      steps += 1;
    }
    onProgress(steps / count);
  }
  return { checked: steps, says: `${seen.back} taken back, ${seen.refused} break something anew`, disagreements };
}

type Said = { readonly isRefused: boolean; readonly isBack: boolean; readonly wrong: string | undefined };

/** One stamp, its proof kept up, and what it is compared with. */
class Run {
  readonly #random: Random;
  readonly #view: MemoryView;
  readonly #demands: readonly Invariant[];
  readonly #programs = new CompileMemo();
  readonly #estates = new CompileMemo();
  readonly #proof = new Proof(tiny);
  #standing: readonly string[];

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.#view = viewOf(randomStamp(seed));
    this.#demands = demandsOf(this.#random, this.#view);
    this.#standing = linesOf(this.#proof.load(this.#world()));
  }

  step(): Said {
    for (let tending = this.#random.below(tendingMax); tending > 0; tending--) this.#proof.tend();
    const edits = randomEdits(this.#random, this.#view);
    const back = edits.map(({ id }) => ({ id, after: this.#view.get(id) }));
    this.#view.commit(edits);
    const next = this.#world();
    const { refused, noted } = this.#proof.propose(next);
    const scratch = linesOf(new Proof().load(next));
    const isRefused = refused.length + noted.length > 0;
    const unsaid = this.#unsaid(scratch, [...refused, ...noted]);
    if (this.#random.chance(0.4)) {
      this.#proof.drop();
      this.#view.commit(back.map(({ id, after }) => ({ id, before: this.#view.get(id), after })).toReversed());
      this.#world();
      const stands = linesOf(this.#proof.standing());
      return { isRefused, isBack: true, wrong: unsaid ?? differs(stands, this.#standing, 'after it was taken back') };
    }
    this.#proof.keep();
    const stands = linesOf(this.#proof.standing());
    this.#standing = scratch;
    return { isRefused, isBack: false, wrong: unsaid ?? differs(stands, scratch, 'once it stands') };
  }

  /** Whatever breaks only in the next state must be told of the change. */
  #unsaid(scratch: readonly string[], told: readonly Breach[]): string | undefined {
    const said = new Set(told.map(lineOf));
    const old = new Set(this.#standing);
    const missing = scratch.filter((line) => !old.has(line) && !said.has(line) && !line.startsWith('exposure '));
    return missing.length === 0 ? undefined : `breaks anew and is not told: ${missing.slice(0, 3).join('; ')}`;
  }

  #world(): World {
    const programs = compileStamp(this.#view, labStamp, this.#programs);
    return { programs, estate: testEstate(this.#view, labStamp, this.#estates), invariants: this.#demands };
  }
}

function differs(left: readonly string[], right: readonly string[], when: string): string | undefined {
  const [only, missing] = [left.filter((line) => !right.includes(line)), right.filter((line) => !left.includes(line))];
  if (only.length + missing.length === 0) return undefined;
  return `${when}: only step by step: ${only.slice(0, 3).join('; ')}; only from scratch: ${missing.slice(0, 3).join('; ')}`;
}

function linesOf(breaches: readonly Breach[]): readonly string[] {
  return breaches.map(lineOf).sort();
}

function lineOf({ invariant, subject }: Breach): string {
  return `${invariant.id} ${JSON.stringify(subject)}`;
}

const about = { title: 'it holds', effect: 'deny', owner: 'operator', exclude: [] } as const;
const internet: Parties = { kind: 'internet' };
const services = [{ protocol: 'tcp', ports: [[22, 443]] }] as const;

/** The baseline, and one invariant of every other kind about some of the stamp's NICs. `unchanged` has no standing: it is not among them. */
function demandsOf(random: Random, view: MemoryView): readonly Invariant[] {
  const ids = view.ofType('Microsoft.Network/networkInterfaces').map(({ id }) => id.toLowerCase());
  const some: Parties = { kind: 'scope', ids: ids.filter(() => random.chance(0.4)) };
  const rest: Parties = { kind: 'scope', ids: ids.filter(() => random.chance(0.4)) };
  const shells = { ...about, kind: 'never', services, exceptFrom: [], exceptTo: [] } as const;
  return [
    { ...shells, id: 'shells', from: [internet], to: [{ kind: 'nics' }] },
    { ...about, id: 'tenants', kind: 'tenants' },
    { ...about, id: 'infrastructure', kind: 'infrastructure' },
    { ...about, id: 'spoofing', kind: 'spoofing' },
    { ...about, id: 'loops', kind: 'loops' },
    { ...about, id: 'return', kind: 'return' },
    { ...shells, id: 'apart', from: [some], to: [rest, internet] },
    { ...about, id: 'only', kind: 'only', from: [some, internet], to: [rest], services },
    { ...about, id: 'via', kind: 'via', from: [some], to: [rest, internet], through: [rest] },
    { ...about, id: 'isolated', kind: 'isolated', inside: [some], except: [internet] },
    { ...about, id: 'always', kind: 'always', from: [some], to: [rest], services },
    { ...about, id: 'exposure', kind: 'exposure', max: 1 + random.below(3), of: [{ kind: 'nics' }] },
  ];
}
