/** What leaves a NIC for the boundary: to the internet, into appliances, and back in by a public address. */

import type { Family } from '#base/prefix.ts';
import { martians } from '#program/martian.ts';
import type { RouterProgram } from '#program/program.ts';
import { all, nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import { entriesOf, type Entry, routerOfLabel } from '#verify/reach/places.ts';
import { type End, type Exit, isAlike, platformPrefixes, type Reach } from '#verify/reach/reach.ts';

/** Out to the boundary and in again by a public address. */
export function hairpin(reach: Reach, from: End, to: End): Half {
  const { store, halves } = reach.parts;
  const target = reach.places.marks.get(to.mark);
  const label = target?.port.addresses[to.address]?.label;
  const edge = reach.edge;
  if (target === undefined || label === undefined || edge === undefined || !isAlike(from, to)) return nothing;
  const entries = entriesOf(edge).get(label) ?? [];
  if (entries.length === 0 || routerOfLabel(reach.programs, label) !== target.point) return nothing;
  const out = toBoundary(reach, from);
  let found: Half = nothing;
  for (const entry of entries) {
    if (!isAlike(from, { mark: 0, address: entry.frontend })) continue;
    const sent = halves.at(out, entry.frontend);
    if (sent === nothing) continue;
    for (const { address, set, ports } of translations(reach, from)) {
      const arrived = halves.anySourcePort(store.intersection(sent, set));
      const asked = throughEntry(reach, entry, ports === undefined ? store.intersection(sent, set) : arrived);
      const single = halves.remote([`${address}/${address.includes(':') ? 128 : 32}`], addressDigits(address).family);
      const passing = store.intersection(reach.arrivable(target, to, single), reach.fabric('target', label));
      const open = halves.at(store.intersection(passing, reach.inbound(to)), address);
      const mine = ports === undefined ? open : store.intersection(open, halves.sourcePorts(ports));
      found = store.union(found, store.intersection(asked, ports === undefined ? mine : halves.anySourcePort(mine)));
    }
  }
  return found;
}

/** What was sent to an entry's frontend, in ports at the target. */
export function throughEntry(reach: Reach, entry: Entry, sent: Half): Half {
  const { store, halves } = reach.parts;
  const mine = store.intersection(sent, reach.spoken(entry));
  return entry.port === 0 ? mine : halves.moved(mine, entry.port, entry.targetPort);
}

/** How the boundary translates what the address sends: the source that others see, for which packets, from which ports. */
export function translations(reach: Reach, { mark, address }: End): readonly Translation[] {
  const edge = reach.edge;
  const label = reach.places.marks.get(mark)?.port.addresses[address]?.label;
  if (edge === undefined || label === undefined) return [];
  const one = Object.hasOwn(edge.ones, label) ? edge.ones[label] : undefined;
  if (one !== undefined) return [{ address: one.address, set: all, ports: undefined }];
  const { store, halves } = reach.parts;
  const found: Translation[] = [];
  let rest: Half = all;
  for (const protocol of ['tcp', 'udp'] as const) {
    const block = Object.hasOwn(edge.blocks, `${label}/${protocol}`) ? edge.blocks[`${label}/${protocol}`] : undefined;
    if (block === undefined) continue;
    const set = halves.service(protocol, []);
    rest = store.difference(rest, set);
    found.push({ address: block.address, set, ports: block.ports });
  }
  const block = Object.hasOwn(edge.blocks, label) ? edge.blocks[label] : undefined;
  if (block !== undefined) {
    const withPorts = store.intersection(rest, reach.withPorts());
    found.push({ address: block.address, set: withPorts, ports: block.ports });
    found.push({
      address: block.address,
      set: store.intersection(rest, halves.service('icmp', [])),
      ports: undefined,
    });
  }
  return found;
}

/** What reaches the boundary from the address, before translation: by target (half). */
export function toBoundary(reach: Reach, from: End): Half {
  const { store, halves, routes } = reach.parts;
  const place = reach.places.marks.get(from.mark);
  const router = place === undefined ? undefined : reach.router(place.point);
  const label = place?.port.addresses[from.address]?.label;
  if (place === undefined || router === undefined || label === undefined) return nothing;
  const { family } = addressDigits(from.address);
  const way = routes.waysOf(router.tables[place.port.table], family).find(({ hop }) => hop.kind === 'internet');
  if (way === undefined) return nothing;
  const sent = store.intersection(reach.outbound(from), halves.remoteIs(way.label));
  const kept = store.difference(sent, answeredHere(reach, router, family));
  return kept === nothing ? nothing : store.intersection(kept, reach.fabric('source', label));
}

/** Targets that the router answers or drops itself, whatever the routes say. */
function answeredHere(reach: Reach, router: RouterProgram, family: Family): Half {
  const { store, halves } = reach.parts;
  const frontends = Object.values(router.balances).map(
    ({ frontend }) => `${frontend}/${frontend.includes(':') ? 128 : 32}`,
  );
  const near = store.union(halves.remote(martians, family), halves.remote(platformPrefixes(router.gateways), family));
  return frontends.length === 0 ? near : store.union(near, halves.remote(frontends, family));
}

/** The ways out to the internet: by the boundary, and into appliances. */
export function toInternet(reach: Reach, from: End): readonly Exit[] {
  const edge = reach.edge;
  const { store, halves } = reach.parts;
  const { family } = addressDigits(from.address);
  const exits: Exit[] = [];
  if (edge !== undefined) {
    const inside = store.union(halves.remote(edge.pool, family), halves.remote(edge.bogons, family));
    const out = store.difference(toBoundary(reach, from), inside);
    const translated = translations(reach, from).reduce((sum, { set }) => store.union(sum, set), nothing);
    const set = out === nothing ? nothing : store.intersection(out, translated);
    if (set !== nothing) exits.push({ through: undefined, set });
  }
  return [...exits, ...intoAppliances(reach, from)];
}

function intoAppliances(reach: Reach, from: End): readonly Exit[] {
  const { store, halves, routes } = reach.parts;
  const place = reach.places.marks.get(from.mark);
  const router = place === undefined ? undefined : reach.router(place.point);
  if (place === undefined || router === undefined) return [];
  const { family } = addressDigits(from.address);
  const outside = store.complement(halves.remote(reach.edge?.bogons ?? [], family));
  return routes.waysOf(router.tables[place.port.table], family).flatMap(({ hop, label }): Exit[] => {
    const mark = hop.kind === 'appliance' ? reach.applianceAt(router, hop.address) : undefined;
    const appliance = mark === undefined ? undefined : reach.places.marks.get(mark);
    if (mark === undefined || appliance === undefined) return [];
    const sent = store.intersection(store.intersection(reach.outbound(from), halves.remoteIs(label)), outside);
    const kept = store.difference(sent, answeredHere(reach, router, family));
    const set = store.intersection(
      kept,
      reach.filtered(appliance, appliance.port.inbound, { local: 'source', address: from.address }),
    );
    return set === nothing ? [] : [{ through: mark, set }];
  });
}

type Translation = {
  readonly address: string;
  readonly set: Half;
  readonly ports: readonly [number, number] | undefined;
};
