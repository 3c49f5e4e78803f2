/** Parties made concrete: which NICs, and what beyond the stamp; found once per list of parties and estate. */

import type { Estate, NicEstate } from '#verify/invariant/estate.ts';
import type { About, Parties } from '#verify/invariant/invariant.ts';

/** `marks`: NICs. `prefixes`: hosts beyond the boundary with these addresses. */
export type Zone = {
  readonly marks: ReadonlySet<number>;
  readonly internet: boolean;
  readonly operator: boolean;
  readonly probe: boolean;
  readonly prefixes: readonly string[];
};

type Nics = Estate['nics'];
const zones = new WeakMap<readonly Parties[], { readonly nics: Nics; readonly zone: Zone }>();

/** The zone of a list of parties: their union. */
export function zoneOf(parties: readonly Parties[], { nics }: Estate): Zone {
  const known = zones.get(parties);
  if (known?.nics === nics) return known.zone;
  const prefixes = parties.flatMap((one) => (one.kind === 'addresses' ? one.prefixes : []));
  const zone = {
    marks: marksOf(parties, nics),
    internet: parties.some(({ kind }) => kind === 'internet'),
    operator: parties.some(({ kind }) => kind === 'operator'),
    probe: parties.some(({ kind }) => kind === 'probe'),
    prefixes: Object.freeze(prefixes),
  };
  zones.set(parties, { nics, zone });
  return zone;
}

function marksOf(parties: readonly Parties[], nics: Nics): ReadonlySet<number> {
  const index = indexOf(nics);
  if (parties.some(({ kind }) => kind === 'nics')) return index.all;
  const marks = new Set<number>();
  for (const party of parties) {
    if (party.kind !== 'scope') continue;
    for (const id of party.ids) for (const mark of index.byScope.get(id.toLowerCase()) ?? []) marks.add(mark);
  }
  return marks;
}

type Index = { readonly all: ReadonlySet<number>; readonly byScope: ReadonlyMap<string, readonly number[]> };
const indices = new WeakMap<Nics, Index>();

function indexOf(nics: Nics): Index {
  const known = indices.get(nics);
  if (known !== undefined) return known;
  const byScope = new Map<string, number[]>();
  const all = new Set<number>();
  for (const [text, { scopes }] of Object.entries(nics)) {
    const mark = Number(text);
    all.add(mark);
    for (const scope of scopes) {
      const list = byScope.get(scope);
      if (list === undefined) byScope.set(scope, [mark]);
      else list.push(mark);
    }
  }
  const index = { all, byScope };
  indices.set(nics, index);
  return index;
}

/** Does the invariant judge this NIC: within its scope, and not left out? */
export function isJudged({ scope, exclude }: About, nic: NicEstate | undefined): boolean {
  if (nic === undefined) return false;
  const isWithin = (id: string): boolean => nic.scopes.includes(id.toLowerCase());
  return (scope === undefined || scope === '' || scope === '/' || isWithin(scope)) && !exclude.some(isWithin);
}
