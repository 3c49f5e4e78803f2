/** What a change makes possible or impossible: who -> what : service, told by subnet or network where all its NICs share it. */

import { blastRowsMax, blastServicesMax, blastNicsMax } from '#base/limits.ts';
import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import { unionOf } from '#verify/proof/show.ts';
import type { Changed } from '#verify/proof/changed.ts';
import type { Blast, Reaching } from '#verify/proof/verdict.ts';
import { type Judged, neighbours } from '#verify/proof/world.ts';
import { between } from '#verify/reach/inside.ts';
import { fromInternet } from '#verify/reach/inward.ts';
import { toInternet } from '#verify/reach/outward.ts';
import { type End, endsOf } from '#verify/reach/reach.ts';

type Found = { readonly from: string; readonly to: string; readonly services: readonly string[] };

/** Looks at the NICs that the change concerns, the first few; what comes from or goes to many NICs alike is told once. */
export function blastBetween(before: Judged, after: Judged, changed: Changed): Blast {
  const gained: Found[] = [];
  const lost: Found[] = [];
  const all = [...after.reach.places.marks.keys(), ...before.reach.places.marks.keys()];
  const marks = [...new Set(changed.all ? all : [...changed.in, ...changed.out])].sort((left, right) => left - right);
  const looked = marks.slice(0, blastNicsMax);
  for (const mark of looked) {
    for (const end of endsAt(mark, before, after)) {
      compare({ gained, lost }, rowsOf(end, before, after), after);
    }
  }
  const left = marks.length - looked.length;
  const [more, less] = [together(gained, after), together(lost, after)];
  return {
    gained: more.slice(0, blastRowsMax),
    lost: less.slice(0, blastRowsMax),
    more: {
      gained: Math.max(0, more.length - blastRowsMax) + left,
      lost: Math.max(0, less.length - blastRowsMax) + left,
    },
  };
}

function endsAt(mark: number, ...worlds: readonly Judged[]): readonly End[] {
  const ends = new Map<string, End>();
  for (const { reach } of worlds) {
    const place = reach.places.marks.get(mark);
    for (const end of place === undefined ? [] : endsOf(place)) ends.set(end.address, end);
  }
  return [...ends.values()];
}

type Compared = { readonly from: string; readonly to: string; readonly before: Half; readonly after: Half };

/** What reaches the address and what it reaches, before and after. */
function rowsOf(end: End, before: Judged, after: Judged): readonly Compared[] {
  const nic = nameOf(end.mark, after, before);
  const has = (world: Judged): boolean =>
    world.reach.places.marks.get(end.mark)?.port.addresses[end.address] !== undefined;
  const inside = (world: Judged, ask: () => Half): Half => (has(world) ? ask() : nothing);
  const outer = (world: Judged): Half => inside(world, () => unionOf(world, fromInternet(world.reach, end)));
  const exits = (world: Judged): Half =>
    inside(world, () =>
      toInternet(world.reach, end).reduce((sum, { set }) => world.reach.parts.store.union(sum, set), nothing),
    );
  const rows: Compared[] = [
    { from: 'internet', to: nic, before: outer(before), after: outer(after) },
    { from: nic, to: 'internet', before: exits(before), after: exits(after) },
  ];
  for (const other of othersOf(end, before, after)) {
    const name = nameOf(other.mark, after, before);
    const ask = (world: Judged, from: End, to: End): Half =>
      inside(world, () => (isThere(other, world) ? between(world.reach, from, to) : nothing));
    rows.push({ from: name, to: nic, before: ask(before, other, end), after: ask(after, other, end) });
    rows.push({ from: nic, to: name, before: ask(before, end, other), after: ask(after, end, other) });
  }
  return rows;
}

function isThere({ mark, address }: End, { reach }: Judged): boolean {
  return reach.places.marks.get(mark)?.port.addresses[address] !== undefined;
}

function othersOf(end: End, ...worlds: readonly Judged[]): readonly End[] {
  const found = new Map<string, End>();
  const { family } = addressDigits(end.address);
  for (const world of worlds) {
    for (const place of neighbours(world, end.mark).slice(0, blastNicsMax)) {
      for (const other of endsOf(place)) {
        if (addressDigits(other.address).family === family) found.set(`${other.mark} ${other.address}`, other);
      }
    }
  }
  return [...found.values()];
}

function nameOf(mark: number, ...worlds: readonly Judged[]): string {
  for (const { estate } of worlds) {
    const nic = estate.nics[String(mark)]?.nic;
    if (nic !== undefined) return nic;
  }
  return `nic/${mark}`;
}

function compare(
  { gained, lost }: { readonly gained: Found[]; readonly lost: Found[] },
  rows: readonly Compared[],
  { reach }: Judged,
): void {
  const { store, halves } = reach.parts;
  for (const { from, to, before, after } of rows) {
    if (before === after) continue;
    const more = store.difference(after, before);
    const less = store.difference(before, after);
    if (more !== nothing) gained.push({ from, to, services: halves.words(more, blastServicesMax) });
    if (less !== nothing) lost.push({ from, to, services: halves.words(less, blastServicesMax) });
  }
}

/** NICs that share the other side and the services are told together: as their subnet when it is all of them, else one by one. */
export function together(found: readonly Found[], world: Judged): readonly Reaching[] {
  const unique = new Map(found.map((one) => [`${one.from} ${one.to} ${one.services.join()}`, one]));
  const sources = Map.groupBy(unique.values(), ({ to, services }) => `${to} ${services.join()}`);
  const once = [...sources.values()].flatMap((list) => {
    const [first] = list;
    if (first === undefined) return [];
    return namesOf(
      list.map(({ from }) => from),
      world,
    ).map((from) => ({ from, to: first.to, services: first.services }));
  });
  const targets = Map.groupBy(once, ({ from, services }) => `${from.name} ${services.join()}`);
  return [...targets.values()]
    .flatMap((list) => {
      const [first] = list;
      if (first === undefined) return [];
      const { from, services } = first;
      return namesOf(
        list.map(({ to }) => to),
        world,
      ).map((to): Reaching => ({ from, to, services }));
    })
    .toSorted((left, right) => (textOf(left) < textOf(right) ? -1 : 1));
}

function textOf({ from, to, services }: Reaching): string {
  return `${from.name} ${to.name} ${services.join()}`;
}

type Named = { readonly name: string; readonly nics: number };

function namesOf(names: readonly string[], { estate }: Judged): readonly Named[] {
  const nics = new Set(names.filter((name) => name.startsWith('/')));
  const others = [...new Set(names)].filter((name) => !name.startsWith('/'));
  const bySubnet = Map.groupBy(
    Object.values(estate.nics).filter(({ scopes }) => scopes.some((scope) => scope.includes('/subnets/'))),
    ({ scopes }) => scopes.find((scope) => scope.includes('/subnets/')) ?? '',
  );
  const told: Named[] = others.map((name) => ({ name, nics: 0 }));
  if (nics.size < 2) return [...told, ...[...nics].map((name) => ({ name, nics: 1 }))];
  for (const [subnet, members] of bySubnet) {
    if (members.length < 2 || !members.every(({ nic }) => nics.has(nic))) continue;
    told.push({ name: subnet, nics: members.length });
    for (const { nic } of members) nics.delete(nic);
  }
  return [...told, ...[...nics].map((name) => ({ name, nics: 1 }))];
}
