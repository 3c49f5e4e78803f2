/** Compiles a whole stamp: from the set of resources to the programs of all its enforcement points. */

import { derived } from '#base/lineage.ts';
import type { JsonObject } from '#base/json.ts';
import { compileLayout, type Layout } from '#compile/layout.ts';
import { layoutTypes, listsOf, ruleType } from '#compile/lists.ts';
import { CompileMemo, share } from '#compile/memo.ts';
import { lastName, parentId } from '#compile/read.ts';
import { apartFilter } from '#compile/sdn/budget.ts';
import { closedFilter, closedFilterKey, compileNsg } from '#compile/sdn/nsg.ts';
import type { RouterSkeleton } from '#compile/sdn/vnet.ts';
import { typeOfId } from '#model/arm-id.ts';
import type { StampFacts, View } from '#model/resource.ts';
import { apartFilterKey, type Filter, type Program, type Programs, type RouterProgram } from '#program/program.ts';

export { CompileMemo };

/** What stood after the last compilation with a memo, and from where on the view's changes are not in it. */
type Standing = {
  readonly view: View;
  readonly stamp: readonly unknown[];
  readonly mark: number;
  readonly layout: Layout;
  readonly filters: Filters;
  readonly programs: Programs;
};

/** The filters of the NSGs in use by key, and by NSG what they were compiled with. */
type Filters = { readonly byKey: Map<string, Filter>; readonly memos: Map<string, CompileMemo> };

const standing = new WeakMap<CompileMemo, Standing>();

/**
 * The programs of a stamp, frozen. The same resources give the same programs, whatever was compiled before; with the memo of
 * the last call, only what changed is compiled, and every part that stays equal stays the same object. A changed rule costs
 * as much as its group, however large the stamp is.
 */
export function compileStamp(view: View, stamp: StampFacts, memo: CompileMemo): Programs {
  const before = standing.get(memo);
  const inputs = stampInputs(stamp);
  const isSame = before?.view === view && sameList(before.stamp, inputs);
  const changed = isSame ? view.journal?.since(before.mark) : undefined;
  const after =
    before !== undefined && changed !== undefined && !changesLayout(changed)
      ? compileRules(view, before, changed)
      : compileAll(view, stamp, { memo, before: isSame ? before : undefined, changed });
  standing.set(memo, { ...after, view, stamp: inputs, mark: view.journal?.mark ?? 0 });
  return after.programs;
}

type Compiled = Pick<Standing, 'layout' | 'filters' | 'programs'>;

function stampInputs({ number, profile, hosts, publicPools, publicReserved }: StampFacts): readonly unknown[] {
  return [number, profile, publicReserved, hosts.join(), publicPools.join()];
}

function sameList(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}

/** Is any of the ids of a type that more than a filter is made of? */
function changesLayout(ids: ReadonlySet<string>): boolean {
  for (const id of ids) if (layoutTypes.has((typeOfId(id) ?? '').toLowerCase())) return true;
  return false;
}

/** The NSGs (lower case) that the changed resources are, or are rules of. */
function groupsOf(changed: ReadonlySet<string>): ReadonlySet<string> {
  const isRule = (id: string): boolean => typeOfId(id)?.toLowerCase() === ruleType.toLowerCase();
  return new Set([...changed].map((id) => (isRule(id) ? parentId(id) : id)));
}

type Around = {
  readonly memo: CompileMemo;
  readonly before: Standing | undefined;
  readonly changed: ReadonlySet<string> | undefined;
};

function compileAll(view: View, stamp: StampFacts, { memo, before, changed }: Around): Compiled {
  const layout = memo.round(() => {
    const lists = listsOf(view, memo);
    return memo.remember('layout', [...Object.values(lists), ...stampInputs(stamp)], (scope) =>
      compileLayout(lists, stamp, scope),
    );
  });
  const filters = compileFilters(view, layout, before && changed && { ...before, groups: groupsOf(changed) });
  const members = { ...layout.fixed } as { [point: string]: Program };
  for (const [point, skeleton] of Object.entries(layout.routers)) {
    members[point] = router(skeleton, filters.byKey, before && { standing: before, point });
  }
  const old = before?.programs;
  const isSame =
    old !== undefined &&
    Object.keys(old).length === Object.keys(members).length &&
    Object.keys(members).every((point) => old[point] === members[point]);
  return { layout, filters, programs: isSame ? old : Object.freeze(members) };
}

/** Only rules changed: their filters are compiled, and put into the routers that have them. */
function compileRules(view: View, before: Standing, changed: ReadonlySet<string>): Compiled {
  const { layout, filters } = before;
  const fresh = new Map<string, Filter>();
  for (const nsg of groupsOf(changed)) {
    const use = Object.hasOwn(layout.groups, nsg) ? layout.groups[nsg] : undefined;
    if (use === undefined) continue;
    const compiled = compileGroup(view, nsg, filters);
    if (filters.byKey.get(use.inbound) !== compiled.inbound) fresh.set(use.inbound, compiled.inbound);
    if (filters.byKey.get(use.outbound) !== compiled.outbound) fresh.set(use.outbound, compiled.outbound);
  }
  const points = new Map<string, RouterProgram>();
  const users = usersOf(layout);
  for (const point of new Set([...fresh.keys()].flatMap((key) => users.get(key) ?? []))) {
    const program = before.programs[point];
    if (program?.kind === 'router') points.set(point, withFilters(program, fresh));
  }
  for (const [key, filter] of fresh) filters.byKey.set(key, filter);
  if (points.size === 0) return before;
  return { layout, filters, programs: derivedFrom(before.programs, points) };
}

/** The points of the routers that have a filter, by its key; found once per layout. */
function usersOf(layout: Layout): ReadonlyMap<string, readonly string[]> {
  const known = usersByLayout.get(layout);
  if (known !== undefined) return known;
  const users = new Map<string, string[]>();
  for (const [point, { filters }] of Object.entries(layout.routers)) {
    for (const key of filters) {
      const points = users.get(key);
      if (points === undefined) users.set(key, [point]);
      else points.push(point);
    }
  }
  usersByLayout.set(layout, users);
  return users;
}
const usersByLayout = new WeakMap<Layout, ReadonlyMap<string, readonly string[]>>();

function withFilters(program: RouterProgram, fresh: ReadonlyMap<string, Filter>): RouterProgram {
  const mine = new Map([...fresh].filter(([key]) => Object.hasOwn(program.filters, key)));
  return derivedFrom(program, new Map([['filters', derivedFrom(program.filters, mine)]]));
}

/** As `derived`, for frozen data of our own types. */
function derivedFrom<T extends object>(from: T, changes: ReadonlyMap<string, unknown>): T {
  return derived(from as JsonObject, changes as ReadonlyMap<string, JsonObject>) as T;
}

/** The points whose programs differ between two results of `compileStamp`, sorted: equal parts are the same objects. */
export function affectedPoints(before: Programs, after: Programs): string[] {
  const points = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...points].filter((point) => before[point] !== after[point]).sort();
}

/** All filters in use. Of a group that did not change since `old`, what was compiled stands. */
function compileFilters(
  view: View,
  { groups }: Layout,
  old: (Compiled & { readonly groups: ReadonlySet<string> }) | undefined,
): Filters {
  const byKey = new Map<string, Filter>([
    [closedFilterKey, closedFilter],
    [apartFilterKey, apartFilter],
  ]);
  const memos = new Map<string, CompileMemo>();
  const filters = { byKey, memos };
  for (const [nsg, { inbound, outbound }] of Object.entries(groups)) {
    const memo = old?.filters.memos.get(nsg);
    if (memo !== undefined) memos.set(nsg, memo);
    const [into, out] = [old?.filters.byKey.get(inbound), old?.filters.byKey.get(outbound)];
    const isKept = memo !== undefined && into !== undefined && out !== undefined && old?.groups.has(nsg) === false;
    const { inbound: first, outbound: second } = isKept
      ? { inbound: into, outbound: out }
      : compileGroup(view, nsg, filters);
    byKey.set(inbound, first).set(outbound, second);
  }
  return filters;
}

function compileGroup(view: View, nsg: string, { memos }: Filters): ReturnType<typeof compileNsg> {
  const memo = memos.get(nsg) ?? new CompileMemo();
  memos.set(nsg, memo);
  return compileNsg(view.get(nsg)?.name ?? lastName(nsg), view.childrenOf(nsg, ruleType), memo);
}

type Before = { readonly standing: Standing; readonly point: string };

/** The router's program with its filters; the one that stands, or one made from it, when its skeleton is the same. */
function router(
  skeleton: RouterSkeleton,
  filters: ReadonlyMap<string, Filter>,
  before: Before | undefined,
): RouterProgram {
  const { program, filters: keys } = skeleton;
  const mine = keys.flatMap((key) => {
    const filter = filters.get(key);
    return filter === undefined ? [] : [[key, filter] as const];
  });
  const old = before?.standing.programs[before.point];
  if (old?.kind === 'router' && before?.standing.layout.routers[before.point] === skeleton) {
    const changed = new Map(mine.filter(([key, filter]) => old.filters[key] !== filter));
    return changed.size === 0 ? old : withFilters(old, changed);
  }
  return share(old, { ...program, filters: Object.fromEntries(mine) }) as RouterProgram;
}
