/** What stands broken: of all invariants, found at once or in small steps. */

import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import type { Programs } from '#program/program.ts';
import type { Finding } from '#verify/proof/breach.ts';
import type { Row } from '#verify/proof/kind.ts';
import { kindOf } from '#verify/proof/kinds.ts';
import type { Judged } from '#verify/proof/world.ts';
import type { End } from '#verify/reach/reach.ts';

/** What is proved: the programs of a stamp, whose it is, and what must hold. */
export type World = {
  readonly programs: Programs;
  readonly estate: Estate;
  readonly invariants: readonly Invariant[];
};

/** What breaks one invariant, by address (`mark address`) or row. */
export type Standing = ReadonlyMap<string, { readonly end: End; readonly bad: Half } | Row>;

export type State = {
  readonly world: World;
  readonly judged: Judged;
  readonly standing: ReadonlyMap<string, Standing>;
};

/** Addresses that are judged in one step: some milliseconds of work. */
const endsPerStep = 64;

/** What stands broken of all invariants, found in small steps. */
export function* standingSteps(world: World, judged: Judged): Generator<undefined, State, undefined> {
  const standing = new Map<string, Standing>();
  for (const invariant of world.invariants) standing.set(invariant.id, yield* fullStandingSteps(invariant, judged));
  return { world, judged, standing };
}

/** What breaks the invariant everywhere. */
export function fullStanding<I extends Invariant>(invariant: I, judged: Judged): Standing {
  return atOnce(fullStandingSteps(invariant, judged));
}

function* fullStandingSteps<I extends Invariant>(
  invariant: I,
  judged: Judged,
): Generator<undefined, Standing, undefined> {
  const kind = kindOf(invariant);
  yield;
  if (kind.form === 'rows') return new Map(kind.rows(invariant, judged).map((row) => [row.key, row]));
  const found = new Map<string, { end: End; bad: Half }>();
  for (const [index, end] of kind.ends(invariant, judged, undefined).entries()) {
    const bad = kind.bad(invariant, end, judged);
    if (bad !== nothing) found.set(keyOf(end), { end, bad });
    if (index % endsPerStep === 0) yield;
  }
  return found;
}

export function atOnce<T>(steps: Generator<undefined, T, undefined>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export function keyOf({ mark, address }: End): string {
  return `${mark} ${address}`;
}

export function marksIn(standing: Standing): ReadonlySet<number> {
  return new Set([...standing.values()].flatMap((one) => ('end' in one ? [one.end.mark] : [])));
}

/** What of a standing set counts as broken: all, but for a budget only when it is overdrawn. */
export function broken(invariant: Invariant, standing: Standing): readonly Finding[] {
  const findings = [...standing.values()].map((one): Finding => ('bad' in one ? one : { row: one }));
  if (invariant.kind !== 'exposure') return findings;
  if (marksIn(standing).size <= invariant.max) return [];
  // All of them together overdraw it: shown is one, the same one however the state came about.
  return findings.toSorted((left, right) => placeOf(left) - placeOf(right)).slice(0, 1);
}

function placeOf({ end }: Finding): number {
  return end?.mark ?? 0;
}
