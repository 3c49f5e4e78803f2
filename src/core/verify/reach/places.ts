/** Where things are in a set of programs: NICs by mark, entries of the boundary by label; found once per part that stays the same object. */

import { changedKeys } from '#base/lineage.ts';
import type {
  Balance,
  EdgeProgram,
  HostProgram,
  Port,
  Program,
  Programs,
  RouterProgram,
  SwitchProgram,
} from '#program/program.ts';

/** A NIC's port with the point of its router. The router is looked up in the programs: it changes with every rule. */
export type Place = { readonly point: string; readonly port: Port };

/** One way from a public address to a label. `port` 0: all ports of the protocol, kept; else it becomes `targetPort`. */
export type Entry = {
  readonly frontend: string;
  readonly protocol: 'tcp' | 'udp' | 'any' | 'every';
  readonly port: number;
  readonly targetPort: number;
  /** Ports of the frontend that something before takes: `tcp/443`, `any/0`. */
  readonly taken: readonly Taken[];
  readonly because: string;
};
export type Taken = { readonly protocol: 'tcp' | 'udp' | 'any'; readonly port: number };

/** The ports of all routers by mark; the same object as those `before` as long as no router's ports change. */
export function placesOf(
  programs: Programs,
  before: { readonly programs: Programs; readonly places: Places } | undefined,
): Places {
  if (before !== undefined && hasPorts(programs, before.programs)) return before.places;
  const parts = new Map<string, RouterProgram['ports']>();
  const marks = new Map<number, Place>();
  const addresses = new Map<string, ReadonlyMap<string, Place>>();
  for (const [point, program] of Object.entries(programs)) {
    if (program.kind !== 'router') continue;
    parts.set(point, program.ports);
    const mine = portsIn(point, program.ports);
    addresses.set(point, mine.addresses);
    for (const place of mine.places) marks.set(place.port.mark, place);
  }
  const forwarding = [...marks.values()].filter(({ port }) => port.forwarding);
  return { parts, marks, addresses, forwarding, forwarders: new Set(forwarding.map(({ port: { mark } }) => mark)) };
}

/** Have the routers of both the very same ports? The order of points says nothing. */
function hasPorts(now: Programs, old: Programs): boolean {
  const portsOf = (program: Program | undefined) => (program?.kind === 'router' ? program.ports : undefined);
  return changedKeys(old, now).every((point) => portsOf(old[point]) === portsOf(now[point]));
}

export type Places = {
  readonly parts: ReadonlyMap<string, RouterProgram['ports']>;
  readonly marks: ReadonlyMap<number, Place>;
  /** By point, the port of each address. */
  readonly addresses: ReadonlyMap<string, ReadonlyMap<string, Place>>;
  readonly forwarding: readonly Place[];
  /** The marks of these. */
  readonly forwarders: ReadonlySet<number>;
};

type Ports = { readonly places: readonly Place[]; readonly addresses: ReadonlyMap<string, Place> };
const known = new WeakMap<RouterProgram['ports'], Ports>();

function portsIn(point: string, ports: RouterProgram['ports']): Ports {
  const found = known.get(ports);
  if (found !== undefined && (found.places[0]?.point ?? point) === point) return found;
  const places = Object.values(ports).map((port) => ({ point, port }));
  const addresses = new Map(
    places.flatMap((place) => Object.keys(place.port.addresses).map((address) => [address, place] as const)),
  );
  const result = { places, addresses };
  known.set(ports, result);
  return result;
}

/** The entries of the boundary by label address. */
export function entriesOf(edge: EdgeProgram): ReadonlyMap<string, readonly Entry[]> {
  const found = entriesByEdge.get(edge);
  if (found !== undefined) return found;
  const entries = new Map<string, Entry[]>();
  const add = (label: string, entry: Entry): void => {
    const list = entries.get(label);
    if (list === undefined) entries.set(label, [entry]);
    else list.push(entry);
  };
  const taken = takenBy(edge);
  const balances = Object.keys(edge.balances)
    .sort()
    .flatMap((key) => edge.balances[key] ?? []);
  for (const balance of balances) {
    const { frontend, protocol, port, targetPort, because } = balance;
    const before = [...(taken.published.get(frontend) ?? []), ...earlier(balances, balance)];
    for (const label of Object.keys(balance.targets)) {
      add(label, { frontend, protocol, port, targetPort, taken: before, because });
    }
  }
  for (const [frontend, { label, because }] of Object.entries(edge.publics)) {
    const before = [...(taken.published.get(frontend) ?? []), ...(taken.balanced.get(frontend) ?? [])];
    add(label, { frontend, protocol: 'every', port: 0, targetPort: 0, taken: before, because });
  }
  entriesByEdge.set(edge, entries);
  return entries;
}
const entriesByEdge = new WeakMap<EdgeProgram, ReadonlyMap<string, readonly Entry[]>>();

/** What published endpoints and balances take of each address before anything else. */
function takenBy({ published, balances }: EdgeProgram): {
  readonly published: ReadonlyMap<string, readonly Taken[]>;
  readonly balanced: ReadonlyMap<string, readonly Taken[]>;
} {
  const rows = Object.values(published).map(({ address, protocol, port }) => ({ address, protocol, port }));
  const frontends = Object.values(balances).map(({ frontend, protocol, port }) => ({ frontend, protocol, port }));
  return {
    published: Map.groupBy(rows, ({ address }) => address),
    balanced: Map.groupBy(frontends, ({ frontend }) => frontend),
  };
}

/** What other balances of the same frontend take before this one: one for a port goes before one for all, then the first key. */
export function earlier(ordered: readonly Balance[], balance: Balance): readonly Taken[] {
  const at = ordered.indexOf(balance);
  return ordered.filter((other, index) => {
    if (other === balance || other.frontend !== balance.frontend) return false;
    if (balance.port === 0) return other.port !== 0 || index < at;
    return other.port !== 0 && index < at;
  });
}

/** The point of the router that has a label, by the switch and the host that it leads to (`atLabel`); undefined: nowhere. */
export function routerOfLabel(programs: Programs, label: string): string | undefined {
  const at = switchTarget(programs, label);
  const host = at === undefined || !Object.hasOwn(programs, at) ? undefined : programs[at];
  const routes: HostProgram['routes'] | undefined = host?.kind === 'host' ? host.routes : undefined;
  return routes !== undefined && Object.hasOwn(routes, label) ? routes[label] : undefined;
}

function switchTarget(programs: Programs, label: string): string | undefined {
  const program = programs['switch'];
  const routes: SwitchProgram['routes'] = program?.kind === 'switch' ? program.routes : {};
  const exact = `${label}/${label.includes(':') ? 128 : 32}`;
  return Object.hasOwn(routes, exact) ? routes[exact] : undefined;
}
