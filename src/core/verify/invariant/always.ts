/** Holds iff each of `from` reaches each of `to` on all of the services, from every port. */

import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import type { Always } from '#verify/invariant/invariant.ts';
import { targetsOf } from '#verify/invariant/never.ts';
import { servicesOf } from '#verify/invariant/services.ts';
import { isJudged, zoneOf } from '#verify/invariant/zone.ts';
import type { SetKind, Shown } from '#verify/proof/kind.ts';
import { unionOf } from '#verify/proof/show.ts';
import { endsIn, type Judged } from '#verify/proof/world.ts';
import { straight } from '#verify/reach/inside.ts';
import { fromInternet, fromOperator, fromProbe } from '#verify/reach/inward.ts';
import { hairpin } from '#verify/reach/outward.ts';
import { entriesOf } from '#verify/reach/places.ts';
import type { End } from '#verify/reach/reach.ts';

/** `bad`: what should arrive and does not. */
export const always: SetKind<Always> = {
  form: 'sets',

  ends(invariant, world, changed) {
    const [to, from] = [zoneOf(invariant.to, world.estate), zoneOf(invariant.from, world.estate)];
    const isMeant = (mark: number): boolean =>
      to.marks.has(mark) && isJudged(invariant, world.estate.nics[String(mark)]) && !isApart(world, mark);
    return endsIn(world, [...targetsOf({ to, from, parties: invariant.from }, changed)].filter(isMeant));
  },

  bad(invariant, end, world) {
    const { store, halves } = world.reach.parts;
    const { family } = addressDigits(end.address);
    const from = zoneOf(invariant.from, world.estate);
    const wanted = servicesOf(world, invariant.services);
    const { edge } = world.reach.programs;
    let missing: Half = nothing;
    const lacks = (sources: Half, arrived: Half): void => {
      missing = store.union(missing, store.difference(store.intersection(sources, wanted), arrived));
    };
    if (from.internet && edge?.kind === 'edge') {
      lacks(store.complement(halves.remote(edge.bogons, family)), unionOf(world, fromInternet(world.reach, end)));
    } else if (from.prefixes.length > 0) {
      lacks(halves.remote(from.prefixes, family), unionOf(world, fromInternet(world.reach, end)));
    }
    if (from.operator && edge?.kind === 'edge' && family === 4) {
      lacks(halves.remote([`${edge.operatorSource}/32`], 4), unionOf(world, fromOperator(world.reach, end)));
    }
    if (from.probe) {
      const sets = world.reach.router(world.reach.places.marks.get(end.mark)?.point ?? '')?.sets;
      lacks(halves.remote(sets?.['probe'] ?? [], family), fromProbe(world.reach, end));
    }
    for (const sender of sendersOf(invariant, end, world)) {
      const arrived = store.union(straight(world.reach, sender, end), hairpin(world.reach, sender, end));
      const single = halves.remote([`${sender.address}/${family === 4 ? 32 : 128}`], family);
      lacks(single, store.intersection(single, arrived));
    }
    return missing;
  },

  show: ({ invariant, end, bad }, world) => showMissing({ invariant, end, bad }, world),
};

/** A quarantine is no breach: else a tenant's own policy would make its NICs safe from it. */
function isApart({ estate }: Judged, mark: number): boolean {
  return estate.nics[String(mark)]?.isApart === true;
}

/** One sender of each family that the target has; a NIC is no obligation to itself. */
function sendersOf(invariant: Always, end: End, world: Judged): readonly End[] {
  const { family } = addressDigits(end.address);
  const marks = [...zoneOf(invariant.from, world.estate).marks].filter(
    (mark) => mark !== end.mark && !isApart(world, mark),
  );
  return endsIn(world, marks).filter(({ address }) => addressDigits(address).family === family);
}

type Missing = { readonly invariant: Always; readonly end: End; readonly bad: Half };

/** A packet that should arrive: the oracle must drop it, or deliver it to another (networks may share addresses). */
function showMissing({ invariant, end, bad }: Missing, world: Judged): Shown | undefined {
  const { halves, store } = world.reach.parts;
  const ends = { kind: 'elsewhere', mark: end.mark } as const;
  for (const sender of sendersOf(invariant, end, world)) {
    // Another network may have a sender of the same address.
    const arrived = store.union(straight(world.reach, sender, end), hairpin(world.reach, sender, end));
    const missing = store.difference(halves.at(bad, sender.address), arrived);
    const header = missing === nothing ? undefined : halves.example(missing, end.address, 'target');
    if (header === undefined) continue;
    const packet = { ...header, source: sender.address, origin: { kind: 'nic', mark: sender.mark } } as const;
    return { packet, relays: [], ends };
  }
  const from = zoneOf(invariant.from, world.estate);
  const { edge } = world.reach.programs;
  const place = world.reach.places.marks.get(end.mark);
  const probes = world.reach.router(place?.point ?? '')?.sets['probe'] ?? [];
  const fromProbes = store.intersection(bad, halves.remote(probes, addressDigits(end.address).family));
  const probe = from.probe ? halves.example(fromProbes, end.address, 'target') : undefined;
  if (probe !== undefined && place !== undefined) {
    return { packet: { ...probe, origin: { kind: 'probe', point: place.point } }, relays: [], ends };
  }
  const header = halves.example(bad, end.address, 'target');
  const label = place?.port.addresses[end.address]?.label;
  const entry = edge?.kind === 'edge' && label !== undefined ? entriesOf(edge).get(label)?.[0] : undefined;
  if (header === undefined || edge?.kind !== 'edge') return undefined;
  const isOperator = header.source === edge.operatorSource;
  const target = entry?.frontend ?? end.address;
  const targetPort = entry === undefined || entry.port === 0 ? header.targetPort : entry.port;
  const source = isOperator ? (edge.operator[0] ?? '').replace(/\d+\/\d+$/, '1') : header.source;
  const origin = { kind: isOperator ? 'operator' : 'internet' } as const;
  return { packet: { ...header, source, target, targetPort, origin }, relays: [], ends };
}
