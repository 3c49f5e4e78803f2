/** What a change makes possible or impossible: who -> what : service, told by subnet or network where all its NICs share it. */

import { blastNicsMax, blastPairsMax, blastRowsMax, blastServicesMax } from '#base/limits.ts';
import { nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import type { Estate, NicEstate } from '#verify/invariant/estate.ts';
import { unionOf } from '#verify/proof/show.ts';
import type { Changed } from '#verify/proof/changed.ts';
import type { Blast, Reaching } from '#verify/proof/verdict.ts';
import { type Judged, nearTo, neighbours } from '#verify/proof/world.ts';
import { between, near } from '#verify/reach/inside.ts';
import { fromInternet } from '#verify/reach/inward.ts';
import { toInternet } from '#verify/reach/outward.ts';
import { type End, endsOf, type Reach } from '#verify/reach/reach.ts';

type Found = { readonly from: string; readonly to: string; readonly services: readonly string[] };

/** The judging of one change: what it concerns, and how many pairs may still be looked at. */
type Change = {
  readonly before: Judged;
  readonly after: Judged;
  readonly changed: Changed;
  /** Nothing but filters changed, and of no appliance: an address is reached otherwise only where its own filters say so. */
  readonly isFiltersOnly: boolean;
  pairs: number;
  /** The first NICs near to a router, with their addresses: asked for by each address of the network. */
  readonly near: Map<string, readonly Near[]>;
  /** What filters say of senders before and after, by what they say of all: NICs with the same rules ask the same. */
  readonly said: Map<Half, Map<Half, Map<string, Said>>>;
};

type Near = { readonly mark: number; readonly ends: readonly End[] };
type Said = readonly [before: Half, after: Half];

/** Looks at the NICs that the change concerns, the first few; what comes from or goes to many NICs alike is told once. */
export function blastBetween(before: Judged, after: Judged, changed: Changed): Blast {
  const gained: Found[] = [];
  const lost: Found[] = [];
  const concerned = changed.all
    ? [...after.reach.places.marks.keys(), ...before.reach.places.marks.keys()]
    : [...changed.in, ...changed.out];
  const marks = [...new Set(concerned)].sort((left, right) => left - right);
  const isFiltersOnly =
    !changed.all &&
    !changed.structure &&
    !marks.some((mark) => forwards(mark, before, after) || tableOf(mark, before) !== tableOf(mark, after));
  const change: Change = {
    before,
    after,
    changed,
    isFiltersOnly,
    pairs: blastPairsMax,
    near: new Map(),
    said: new Map(),
  };
  let looked = 0;
  for (const mark of marks.slice(0, blastNicsMax)) {
    if (change.pairs <= 0) break;
    looked += 1;
    for (const end of endsAt(mark, before, after)) compare({ gained, lost }, rowsOf(end, change), after);
  }
  const left = marks.length - looked;
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

/** The routes of a NIC: the same object as long as nobody changed them. */
function tableOf(mark: number, { reach }: Judged): unknown {
  const place = reach.places.marks.get(mark);
  return place === undefined ? undefined : reach.router(place.point)?.tables[place.port.table];
}

function forwards(mark: number, ...worlds: readonly Judged[]): boolean {
  return worlds.some(({ reach }) => reach.places.marks.get(mark)?.port.forwarding === true);
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

/** Both ways of a pair with all that may lie between cost as much as so many single ways between filters that changed. */
const slowPairCost = 8;

/** What reaches the address and what it reaches, before and after. */
function rowsOf(end: End, change: Change): readonly Compared[] {
  const { before, after, changed, isFiltersOnly } = change;
  const nic = nameOf(end.mark, after, before);
  const ask = (answer: (reach: Reach, world: Judged) => Half): Both =>
    bothOf(before, after, (world) => (isThere(end, world) ? answer(world.reach, world) : nothing));
  const isIn = !isFiltersOnly || changed.in.has(end.mark);
  const isOut = !isFiltersOnly || changed.out.has(end.mark);
  const rows: Compared[] = [];
  if (isIn) {
    rows.push({ from: 'internet', to: nic, ...ask((reach, world) => unionOf(world, fromInternet(reach, end))) });
  }
  if (isOut) {
    const exits = (reach: Reach): Half =>
      toInternet(reach, end).reduce((sum, { set }) => reach.parts.store.union(sum, set), nothing);
    rows.push({ from: nic, to: 'internet', ...ask(exits) });
  }
  if (isFiltersOnly) return [...rows, ...(isIn ? comersIn(end, change) : []), ...(isOut ? targetsOf(end, change) : [])];
  for (const other of othersOf(end, change)) {
    if (change.pairs <= 0) break;
    change.pairs -= slowPairCost;
    const name = nameOf(other.mark, after, before);
    const pair = (from: End, to: End): Both =>
      ask((reach, world) => (isThere(other, world) ? between(reach, from, to) : nothing));
    rows.push({ from: name, to: nic, ...pair(other, end) }, { from: nic, to: name, ...pair(end, other) });
  }
  return rows;
}

type Both = { readonly before: Half; readonly after: Half };

function bothOf(before: Judged, after: Judged, ask: (world: Judged) => Half): Both {
  return { before: ask(before), after: ask(after) };
}

/**
 * NICs from which other packets arrive than before, when filters alone changed: the address's own filters must treat the
 * sender's address otherwise. Senders that are treated alike at both ends are judged once. What a neighbour sends over public
 * addresses is told as the internet's.
 */
function comersIn(end: End, change: Change): readonly Compared[] {
  const { before, after } = change;
  const own = bothOf(before, after, ({ reach }) => reach.inbound(end));
  if (own.before === own.after) return [];
  const known = new Map<string, Both>();
  return othersOf(end, change).flatMap((from): Compared[] => {
    const [old, now] = saidOf(own, from.address, change);
    const place = after.reach.places.marks.get(from.mark);
    if (old === now || place === undefined) return [];
    const sent = bothOf(before, after, ({ reach }) => reach.outbound(from));
    const key = [place.point, place.port.table, sent.before, sent.after, old, now].join(' ');
    const both = known.get(key) ?? judgedPair(change, { from, to: end });
    if (both === undefined) return [];
    known.set(key, both);
    return [{ from: nameOf(from.mark, after, before), to: nameOf(end.mark, after, before), ...both }];
  });
}

/** NICs at which other packets of the address arrive than before, when filters alone changed. */
function targetsOf(end: End, change: Change): readonly Compared[] {
  const { before, after } = change;
  const { halves } = after.reach.parts;
  const own = bothOf(before, after, ({ reach }) => reach.outbound(end));
  if (own.before === own.after) return [];
  const frontends = frontendsAt(end, after);
  return othersOf(end, change).flatMap((to): Compared[] => {
    const isOther = [to.address, ...frontends].some(
      (address) => halves.at(own.before, address) !== halves.at(own.after, address),
    );
    const both = isOther ? judgedPair(change, { from: end, to }) : undefined;
    if (both === undefined) return [];
    return [{ from: nameOf(end.mark, after, before), to: nameOf(to.mark, after, before), ...both }];
  });
}

/** Addresses that are balanced among NICs of the network: what is sent to one arrives at another. */
function frontendsAt({ mark, address }: End, { reach }: Judged): readonly string[] {
  const router = reach.router(reach.places.marks.get(mark)?.point ?? '');
  const { family } = addressDigits(address);
  return Object.values(router?.balances ?? {})
    .map(({ frontend }) => frontend)
    .filter((frontend) => addressDigits(frontend).family === family);
}

/** One pair, before and after; undefined when enough were looked at. */
function judgedPair(change: Change, { from, to }: { readonly from: End; readonly to: End }): Both | undefined {
  if (change.pairs <= 0) return undefined;
  change.pairs -= 1;
  return bothOf(change.before, change.after, ({ reach }) => near(reach, from, to));
}

function isThere({ mark, address }: End, { reach }: Judged): boolean {
  return reach.places.marks.get(mark)?.port.addresses[address] !== undefined;
}

/** What the halves of an address say of one sender. */
function saidOf({ before, after }: Both, sender: string, change: Change): Said {
  const ofBefore = memberOf(change.said, before, () => new Map<Half, Map<string, Said>>());
  const ofBoth = memberOf(ofBefore, after, () => new Map<string, Said>());
  const { halves } = change.after.reach.parts;
  return memberOf(ofBoth, sender, () => [halves.at(before, sender), halves.at(after, sender)]);
}

function memberOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** Addresses of the first NICs near to the address's own. While nothing but filters changed, a network has the same ones in both states; which are the first is said by the later one. */
function othersOf(end: End, change: Change): readonly End[] {
  const { before, after, isFiltersOnly } = change;
  const point = after.reach.places.marks.get(end.mark)?.point;
  if (!isFiltersOnly || point === undefined) return othersIn([before, after], end);
  const { family } = addressDigits(end.address);
  return nearOf(point, change)
    .filter(({ mark }) => mark !== end.mark)
    .slice(0, blastNicsMax)
    .flatMap(({ ends }) => ends.filter(({ address }) => addressDigits(address).family === family));
}

function nearOf(point: string, { after, near }: Change): readonly Near[] {
  // One more than are looked at: who asks may be among them.
  return memberOf(near, point, () =>
    nearTo(after, point)
      .slice(0, blastNicsMax + 1)
      .map((place) => ({ mark: place.port.mark, ends: endsOf(place) })),
  );
}

function othersIn(worlds: readonly Judged[], end: End): readonly End[] {
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
  const told: Named[] = others.map((name) => ({ name, nics: 0 }));
  if (nics.size < 2) return [...told, ...[...nics].map((name) => ({ name, nics: 1 }))];
  for (const [subnet, members] of bySubnet(estate)) {
    if (members.length < 2 || !members.every(({ nic }) => nics.has(nic))) continue;
    told.push({ name: subnet, nics: members.length });
    for (const { nic } of members) nics.delete(nic);
  }
  return [...told, ...[...nics].map((name) => ({ name, nics: 1 }))];
}

const subnets = new WeakMap<Estate['nics'], ReadonlyMap<string, readonly NicEstate[]>>();

/** The NICs of each subnet; kept, since an estate stays the same for many changes. */
function bySubnet({ nics }: Estate): ReadonlyMap<string, readonly NicEstate[]> {
  const known = subnets.get(nics);
  if (known !== undefined) return known;
  const subnetOf = ({ scopes }: NicEstate): string => scopes.find((scope) => scope.includes('/subnets/')) ?? '';
  const made = Map.groupBy(Object.values(nics), subnetOf);
  made.delete('');
  subnets.set(nics, made);
  return made;
}
