/** Packets that show what a set says: an example of the set, taken back to where it starts. */

import { evaluate } from '#program/eval.ts';
import type { Header } from '#program/filter.ts';
import type { Packet } from '#program/packet.ts';
import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import type { Shown } from '#verify/proof/kind.ts';
import type { Judged } from '#verify/proof/world.ts';
import { straight, waysAround } from '#verify/reach/inside.ts';
import { hairpin, toBoundary, toInternet } from '#verify/reach/outward.ts';
import { entriesOf, type Place } from '#verify/reach/places.ts';
import { type End, endsOf, type WayIn } from '#verify/reach/reach.ts';

/** A packet from outside that arrives at the address by one of the ways and is in the set. */
export function showInward(
  world: Judged,
  {
    end,
    bad,
    ways,
    from,
  }: { readonly end: End; readonly bad: Half; readonly ways: readonly WayIn[]; readonly from: 'internet' | 'operator' },
): Shown | undefined {
  const { store, halves } = world.reach.parts;
  for (const { entry, relay, set } of ways) {
    const arrived = halves.example(store.intersection(set, bad), end.address, 'target');
    if (arrived === undefined) continue;
    const ends = { kind: 'nic', mark: end.mark } as const;
    if (relay !== undefined) {
      const packet: Packet = { ...arrived, origin: { kind: 'nic', mark: relay.mark } };
      return { packet, relays: firstOf(world, relay), ends };
    }
    if (entry === undefined) continue;
    const { edge } = world.reach.programs;
    const link = edge?.kind === 'edge' ? operatorAddress(edge.operator) : '';
    const packet: Packet = {
      ...arrived,
      origin: { kind: from },
      source: from === 'operator' ? link : arrived.source,
      target: entry.frontend,
      targetPort: entry.port === 0 ? arrived.targetPort : entry.port,
    };
    return { packet, relays: [], ends };
  }
  return undefined;
}

/** The first host of the operator's link. */
function operatorAddress([prefix = '169.254.0.0/30']: readonly string[]): string {
  return prefix.replace(/(\d+)\/\d+$/, (_, last: string) => String(Number(last) + 1));
}

/** How the internet comes to the appliance itself. */
function firstOf(world: Judged, relay: End): readonly Packet[] {
  const place = world.reach.places.marks.get(relay.mark);
  for (const end of place === undefined ? [] : endsOf(place)) {
    const ways = directWays(world, end);
    const first = showInward(world, { end, bad: unionOf(world, ways), ways, from: 'internet' });
    if (first !== undefined) return [first.packet];
  }
  return [];
}

function directWays({ reach }: Judged, end: End): readonly WayIn[] {
  const { edge } = reach.programs;
  if (edge?.kind !== 'edge') return [];
  const { store, halves } = reach.parts;
  const family = end.address.includes(':') ? 6 : 4;
  return reach.entered(end, store.complement(halves.remote(edge.bogons, family)));
}

/** All that comes by the ways. */
export function unionOf({ reach }: Judged, ways: readonly WayIn[]): Half {
  return ways.reduce((sum, { set }) => reach.parts.store.union(sum, set), nothing);
}

/** A packet of one NIC that arrives at another's address with a service of the set (ports and protocol): straight, over public addresses, or by an appliance. */
export function showBetween(world: Judged, { from, to, bad }: Between): Shown | undefined {
  const { store, halves } = world.reach.parts;
  const ends = { kind: 'nic', mark: to.mark } as const;
  const near = halves.example(store.intersection(straight(world.reach, from, to), bad), to.address, 'target');
  if (near !== undefined) return { packet: sentNear(world, { from, to, header: near }), relays: [], ends };
  return showHairpin(world, { from, to, bad }) ?? showAround(world, { from, to, bad });
}

type Between = { readonly from: End; readonly to: End; readonly bad: Half };

/** Sent to an appliance, and by it to the address with the source kept. */
function showAround(world: Judged, { from, to, bad }: Between): Shown | undefined {
  const { store, halves } = world.reach.parts;
  for (const { relay, set } of waysAround(world.reach, from, to)) {
    const header = halves.example(store.intersection(set, bad), to.address, 'target');
    if (header === undefined) continue;
    const packet: Packet = { ...header, source: from.address, origin: { kind: 'nic', mark: relay.port.mark } };
    return { packet, relays: firstInto(world, from, relay), ends: { kind: 'nic', mark: to.mark } };
  }
  return undefined;
}

/** How the sender's packets come to the appliance: to its own address, or by a route to the internet that names it. */
function firstInto(world: Judged, from: End, relay: Place): readonly Packet[] {
  const { reach } = world;
  const { halves } = reach.parts;
  const origin = { kind: 'nic', mark: from.mark } as const;
  for (const end of endsOf(relay)) {
    const header = halves.example(straight(reach, from, end), end.address, 'target');
    if (header !== undefined) return [sentNear(world, { from, to: end, header })];
  }
  const exit = toInternet(reach, from).find(({ through }) => through === relay.port.mark);
  const header = exit === undefined ? undefined : halves.example(exit.set, from.address, 'source');
  return header === undefined ? [] : [{ ...header, origin }];
}

/** Out to the boundary and in again by a public address: by the entry and from the source port that get there. */
function showHairpin(world: Judged, { from, to, bad }: Between): Shown | undefined {
  const { reach } = world;
  const { store, halves } = reach.parts;
  const ends = { kind: 'nic', mark: to.mark } as const;
  const far = halves.example(store.intersection(hairpin(reach, from, to), bad), to.address, 'target');
  const { edge } = reach.programs;
  const label = reach.places.marks.get(to.mark)?.port.addresses[to.address]?.label;
  if (far === undefined || edge?.kind !== 'edge' || label === undefined) return undefined;
  const fitting = (entriesOf(edge).get(label) ?? []).filter(
    ({ port, targetPort }) => port === 0 || targetPort === far.targetPort,
  );
  const packets = fitting.flatMap((entry): Packet[] => {
    const targetPort = entry.port === 0 ? far.targetPort : entry.port;
    const asked = { ...far, source: from.address, target: entry.frontend, targetPort };
    const sent = store.intersection(
      halves.at(toBoundary(reach, from), entry.frontend),
      halves.service(far.protocol, far.targetPort === 0 ? [] : [[targetPort, targetPort]]),
    );
    const { sourcePort } = halves.example(sent, from.address, 'source') ?? far;
    const origin = { kind: 'nic', mark: from.mark } as const;
    return [
      { ...asked, origin },
      { ...asked, sourcePort, origin },
    ];
  });
  const packet = packets.find((one) => isDelivered(world, one, { to, targetPort: far.targetPort })) ?? packets[0];
  return packet === undefined ? undefined : { packet, relays: [], ends };
}

type Sent = { readonly from: End; readonly to: End; readonly header: Header };

/** As the sender must send it: to the address itself, or to the frontend of an inner balance that leads there. */
function sentNear(world: Judged, { from, to, header }: Sent): Packet {
  const direct: Packet = { ...header, source: from.address, origin: { kind: 'nic', mark: from.mark } };
  const { targetPort } = header;
  const place = world.reach.places.marks.get(from.mark);
  const router = place === undefined ? undefined : world.reach.router(place.point);
  const balanced = Object.values(router?.balances ?? {}).flatMap((one): Packet[] =>
    Object.hasOwn(one.targets, to.address) && (one.port === 0 || one.targetPort === targetPort)
      ? [{ ...direct, target: one.frontend, targetPort: one.port === 0 ? targetPort : one.port }]
      : [],
  );
  return [direct, ...balanced].find((one) => isDelivered(world, one, { to, targetPort })) ?? direct;
}

/** Does the oracle deliver it there? */
function isDelivered(
  { reach }: Judged,
  packet: Packet,
  { to, targetPort }: { readonly to: End; readonly targetPort: number },
): boolean {
  const fate = evaluate(reach.programs, packet);
  return (
    fate.verdict === 'deliver' &&
    fate.to.some(
      ({ at, packet: one }) =>
        at.kind === 'nic' && at.mark === to.mark && one.target === to.address && one.targetPort === targetPort,
    )
  );
}

/** A packet that the address sends outwards and that is in the set (by target). */
export function showOutward(
  world: Judged,
  { end, bad, ends }: { readonly end: End; readonly bad: Half; readonly ends: Shown['ends'] },
): Shown | undefined {
  const header = world.reach.parts.halves.example(bad, end.address, 'source');
  if (header === undefined) return undefined;
  return { packet: { ...header, origin: { kind: 'nic', mark: end.mark } }, relays: [], ends };
}
