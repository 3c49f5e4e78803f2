/** What comes in to a NIC: from the internet, over the operator's link, from health probes, and what appliances send on. */

import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import { feeds, isNear, sentOn } from '#verify/reach/relay.ts';
import type { Place } from '#verify/reach/places.ts';
import { type End, endsOf, type Reach, type WayIn } from '#verify/reach/reach.ts';

/** The ways by which packets of the internet come to the address, with the packets as they are delivered. */
export function fromInternet(reach: Reach, end: End): readonly WayIn[] {
  const sources = internetSources(reach, end);
  return [...reach.entered(end, sources), ...relayed(reach, end, sources)];
}

/** The same for the operator's link; guests see its packets come from the operator's address. */
export function fromOperator(reach: Reach, end: End): readonly WayIn[] {
  const edge = reach.edge;
  const { family } = addressDigits(end.address);
  if (edge === undefined || addressDigits(edge.operatorSource).family !== family) return [];
  return reach.entered(end, reach.parts.halves.remote([`${edge.operatorSource}/${family === 4 ? 32 : 128}`], family));
}

/** What health probes may reach at the address. */
export function fromProbe(reach: Reach, end: End): Half {
  const place = reach.places.marks.get(end.mark);
  const sets = place === undefined ? undefined : reach.router(place.point)?.sets;
  const probes = sets !== undefined && Object.hasOwn(sets, 'probe') ? (sets['probe'] ?? []) : [];
  const { store, halves } = reach.parts;
  return store.intersection(halves.remote(probes, addressDigits(end.address).family), reach.inbound(end));
}

const relaysByReach = new WeakMap<Reach, readonly Place[]>();

/** The appliances that the internet reaches, directly or through others. */
export function relays(reach: Reach): readonly Place[] {
  const known = relaysByReach.get(reach);
  if (known !== undefined) return known;
  const { forwarding } = reach.places;
  const reached = new Set(forwarding.filter((place) => endsOf(place).some((end) => isEntered(reach, end))));
  for (let size = -1; size !== reached.size; ) {
    size = reached.size;
    for (const from of [...reached]) {
      for (const to of forwarding) if (!reached.has(to) && isFed(reach, from, to)) reached.add(to);
    }
  }
  const list = [...reached];
  relaysByReach.set(reach, list);
  return list;
}

/** No appliance changed, and nothing between them: the same ones are reached. */
export function keepRelays(reach: Reach, before: Reach): void {
  const known = relaysByReach.get(before);
  if (known !== undefined && reach.places === before.places) relaysByReach.set(reach, known);
}

function isEntered(reach: Reach, end: End): boolean {
  return reach.entered(end, internetSources(reach, end)).length > 0;
}

function internetSources(reach: Reach, { address }: End): Half {
  const { store, halves } = reach.parts;
  return store.complement(halves.remote(reach.edge?.bogons ?? [], addressDigits(address).family));
}

/** May one appliance send packets of the internet into another: to its address, or by a route that names it? */
function isFed(reach: Reach, from: Place, to: Place): boolean {
  if (!isNear(reach, from, to)) return false;
  return endsOf(to).some((end) => {
    const sources = internetSources(reach, end);
    return sentOn(reach, from, { end, sources }) !== nothing || feeds(reach, from, { end, relay: to });
  });
}

/** Sent on by an appliance, the source kept: whatever source of the internet, since it is opaque. */
function relayed(reach: Reach, end: End, sources: Half): readonly WayIn[] {
  const place = reach.places.marks.get(end.mark);
  if (place === undefined || reach.places.forwarding.length === 0) return [];
  return relays(reach).flatMap((relay): WayIn[] => {
    if (relay.port.mark === end.mark || !isNear(reach, relay, place)) return [];
    const set = sentOn(reach, relay, { end, sources });
    const [address = ''] = Object.keys(relay.port.addresses);
    return set === nothing ? [] : [{ relay: { mark: relay.port.mark, address }, set }];
  });
}
