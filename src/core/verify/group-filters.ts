/** The filters of network security groups in a stamp's programs, each once per VNet that uses it. */

import { canonical } from '#base/json.ts';
import type { Filter, Programs, RouterProgram } from '#program/program.ts';

/** One direction of a group (`nsg/<group>/in`), with a router that has it. */
export type GroupFilter = { readonly router: RouterProgram; readonly name: string; readonly filter: Filter };

/** The routers of one VNet on several hosts have the same groups, and mostly the same sets: one stands for all then. */
export function groupFilters(programs: Programs): readonly GroupFilter[] {
  const found = new Map<string, GroupFilter>();
  for (const program of Object.values(programs)) {
    if (program.kind !== 'router') continue;
    const sets = canonical(program.sets);
    for (const [name, filter] of Object.entries(program.filters)) {
      if (name.startsWith('nsg/')) found.set(`${program.key} ${name} ${sets}`, { router: program, name, filter });
    }
  }
  return [...found.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one);
}

/** Rules that every group ends with; nobody can remove them, so they are never a finding. */
export function isDefaultRule(key: string): boolean {
  return Number(key.split('/')[0]) >= 65_000;
}
