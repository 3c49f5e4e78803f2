/** Where programs mean a packet to go from a namespace, for every target at once: the other side of what `lift-routes.ts` reads. */

import { lastOf } from '#base/prefix.ts';
import { type Ground, levels } from '#adapters/linux/ground.ts';
import { labelMac, peerMac, peerName, portName, tunnelMac, wireMacs } from '#adapters/linux/names.ts';
import { martians, platformAddress } from '#program/martian.ts';
import type { NextHop, Programs, RouterProgram, RouteTable } from '#program/program.ts';
import type { Span } from '#verify/decisions.ts';

/** What other programs say that concerns a router. `peers`: those whose routers are on this host and know of it. */
export type Around = {
  readonly peers: readonly string[];
  readonly others: { readonly [host: string]: string };
  readonly resolver: string | undefined;
};

/** As the oracle looks around: a peer takes what it has peered with, the host knows the ends of tunnels (program/eval-router.ts). */
export function aroundRouter(programs: Programs, { key, host, peers }: RouterProgram): Around {
  const [ground, resolver] = [programs[`host/${host}`], programs['resolver']];
  return {
    peers: Object.keys(peers).filter((other) => {
      const there = programs[`router/${other}/${host}`];
      return there?.kind === 'router' && Object.hasOwn(there.peers, key);
    }),
    others: ground?.kind === 'host' ? ground.others : {},
    resolver: resolver?.kind === 'resolver' ? resolver.address : undefined,
  };
}

/** Targets of which programs say anything: no router lets a packet for a martian begin (program/martian.ts). */
export function spokenTargets(ground: Ground): number {
  return ground.store.not(ground.isWithin('target', martians));
}

/** The far end of the uplink, whose hardware address a router knows for ever. */
const uplink = `uplink ${wireMacs[0]}`;

/** One router's routes in one family. */
export class RouterRoutes {
  readonly #ground: Ground;
  readonly #program: RouterProgram;
  readonly #around: Around;
  readonly #known = new Map<string, number>();

  constructor(ground: Ground, { program, around }: { program: RouterProgram; around: Around }) {
    this.#ground = ground;
    this.#program = program;
    this.#around = around;
  }

  /** Where packets of a sender with this table go. `isForeign`: those that it sends on for others. */
  ofTable(key: string, isForeign: boolean): number {
    return this.#kept(`table ${key} ${isForeign}`, () => {
      const { tables } = this.#program;
      return this.#routed(Object.hasOwn(tables, key) ? tables[key] : undefined, isForeign);
    });
  }

  /** Where packets go that no guest here sent: each address is where it is. */
  ofArrivals(isForeign: boolean): number {
    const { store } = this.#ground;
    return this.#kept(`arrivals ${isForeign}`, () =>
      store.inOrder([
        this.#self(),
        this.#local(isForeign),
        ...this.#around.peers.map((key) => this.#peer(key, isForeign)),
        store.end('drop'),
      ]),
    );
  }

  /** All packets for the NIC with this mark, or for the platform: one hop whatever the target is. */
  ofAll(says: string | undefined): number {
    const { store } = this.#ground;
    return store.inOrder([this.#self(), store.end(says ?? 'drop')]);
  }

  get uplink(): string {
    return uplink;
  }

  /** Where a NIC that forwards is, by its label; undefined when it has no address of this family. */
  labelled(mark: number): string | undefined {
    const port = Object.values(this.#program.ports).find((one) => one.mark === mark);
    if (port !== undefined)
      return Object.keys(port.addresses).some((address) => this.#isOurs(address))
        ? `${portName(mark)} ${port.mac}`
        : undefined;
    const far = Object.entries(this.#program.remotes).find(
      ([address, one]) => one.mark === mark && this.#isOurs(address),
    );
    return far === undefined ? undefined : this.#tunnel(far[1].host, labelMac(mark));
  }

  #kept(key: string, make: () => number): number {
    const known = this.#known.get(key) ?? make();
    this.#known.set(key, known);
    return known;
  }

  #isOurs(address: string): boolean {
    return this.#ground.address(address) !== undefined;
  }

  /** The router's own addresses. */
  #self(): number {
    const { store } = this.#ground;
    const own = [...this.#program.gateways, platformAddress];
    return store.when(this.#ground.isWithin('target', own), store.end('self'));
  }

  #routed(table: RouteTable | undefined, isForeign: boolean): number {
    const { store } = this.#ground;
    const routes = Object.values(table?.routes ?? {}).flatMap(({ prefix: text, hop }) => {
      const prefix = this.#ground.prefix(text);
      return prefix !== undefined ? [{ prefix, hop }] : [];
    });
    const longest = routes.toSorted((left, right) => right.prefix.length - left.prefix.length);
    const steps = longest.map(({ prefix, hop }) =>
      store.when(
        this.#ground.isBetween('target', [prefix.first, lastOf(prefix)]),
        store.inOrder([this.#hop(hop, isForeign), store.end('drop')]),
      ),
    );
    return store.inOrder([this.#self(), ...steps, store.end('drop')]);
  }

  /** Where a hop leads; what it does not lead anywhere goes on. */
  #hop(hop: NextHop, isForeign: boolean): number {
    const { store } = this.#ground;
    switch (hop.kind) {
      case 'none':
        return store.on;
      case 'internet':
        // What has no label is never answered: nothing that is sent on for others leaves the network.
        return isForeign ? store.on : store.end(uplink);
      case 'local':
        return this.#local(isForeign);
      case 'peer':
        return this.#around.peers.includes(hop.vnet) ? this.#peer(hop.vnet, isForeign) : store.on;
      case 'appliance': {
        const says = this.#isOurs(hop.address) ? this.#appliance(hop.address) : undefined;
        return says === undefined ? store.on : store.end(says);
      }
    }
  }

  #appliance(address: string): string | undefined {
    const { ports, remotes, peers } = this.#program;
    const port = Object.values(ports).find(({ addresses }) => Object.hasOwn(addresses, address));
    if (port !== undefined) return port.forwarding ? `${portName(port.mark)} ${port.mac}` : undefined;
    const far = Object.hasOwn(remotes, address) ? remotes[address] : undefined;
    if (far !== undefined) return far.forwarding ? this.#tunnel(far.host, labelMac(far.mark)) : undefined;
    for (const key of Object.keys(peers).sort()) {
      const there = peers[key]?.addresses ?? {};
      const found = Object.hasOwn(there, address) ? there[address] : undefined;
      if (found === undefined) continue;
      const isOpen = found.forwarding && this.#around.peers.includes(key);
      return isOpen ? `${peerName(key)} ${labelMac(found.mark)}` : undefined;
    }
    return undefined;
  }

  #tunnel(host: string, mac: string): string | undefined {
    const { others } = this.#around;
    return Object.hasOwn(others, host) ? `vx ${mac} over ${others[host] ?? ''}` : undefined;
  }

  /** The NICs of this network, here and over the tunnel. */
  #local(isForeign: boolean): number {
    return this.#kept(`local ${isForeign}`, () => {
      const { ports, remotes } = this.#program;
      const hops = new Map<string, string>();
      for (const [address, { host }] of Object.entries(remotes)) {
        const says = this.#tunnel(host, tunnelMac(host, isForeign));
        if (says !== undefined) hops.set(address, says);
      }
      for (const { addresses, mark, mac } of Object.values(ports))
        for (const address of Object.keys(addresses)) hops.set(address, `${portName(mark)} ${mac}`);
      return this.#byAddress(hops);
    });
  }

  #peer(key: string, isForeign: boolean): number {
    const says = `${peerName(key)} ${peerMac(key, this.#program.key, isForeign)}`;
    return this.#kept(`peer ${key} ${isForeign}`, () => {
      const there = Object.keys(this.#program.peers[key]?.addresses ?? {});
      return this.#byAddress(new Map(there.map((address) => [address, says])));
    });
  }

  #byAddress(hops: ReadonlyMap<string, string>): number {
    const { store } = this.#ground;
    const rows = [...hops].flatMap(([text, says]): (readonly [Span, number])[] => {
      const value = this.#ground.address(text);
      return value === undefined ? [] : [[[value, value], store.end(says)]];
    });
    return store.bySpan(levels.target, rows, store.on);
  }
}
