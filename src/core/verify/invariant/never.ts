/** Holds iff no packet of one of the services comes from one of `from` (but for `exceptFrom`) to one of `to` (but for `exceptTo`). */

import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import { arrivalsFrom, sendersTo } from '#verify/invariant/arrivals.ts';
import type { Never, Parties } from '#verify/invariant/invariant.ts';
import { servicesOf } from '#verify/invariant/services.ts';
import { isJudged, type Zone, zoneOf } from '#verify/invariant/zone.ts';
import type { Changed } from '#verify/proof/changed.ts';
import type { SetKind, Shown } from '#verify/proof/kind.ts';
import { showBetween, showInward, showOutward } from '#verify/proof/show.ts';
import { endsIn, type Judged } from '#verify/proof/world.ts';
import { fromInternet, fromOperator } from '#verify/reach/inward.ts';
import { toInternet } from '#verify/reach/outward.ts';
import type { End } from '#verify/reach/reach.ts';

export const never: SetKind<Never> = {
  form: 'sets',

  ends(invariant, world, changed) {
    const to = zoneOf(invariant.to, world.estate);
    const from = zoneOf(invariant.from, world.estate);
    const except = zoneOf(invariant.exceptTo, world.estate);
    const isMeant = (mark: number): boolean =>
      to.marks.has(mark) && !except.marks.has(mark) && isJudged(invariant, world.estate.nics[String(mark)]);
    const targets = endsIn(world, [...targetsOf({ to, from, parties: invariant.from }, changed)].filter(isMeant));
    // Towards the internet it is the sender that is judged.
    const isSender = (mark: number): boolean =>
      from.marks.has(mark) && isJudged(invariant, world.estate.nics[String(mark)]);
    const senders = isOutward(to)
      ? endsIn(world, [...(changed?.all === false ? changed.out : from.marks)].filter(isSender))
      : [];
    return [...targets, ...senders];
  },

  bad(invariant, end, world) {
    const { store, halves } = world.reach.parts;
    const services = servicesOf(world, invariant.services);
    const [to, from] = [zoneOf(invariant.to, world.estate), zoneOf(invariant.from, world.estate)];
    const except = zoneOf(invariant.exceptFrom, world.estate);
    let bad: Half = nothing;
    if (to.marks.has(end.mark)) {
      const open = { ...from, marks: without(from.marks, except.marks) };
      const { family } = addressDigits(end.address);
      const arrived = store.difference(arrivalsFrom(open, end, world), halves.remote(except.prefixes, family));
      const opened = world.reach.openedAlone(end);
      const isApproved =
        invariant.openings === undefined
          ? opened
          : store.intersection(opened, halves.remote(invariant.openings, family));
      bad = store.difference(arrived, isApproved);
    }
    if (isOutward(to) && from.marks.has(end.mark) && !except.marks.has(end.mark))
      bad = store.union(bad, outOf(to, end, world));
    return store.intersection(bad, services);
  },

  show({ invariant, end, bad }, world) {
    return (
      showArrival({ zone: zoneOf(invariant.from, world.estate), end, bad }, world) ?? showExit({ end, bad }, world)
    );
  },
};

/** Marks to judge after a change: whom something may newly reach, and everybody when a sender among NICs changed or is meant no more. */
export function targetsOf(
  { to, from, parties }: { readonly to: Zone; readonly from: Zone; readonly parties: readonly Parties[] },
  changed: Changed | undefined,
): Iterable<number> {
  if (changed === undefined || changed.all) return to.marks;
  if (changed.regrouped && parties.some(({ kind }) => kind === 'scope' || kind === 'nics')) return to.marks;
  const isSenderChanged = from.marks.size > 0 && [...changed.out].some((mark) => from.marks.has(mark));
  return isSenderChanged ? to.marks : changed.in;
}

function without(marks: ReadonlySet<number>, gone: ReadonlySet<number>): ReadonlySet<number> {
  return gone.size === 0 ? marks : new Set([...marks].filter((mark) => !gone.has(mark)));
}

function isOutward({ internet, prefixes }: Zone): boolean {
  return internet || prefixes.length > 0;
}

/** What the address can send to the internet, or to the named hosts of it, by any exit. */
function outOf(to: Zone, end: End, world: Judged): Half {
  const { store, halves } = world.reach.parts;
  const out = toInternet(world.reach, end).reduce((sum, { set }) => store.union(sum, set), nothing);
  return to.internet ? out : store.intersection(out, halves.remote(to.prefixes, addressDigits(end.address).family));
}

/** A packet of the zone that arrives at the address and is in the set. */
export function showArrival(
  { zone, end, bad }: { readonly zone: Zone; readonly end: End; readonly bad: Half },
  world: Judged,
): Shown | undefined {
  const { reach } = world;
  if (zone.internet || zone.prefixes.length > 0) {
    const shown = showInward(world, { end, bad, ways: fromInternet(reach, end), from: 'internet' });
    if (shown !== undefined) return shown;
  }
  if (zone.operator) {
    const shown = showInward(world, { end, bad, ways: fromOperator(reach, end), from: 'operator' });
    if (shown !== undefined) return shown;
  }
  for (const from of sendersTo(zone.marks, end, world)) {
    const service = reach.parts.halves.at(bad, from.address);
    const shown = service === nothing ? undefined : showBetween(world, { from, to: end, bad: service });
    if (shown !== undefined) return shown;
  }
  return undefined;
}

/** A packet that the address sends out and that is in the set. */
export function showExit({ end, bad }: { readonly end: End; readonly bad: Half }, world: Judged): Shown | undefined {
  const { store } = world.reach.parts;
  for (const { through, set } of toInternet(world.reach, end)) {
    const ends = through === undefined ? ({ kind: 'internet' } as const) : ({ kind: 'nic', mark: through } as const);
    const shown = showOutward(world, { end, bad: store.intersection(set, bad), ends });
    if (shown !== undefined) return shown;
  }
  return undefined;
}
