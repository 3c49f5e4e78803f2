/** Questions about what stands: what the internet reaches at each public address, and who reaches whom. */

import { matrixPairsMax, matrixRowsMax, blastServicesMax } from '#base/limits.ts';
import { nothing } from '#verify/diagrams.ts';
import { addressDigits } from '#verify/halves.ts';
import { zoneOf } from '#verify/invariant/zone.ts';
import { together } from '#verify/proof/blast.ts';
import type { Reaching } from '#verify/proof/verdict.ts';
import { endsIn, type Judged, neighbours } from '#verify/proof/world.ts';
import { between } from '#verify/reach/inside.ts';
import { fromInternet } from '#verify/reach/inward.ts';
import { toInternet } from '#verify/reach/outward.ts';
import { entriesOf } from '#verify/reach/places.ts';
import { type End, endsOf } from '#verify/reach/reach.ts';

/** One public address with one thing behind it: services at the target, and the NICs (ARM ids) that get them. */
export type Exposure = {
  readonly address: string;
  readonly because: string;
  readonly services: readonly string[];
  readonly nics: readonly string[];
};

/** Every public address that leads anywhere; without services it is closed. */
export function exposureOf({ reach, estate }: Judged): readonly Exposure[] {
  const { edge } = reach.programs;
  if (edge?.kind !== 'edge') return [];
  const { store, halves } = reach.parts;
  const entries = entriesOf(edge);
  const rows = new Map<string, { address: string; because: string; set: number; nics: Set<string> }>();
  for (const place of reach.places.marks.values()) {
    for (const end of endsOf(place)) {
      const label = place.port.addresses[end.address]?.label ?? '';
      const ways = entries.has(label) ? fromInternet(reach, end) : [];
      for (const entry of entries.get(label) ?? []) {
        const key = `${entry.frontend} ${entry.because}`;
        const row = rows.get(key) ?? { address: entry.frontend, because: entry.because, set: nothing, nics: new Set() };
        for (const way of ways) {
          if (way.entry !== entry) continue;
          row.set = store.union(row.set, way.set);
          row.nics.add(estate.nics[String(end.mark)]?.nic ?? `nic/${end.mark}`);
        }
        rows.set(key, row);
      }
    }
  }
  return [...rows.values()]
    .map(({ address, because, set, nics }) => ({
      address,
      because,
      services: set === nothing ? [] : halves.words(set, blastServicesMax),
      nics: [...nics].sort(),
    }))
    .toSorted((left, right) => (`${left.address} ${left.because}` < `${right.address} ${right.because}` ? -1 : 1));
}

/** Who reaches whom: NICs of the scopes (all, when there are none) with the internet and with each other. Bounded: `more` counts what is not told. */
export function matrixOf(
  world: Judged,
  scopes: readonly string[],
): { readonly rows: readonly Reaching[]; readonly more: number } {
  const { reach } = world;
  const { halves } = reach.parts;
  const parties = scopes.length === 0 ? ([{ kind: 'nics' }] as const) : ([{ kind: 'scope', ids: scopes }] as const);
  const { marks } = zoneOf(parties, world.estate);
  const found: { from: string; to: string; services: readonly string[] }[] = [];
  const name = (mark: number): string => world.estate.nics[String(mark)]?.nic ?? `nic/${mark}`;
  let left = 0;
  let pairs = 0;
  for (const end of endsIn(world, marks)) {
    const into = fromInternet(reach, end).map(({ set }) => set);
    const out = toInternet(reach, end).map(({ set }) => set);
    const all = (sets: readonly number[]): number =>
      sets.reduce((sum, set) => reach.parts.store.union(sum, set), nothing);
    for (const [from, to, set] of [
      ['internet', name(end.mark), all(into)],
      [name(end.mark), 'internet', all(out)],
    ] as const) {
      if (set !== nothing) found.push({ from, to, services: halves.words(set, blastServicesMax) });
    }
    for (const sender of sendersOf(world, end, marks)) {
      pairs += 1;
      if (pairs > matrixPairsMax) {
        left += 1;
        continue;
      }
      const set = between(reach, sender, end);
      if (set === nothing) continue;
      found.push({ from: name(sender.mark), to: name(end.mark), services: halves.words(set, blastServicesMax) });
    }
  }
  const rows = together(found, world);
  return { rows: rows.slice(0, matrixRowsMax), more: Math.max(0, rows.length - matrixRowsMax) + left };
}

function sendersOf(world: Judged, end: End, marks: ReadonlySet<number>): readonly End[] {
  const { family } = addressDigits(end.address);
  const near = neighbours(world, end.mark).flatMap(({ port }) => (marks.has(port.mark) ? [port.mark] : []));
  return endsIn(world, near).filter(({ address }) => addressDigits(address).family === family);
}
