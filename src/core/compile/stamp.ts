/** Compiles a whole stamp: from the set of resources to the programs of all its enforcement points. */

import { compileLayout, type Layout } from '#compile/layout.ts';
import { listsOf, ruleType } from '#compile/lists.ts';
import { CompileMemo } from '#compile/memo.ts';
import { lastName } from '#compile/read.ts';
import { closedFilter, closedFilterKey, compileNsg } from '#compile/sdn/nsg.ts';
import type { RouterSkeleton } from '#compile/sdn/vnet.ts';
import type { StampFacts, View } from '#model/resource.ts';
import type { Filter, Program, Programs, RouterProgram } from '#program/program.ts';

export { CompileMemo };

/**
 * The programs of a stamp, frozen. The same resources give the same programs, whatever was compiled before; with the memo of
 * the last call, only what changed is compiled, and every part that stays equal stays the same object.
 */
export function compileStamp(view: View, stamp: StampFacts, memo: CompileMemo): Programs {
  return memo.round(() => compileAll(view, stamp, memo));
}

function compileAll(view: View, stamp: StampFacts, memo: CompileMemo): Programs {
  const lists = listsOf(view, memo);
  const layout = memo.remember('layout', [...Object.values(lists), ...stampInputs(stamp)], (scope) =>
    compileLayout(lists, stamp, scope),
  );
  const filters = compileFilters(view, layout, memo);
  const routers = Object.entries(layout.routers).map(([point, skeleton]): [string, RouterProgram] => {
    const mine = skeleton.filters.map((key) => filters.get(key));
    return [point, memo.remember(point, [skeleton, ...mine], () => routerProgram(skeleton, filters))];
  });
  return memo.remember('programs', [layout, ...routers.map(([, program]) => program)], () => ({
    ...layout.fixed,
    ...Object.fromEntries<Program>(routers),
  }));
}

/** The points whose programs differ between two results of `compileStamp`, sorted: equal parts are the same objects. */
export function affectedPoints(before: Programs, after: Programs): string[] {
  const points = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...points].filter((point) => before[point] !== after[point]).sort();
}

function stampInputs({ number, profile, hosts, publicPools, publicReserved }: StampFacts): readonly unknown[] {
  return [number, profile, publicReserved, hosts.join(), publicPools.join()];
}

function compileFilters(view: View, { groups }: Layout, memo: CompileMemo): ReadonlyMap<string, Filter> {
  const filters = new Map<string, Filter>([[closedFilterKey, closedFilter]]);
  for (const { nsg, inbound, outbound } of Object.values(groups)) {
    const name = view.get(nsg)?.name ?? lastName(nsg);
    const compiled = compileNsg(name, view.childrenOf(nsg, ruleType), memo.scope(`nsg/${nsg}`));
    filters.set(inbound, compiled.inbound).set(outbound, compiled.outbound);
  }
  return filters;
}

function routerProgram(
  { program, filters: keys }: RouterSkeleton,
  filters: ReadonlyMap<string, Filter>,
): RouterProgram {
  const mine = keys.flatMap((key) => {
    const filter = filters.get(key);
    return filter === undefined ? [] : [[key, filter] as const];
  });
  return { ...program, filters: Object.fromEntries(mine) };
}
