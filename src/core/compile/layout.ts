/** The stamp's layout: every program but the NSGs' filters, made again only when a resource other than a rule changes. */

import { compileEdge } from '#compile/edge/edge.ts';
import { compileInfra } from '#compile/edge/infra.ts';
import { compileResolver } from '#compile/edge/resolver.ts';
import { compileSources } from '#compile/edge/source.ts';
import { compileHost } from '#compile/host/host.ts';
import { byId, byParent, type Lists, sortedById } from '#compile/lists.ts';
import type { CompileMemo } from '#compile/memo.ts';
import { idAt, numberAt, parentId, skuOf } from '#compile/read.ts';
import { type Budgets, budgetsOf, edgeShares } from '#compile/sdn/budget.ts';
import { compileBalances, type Members, membersOf, type Placed } from '#compile/sdn/balance.ts';
import { loggedOf } from '#compile/sdn/flow-log.ts';
import { attachmentsOf, type NicFacts, nicFacts, type PortPolicy } from '#compile/sdn/nic.ts';
import { openingsOf } from '#compile/sdn/opening.ts';
import { closedFilterKey, filterKey } from '#compile/sdn/nsg.ts';
import { connectedPeerings } from '#compile/sdn/peering.ts';
import { compileTable, routePrefix, systemTableKey, tableKey } from '#compile/sdn/route.ts';
import {
  compileRouter,
  type PeerFacts,
  type RouterParts,
  type RouterSkeleton,
  type VnetFacts,
  vnetFacts,
} from '#compile/sdn/vnet.ts';
import { compileSwitch } from '#compile/switch/switch.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import { apartFilterKey, type Balance, type Program, type RouteTable } from '#program/program.ts';

/** Programs that no rule changes, routers without their filters, and the NSGs in use by id (lower case). */
export type Layout = {
  readonly fixed: { readonly [point: string]: Program };
  readonly routers: { readonly [point: string]: RouterSkeleton };
  readonly groups: { readonly [nsg: string]: NsgUse };
};

/** An NSG and the keys of its two filters. */
type NsgUse = { readonly nsg: string; readonly inbound: string; readonly outbound: string };

/** Compiles all but the filters. */
export function compileLayout(lists: Lists, stamp: StampFacts, memo: CompileMemo): Layout {
  const nics = memo.stable('nics', attachedNics(lists, stamp, memo));
  const index = indexOf(lists, nics, memo);
  // What is set apart gets no new flows, though it keeps its source ports: another's would move.
  const taking = nics.some(({ isApart }) => isApart)
    ? membersOf(nics.filter(({ isApart }) => !isApart))
    : index.members;
  const placed = compileBalances(lists, index.publicIps, taking);
  const keys = new Map([...index.vnets].map(([id, { key }]) => [id, key]));
  const sources = memo.remember('sources', Object.values({ ...lists, nics }), () =>
    compileSources({ lists, ...index, nics, stamp }),
  );
  const { subscriptions, plans, networkQuotas } = lists;
  const budgets = memo.remember('budgets', [subscriptions, plans, networkQuotas], () => budgetsOf(lists));
  const shares = memo.remember('shares', [nics, budgets], () => edgeShares(nics, budgets));
  const fixed: { [point: string]: Program } = {
    edge: { ...compileEdge(stamp, sources, balancesAt(placed, ['edge'])), ...shares },
    switch: memo.remember('switch', [nics], () => compileSwitch(stamp, nics)),
    infra: compileInfra(stamp),
    resolver: memo.remember('resolver', [nics, lists.vms, lists.publicIps, ...index.vnets.values()], () =>
      compileResolver({ nics, vms: lists.vms, publicIps: lists.publicIps, keys, stamp }),
    ),
  };
  for (const host of stamp.hosts) {
    fixed[`host/${host}`] = memo.remember(`host/${host}`, [nics, ...index.vnets.values()], () =>
      compileHost(host, stamp, { nics, keys }),
    );
  }
  const parts = [...index.vnets.values()].map((vnet) => {
    const inputs = [
      lists.subnets,
      lists.routeTables,
      lists.routes,
      lists.publicIps,
      lists.loadBalancers,
      lists.natRules,
      lists.flowLogs,
      lists.jitPolicies,
      budgets,
    ];
    const peers = (index.peers.get(vnet.id) ?? []).flatMap(({ facts, name, forwarded }) => [facts, name, forwarded]);
    return memo.remember(`routers/${vnet.id}`, [vnet, ...peers, ...inputs], () =>
      compileVnet(vnet, { lists, index, placed, stamp, budgets }),
    );
  });
  return {
    fixed,
    routers: Object.assign({}, ...parts.map(({ routers }) => routers)) as Layout['routers'],
    groups: Object.assign({}, ...parts.map(({ groups }) => groups)) as Layout['groups'],
  };
}

/** The routers of one VNet, and the NSGs that their ports are judged by. */
function compileVnet(vnet: VnetFacts, around: Around): Pick<Layout, 'routers' | 'groups'> {
  const hosts = hostsOf(vnet, around.index);
  const groups: { [nsg: string]: NsgUse } = {};
  if (hosts.length === 0) return { routers: {}, groups };
  const parts = routerParts(vnet, around, groups);
  const routers = hosts.map((host) => [`router/${vnet.key}/${host}`, compileRouter(parts, host)] as const);
  return { routers: Object.fromEntries(routers), groups };
}

type Index = {
  readonly vnets: ReadonlyMap<string, VnetFacts>;
  readonly peers: ReadonlyMap<string, readonly PeerFacts[]>;
  readonly subnets: ReadonlyMap<string, Resource>;
  readonly publicIps: ReadonlyMap<string, Resource>;
  readonly balancers: ReadonlyMap<string, Resource>;
  readonly members: Members;
};

function attachedNics(lists: Lists, stamp: StampFacts, memo: CompileMemo): NicFacts[] {
  const hosts = new Map<string, string>();
  for (const vm of lists.vms) {
    const { host, nics } = attachmentsOf(vm);
    if (host !== undefined && stamp.hosts.includes(host)) for (const nic of nics) hosts.set(nic, host);
  }
  return lists.nics.flatMap((nic) => {
    const host = hosts.get(nic.id.toLowerCase());
    if (host === undefined) return [];
    return memo.remember(`nic/${nic.id}`, [nic, host, stamp.number], () => nicFacts(nic, host, stamp.number)) ?? [];
  });
}

function indexOf(lists: Lists, nics: readonly NicFacts[], memo: CompileMemo): Index {
  const nicsByVnet = Map.groupBy(nics, ({ vnet }) => vnet);
  const subnetsByVnet = byParent(lists.subnets);
  const vnets = new Map<string, VnetFacts>();
  for (const vnet of lists.vnets) {
    if (numberAt(vnet.internal, 'key') === undefined) continue;
    const id = vnet.id.toLowerCase();
    const subnets = subnetsByVnet.get(id) ?? [];
    const mine = memo.stable(`vnet/${id}/nics`, nicsByVnet.get(id) ?? []);
    vnets.set(
      id,
      memo.remember(`vnet/${id}`, [vnet, mine, ...subnets], () => vnetFacts(vnet, subnets, mine)),
    );
  }
  const peers = new Map<string, PeerFacts[]>();
  for (const [id, sides] of connectedPeerings(sortedById(lists.peerings))) {
    const known = sides.flatMap((side) => {
      const facts = vnets.get(side.remote);
      return facts === undefined ? [] : [{ ...side, facts }];
    });
    peers.set(id, known);
  }
  const publicIps = byId(lists.publicIps);
  const balancers = byId(lists.loadBalancers);
  return { vnets, peers, subnets: byId(lists.subnets), publicIps, balancers, members: membersOf(nics) };
}

/** Hosts that need a router of the VNet: those with a NIC of it, and those with a NIC of a peer, which enters there. */
function hostsOf(vnet: VnetFacts, { peers }: Index): string[] {
  const all = [vnet, ...(peers.get(vnet.id) ?? []).map(({ facts }) => facts)];
  return [...new Set(all.flatMap(({ nics }) => nics.map(({ host }) => host)))].sort();
}

type Around = {
  readonly lists: Lists;
  readonly index: Index;
  readonly placed: readonly Placed[];
  readonly stamp: StampFacts;
  readonly budgets: Budgets;
};

function routerParts(
  vnet: VnetFacts,
  { lists, index, placed, stamp, budgets }: Around,
  groups: { [nsg: string]: NsgUse },
): RouterParts {
  const peers = index.peers.get(vnet.id) ?? [];
  const ways = {
    space: vnet.space,
    peers: peers.map(({ name, facts }) => ({ name, key: facts.key, prefixes: facts.space })),
  };
  const tables: { [key: string]: RouteTable } = { [systemTableKey]: compileTable(ways) };
  const userPrefixes = new Set<string>();
  const routes = byParent(lists.routes);
  const routeTables = byId(lists.routeTables);
  for (const [id, subnet] of index.subnets) {
    const table = parentId(id) === vnet.id ? routeTables.get(idAt(subnet.properties, 'routeTable') ?? '') : undefined;
    if (table === undefined) continue;
    const mine = routes.get(table.id.toLowerCase()) ?? [];
    tables[tableKey(table.id)] = compileTable(ways, { id: table.id, routes: mine });
    for (const route of mine) userPrefixes.add(routePrefix(route));
  }
  const policies = new Map(vnet.nics.map((nic) => [nic, policyOf(nic, { index, groups, tables })]));
  const places = [vnet.id, ...peers.map(({ facts }) => facts.id)];
  return {
    vnet,
    peers,
    tables,
    userPrefixes: [...userPrefixes],
    policies,
    balances: balancesAt(placed, places),
    stamp,
    logged: loggedOf(lists.flowLogs),
    openings: openingsOf(lists.jitPolicies, byId(lists.vms)),
    budgets,
  };
}

type PolicyParts = {
  readonly index: Index;
  readonly groups: { [key: string]: NsgUse };
  readonly tables: { readonly [key: string]: RouteTable };
};

/** A NIC's route table, and the filters it is judged by: NIC then subnet on the way out, subnet then NIC on the way in. */
function policyOf(nic: NicFacts, { index, groups, tables }: PolicyParts): PortPolicy {
  const subnet = index.subnets.get(nic.subnet);
  const table = idAt(subnet?.properties, 'routeTable');
  const nsgs = [
    ...new Set([nic.nsg, idAt(subnet?.properties, 'networkSecurityGroup')].filter((nsg) => nsg !== undefined)),
  ];
  const uses = nsgs.map(
    (nsg) => (groups[nsg] ??= { nsg, inbound: filterKey(nsg, 'inbound'), outbound: filterKey(nsg, 'outbound') }),
  );
  const isClosed = nsgs.length === 0 && hasStandard(nic, index);
  const key = table === undefined ? systemTableKey : tableKey(table);
  if (nic.isApart)
    return {
      table: Object.hasOwn(tables, key) ? key : systemTableKey,
      outbound: [apartFilterKey],
      inbound: [apartFilterKey],
    };
  return {
    table: Object.hasOwn(tables, key) ? key : systemTableKey,
    outbound: uses.map(({ outbound }) => outbound),
    inbound: isClosed ? [closedFilterKey] : uses.map(({ inbound }) => inbound).toReversed(),
  };
}

/** Standard public addresses and Standard load balancers are closed until an NSG opens them. */
function hasStandard(nic: NicFacts, { publicIps, balancers }: Index): boolean {
  return nic.addresses.some(
    ({ publicIp, pools, natRules }) =>
      (publicIp !== undefined && skuOf(publicIps.get(publicIp)) === 'Standard') ||
      [...pools, ...natRules].some((id) => skuOf(balancers.get(parentId(id))) === 'Standard'),
  );
}

function balancesAt(placed: readonly Placed[], places: readonly string[]): { readonly [key: string]: Balance } {
  return Object.fromEntries(
    placed.filter(({ place }) => places.includes(place)).map(({ key, balance }) => [key, balance]),
  );
}
