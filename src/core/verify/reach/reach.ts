/** Who reaches whom, as exact sets of packets: what `evaluate` says of one packet, said of all at once. */

import type { Class, Departures } from '#verify/reach/abroad.ts';
import { Kept } from '#verify/kept.ts';
import type { EdgeProgram, Filter, Programs, RouterProgram, Rule } from '#program/program.ts';
import { martians, platformAddress } from '#program/martian.ts';
import { openingsAt } from '#program/opening.ts';
import { all, nothing } from '#verify/diagrams.ts';
import { FilterSets } from '#verify/filter-sets.ts';
import { addressDigits, type Half, Halves } from '#verify/halves.ts';
import type { LocalEnd, PacketSets } from '#verify/packet-sets.ts';
import {
  entriesOf,
  type Entry,
  type Place,
  type Places,
  placesOf,
  routerOfLabel,
  type Taken,
} from '#verify/reach/places.ts';
import { Routes } from '#verify/reach/routes.ts';

/** One address of a NIC. */
export type End = { readonly mark: number; readonly address: string };

/** A way from outside: through a public address, or (`relay`) sent on by an appliance that got it, with its source kept. */
export type WayIn = { readonly entry?: Entry; readonly relay?: End; readonly set: Half };

/** A way out: by the boundary itself, or into an appliance (its mark), which then is the sender. */
export type Exit = { readonly through: number | undefined; readonly set: Half };

const noFilter: Filter = Object.freeze({ rules: Object.freeze({}) as { readonly [key: string]: Rule } });
const noSets = Object.freeze({});

/** Sets about one set of programs. Cheap to make: what was computed of parts that stay the same is kept in the store. */
export class Reach {
  readonly programs: Programs;
  readonly places: Places;
  readonly parts: ReachParts;
  readonly edge: EdgeProgram | undefined;
  readonly switch: Filter;

  constructor(programs: Programs, parts: ReachParts, before?: Reach) {
    this.programs = programs;
    this.parts = parts;
    this.places = placesOf(programs, before);
    const { edge, switch: fabric } = programs;
    this.edge = edge?.kind === 'edge' ? edge : undefined;
    this.switch = fabric?.kind === 'switch' ? fabric.filter : noFilter;
  }

  router(point: string): RouterProgram | undefined {
    const program = Object.hasOwn(this.programs, point) ? this.programs[point] : undefined;
    return program?.kind === 'router' ? program : undefined;
  }

  /** What the filters of the NIC let in at the address: by source (half). */
  inbound({ mark, address }: End): Half {
    const place = this.places.marks.get(mark);
    if (place === undefined) return nothing;
    const half = this.filtered(place, place.port.inbound, { local: 'target', address });
    return this.#opened(place, address).reduce((sum, opened) => this.parts.store.union(sum, opened), half);
  }

  /** What just-in-time openings let in at the address that the filters do not: by source (half). */
  openedAlone({ mark, address }: End): Half {
    const place = this.places.marks.get(mark);
    const opened = place === undefined ? [] : this.#opened(place, address);
    if (place === undefined || opened.length === 0) return nothing;
    const { store } = this.parts;
    const every = opened.reduce((sum, one) => store.union(sum, one), nothing as Half);
    return store.difference(every, this.filtered(place, place.port.inbound, { local: 'target', address }));
  }

  /** What just-in-time openings let in past the filters. */
  #opened({ point, port }: Place, address: string): readonly Half[] {
    const { store, halves } = this.parts;
    const router = this.router(point);
    if (router === undefined) return [];
    const { family } = addressDigits(address);
    return openingsAt(router, port, address).map(({ source, protocol, port: targetPort }) =>
      store.intersection(halves.remote([source], family), halves.service(protocol, [[targetPort, targetPort]])),
    );
  }

  /** What the filters of the NIC let out from the address: by target (half). */
  outbound({ mark, address }: End): Half {
    const place = this.places.marks.get(mark);
    return place === undefined ? nothing : this.filtered(place, place.port.outbound, { local: 'source', address });
  }

  filtered(
    { point }: Place,
    names: readonly string[],
    { local, address }: { readonly local: LocalEnd; readonly address: string },
  ): Half {
    const { store, halves, filters } = this.parts;
    const router = this.router(point);
    let half: Half = all;
    for (const name of names) {
      const filter = router !== undefined && Object.hasOwn(router.filters, name) ? router.filters[name] : undefined;
      if (filter === undefined || router === undefined) return nothing;
      half = store.intersection(half, halves.of(filters.setOf(filter, router.sets, local), address));
      if (half === nothing) return nothing;
    }
    return half;
  }

  /** What the switch lets pass to a target (by source) or from a source (by target). */
  fabric(local: LocalEnd, address: string): Half {
    const { halves, filters } = this.parts;
    return halves.of(filters.setOf(this.switch, noSets, local), address);
  }

  /** Through the boundary's entries to the label of the address. */
  entered(end: End, sources: Half): readonly WayIn[] {
    const place = this.places.marks.get(end.mark);
    const label = place?.port.addresses[end.address]?.label;
    if (place === undefined || label === undefined || this.edge === undefined) return [];
    const entries = entriesOf(this.edge).get(label) ?? [];
    const { family } = addressDigits(end.address);
    const fitting = entries.filter(({ frontend }) => addressDigits(frontend).family === family);
    if (fitting.length === 0 || routerOfLabel(this.programs, label) !== place.point) return [];
    const { store } = this.parts;
    const arrived = store.intersection(this.arrivable(place, end, sources), this.fabric('target', label));
    const inside = store.intersection(arrived, this.inbound(end));
    return fitting.flatMap((entry) => {
      const set = store.intersection(inside, this.admitted(entry));
      return set === nothing ? [] : [{ entry, set }];
    });
  }

  /** A router takes nothing from outside that claims to come from the platform or its gateways. */
  arrivable({ point }: Place, { address }: End, sources: Half): Half {
    const { store, halves } = this.parts;
    return store.difference(sources, halves.remote(this.platformOf(point), addressDigits(address).family));
  }

  platformOf(point: string): readonly string[] {
    const router = this.router(point);
    return router === undefined ? [] : platformPrefixes(router.gateways);
  }

  /** What an entry takes, in terms of ports at the target. */
  admitted(entry: Entry): Half {
    const spoken = this.spoken(entry);
    return entry.port === 0 ? spoken : this.parts.halves.moved(spoken, entry.port, entry.targetPort);
  }

  /** What an entry takes, in terms of ports at the frontend: without what others take before it. */
  spoken({ protocol, port, taken }: Entry): Half {
    const { store, halves } = this.parts;
    const ports = port === 0 ? [] : ([[port, port]] as const);
    const own =
      protocol === 'every'
        ? all
        : port === 0 && protocol === 'any'
          ? this.withPorts()
          : halves.service(protocol, ports);
    return taken.reduce((rest, one) => store.difference(rest, this.takenSet(one)), own);
  }

  withPorts(): Half {
    const { store, halves } = this.parts;
    return store.union(halves.service('tcp', []), halves.service('udp', []));
  }

  takenSet({ protocol, port }: Taken): Half {
    const { halves } = this.parts;
    if (port === 0) return protocol === 'any' ? this.withPorts() : halves.service(protocol, []);
    return halves.service(protocol, [[port, port]]);
  }

  /** What of the packets sent to an address (by source, in terms of `remote`) arrives at it by the sender's route. */
  handed(sender: Place, end: End, sent: Half): Half {
    const router = this.router(sender.point);
    const table = router?.tables[sender.port.table];
    const route = this.parts.routes.routeTo(table, end.address);
    if (router === undefined || route === undefined || this.isUnroutable(router, end.address)) return nothing;
    const { store } = this.parts;
    switch (route.hop.kind) {
      case 'local':
        return this.isHere(router, end) ? store.intersection(sent, this.inbound(end)) : nothing;
      case 'peer':
        return this.entersPeer(router, route.hop.vnet, { end, via: end.address, sent });
      case 'appliance':
        return this.#intoOwn(router, route.hop.address, { end, sent });
      default:
        return nothing;
    }
  }

  /** The next hop is the very NIC that has the target. */
  #intoOwn(router: RouterProgram, via: string, { end, sent }: { readonly end: End; readonly sent: Half }): Half {
    if (this.applianceAt(router, via) !== end.mark) return nothing;
    const isHere = this.places.addresses.get(pointOf(router))?.has(via) === true || Object.hasOwn(router.remotes, via);
    if (isHere) {
      const isReached = this.isHere(router, { mark: end.mark, address: via });
      return isReached ? this.parts.store.intersection(sent, this.inbound(end)) : nothing;
    }
    const key = Object.keys(router.peers)
      .sort()
      .find((one) => Object.hasOwn(router.peers[one]?.addresses ?? {}, via));
    return key === undefined ? nothing : this.entersPeer(router, key, { end, via, sent });
  }

  /** The forwarding NIC that a next hop's address means: in this network, or in a peer. */
  applianceAt(router: RouterProgram, address: string): number | undefined {
    const here = this.places.addresses.get(pointOf(router))?.get(address)?.port;
    if (here !== undefined) return here.forwarding ? here.mark : undefined;
    const remote = Object.hasOwn(router.remotes, address) ? router.remotes[address] : undefined;
    if (remote !== undefined) return remote.forwarding ? remote.mark : undefined;
    for (const key of Object.keys(router.peers).sort()) {
      const listed = router.peers[key]?.addresses ?? {};
      const found = Object.hasOwn(listed, address) ? listed[address] : undefined;
      if (found !== undefined) return found.forwarding ? found.mark : undefined;
    }
    return undefined;
  }

  isUnroutable(router: RouterProgram, address: string): boolean {
    return address === platformAddress || router.gateways.includes(address) || this.isMartian(address);
  }

  isMartian(address: string): boolean {
    const { halves } = this.parts;
    const { family } = addressDigits(address);
    return halves.at(halves.remote(martians, family), address) === all;
  }

  /** Does the address in this router's network lead to the NIC: by a port here, or over the tunnel? */
  isHere(router: RouterProgram, { mark, address }: End): boolean {
    const port = this.places.addresses.get(pointOf(router))?.get(address);
    if (port !== undefined) return port.port.mark === mark;
    const remote = Object.hasOwn(router.remotes, address) ? router.remotes[address] : undefined;
    if (remote === undefined || remote.mark !== mark) return false;
    const far = this.places.marks.get(mark);
    return far?.point === `router/${router.key}/${remote.host}` && this.isTunneled(router.host, remote.host);
  }

  /** The switch carries VXLAN between the two hosts. */
  isTunneled(from: string, to: string): boolean {
    const host = this.programs[`host/${from}`];
    if (host?.kind !== 'host' || !Object.hasOwn(host.others, to)) return false;
    const { halves, store } = this.parts;
    const outer = halves.at(this.fabric('target', host.others[to] ?? ''), host.underlay);
    const vxlan = store.intersection(halves.service('udp', [[4789, 4789]]), halves.sourcePorts([49_152, 49_152]));
    return store.intersection(outer, vxlan) !== nothing;
  }

  entersPeer(router: RouterProgram, key: string, { end, via, sent }: Entering): Half {
    const listed = Object.hasOwn(router.peers, key) ? router.peers[key]?.addresses : undefined;
    const point = `router/${key}/${router.host}`;
    const far = this.router(point);
    const back = far !== undefined && Object.hasOwn(far.peers, router.key) ? far.peers[router.key] : undefined;
    if (listed === undefined || !Object.hasOwn(listed, via) || far === undefined || back === undefined) {
      return nothing;
    }
    if (!this.isHere(far, { mark: end.mark, address: via })) return nothing;
    const { store, halves } = this.parts;
    const { family } = addressDigits(end.address);
    const allowed = back.forwarded ? sent : store.intersection(sent, halves.remote(back.prefixes, family));
    const entered = store.difference(allowed, halves.remote(this.platformOf(point), family));
    return store.intersection(entered, this.inbound(end));
  }
}

/** Packets towards an address, by the address that the routers look for. */
type Entering = { readonly end: End; readonly via: string; readonly sent: Half };

function pointOf({ key, host }: RouterProgram): string {
  return `router/${key}/${host}`;
}

/** What a reach works with: one store, and what is kept in it. */
export type ReachParts = {
  readonly store: PacketSets;
  readonly halves: Halves;
  readonly filters: FilterSets;
  readonly routes: Routes;
  /** See `abroad.ts`: how the NICs of a router leave for the boundary, and the classes of all. */
  readonly departures: Kept<RouterProgram, Departures>;
  readonly classes: Kept<Reach, readonly Class[]>;
};

/** Opens what a reach works with. */
export function reachParts(store: PacketSets): ReachParts {
  return {
    store,
    halves: new Halves(store),
    filters: new FilterSets(store),
    routes: new Routes(store),
    departures: store.register(new Kept()),
    classes: store.register(new Kept()),
  };
}

/** The addresses of a NIC. */
export function endsOf({ port }: Place): readonly End[] {
  return Object.keys(port.addresses).map((address) => ({ mark: port.mark, address }));
}

/** Are both of one family? */
export function isAlike(one: End, other: End): boolean {
  return addressDigits(one.address).family === addressDigits(other.address).family;
}

const platforms = new WeakMap<readonly string[], readonly string[]>();

/** The platform's address and the gateways as prefixes; one list per list of gateways, so that its label is kept. */
export function platformPrefixes(gateways: readonly string[]): readonly string[] {
  const known = platforms.get(gateways);
  if (known !== undefined) return known;
  const prefixes = Object.freeze(
    [platformAddress, ...gateways].map((text) => `${text}/${text.includes(':') ? 128 : 32}`),
  );
  platforms.set(gateways, prefixes);
  return prefixes;
}
