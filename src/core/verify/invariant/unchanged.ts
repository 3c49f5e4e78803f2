/** Holds iff a write makes nothing possible, from the internet or between the NICs of its scope, that is not declared. */

import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import { arrivalsFrom } from '#verify/invariant/arrivals.ts';
import { strangersTo } from '#verify/invariant/only.ts';
import type { Unchanged } from '#verify/invariant/invariant.ts';
import { showArrival } from '#verify/invariant/never.ts';
import { servicesOf } from '#verify/invariant/services.ts';
import { touched } from '#verify/invariant/touched.ts';
import { isJudged, type Zone, zoneOf } from '#verify/invariant/zone.ts';
import type { SetKind } from '#verify/proof/kind.ts';
import { endsIn, type Judged, neighbours } from '#verify/proof/world.ts';
import type { End } from '#verify/reach/reach.ts';

/** Judges a change: without a state before there is nothing to judge. */
export const unchanged: SetKind<Unchanged> = {
  form: 'sets',

  ends(invariant, world, changed) {
    if (world.before === undefined || changed === undefined) return [];
    const isMeant = (mark: number): boolean => isJudged(invariant, world.estate.nics[String(mark)]);
    const isFew = !changed.all && changed.out.size === 0;
    const marks = isFew ? [...changed.in] : Object.keys(world.estate.nics).map(Number);
    return endsIn(world, touched(marks.filter(isMeant), world, changed));
  },

  bad(invariant, end, world) {
    const { before } = world;
    if (before === undefined) return nothing;
    const { store } = world.reach.parts;
    const wasThere = before.reach.places.marks.get(end.mark)?.port.addresses[end.address] !== undefined;
    const old = wasThere ? arrivalsFrom(everybody(end, before), end, before) : nothing;
    const gained = store.difference(arrivalsFrom(everybody(end, world), end, world), old);
    return invariant.declared.reduce((rest, declared) => {
      if (!zoneOf(declared.to, world.estate).marks.has(end.mark)) return rest;
      const from = zoneOf(declared.from, world.estate);
      const sources = store.intersection(sourcesOf(from, end, world), servicesOf(world, declared.services));
      return store.difference(rest, sources);
    }, gained);
  },

  show: ({ end, bad }, world) => showArrival({ zone: everybody(end, world), end, bad }, world),
};

const nobody: Zone = { marks: new Set(), internet: false, operator: false, probe: false, prefixes: [] };

function everybody(end: End, world: Judged): Zone {
  return strangersTo(nobody, end, world);
}

/** The sources that the parties of a zone have. */
function sourcesOf(zone: Zone, end: End, world: Judged): Half {
  const { store, halves } = world.reach.parts;
  const { family } = addressDigits(end.address);
  const { edge } = world.reach.programs;
  const own = endsIn(world, zone.marks)
    .filter(({ address }) => addressDigits(address).family === family)
    .map(({ address }) => `${address}/${family === 4 ? 32 : 128}`);
  let sources = halves.remote([...own, ...zone.prefixes], family);
  if (edge?.kind !== 'edge') return sources;
  if (zone.internet) {
    const abroad = store.union(
      store.complement(halves.remote(edge.bogons, family)),
      halves.remote(farAddresses(end, world), family),
    );
    sources = store.union(sources, abroad);
  }
  if (zone.operator && family === 4) sources = store.union(sources, halves.remote([`${edge.operatorSource}/32`], 4));
  return sources;
}

/** Addresses of NICs that come over public addresses, as the internet does; one that a neighbour has as well is not meant. */
function farAddresses({ mark, address: own }: End, world: Judged): readonly string[] {
  const { family } = addressDigits(own);
  const near = new Set(neighbours(world, mark).flatMap(({ port }) => Object.keys(port.addresses)));
  return endsIn(world, world.reach.places.marks.keys())
    .map(({ address }) => address)
    .filter((address) => !near.has(address) && addressDigits(address).family === family)
    .map((address) => `${address}/${family === 4 ? 32 : 128}`);
}
