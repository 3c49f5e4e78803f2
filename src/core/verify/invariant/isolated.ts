/** Holds iff no packet passes between a NIC of `inside` and any party that is neither inside nor excepted. */

import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import { arrivalsFrom, publicMarks } from '#verify/invariant/arrivals.ts';
import type { Isolated } from '#verify/invariant/invariant.ts';
import { showArrival, showExit } from '#verify/invariant/never.ts';
import { strangersTo } from '#verify/invariant/only.ts';
import { touchedBothWays } from '#verify/invariant/touched.ts';
import { isJudged, type Zone, zoneOf } from '#verify/invariant/zone.ts';
import type { SetKind } from '#verify/proof/kind.ts';
import { showBetween } from '#verify/proof/show.ts';
import { endsIn, type Judged, neighbours } from '#verify/proof/world.ts';
import { straight } from '#verify/reach/inside.ts';
import { hairpin, toInternet } from '#verify/reach/outward.ts';
import type { End } from '#verify/reach/reach.ts';

export const isolated: SetKind<Isolated> = {
  form: 'sets',

  ends(invariant, world, changed) {
    const inside = zoneOf(invariant.inside, world.estate);
    const isMeant = (mark: number): boolean =>
      inside.marks.has(mark) && isJudged(invariant, world.estate.nics[String(mark)]);
    return endsIn(world, touchedBothWays([...inside.marks].filter(isMeant), world, changed));
  },

  bad(invariant, end, world) {
    const { store } = world.reach.parts;
    const known = knownOf(invariant, world);
    let bad = arrivalsFrom(strangersTo(known, end, world), end, world);
    for (const to of strangeTargets(known, end, world)) bad = store.union(bad, sentTo(end, to, world));
    if (known.internet) return bad;
    return toInternet(world.reach, end).reduce(
      (sum, { through, set }) => (through !== undefined && known.marks.has(through) ? sum : store.union(sum, set)),
      bad,
    );
  },

  show({ invariant, end, bad }, world) {
    const known = knownOf(invariant, world);
    const inward = showArrival({ zone: strangersTo(known, end, world), end, bad }, world);
    if (inward !== undefined) return inward;
    for (const to of strangeTargets(known, end, world)) {
      const set = world.reach.parts.halves.at(bad, to.address);
      const shown = set === nothing ? undefined : showBetween(world, { from: end, to, bad: set });
      if (shown !== undefined) return shown;
    }
    return showExit({ end, bad }, world);
  },
};

function knownOf({ inside, except }: Isolated, { estate }: Judged): Zone {
  const [own, others] = [zoneOf(inside, estate), zoneOf(except, estate)];
  return { ...others, marks: new Set([...own.marks, ...others.marks]) };
}

function strangeTargets(known: Zone, end: End, world: Judged): readonly End[] {
  const near = neighbours(world, end.mark).map(({ port }) => port.mark);
  const marks = new Set([...near, ...(known.internet ? [] : publicMarks(world))]);
  return endsIn(
    world,
    [...marks].filter((mark) => mark !== end.mark && !known.marks.has(mark)),
  );
}

/** What goes to a stranger, straight or over public addresses, at the stranger's address. */
function sentTo(end: End, to: End, world: Judged): Half {
  const { store, halves } = world.reach.parts;
  const service = store.union(straight(world.reach, end, to), hairpin(world.reach, end, to));
  const family = to.address.includes(':') ? 6 : 4;
  return service === nothing
    ? nothing
    : store.intersection(halves.remote([`${to.address}/${family === 4 ? 32 : 128}`], family), service);
}
