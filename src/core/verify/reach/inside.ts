/** Packets between NICs of the stamp: straight, through inner balances, around by appliances that keep the source. */

import type { Balance } from '#program/program.ts';
import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import { feeds, isNear, sentOn } from '#verify/reach/relay.ts';
import { hairpin } from '#verify/reach/outward.ts';
import { earlier, type Place, type Taken } from '#verify/reach/places.ts';
import { type End, endsOf, isAlike, type Reach } from '#verify/reach/reach.ts';

/**
 * Packets of one NIC's address to another's, by whatever way inside the stamp: straight, through an inner balance, sent on by
 * an appliance with the source kept, or over public addresses. Ports and protocol alone, as they are delivered.
 */
export function between(reach: Reach, from: End, to: End): Half {
  return reach.parts.store.union(near(reach, from, to), hairpin(reach, from, to));
}

/** As `between`, without what goes out and comes back over public addresses. */
export function near(reach: Reach, from: End, to: End): Half {
  return reach.parts.store.union(straight(reach, from, to), around(reach, from, to));
}

/** Without an appliance and without the boundary. */
export function straight(reach: Reach, from: End, to: End): Half {
  const { store, halves } = reach.parts;
  const place = reach.places.marks.get(from.mark);
  const router = place === undefined ? undefined : reach.router(place.point);
  if (place === undefined || router === undefined || !isAlike(from, to)) return nothing;
  const sent = halves.at(reach.outbound(from), to.address);
  const isFrontend = Object.values(router.balances).some(({ frontend }) => frontend === to.address);
  let found = isFrontend ? nothing : carried(reach, place, { from, to, sent });
  const ordered = Object.keys(router.balances)
    .sort()
    .flatMap((key) => router.balances[key] ?? []);
  for (const balance of ordered) {
    if (!Object.hasOwn(balance.targets, to.address)) continue;
    if (!isBalanceTarget(reach, place, { balance, address: to.address })) continue;
    const asked = halves.at(reach.outbound(from), balance.frontend);
    const taken = balanced(reach, balance, { asked, before: earlier(ordered, balance) });
    found = store.union(found, carried(reach, place, { from, to, sent: taken }));
  }
  return found;
}

/** When the table sends some targets of a balance through an appliance, it is these alone (`balanceTargets`). */
function isBalanceTarget(
  reach: Reach,
  { point, port }: Place,
  { balance, address }: { readonly balance: Balance; readonly address: string },
): boolean {
  const table = reach.router(point)?.tables[port.table];
  const isBehind = (target: string): boolean => reach.parts.routes.routeTo(table, target)?.hop.kind === 'appliance';
  return Object.keys(balance.targets).some(isBehind) ? isBehind(address) : true;
}

/** What was sent to a frontend, as it leaves the balance. */
function balanced(
  reach: Reach,
  { protocol, port, targetPort }: Balance,
  { asked, before }: { readonly asked: Half; readonly before: readonly Taken[] },
): Half {
  const { store, halves } = reach.parts;
  const ports = port === 0 ? [] : ([[port, port]] as const);
  const speaks = protocol === 'any' && port === 0 ? reach.withPorts() : halves.service(protocol, ports);
  const mine = before.reduce(
    (rest, one) => store.difference(rest, reach.takenSet(one)),
    store.intersection(asked, speaks),
  );
  return halves.moved(mine, port, targetPort);
}

/** Packets from one address that were sent towards another arrive there (services at the sender's source). */
function carried(
  reach: Reach,
  sender: Place,
  { from, to, sent }: { readonly from: End; readonly to: End; readonly sent: Half },
): Half {
  if (sent === nothing) return nothing;
  const { store, halves } = reach.parts;
  const { family } = addressDigits(from.address);
  const single = halves.remote([`${from.address}/${family === 4 ? 32 : 128}`], family);
  const arrived = reach.handed(sender, to, store.intersection(single, sent));
  return arrived === nothing ? nothing : halves.at(arrived, from.address);
}

function around(reach: Reach, from: End, to: End): Half {
  return waysAround(reach, from, to).reduce<Half>((sum, { set }) => reach.parts.store.union(sum, set), nothing);
}

/** Appliances that get packets of the sender, and what they may send on to the target with the source kept (ports and protocol). */
export function waysAround(reach: Reach, from: End, to: End): readonly { readonly relay: Place; readonly set: Half }[] {
  const { halves } = reach.parts;
  const { family } = addressDigits(from.address);
  const single = halves.remote([`${from.address}/${family === 4 ? 32 : 128}`], family);
  const found: { readonly relay: Place; readonly set: Half }[] = [];
  const [sender, target] = [reach.places.marks.get(from.mark), reach.places.marks.get(to.mark)];
  if (sender === undefined || target === undefined || !isAlike(from, to)) return [];
  for (const relay of reach.places.forwarding) {
    const { mark } = relay.port;
    if (mark === from.mark || mark === to.mark || !isNear(reach, relay, target) || !isNear(reach, sender, relay))
      continue;
    const isFed =
      endsOf(relay).some((end) => straight(reach, from, end) !== nothing) || feeds(reach, sender, { end: from, relay });
    if (!isFed) continue;
    const set = sentOn(reach, relay, { end: to, sources: single });
    if (set !== nothing) found.push({ relay, set: halves.at(set, from.address) });
  }
  return found;
}
