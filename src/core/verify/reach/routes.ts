/** Route tables as sets: which targets go which way, by longest prefix. */

import { type Family, tryPrefix } from '#base/prefix.ts';
import type { NextHop, Route, RouteTable } from '#program/program.ts';
import { digitsOf } from '#verify/digits.ts';
import { addressDigits } from '#verify/halves.ts';
import { Kept } from '#verify/kept.ts';
import { leaves } from '#verify/operation.ts';
import type { PacketSets } from '#verify/packet-sets.ts';

/** One way of a table and the label of the targets that take it. */
export type Way = { readonly hop: NextHop; readonly label: number; readonly because: string };

type Parsed = { readonly route: Route; readonly family: Family; readonly first: bigint; readonly length: number };

/** The ways of tables, kept by table. */
export class Routes {
  readonly #store: PacketSets;
  readonly #ways: { readonly [family in Family]: Kept<RouteTable, readonly Way[]> };
  readonly #parsed = new WeakMap<RouteTable, readonly Parsed[]>();

  constructor(store: PacketSets) {
    this.#store = store;
    this.#ways = { 4: store.register(new Kept()), 6: store.register(new Kept()) };
  }

  /** The ways of a family; targets without a route are in none. */
  waysOf(table: RouteTable | undefined, family: Family): readonly Way[] {
    return table === undefined ? [] : this.#ways[family].of(table, () => this.#made(table, family));
  }

  /** The route that decides for one address. */
  routeTo(table: RouteTable | undefined, address: string): Route | undefined {
    if (table === undefined) return undefined;
    const { family, digits } = addressDigits(address);
    const value = BigInt(`0x${digits.map((digit) => digit.toString(16)).join('')}`);
    const bits = family === 4 ? 32 : 128;
    let best: Parsed | undefined;
    for (const one of this.#prefixesOf(table)) {
      const shift = BigInt(bits - one.length);
      const isIn = one.family === family && value >> shift === one.first >> shift;
      if (isIn && one.length > (best?.length ?? -1)) best = one;
    }
    return best?.route;
  }

  #prefixesOf(table: RouteTable): readonly Parsed[] {
    const known = this.#parsed.get(table);
    if (known !== undefined) return known;
    const parsed = Object.entries(table.routes).flatMap(([key, route]): Parsed[] => {
      const prefix = tryPrefix(key);
      return prefix === undefined ? [] : [{ route, ...prefix }];
    });
    if (Object.isFrozen(table)) this.#parsed.set(table, parsed);
    return parsed;
  }

  /** Longest prefixes first: each takes what none before has taken. */
  #made(table: RouteTable, family: Family): readonly Way[] {
    const { trees } = this.#store.diagrams;
    const ordered = this.#prefixesOf(table)
      .filter((one) => one.family === family)
      .toSorted((left, right) => right.length - left.length);
    const ways = new Map<string, Way>();
    let taken: number = leaves.nothing;
    for (const { route, first, length } of ordered) {
      const label = trees.prefix(digitsOf({ family, value: first }), length);
      const own = trees.difference(label, taken);
      taken = trees.union(taken, label);
      const key = JSON.stringify(route.hop);
      const known = ways.get(key);
      ways.set(key, {
        hop: route.hop,
        label: known === undefined ? own : trees.union(known.label, own),
        because: known?.because ?? route.because,
      });
    }
    return [...ways.values()];
  }
}
