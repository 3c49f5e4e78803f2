/** What two filters have in common, rule by rule: only packets that speak to the rest can tell them apart. */

import type { AddressMatch, PortRange } from '#program/program.ts';
import { all, nothing, unsaid } from '#verify/diagrams.ts';
import { overlaid, type Policy, type PolicyRule, ruleDiagram, ruleSet, rulesOf } from '#verify/filter-set.ts';
import { type PacketSet, type PacketSets } from '#verify/packet-sets.ts';

/** More rules than this between those in common are no longer looked at one by one. */
const looseMax = 64;

/**
 * The packets that each of the two filters allows, among those that can tell the filters apart: no other packet does. Undefined when
 * too much of them differs: then to lay all rules over each other is cheaper.
 *
 * Rules that both have in the same order stay in place. Between two of them both have a stretch of other rules: stretches that say the
 * same of every packet may be exchanged; a packet of which neither of two stretches speaks does not notice them. Rules are had in
 * common by what is written, and between these by what they mean.
 */
export function apart(store: PacketSets, left: Policy, right: Policy): readonly [PacketSet, PacketSet] | undefined {
  const [ours, theirs] = [itemsOf(left), itemsOf(right)];
  const written = stretches(ours, theirs, writtenIn(left.sets === right.sets));
  const said = written.flatMap(([mine, other]) =>
    stretches(meant(store, mine), meant(store, other), ({ says }) => says),
  );
  const loose = said.filter(([mine, other]) => overlay(store, mine) !== overlay(store, other)).flat(2);
  if (loose.length > looseMax) return undefined;
  const open = loose.reduce((set, item) => store.union(set, ruleSet(store, item)), nothing);
  return [allowed(store, ours, open), allowed(store, theirs, open)];
}

type Item = PolicyRule;
/** A rule that speaks of some packet, and what it says: a diagram, `unsaid` for all other packets. */
type Meant = Item & { readonly says: number };

function itemsOf({ filter, sets, local = 'target' }: Policy): readonly Item[] {
  return rulesOf(filter).map(([, rule]) => ({ rule, sets, local }));
}

function meant(store: PacketSets, items: readonly Item[]): readonly Meant[] {
  return items.flatMap((item): Meant | readonly [] => {
    const says = ruleDiagram(store, item, [item.rule.access === 'allow' ? all : nothing, unsaid]);
    return says === unsaid ? [] : { ...item, says };
  });
}

function overlay(store: PacketSets, items: readonly Meant[]): number {
  store.diagrams.reset();
  return overlaid(
    store,
    items.map(({ says }) => says),
  );
}

/** The text of a rule; the names of sets mean the same to both filters only if they have the same sets. */
function writtenIn(hasSameSets: boolean): (item: Item) => string | undefined {
  const match = (one: AddressMatch): string => (one === 'any' ? one : `${one.prefixes.join()}@${one.sets.join()}`);
  const ports = (ranges: readonly PortRange[]): string => ranges.map(([first, last]) => `${first}-${last}`).join();
  const namesSet = (one: AddressMatch): boolean => one !== 'any' && one.sets.length > 0;
  return ({ rule: { access, protocol, source, target, sourcePorts, targetPorts } }) =>
    !hasSameSets && (namesSet(source) || namesSet(target))
      ? undefined
      : `${access} ${protocol} ${match(source)} ${match(target)} ${ports(sourcePorts)} ${ports(targetPorts)}`;
}

/** Of the open packets those that the rules allow; when none speaks of a packet it is denied. */
function allowed(store: PacketSets, items: readonly Item[], open: PacketSet): PacketSet {
  let rest = open;
  let found: PacketSet = nothing;
  for (const item of items) {
    if (rest === nothing) break;
    const speaksOf = ruleSet(store, item);
    if (item.rule.access === 'allow') found = store.union(found, store.intersection(rest, speaksOf));
    rest = store.difference(rest, speaksOf);
  }
  return found;
}

/** Names what two rules must share to be one; undefined: it is like no other. */
type NameOf<T> = (item: T) => string | number | undefined;

type Stretch<T> = readonly [mine: readonly T[], other: readonly T[]];

/** What lies between the rules in common: before the first, between each two, behind the last. */
function stretches<T>(ours: readonly T[], theirs: readonly T[], nameOf: NameOf<T>): readonly Stretch<T>[] {
  const found: Stretch<T>[] = [];
  let [from, start] = [0, 0];
  for (const [mine, other] of [...inCommon(ours, theirs, nameOf), [ours.length, theirs.length] as const]) {
    if (mine > from || other > start) found.push([ours.slice(from, mine), theirs.slice(start, other)]);
    [from, start] = [mine + 1, other + 1];
  }
  return found;
}

type Place = readonly [mine: number, other: number];

/** Places of rules that each filter has exactly once, as many of them as stand in the same order in both (the longest such row). */
function inCommon<T>(ours: readonly T[], theirs: readonly T[], nameOf: NameOf<T>): readonly Place[] {
  const places = onlyPlaces(theirs, nameOf);
  const pairs = [...onlyPlaces(ours, nameOf)].flatMap(([name, mine]): readonly Place[] => {
    const other = places.get(name);
    return mine < 0 || other === undefined || other < 0 ? [] : [[mine, other]];
  });
  return longestRow(pairs.sort(([left], [right]) => left - right));
}

/** By name: its place, or -1 when several have it. */
function onlyPlaces<T>(items: readonly T[], nameOf: NameOf<T>): ReadonlyMap<string | number, number> {
  const places = new Map<string | number, number>();
  for (const [place, item] of items.entries()) {
    const name = nameOf(item);
    if (name !== undefined) places.set(name, places.has(name) ? -1 : place);
  }
  return places;
}

/** The most pairs whose second numbers ascend (patience sorting: the least end of a row of each length). */
function longestRow(pairs: readonly Place[]): readonly Place[] {
  const ends: number[] = [];
  const before: number[] = [];
  for (const [index, [, value]] of pairs.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] ?? 0]?.[1] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    before.push(low === 0 ? -1 : (ends[low - 1] ?? -1));
    ends[low] = index;
  }
  const row: Place[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at] ?? -1) row.push(pairs[at] ?? [0, 0]);
  return row.reverse();
}
