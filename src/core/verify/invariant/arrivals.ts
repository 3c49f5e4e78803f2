/** All that comes to an address from given parties, as a set by source: a NIC's packets stand at the NIC's own address. */

import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import type { Zone } from '#verify/invariant/zone.ts';
import { unionOf } from '#verify/proof/show.ts';
import { endsIn, type Judged, neighbours } from '#verify/proof/world.ts';
import { hairpinsInto } from '#verify/reach/abroad.ts';
import { between, near } from '#verify/reach/inside.ts';
import { fromInternet, fromOperator, fromProbe } from '#verify/reach/inward.ts';
import { entriesOf } from '#verify/reach/places.ts';
import type { End } from '#verify/reach/reach.ts';

/** What the parties of the zone can make arrive at the address. */
export function arrivalsFrom(zone: Zone, end: End, world: Judged): Half {
  const { store, halves } = world.reach.parts;
  const { family } = addressDigits(end.address);
  let found: Half = nothing;
  if (zone.internet) found = unionOf(world, fromInternet(world.reach, end));
  else if (zone.prefixes.length > 0) {
    const from = halves.remote(zone.prefixes, family);
    found = store.intersection(unionOf(world, fromInternet(world.reach, end)), from);
  }
  if (zone.operator) found = store.union(found, unionOf(world, fromOperator(world.reach, end)));
  if (zone.probe) found = store.union(found, fromProbe(world.reach, end));
  if (zone.marks.size === 0) return found;
  for (const sender of nearSenders(zone.marks, end, world)) found = store.union(found, fromNear(sender, end, world));
  return store.union(found, hairpinsInto(world.reach, zone.marks, end));
}

/** NICs of the marks in the networks that reach the address without the boundary. */
function nearSenders(marks: ReadonlySet<number>, end: End, world: Judged): readonly End[] {
  const { family } = addressDigits(end.address);
  const near = neighbours(world, end.mark).flatMap(({ port }) => (marks.has(port.mark) ? [port.mark] : []));
  return endsIn(world, near).filter(({ address }) => addressDigits(address).family === family);
}

/** As `fromNic`, without what comes over public addresses. */
function fromNear(sender: End, end: End, world: Judged): Half {
  const { store, halves } = world.reach.parts;
  const { family } = addressDigits(sender.address);
  const service = near(world.reach, sender, end);
  if (service === nothing) return nothing;
  return store.intersection(halves.remote([`${sender.address}/${family === 4 ? 32 : 128}`], family), service);
}

/** What one NIC's address can make arrive, at its own address as source. */
export function fromNic(sender: End, end: End, world: Judged): Half {
  const { store, halves } = world.reach.parts;
  const { family } = addressDigits(sender.address);
  const service = between(world.reach, sender, end);
  if (service === nothing) return nothing;
  return store.intersection(halves.remote([`${sender.address}/${family === 4 ? 32 : 128}`], family), service);
}

/** The NICs of the marks that could send to the address at all: neighbours, or anybody when it has a public name. */
export function sendersTo(marks: ReadonlySet<number>, end: End, world: Judged): readonly End[] {
  if (marks.size === 0) return [];
  const near = neighbours(world, end.mark).flatMap(({ port }) => (marks.has(port.mark) ? [port.mark] : []));
  const senders = isPublic(end, world) ? [...marks].filter((mark) => mark !== end.mark) : near;
  const { family } = addressDigits(end.address);
  return endsIn(world, senders).filter(({ address }) => addressDigits(address).family === family);
}

/** Does the boundary lead anything to the address? */
export function isPublic({ mark, address }: End, { reach }: Judged): boolean {
  const { edge } = reach.programs;
  const label = reach.places.marks.get(mark)?.port.addresses[address]?.label;
  return edge?.kind === 'edge' && label !== undefined && entriesOf(edge).has(label);
}

/** The NICs that the boundary leads anything to. */
export function publicMarks({ reach }: Judged): readonly number[] {
  const { edge } = reach.programs;
  if (edge?.kind !== 'edge') return [];
  const balanced = Object.values(edge.balances).flatMap(({ targets }) => Object.values(targets));
  return [...Object.values(edge.publics), ...balanced].map(({ mark }) => mark);
}
