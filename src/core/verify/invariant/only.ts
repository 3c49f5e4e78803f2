/** Holds iff whatever reaches a NIC of `to` comes from one of `from` on one of the services. */

import { arrivalsFrom, isPublic } from '#verify/invariant/arrivals.ts';
import type { Only } from '#verify/invariant/invariant.ts';
import { showArrival } from '#verify/invariant/never.ts';
import { servicesOf } from '#verify/invariant/services.ts';
import { touched } from '#verify/invariant/touched.ts';
import { isJudged, type Zone, zoneOf } from '#verify/invariant/zone.ts';
import type { SetKind } from '#verify/proof/kind.ts';
import { endsIn, type Judged, neighbours } from '#verify/proof/world.ts';
import type { End } from '#verify/reach/reach.ts';

export const only: SetKind<Only> = {
  form: 'sets',

  ends(invariant, world, changed) {
    const to = zoneOf(invariant.to, world.estate);
    const isMeant = (mark: number): boolean =>
      to.marks.has(mark) && isJudged(invariant, world.estate.nics[String(mark)]);
    // Any sender counts: when one sends more, all that it could reach is judged again.
    return endsIn(world, touched([...to.marks].filter(isMeant), world, changed));
  },

  bad(invariant, end, world) {
    const { store } = world.reach.parts;
    const from = zoneOf(invariant.from, world.estate);
    const services = servicesOf(world, invariant.services);
    const wrongService = store.difference(arrivalsFrom(from, end, world), services);
    return store.union(wrongService, arrivalsFrom(strangersTo(from, end, world), end, world));
  },

  show({ invariant, end, bad }, world) {
    const from = zoneOf(invariant.from, world.estate);
    return (
      showArrival({ zone: strangersTo(from, end, world), end, bad }, world) ??
      showArrival({ zone: from, end, bad }, world)
    );
  },
};

/**
 * Everybody that is not in the zone. Of NICs those in reach: neighbours, and anybody when the address has a public name; but who comes
 * over public addresses is no stranger to a zone that has the internet.
 */
export function strangersTo(zone: Zone, end: End, world: Judged): Zone {
  const near =
    !zone.internet && isPublic(end, world)
      ? [...world.reach.places.marks.keys()].filter((mark) => mark !== end.mark)
      : neighbours(world, end.mark).map(({ port }) => port.mark);
  return {
    marks: new Set(near.filter((mark) => !zone.marks.has(mark))),
    internet: !zone.internet && zone.prefixes.length === 0,
    operator: !zone.operator,
    probe: false,
    prefixes: [],
  };
}
