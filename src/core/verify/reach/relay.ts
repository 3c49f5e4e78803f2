/** Appliances: NICs that forward. What they get they may send on, the source kept; what they do inside nobody knows. */

import { martians } from '#program/martian.ts';
import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import type { Place } from '#verify/reach/places.ts';
import type { End, Reach } from '#verify/reach/reach.ts';

/** Could the one network send into the other at all? */
export function isNear(reach: Reach, from: Place, to: Place): boolean {
  const [one, other] = [reach.router(from.point), reach.router(to.point)];
  return one !== undefined && other !== undefined && (one.key === other.key || Object.hasOwn(one.peers, other.key));
}

/** What an appliance may send to an address with sources that are not its own, as it is delivered. */
export function sentOn(
  reach: Reach,
  relay: Place,
  { end, sources }: { readonly end: End; readonly sources: Half },
): Half {
  const { store, halves } = reach.parts;
  const { family } = addressDigits(end.address);
  const own = Object.keys(relay.port.addresses).map((address) => `${address}/${address.includes(':') ? 128 : 32}`);
  const platform = reach.platformOf(relay.point);
  const foreign = store.difference(
    store.difference(sources, halves.remote(own, family)),
    store.union(halves.remote(martians, family), halves.remote(platform, family)),
  );
  const sent = store.intersection(
    foreign,
    reach.filtered(relay, relay.port.outbound, { local: 'target', address: end.address }),
  );
  return sent === nothing ? nothing : reach.handed(relay, end, sent);
}

/** Does the sender's table lead anything into the appliance? */
export function feeds(
  reach: Reach,
  { point, port }: Place,
  { end, relay }: { readonly end: End; readonly relay: Place },
): boolean {
  return exitsInto(reach, { point, table: port.table, end }).some((mark) => mark === relay.port.mark);
}

/** Marks of the appliances that the table names for the family of the address. */
export function exitsInto(
  reach: Reach,
  { point, table, end: { address } }: { readonly point: string; readonly table: string; readonly end: End },
): readonly number[] {
  const router = reach.router(point);
  if (router === undefined) return [];
  const { family } = addressDigits(address);
  return reach.parts.routes.waysOf(router.tables[table], family).flatMap(({ hop }) => {
    const mark = hop.kind === 'appliance' ? reach.applianceAt(router, hop.address) : undefined;
    return mark === undefined ? [] : [mark];
  });
}
