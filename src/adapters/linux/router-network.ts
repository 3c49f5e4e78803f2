/** The links, routes and neighbours of a VNet's router: every NIC a route of its own, next hops with fixed hardware addresses, UDRs as policy tables. */

import { type Address, type Family, holds, type Prefix, tryAddress, tryPrefix } from '#base/prefix.ts';
import { families, familyOf } from '#adapters/linux/builder.ts';
import {
  foreignBit,
  foreignMain,
  foreignTableBase,
  gatewaySix,
  labelledBit,
  labelledTableBase,
  labelMac,
  peerHop,
  peerMac,
  peerName,
  portName,
  routeTableBase,
  platformTable,
  tableIndexMask,
  tableShift,
  tunnelHop,
  tunnelMac,
  wireFour,
  wireMacs,
  wireSix,
} from '#adapters/linux/names.ts';
import type { Network, PortLink } from '#adapters/linux/network.ts';
import { type RouterPlace, tableNumbers } from '#adapters/linux/router-place.ts';
import { platformAddress, probeSources } from '#program/martian.ts';
import type { NextHop, Port, RouterProgram, RouteTable } from '#program/program.ts';

const mainTable = 254;

type Draft = {
  routes: Set<string>;
  rules: Set<string>;
  neighbours: Set<string>;
  forwarding: Set<string>;
  addresses: Set<string>;
};
type Here = {
  readonly program: RouterProgram;
  readonly place: RouterPlace;
  readonly local: ReadonlyMap<string, Port>;
  readonly draft: Draft;
};

const memo = new WeakMap<object, { parts: readonly unknown[]; network: Network }>();

/** What the router's namespace must have. Memoised: a change of rules alone changes nothing here. */
export function routerNetwork(program: RouterProgram, place: RouterPlace): Network {
  const parts = [
    program.remotes,
    program.peers,
    program.tables,
    program.gateways,
    place.peers.join(),
    place.resolver,
    JSON.stringify(place.others),
  ];
  const known = memo.get(program.ports);
  if (known !== undefined && parts.every((part, index) => part === known.parts[index])) return known.network;
  const network = build(program, place);
  memo.set(program.ports, { parts, network });
  return network;
}

function build(program: RouterProgram, place: RouterPlace): Network {
  const draft: Draft = {
    routes: new Set(),
    rules: new Set(),
    neighbours: new Set(),
    forwarding: new Set(),
    addresses: new Set(),
  };
  const local = new Map(
    Object.values(program.ports).flatMap((port) =>
      Object.keys(port.addresses).map((address) => [address, port] as const),
    ),
  );
  const here: Here = { program, place, local, draft };
  const ports = new Map<number, PortLink>();
  for (const port of Object.values(program.ports)) {
    ports.set(port.mark, { mark: port.mark, mac: port.mac, mtu: port.mtu, isForwarding: port.forwarding });
    for (const address of [gatewaySix, probeSources[6]])
      draft.addresses.add(`${address}/64 dev ${portName(port.mark)}`);
    for (const address of Object.keys(port.addresses))
      draft.neighbours.add(`${address} lladdr ${port.mac} dev ${portName(port.mark)}`);
  }
  for (const address of [...program.gateways, platformAddress])
    draft.addresses.add(`${address}/${familyOf(address) === 4 ? 32 : 128} dev lo`);
  wires(here);
  mainRoutes(here, { table: mainTable, isForeign: false });
  mainRoutes(here, { table: foreignMain, isForeign: true });
  draft.rules.add(`pref 200 fwmark ${hex(foreignBit)}/${hex(foreignBit)} lookup ${foreignMain}`);
  policyTables(here);
  if (place.resolver !== '') platformRoutes(here);
  labelledRoutes(here);
  return { ports, ...draft };
}

/** Permanent neighbours of all next hops, and the tunnel's forwarding entries: nothing is learned. */
function wires({ program, place, draft }: Here): void {
  draft.neighbours.add(`${wireFour} lladdr ${wireMacs[0]} dev uplink`);
  draft.neighbours.add(`${wireSix} lladdr ${wireMacs[0]} dev uplink`);
  const hosts = new Set([...Object.keys(place.others), ...Object.values(program.remotes).map(({ host }) => host)]);
  for (const host of hosts) {
    const underlay = place.others[host];
    if (underlay === undefined) continue;
    for (const isForeign of [false, true]) {
      const mac = tunnelMac(host, isForeign);
      for (const family of families)
        draft.neighbours.add(`${tunnelHop(host, { isForeign, family })} lladdr ${mac} dev vx`);
      draft.forwarding.add(`${mac} dev vx dst ${underlay}`);
    }
  }
  for (const [address, remote] of Object.entries(program.remotes)) {
    const underlay = place.others[remote.host];
    if (!remote.forwarding || underlay === undefined) continue;
    draft.neighbours.add(`${address} lladdr ${labelMac(remote.mark)} dev vx`);
    draft.forwarding.add(`${labelMac(remote.mark)} dev vx dst ${underlay}`);
  }
  for (const key of place.peers) {
    const dev = peerName(key);
    for (const isForeign of [false, true]) {
      for (const family of families)
        draft.neighbours.add(
          `${peerHop({ isForeign, family })} lladdr ${peerMac(key, program.key, isForeign)} dev ${dev}`,
        );
    }
    for (const [address, { mark, forwarding }] of Object.entries(program.peers[key]?.addresses ?? {})) {
      if (forwarding) draft.neighbours.add(`${address} lladdr ${labelMac(mark)} dev ${dev}`);
    }
  }
}

/** Where each address is: here, over the tunnel, or in a peer's router. What is not listed does not exist. */
function mainRoutes(
  { program, place, local, draft }: Here,
  { table, isForeign }: { table: number; isForeign: boolean },
): void {
  for (const [address, port] of local) draft.routes.add(`${whole(address)} dev ${portName(port.mark)} table ${table}`);
  for (const [address, remote] of Object.entries(program.remotes)) {
    if (local.has(address) || place.others[remote.host] === undefined) continue;
    const hop = tunnelHop(remote.host, { isForeign, family: familyOf(address) });
    draft.routes.add(`${whole(address)} via ${hop} dev vx table ${table} onlink`);
  }
  for (const key of place.peers) {
    for (const address of Object.keys(program.peers[key]?.addresses ?? {})) {
      if (local.has(address) || Object.hasOwn(program.remotes, address)) continue;
      const hop = peerHop({ isForeign, family: familyOf(address) });
      draft.routes.add(`${whole(address)} via ${hop} dev ${peerName(key)} table ${table} onlink`);
    }
  }
  for (const family of families) draft.routes.add(`blackhole ${everything(family)} table ${table}`);
}

function whole(address: string): string {
  return `${address}/${familyOf(address) === 4 ? 32 : 128}`;
}

function everything(family: Family): string {
  return family === 4 ? '0.0.0.0/0' : '::/0';
}

/** One kernel table per route table in use; a second one for what NVAs send on with foreign sources. */
function policyTables(here: Here): void {
  const { program, draft } = here;
  const numbers = tableNumbers(program);
  for (const [key, table] of Object.entries(program.tables)) {
    const number = numbers.get(key) ?? 0;
    const users = Object.values(program.ports).filter((port) => port.table === key);
    if (users.length === 0) continue;
    const bits = number << tableShift;
    draft.rules.add(`pref 110 fwmark ${hex(bits)}/${tableMask} lookup ${routeTableBase + number}`);
    tableRoutes(here, { table, number: routeTableBase + number, isForeign: false });
    if (!users.some((port) => port.forwarding)) continue;
    draft.rules.add(
      `pref 100 fwmark ${hex(foreignBit | bits)}/${hex(foreignBit | (tableIndexMask << tableShift))} lookup ${foreignTableBase + number}`,
    );
    tableRoutes(here, { table, number: foreignTableBase + number, isForeign: true });
  }
}

/** What is for the platform leaves by the uplink, whatever the tenant's address space and routes are. */
function platformRoutes({ draft }: Here): void {
  const number = routeTableBase + platformTable;
  draft.rules.add(`pref 110 fwmark ${hex(platformTable << tableShift)}/${tableMask} lookup ${number}`);
  draft.routes.add(`0.0.0.0/0 via ${wireFour} dev uplink table ${number} onlink`);
  draft.routes.add(`blackhole ::/0 table ${number}`);
}

type Wanted = { readonly table: RouteTable; readonly number: number; readonly isForeign: boolean };

function tableRoutes(here: Here, { table, number, isForeign }: Wanted): void {
  const { draft } = here;
  const routes = parsedRoutes(table);
  for (const { text, prefix, hop } of routes)
    draft.routes.add(
      routeText(here, { text, family: prefix.family, hop, isForeign }).replace('TABLE', `table ${number}`),
    );
  for (const family of families) {
    if (!routes.some(({ prefix }) => prefix.family === family && prefix.length === 0))
      draft.routes.add(`blackhole ${everything(family)} table ${number}`);
  }
  for (const address of misplaced(here, routes)) draft.routes.add(`blackhole ${whole(address)} table ${number}`);
}

type Parsed = { readonly text: string; readonly prefix: Prefix; readonly hop: NextHop };

function parsedRoutes(table: RouteTable): Parsed[] {
  return Object.entries(table.routes).flatMap(([text, { hop }]) => {
    const prefix = tryPrefix(text);
    return prefix === undefined ? [] : [{ text, prefix, hop }];
  });
}

function routeText(
  here: Here,
  { text, family, hop, isForeign }: { text: string; family: Family; hop: NextHop; isForeign: boolean },
): string {
  switch (hop.kind) {
    case 'none':
      return `blackhole ${text} TABLE`;
    case 'local':
    case 'peer':
      // The main table knows where each address is; `misplaced` closes what it would find beyond this route's meaning.
      return `throw ${text} TABLE`;
    case 'internet':
      return isForeign
        ? `blackhole ${text} TABLE`
        : `${text} via ${family === 4 ? wireFour : wireSix} dev uplink TABLE onlink`;
    case 'appliance': {
      const dev = familyOf(hop.address) === family ? applianceLink(here, hop.address) : undefined;
      return dev === undefined ? `blackhole ${text} TABLE` : `${text} via ${hop.address} dev ${dev} TABLE onlink`;
    }
  }
}

/** The link towards a NIC that forwards: here, over the tunnel, or in a peer. */
function applianceLink({ program, place, local }: Here, address: string): string | undefined {
  const port = local.get(address);
  if (port !== undefined) return port.forwarding ? portName(port.mark) : undefined;
  const remote = program.remotes[address];
  if (remote !== undefined) return remote.forwarding && place.others[remote.host] !== undefined ? 'vx' : undefined;
  for (const key of Object.keys(program.peers)) {
    const listed = program.peers[key]?.addresses[address];
    if (listed !== undefined) return listed.forwarding && place.peers.includes(key) ? peerName(key) : undefined;
  }
  return undefined;
}

/** Addresses that the main table would reach although this table's longest route means another VNet. */
function misplaced({ program, place, local }: Here, routes: readonly Parsed[]): string[] {
  const owners = new Map<string, string>();
  for (const key of place.peers)
    for (const address of Object.keys(program.peers[key]?.addresses ?? {})) owners.set(address, key);
  for (const address of [...local.keys(), ...Object.keys(program.remotes)]) owners.set(address, '');
  const exact = new Set(routes.map(({ text }) => text));
  const found: string[] = [];
  for (const [text, owner] of owners) {
    const address = tryAddress(text);
    if (address === undefined || exact.has(whole(text))) continue;
    const hop = longest(routes, address)?.hop;
    if (hop === undefined || (hop.kind !== 'local' && hop.kind !== 'peer')) continue;
    if (owner !== (hop.kind === 'local' ? '' : hop.vnet)) found.push(text);
  }
  return found;
}

function longest(routes: readonly Parsed[], address: Address): Parsed | undefined {
  let best: Parsed | undefined;
  for (const route of routes)
    if (holds(route.prefix, address) && route.prefix.length > (best?.prefix.length ?? -1)) best = route;
  return best;
}

/** A labelled packet goes to its NIC whatever its target says. */
function labelledRoutes({ program, place, draft }: Here): void {
  const add = (mark: number, addresses: readonly string[], dev: string) => {
    const number = labelledTableBase + mark;
    draft.rules.add(`pref 50 fwmark ${hex(labelledBit | mark)}/${hex(labelledBit | 0xffff)} lookup ${number}`);
    for (const family of families) {
      const hop = addresses.find((address) => familyOf(address) === family);
      draft.routes.add(
        hop === undefined
          ? `blackhole ${everything(family)} table ${number}`
          : `${everything(family)} via ${hop} dev ${dev} table ${number} onlink`,
      );
    }
  };
  for (const port of Object.values(program.ports))
    if (port.forwarding) add(port.mark, Object.keys(port.addresses), portName(port.mark));
  const far = Object.entries(program.remotes).filter(
    ([, remote]) => remote.forwarding && place.others[remote.host] !== undefined,
  );
  for (const mark of new Set(far.map(([, remote]) => remote.mark))) {
    add(
      mark,
      far.filter(([, remote]) => remote.mark === mark).map(([address]) => address),
      'vx',
    );
  }
}

const tableMask = hex(foreignBit | labelledBit | (tableIndexMask << tableShift));

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
