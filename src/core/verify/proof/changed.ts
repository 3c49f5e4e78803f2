/** Which NICs can be treated otherwise by the one state than by the other: found by what are other objects, never by looking at all. */

import { changedKeys } from '#base/lineage.ts';
import type { EdgeProgram, Program, RouterProgram } from '#program/program.ts';
import type { Judged } from '#verify/proof/world.ts';
import type { Place } from '#verify/reach/places.ts';
import type { Reach } from '#verify/reach/reach.ts';

/** Marks by what may have changed: what reaches them, what they reach. `all`: it cannot be told, or concerns everybody. */
export type Changed = {
  readonly all: boolean;
  readonly in: ReadonlySet<number>;
  readonly out: ReadonlySet<number>;
  /** More changed than the rules in routers' filters. */
  readonly structure: boolean;
  /** NICs that were there are gone, or are others than before: parties may mean fewer of them. */
  readonly regrouped: boolean;
};

type Growing = {
  all: boolean;
  structure: boolean;
  regrouped: boolean;
  readonly in: Set<number>;
  readonly out: Set<number>;
};

/** What differs between two states. */
export function changedBetween(before: Judged, after: Judged): Changed {
  const changed: Growing = { all: false, structure: false, regrouped: false, in: new Set(), out: new Set() };
  const [old, now] = [before.reach.programs, after.reach.programs];
  if (old !== now) {
    for (const point of changedKeys(old, now)) compare({ changed, after }, old[point], now[point]);
  }
  compareEstates(changed, before, after);
  if (!changed.all) spread(changed, before, after);
  return changed;
}

type Comparing = { readonly changed: Growing; readonly after: Judged };

function compare(comparing: Comparing, old: Program | undefined, now: Program | undefined): void {
  const { changed } = comparing;
  const kind = old?.kind ?? now?.kind;
  if (kind !== 'router') changed.structure = true;
  if (kind === 'router') compareRouters(comparing, asRouter(old), asRouter(now));
  else if (kind === 'resolver' || kind === 'infra') return;
  else if (old === undefined || now === undefined) changed.all = true;
  else if (old.kind === 'edge' && now.kind === 'edge') compareEdges(comparing, old, now);
  else if (old.kind === 'switch' && now.kind === 'switch') {
    if (old.filter !== now.filter) changed.all = true;
    else byLabel(comparing, old.routes, now.routes);
  } else if (old.kind === 'host' && now.kind === 'host') {
    if (old.others !== now.others || old.underlay !== now.underlay) changed.all = true;
    else byLabel(comparing, old.routes, now.routes);
  } else changed.all = true;
}

function asRouter(program: Program | undefined): RouterProgram | undefined {
  return program?.kind === 'router' ? program : undefined;
}

function both(changed: Growing, marks: Iterable<number>): void {
  for (const mark of marks) {
    changed.in.add(mark);
    changed.out.add(mark);
  }
}

function compareRouters(
  { changed, after }: Comparing,
  old: RouterProgram | undefined,
  now: RouterProgram | undefined,
): void {
  if (old === undefined || now === undefined || isElsewise(old, now)) {
    changed.structure = true;
    // What comes from a peer passes the router of the sender's host: it concerns the network's NICs on all hosts.
    const key = (now ?? old)?.key;
    const routers = Object.values(after.reach.programs).filter((one) => one.kind === 'router' && one.key === key);
    both(
      changed,
      [old, ...routers].flatMap((one) =>
        one?.kind === 'router' ? Object.values(one.ports).map(({ mark }) => mark) : [],
      ),
    );
    return;
  }
  if (old.ports !== now.ports || old.tables !== now.tables) changed.structure = true;
  for (const name of changedKeys(old.ports, now.ports)) {
    both(
      changed,
      [old.ports[name], now.ports[name]].flatMap((port) => port?.mark ?? []),
    );
  }
  if (old.filters !== now.filters) {
    const users = usersOf(now.ports);
    for (const key of changedKeys(old.filters, now.filters)) {
      for (const mark of users.inbound.get(key) ?? []) changed.in.add(mark);
      for (const mark of users.outbound.get(key) ?? []) changed.out.add(mark);
    }
  }
  if (old.openings !== now.openings) {
    const [left, right] = [old.openings ?? {}, now.openings ?? {}];
    for (const key of changedKeys(left, right))
      for (const opening of [left[key], right[key]]) if (opening !== undefined) changed.in.add(opening.mark);
  }
  if (old.tables === now.tables) return;
  const tables = new Set(changedKeys(old.tables, now.tables));
  for (const { table, mark } of Object.values(now.ports)) if (tables.has(table)) changed.out.add(mark);
}

/** Do the routers differ in what concerns all of their ports? */
function isElsewise(old: RouterProgram, now: RouterProgram): boolean {
  return (
    old.sets !== now.sets ||
    old.peers !== now.peers ||
    old.remotes !== now.remotes ||
    old.balances !== now.balances ||
    old.gateways !== now.gateways ||
    old.host !== now.host
  );
}

type Users = {
  readonly inbound: ReadonlyMap<string, readonly number[]>;
  readonly outbound: ReadonlyMap<string, readonly number[]>;
};
const known = new WeakMap<RouterProgram['ports'], Users>();

/** The NICs that each filter judges. */
function usersOf(ports: RouterProgram['ports']): Users {
  const found = known.get(ports);
  if (found !== undefined) return found;
  const users = { inbound: new Map<string, number[]>(), outbound: new Map<string, number[]>() };
  for (const port of Object.values(ports)) {
    for (const side of ['inbound', 'outbound'] as const) {
      for (const key of port[side]) {
        const list = users[side].get(key);
        if (list === undefined) users[side].set(key, [port.mark]);
        else list.push(port.mark);
      }
    }
  }
  known.set(ports, users);
  return users;
}

type Record = { readonly [key: string]: unknown };

function compareEdges({ changed, after }: Comparing, old: EdgeProgram, now: EdgeProgram): void {
  const isElse =
    old.published !== now.published ||
    old.bogons !== now.bogons ||
    old.pool !== now.pool ||
    old.operator !== now.operator ||
    old.operatorSource !== now.operatorSource;
  if (isElse) {
    changed.all = true;
    return;
  }
  for (const key of changedKeys(old.publics, now.publics)) {
    both(
      changed,
      [old.publics[key], now.publics[key]].flatMap((one) => one?.mark ?? []),
    );
  }
  for (const key of changedKeys(old.blocks, now.blocks)) {
    both(
      changed,
      [old.blocks[key], now.blocks[key]].flatMap((one) => one?.mark ?? []),
    );
  }
  byLabel({ changed, after }, old.ones, now.ones);
  // A balance takes ports of its frontend from the others of that address.
  const frontends = new Set<string>();
  for (const key of changedKeys(old.balances, now.balances)) {
    for (const one of [old.balances[key], now.balances[key]]) if (one !== undefined) frontends.add(one.frontend);
  }
  if (frontends.size === 0) return;
  for (const edge of [old, now]) {
    for (const { frontend, targets } of Object.values(edge.balances)) {
      if (frontends.has(frontend))
        both(
          changed,
          Object.values(targets).map(({ mark }) => mark),
        );
    }
    for (const frontend of frontends) {
      const one = Object.hasOwn(edge.publics, frontend) ? edge.publics[frontend] : undefined;
      if (one !== undefined) both(changed, [one.mark]);
    }
  }
}

/** Records keyed by label, with or without the length of a prefix. */
function byLabel({ changed, after }: Comparing, old: Record, now: Record): void {
  const keys = changedKeys(old, now);
  if (keys.length === 0) return;
  const labels = new Set(keys.map((key) => key.split('/')[0] ?? key));
  for (const { port } of after.reach.places.marks.values()) {
    if (Object.values(port.addresses).some(({ label }) => labels.has(label))) both(changed, [port.mark]);
  }
}

function compareEstates(changed: Growing, before: Judged, after: Judged): void {
  const [old, now] = [before.estate, after.estate];
  if (old === now) return;
  changed.structure = true;
  if (old.nics !== now.nics) {
    const keys = changedKeys(old.nics, now.nics);
    both(changed, keys.map(Number));
    changed.regrouped = keys.some((key) => Object.hasOwn(old.nics, key));
  }
  if (old.closed !== now.closed || old.internet !== now.internet) changed.all = true;
}

/**
 * What an appliance takes or may send on concerns everybody in its network and in those that are peered with it, both what reaches
 * them and what they send; and, as one appliance may feed another, whoever is near to those.
 */
function spread(changed: Growing, before: Judged, after: Judged): void {
  for (const { reach } of before.reach.places === after.reach.places ? [after] : [before, after]) {
    const { forwarding } = reach.places;
    if (!concernsAppliance(changed, reach)) continue;
    const touched = forwarding.filter(({ port: { mark } }) => changed.in.has(mark) || changed.out.has(mark));
    const routers = Object.values(reach.programs).filter((program) => program.kind === 'router');
    const homes = new Set(forwarding.map(networkOf));
    const keys = new Set(touched.map(networkOf));
    let near: readonly RouterProgram[] = [];
    for (let size = -1; size !== keys.size; ) {
      size = keys.size;
      near = routers.filter(({ key, peers }) => keys.has(key) || Object.keys(peers).some((peer) => keys.has(peer)));
      for (const { key } of near) if (homes.has(key)) keys.add(key);
    }
    for (const { ports } of near) {
      both(
        changed,
        Object.values(ports).map(({ mark }) => mark),
      );
    }
  }
}

/** Is one of the NICs an appliance, which sends on what it takes? */
export function concernsAppliance(changed: Pick<Changed, 'in' | 'out'>, { places: { forwarders } }: Reach): boolean {
  if (forwarders.size === 0) return false;
  for (const marks of [changed.in, changed.out]) for (const mark of marks) if (forwarders.has(mark)) return true;
  return false;
}

function networkOf({ point }: Place): string {
  return point.split('/')[1] ?? '';
}
