/** What a router's rendering needs to know beside its own program, and the numbers its parts share. */

import { platformTable, stableNumbers, tableIndexMax, tableShift } from '#adapters/linux/names.ts';
import type { Port, RouterProgram } from '#program/program.ts';

/** The peers whose routers stand on this host, and the underlay addresses of this host and the others. */
export type RouterPlace = {
  readonly peers: readonly string[];
  readonly underlay: string;
  readonly others: { readonly [host: string]: string };
  /** Where questions to the platform's address go; empty when nobody answers. */
  readonly resolver: string;
};

/** Numbers of the program's route tables, shared by marks and routes. */
export function tableNumbers(program: RouterProgram): ReadonlyMap<string, number> {
  return stableNumbers(Object.keys(program.tables), tableIndexMax);
}

/** The packet mark of a port: its table and its NIC. */
export function portMark(port: Port, tables: ReadonlyMap<string, number>): number {
  return ((tables.get(port.table) ?? 0) << tableShift) | port.mark;
}

/** The packet mark of a port's packets for the platform's address. */
export function platformMark({ mark }: Port): number {
  return (platformTable << tableShift) | mark;
}

/** The ports of a router by mark. */
export function portsOf(program: RouterProgram): Port[] {
  return Object.values(program.ports).toSorted((left, right) => left.mark - right.mark);
}

/** The set of ports whose new flows are dropped for the moment (decision D3.1). */
export const heldSet = 'held';
