/** One invariant judged on a change: what it newly breaks, what is mended, what stands broken then. */

import { assert } from '#base/wrong.ts';
import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import type { Finding } from '#verify/proof/breach.ts';
import type { Changed } from '#verify/proof/changed.ts';
import type { Row } from '#verify/proof/kind.ts';
import { kindOf } from '#verify/proof/kinds.ts';
import { broken, fullStanding, keyOf, marksIn, type Standing, type State } from '#verify/proof/standing.ts';
import type { Judged } from '#verify/proof/world.ts';
import type { End } from '#verify/reach/reach.ts';

/** What one invariant says of a change. */
export type Verdict = {
  readonly id: string;
  readonly invariant: Invariant;
  readonly standing: Standing;
  readonly newly: readonly Finding[];
  readonly mended: number;
  /** It was not demanded before: what it finds stands already. */
  readonly isNew: boolean;
};

export type Judging = { readonly state: State; readonly judged: Judged; readonly changed: Changed };

/** Judges one invariant where the change can be felt; one that was not demanded before is judged everywhere. */
export function judgeOne<I extends Invariant>(invariant: I, { state, judged, changed }: Judging): Verdict {
  const { id } = invariant;
  const known = state.world.invariants.find((one) => one.id === id);
  const before = state.standing.get(id);
  if (known !== invariant || before === undefined) {
    const standing = fullStanding(invariant, judged);
    return { id, invariant, standing, newly: broken(invariant, standing), mended: 0, isNew: true };
  }
  const kind = kindOf(invariant);
  if (kind.form === 'rows') {
    // Rows are facts of the structure: the rules in filters have no say in them.
    if (!changed.structure) return { id, invariant, standing: before, newly: [], mended: 0, isNew: false };
    const standing = new Map(kind.rows(invariant, judged).map((row) => [row.key, row]));
    const newly = [...standing.values()].filter(({ key }) => !before.has(key)).map((row) => ({ row }));
    const mended = [...before.keys()].filter((key) => !standing.has(key)).length;
    return { id, invariant, standing, newly, mended, isNew: false };
  }
  return judgeSets(invariant, { before, judged, changed });
}

type Comparing = { readonly before: Standing; readonly judged: Judged; readonly changed: Changed };

function judgeSets<I extends Invariant>(invariant: I, { before, judged, changed }: Comparing): Verdict {
  const kind = kindOf(invariant);
  assert(kind.form === 'sets', `${invariant.kind} is not proved by sets.`);
  const { store } = judged.reach.parts;
  let standing = before;
  const own = (): Map<string, { end: End; bad: Half } | Row> => {
    if (standing === before) standing = new Map(before);
    return standing as Map<string, { end: End; bad: Half } | Row>;
  };
  const newly: Finding[] = [];
  let mended = 0;
  const judge = (end: End): void => {
    const key = keyOf(end);
    const old = before.get(key);
    const oldBad = old !== undefined && 'bad' in old ? old.bad : nothing;
    const bad = kind.bad(invariant, end, judged);
    if (bad === oldBad) return;
    if (bad === nothing) own().delete(key);
    else if (invariant.kind !== 'unchanged') own().set(key, { end, bad });
    const gained = store.difference(bad, oldBad);
    if (gained !== nothing) newly.push({ end, bad: gained });
    else mended += 1;
  };
  for (const end of kind.ends(invariant, judged, changed)) judge(end);
  // Addresses that are gone, or are judged no more, break nothing.
  const meant = changed.regrouped && before.size > 0 ? meantBy(invariant, judged) : undefined;
  if (changed.all || changed.structure || changed.regrouped)
    for (const key of before.keys()) if (isGone(key, judged) || meant?.has(key) === false) own().delete(key);
  if (invariant.kind !== 'exposure') return { id: invariant.id, invariant, standing, newly, mended, isNew: false };
  // So few addresses cannot be too many NICs.
  if (standing === before || standing.size <= invariant.max)
    return { id: invariant.id, invariant, standing, newly: [], mended, isNew: false };
  const [was, is] = [before, standing].map(marksIn);
  const isOver = (is?.size ?? 0) > invariant.max && (is?.size ?? 0) > (was?.size ?? 0);
  const first = isOver ? newly.filter(({ end }) => was?.has(end?.mark ?? 0) !== true) : [];
  return { id: invariant.id, invariant, standing, newly: first.slice(0, 1), mended, isNew: false };
}

/** The addresses that the invariant judges now. */
function meantBy<I extends Invariant>(invariant: I, judged: Judged): ReadonlySet<string> | undefined {
  const kind = kindOf(invariant);
  return kind.form === 'sets' ? new Set(kind.ends(invariant, judged, undefined).map(keyOf)) : undefined;
}

function isGone(key: string, { reach }: Judged): boolean {
  const [mark = '', address = ''] = key.split(' ');
  return reach.places.marks.get(Number(mark))?.port.addresses[address] === undefined;
}
