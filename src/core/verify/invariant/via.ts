/** Holds iff whatever NICs of `from` send to `to` goes into a NIC of `through` first: by every exit, in both families. */

import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import type { Via } from '#verify/invariant/invariant.ts';
import { showExit } from '#verify/invariant/never.ts';
import { isJudged, zoneOf } from '#verify/invariant/zone.ts';
import type { SetKind } from '#verify/proof/kind.ts';
import { showBetween } from '#verify/proof/show.ts';
import { endsIn, type Judged } from '#verify/proof/world.ts';
import { straight } from '#verify/reach/inside.ts';
import { hairpin, toInternet } from '#verify/reach/outward.ts';
import type { End } from '#verify/reach/reach.ts';

export const via: SetKind<Via> = {
  form: 'sets',

  ends(invariant, world, changed) {
    const from = zoneOf(invariant.from, world.estate);
    const through = zoneOf(invariant.through, world.estate);
    const to = zoneOf(invariant.to, world.estate);
    const isAll =
      changed === undefined || changed.all || changed.regrouped || (to.marks.size > 0 && changed.in.size > 0);
    const isMeant = (mark: number): boolean =>
      from.marks.has(mark) && !through.marks.has(mark) && isJudged(invariant, world.estate.nics[String(mark)]);
    // An appliance that filters otherwise, or is none any more, has changed what its users send, too.
    return endsIn(world, [...(isAll ? from.marks : changed.out)].filter(isMeant));
  },

  bad(invariant, end, world) {
    const { store, halves } = world.reach.parts;
    const through = zoneOf(invariant.through, world.estate);
    const to = zoneOf(invariant.to, world.estate);
    let bad: Half = nothing;
    for (const exit of to.internet || to.prefixes.length > 0 ? toInternet(world.reach, end) : []) {
      if (exit.through !== undefined && through.marks.has(exit.through)) continue;
      bad = store.union(bad, exit.set);
    }
    if (!to.internet && to.prefixes.length > 0) {
      bad = store.intersection(bad, halves.remote(to.prefixes, end.address.includes(':') ? 6 : 4));
    }
    for (const target of othersOf(invariant, end, world)) bad = store.union(bad, directTo(end, target, world));
    return bad;
  },

  show({ invariant, end, bad }, world) {
    const out = showExit({ end, bad }, world);
    if (out !== undefined) return out;
    for (const to of othersOf(invariant, end, world)) {
      const set = world.reach.parts.halves.at(bad, to.address);
      const shown = set === nothing ? undefined : showBetween(world, { from: end, to, bad: set });
      if (shown !== undefined) return shown;
    }
    return undefined;
  },
};

function othersOf({ to, through }: Via, end: End, world: Judged): readonly End[] {
  const zone = zoneOf(to, world.estate);
  const passed = zoneOf(through, world.estate);
  return endsIn(world, zone.marks).filter(({ mark }) => mark !== end.mark && !passed.marks.has(mark));
}

/** What goes to another NIC without an appliance, at the other's address (by target). */
function directTo(end: End, to: End, world: Judged): Half {
  const { store, halves } = world.reach.parts;
  const service = store.union(straight(world.reach, end, to), hairpin(world.reach, end, to));
  const family = to.address.includes(':') ? 6 : 4;
  return service === nothing
    ? nothing
    : store.intersection(halves.remote([`${to.address}/${family === 4 ? 32 : 128}`], family), service);
}
