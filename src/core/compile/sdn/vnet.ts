/** Virtual networks: one router program per VNet and host, all but its filters, which are put in at the end. */

import { contains, mergePrefixes, parsePrefix, printAddress, printPrefix, tryPrefix } from '#base/prefix.ts';
import { numberAt, objectAt, textAt, textsAt } from '#compile/read.ts';
import { isLogged, type Logged } from '#compile/sdn/flow-log.ts';
import { compileGroups } from '#compile/sdn/asg.ts';
import type { NicFacts } from '#compile/sdn/nic.ts';
import { compilePort, portName, type PortPolicy } from '#compile/sdn/nic.ts';
import { type Budgets, routerBudgets, routerHolds } from '#compile/sdn/budget.ts';
import { routerOpenings, type Openings } from '#compile/sdn/opening.ts';
import type { Peering } from '#compile/sdn/peering.ts';
import { internetPrefixes, privatePrefixes } from '#model/infra.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import { platformAddress, probeSources } from '#program/martian.ts';
import type { Peer, Port, Remote, RouterProgram, RouteTable } from '#program/program.ts';

/** A VNet with its attached NICs. `id` is lower case. */
export type VnetFacts = {
  readonly id: string;
  readonly name: string;
  readonly key: string;
  readonly number: number;
  readonly space: readonly string[];
  readonly gateways: readonly string[];
  readonly nics: readonly NicFacts[];
};

/** The facts of a VNet. */
export function vnetFacts(vnet: Resource, subnets: readonly Resource[], nics: readonly NicFacts[]): VnetFacts {
  const number = numberAt(vnet.internal, 'key') ?? 0;
  return {
    id: vnet.id.toLowerCase(),
    name: vnet.id,
    key: `v${number}`,
    number,
    space: sorted(textsAt(objectAt(vnet.properties, 'addressSpace'), 'addressPrefixes')),
    gateways: subnets.flatMap((subnet) => subnetPrefixes(subnet).map(gatewayOf)).sort(),
    nics,
  };
}

/** The prefixes of a subnet: newest shape plural, older shape single. */
function subnetPrefixes(subnet: Resource): readonly string[] {
  const single = textAt(subnet.properties, 'addressPrefix');
  const plural = textsAt(subnet.properties, 'addressPrefixes');
  return plural.length > 0 || single === undefined ? plural : [single];
}

/** Azure keeps the first address after the network's own for the gateway. */
function gatewayOf(text: string): string {
  const { family, first } = parsePrefix(text);
  return printAddress({ family, value: first + 1n });
}

function sorted(texts: readonly string[]): string[] {
  return mergePrefixes(texts.flatMap((text) => tryPrefix(text) ?? [])).map(printPrefix);
}

/** A peering as the router sees it. */
export type PeerFacts = Peering & { readonly facts: VnetFacts };

/** All that makes the routers of a VNet. */
export type RouterParts = {
  readonly vnet: VnetFacts;
  readonly peers: readonly PeerFacts[];
  readonly tables: { readonly [key: string]: RouteTable };
  readonly userPrefixes: readonly string[];
  readonly policies: ReadonlyMap<NicFacts, PortPolicy>;
  readonly balances: RouterProgram['balances'];
  readonly stamp: StampFacts;
  readonly logged: Logged;
  readonly openings: Openings;
  readonly budgets: Budgets;
};

/** A router program without filters, and the keys of the filters that its ports name. */
export type RouterSkeleton = { readonly program: Omit<RouterProgram, 'filters'>; readonly filters: readonly string[] };

/** The router of the VNet on one host. */
export function compileRouter(parts: RouterParts, host: string): RouterSkeleton {
  const { vnet, stamp } = parts;
  const ports: { [name: string]: Port } = {};
  const remotes: { [address: string]: Remote } = {};
  const filters = new Set<string>();
  const logs: { [filter: string]: { ports: string[] } } = {};
  for (const nic of vnet.nics) {
    const policy = parts.policies.get(nic);
    if (nic.host !== host) {
      for (const { address } of nic.addresses) {
        remotes[address] = { host: nic.host, mac: nic.mac, mark: nic.mark, forwarding: nic.forwarding };
      }
    } else if (policy !== undefined) {
      ports[portName(nic.mark)] = compilePort(nic, policy);
      for (const filter of [...policy.inbound, ...policy.outbound]) {
        filters.add(filter);
        if (isLogged(parts.logged, nic, filter)) (logs[filter] ??= { ports: [] }).ports.push(portName(nic.mark));
      }
    }
  }
  const own = vnet.nics.filter((nic) => nic.host === host);
  const open = own.filter(({ isApart }) => !isApart);
  const openings = parts.openings.size === 0 ? {} : routerOpenings(open, parts.openings);
  const program: Omit<RouterProgram, 'filters'> = {
    kind: 'router',
    host,
    vnet: vnet.name,
    key: vnet.key,
    vni: stamp.number * 65_536 + vnet.number,
    space: vnet.space,
    gateways: vnet.gateways,
    ports,
    remotes,
    peers: Object.fromEntries(parts.peers.map((peer) => [peer.facts.key, compilePeer(peer)])),
    tables: parts.tables,
    sets: setsOf(parts),
    balances: parts.balances,
    ...(Object.keys(logs).length > 0 && { flowLogs: logs }),
    ...(Object.keys(openings).length > 0 && { openings }),
    ...(own.length > 0 && routerBudgets(own, parts.budgets)),
    ...routerHolds(vnet.id.split('/')[2] ?? '', parts.budgets),
  };
  return { program, filters: [...filters].sort() };
}

function compilePeer({ facts, forwarded }: PeerFacts): Peer {
  const addresses = facts.nics.flatMap((nic) =>
    nic.addresses.map(({ address }) => [address, { mark: nic.mark, forwarding: nic.forwarding }] as const),
  );
  return { vnet: facts.key, prefixes: facts.space, forwarded, addresses: Object.fromEntries(addresses) };
}

function setsOf({ vnet, peers, userPrefixes, stamp }: RouterParts): RouterProgram['sets'] {
  return {
    vnet: sorted([
      ...vnet.space,
      ...peers.flatMap(({ facts }) => facts.space),
      `${platformAddress}/32`,
      ...userPrefixes.filter((prefix) => isPrivate(prefix, privatePrefixes(stamp.profile))),
    ]),
    internet: internetPrefixes(stamp.profile),
    probe: [`${probeSources[4]}/32`, `${probeSources[6]}/128`],
    ...compileGroups(vnet.nics),
  };
}

/**
 * A user's route widens `VirtualNetwork` only when it has no address of the Internet: a default route never does (D2.7). The
 * closed prefixes are merged, so what lies in their union lies in one of them.
 */
function isPrivate(text: string, closed: readonly string[]): boolean {
  const prefix = parsePrefix(text);
  return closed.some((outer) => contains(parsePrefix(outer), prefix));
}
