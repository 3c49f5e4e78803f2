/** The oracle's steps inside a VNet's router: spoofing, filters, balances, routes, tunnels and peers. */

import { tryAddress } from '#base/prefix.ts';
import { never } from '#base/wrong.ts';
import { filterVerdict, type Header, isIn, longestPrefix } from '#program/filter.ts';
import { martians, platformAddress } from '#program/martian.ts';
import { openingFor } from '#program/opening.ts';
import type { Balance, Port, Programs, Remote, Route, RouterProgram, RouteTable } from '#program/program.ts';
import {
  deliver,
  drop,
  goOn,
  own,
  passSwitch,
  pointOf,
  type Place,
  programAt,
  routerPoint,
  type Step,
  type Walk,
} from '#program/walk.ts';

/** The point of the router that has the port of this mark. */
export function routerOfMark(programs: Programs, mark: number): string | undefined {
  for (const [point, program] of Object.entries(programs)) {
    if (program.kind === 'router' && portOfMark(program, mark) !== undefined) return point;
  }
  return undefined;
}

const portsByMark = new WeakMap<RouterProgram, ReadonlyMap<number, Port>>();

function portOfMark(router: RouterProgram, mark: number): Port | undefined {
  let ports = portsByMark.get(router);
  if (ports === undefined) {
    ports = new Map(Object.values(router.ports).map((port) => [port.mark, port]));
    if (Object.isFrozen(router)) portsByMark.set(router, ports);
  }
  return ports.get(mark);
}

function portOfAddress(router: RouterProgram, address: string): Port | undefined {
  return Object.values(router.ports).find((port) => Object.hasOwn(port.addresses, address));
}

/** A packet leaves a guest. */
export function atGuest(walk: Walk, { point, mark }: Extract<Place, { kind: 'guest' }>, packet: Header): Step {
  const router = programAt(walk, point, 'router');
  const port = router === undefined ? undefined : portOfMark(router, mark);
  if (router === undefined || port === undefined) {
    return drop(walk, { point, step: 'spoof', because: `no port has mark ${mark}` });
  }
  return (
    spoofed(walk, { router, port }, packet) ??
    answered(walk, { router, port }, packet) ??
    judged(walk, { router, names: port.outbound }, packet) ??
    balanced(walk, { router, port }, packet) ??
    routed(walk, { router, port }, packet)
  );
}

type Here = { readonly router: RouterProgram; readonly port: Port };

/** A source must be the NIC's own; a forwarding NIC may send for others, but never as the platform or nobody. */
function spoofed(walk: Walk, { router, port }: Here, packet: Header): Step | undefined {
  const point = pointOf(router);
  const isOwn = Object.hasOwn(port.addresses, packet.source);
  if (!isOwn && !port.forwarding) {
    return drop(walk, { point, step: 'spoof', because: `spoof: ${packet.source} is not an address of the NIC` });
  }
  if (!isOwn && (isIn(martians, packet.source) || isPlatform(router, packet.source))) {
    return drop(walk, { point, step: 'spoof', because: `spoof: ${packet.source} may not be forwarded` });
  }
  return undefined;
}

function isPlatform(router: RouterProgram, address: string): boolean {
  return address === platformAddress || router.gateways.includes(address);
}

/** What is not judged by any filter: a gateway's ping, the way to the resolver; and what has no way anywhere. */
function answered(walk: Walk, { router, port }: Here, packet: Header): Step | undefined {
  const point = pointOf(router);
  if (isIn(martians, packet.target)) {
    return drop(walk, { point, step: 'route', because: `martian: ${packet.target} is not a unicast target` });
  }
  if (!isPlatform(router, packet.target)) return undefined;
  const isResolver =
    packet.target === platformAddress &&
    (packet.protocol === 'udp' || packet.protocol === 'tcp') &&
    packet.targetPort === 53;
  const isPing = packet.target !== platformAddress && packet.protocol === 'icmp';
  if (!isResolver && !isPing) {
    return drop(walk, { point, step: 'answer', because: `platform: ${packet.target} does not answer this` });
  }
  if (isResolver) return toResolver(walk, { router, port }, packet);
  return deliver(
    walk,
    { point, step: 'answer', because: 'platform: gateway echo' },
    { at: { kind: 'router' }, packet },
  );
}

/** The stamp's resolver answers for the platform's address; it knows who asks by the label. */
function toResolver(walk: Walk, { router, port }: Here, packet: Header): Step {
  const point = pointOf(router);
  const resolver = programAt(walk, 'resolver', 'resolver');
  if (resolver === undefined) return drop(walk, { point, step: 'answer', because: 'platform: there is no resolver' });
  const label = own(port.addresses, packet.source)?.label;
  if (label === undefined) {
    const because = `translate: ${packet.source} is not an address of the NIC`;
    return drop(walk, { point, step: 'translate', because });
  }
  walk.hops.push(
    { point, step: 'answer', because: 'platform: resolver' },
    { point, step: 'translate', because: `label ${label}` },
  );
  return goOn({ kind: 'infra' }, { ...packet, source: label, target: resolver.address });
}

function judged(
  walk: Walk,
  { router, names }: { router: RouterProgram; names: readonly string[] },
  packet: Header,
): Step | undefined {
  const point = pointOf(router);
  for (const name of names) {
    const filter = own(router.filters, name);
    if (filter === undefined) return drop(walk, { point, step: 'filter', because: `${name}: no such filter` });
    const { verdict, because, rule } = filterVerdict(filter, router.sets, packet);
    const says = rule === undefined ? `${name}: ${because}` : because;
    if (verdict === 'deny') return drop(walk, { point, step: 'filter', because: says });
    walk.hops.push({ point, step: 'filter', because: says });
  }
  return undefined;
}

/** Does the balance speak of this packet? `any` means the protocols that have ports (Azure: HA ports are TCP and UDP). */
function balanceMatches(balance: Balance, packet: Header): boolean {
  return (
    balance.frontend === packet.target &&
    (packet.protocol === 'tcp' || packet.protocol === 'udp') &&
    (balance.protocol === 'any' || balance.protocol === packet.protocol) &&
    (balance.port === 0 || balance.port === packet.targetPort)
  );
}

/** The balance that takes the packet: a rule for one port goes before one for all ports, then the first key. */
export function balanceFor(balances: { readonly [key: string]: Balance }, packet: Header): Balance | undefined {
  const fitting = Object.keys(balances)
    .sort()
    .map((key) => balances[key])
    .filter((balance) => balance !== undefined && balanceMatches(balance, packet));
  return fitting.find((balance) => balance?.port !== 0) ?? fitting[0];
}

/** Is the address the frontend of any balance? */
export function isFrontend(balances: { readonly [key: string]: Balance }, address: string): boolean {
  return Object.values(balances).some(({ frontend }) => frontend === address);
}

/** The packet as it leaves a balance towards one of its targets. */
export function rewritten(balance: Balance, packet: Header, target: string): Header {
  return { ...packet, target, targetPort: balance.port === 0 ? packet.targetPort : balance.targetPort };
}

function balanced(walk: Walk, here: Here, packet: Header): Step | undefined {
  const { balances } = here.router;
  if (!isFrontend(balances, packet.target)) return undefined;
  const point = pointOf(here.router);
  const balance = balanceFor(balances, packet);
  if (balance === undefined) {
    return drop(walk, { point, step: 'balance', because: `balance: ${packet.target} has no rule for this` });
  }
  const targets = balanceTargets(balance, own(here.router.tables, here.port.table)).targets;
  if (targets.length === 0) {
    return drop(walk, { point, step: 'balance', because: `${balance.because}: no healthy target` });
  }
  walk.hops.push({ point, step: 'balance', because: balance.because });
  const steps = targets.map((target) => routed(walk, here, rewritten(balance, packet, target)));
  const to = steps.flatMap((step) => (step.kind === 'on' ? step.to : []));
  const drops = steps.flatMap((step) => (step.kind === 'drop' ? [step.because] : []));
  return to.length > 0 ? { kind: 'on', to, drops } : steps[0];
}

/**
 * The targets that a sender with this table may get, sorted. When the table sends some of them through an appliance, it is
 * these alone: what a tenant routes through an appliance must not go around it, and one flow has one kind of state.
 */
export function balanceTargets(
  balance: Balance,
  table: RouteTable | undefined,
): { readonly targets: readonly string[]; readonly areBehindAppliance: boolean } {
  const all = Object.keys(balance.targets).sort();
  const behind = all.filter((target) => routeTo(table, target)?.hop.kind === 'appliance');
  return behind.length > 0
    ? { targets: behind, areBehindAppliance: true }
    : { targets: all, areBehindAppliance: false };
}

/** The route of a table that decides for an address: the longest prefix that holds it. */
function routeTo(table: RouteTable | undefined, address: string): Route | undefined {
  const routes = table?.routes ?? {};
  const target = tryAddress(address);
  const prefix = target === undefined ? undefined : longestPrefix(Object.keys(routes), target);
  return prefix === undefined ? undefined : routes[prefix];
}

/** The longest prefix of the port's table decides where the packet goes. */
function routed(walk: Walk, { router, port }: Here, packet: Header): Step {
  const point = pointOf(router);
  const route = routeTo(own(router.tables, port.table), packet.target);
  if (route === undefined) return drop(walk, { point, step: 'route', because: `${port.table}: no route` });
  const because = route.because;
  switch (route.hop.kind) {
    case 'none':
      return drop(walk, { point, step: 'route', because });
    case 'local':
      return handed(walk, { router, because, via: packet.target, forwarding: false }, packet);
    case 'peer':
      return toPeer(walk, { router, key: route.hop.vnet, because, via: packet.target, forwarding: false }, packet);
    case 'appliance':
      return toAppliance(walk, { router, because, via: route.hop.address, forwarding: true }, packet);
    case 'internet': {
      const label = own(port.addresses, packet.source)?.label;
      if (label === undefined) {
        return drop(walk, {
          point,
          step: 'translate',
          because: `translate: ${packet.source} is not an address of the NIC`,
        });
      }
      walk.hops.push({ point, step: 'route', because }, { point, step: 'translate', because: `label ${label}` });
      return goOn({ kind: 'uplink' }, { ...packet, source: label });
    }
    default:
      return never(route.hop);
  }
}

type Way = {
  readonly router: RouterProgram;
  readonly because: string;
  readonly via: string;
  readonly forwarding: boolean;
};

/** To the NIC of this VNet that has the address `via`, here or over the tunnel. */
function handed(walk: Walk, { router, because, via, forwarding }: Way, packet: Header): Step {
  const point = pointOf(router);
  const port = portOfAddress(router, via);
  const remote = port === undefined ? own(router.remotes, via) : undefined;
  const found = port ?? remote;
  if (found === undefined) return drop(walk, { point, step: 'route', because: `${because}: no NIC has ${via}` });
  if (forwarding && !found.forwarding) {
    return drop(walk, { point, step: 'route', because: `${because}: the NIC of ${via} does not forward` });
  }
  walk.hops.push({ point, step: 'route', because });
  if (remote !== undefined) return tunneled(walk, router, { remote, packet });
  return goOn({ kind: 'arrival', point, mark: found.mark }, packet);
}

/** The switch carries the tunnel's own packet: UDP 4789 from host to host (RFC 7348). */
function tunneled(walk: Walk, router: RouterProgram, { remote, packet }: { remote: Remote; packet: Header }): Step {
  const host = programAt(walk, `host/${router.host}`, 'host');
  const target = host === undefined ? undefined : own(host.others, remote.host);
  if (host === undefined || target === undefined) {
    return drop(walk, {
      point: `host/${router.host}`,
      step: 'route',
      because: `tunnel: ${remote.host} is no other host`,
    });
  }
  const outer: Header = { source: host.underlay, target, protocol: 'udp', sourcePort: 49_152, targetPort: 4789 };
  const refused = passSwitch(walk, outer);
  if (refused !== undefined) return refused;
  return goOn({ kind: 'arrival', point: routerPoint(router.key, remote.host), mark: remote.mark }, packet);
}

function toPeer(walk: Walk, way: Way & { readonly key: string }, packet: Header): Step {
  const point = pointOf(way.router);
  const listed = own(own(way.router.peers, way.key)?.addresses ?? {}, way.via);
  if (listed === undefined) {
    return drop(walk, { point, step: 'route', because: `${way.because}: no NIC has ${way.via}` });
  }
  walk.hops.push({ point, step: 'route', because: way.because });
  const peer = routerPoint(way.key, way.router.host);
  return goOn({ kind: 'entry', point: peer, from: way.router.key, via: way.via }, packet);
}

/** To an NVA, headers unchanged: in this VNet, or in a peer. */
function toAppliance(walk: Walk, way: Way, packet: Header): Step {
  const { router, via } = way;
  const isHere = portOfAddress(router, via) !== undefined || Object.hasOwn(router.remotes, via);
  if (isHere) return handed(walk, way, packet);
  for (const key of Object.keys(router.peers).sort()) {
    const listed = own(router.peers[key]?.addresses ?? {}, via);
    if (listed === undefined) continue;
    if (listed.forwarding) return toPeer(walk, { ...way, key }, packet);
    return drop(walk, {
      point: pointOf(router),
      step: 'route',
      because: `${way.because}: the NIC of ${via} does not forward`,
    });
  }
  return drop(walk, { point: pointOf(router), step: 'route', because: `${way.because}: no NIC has ${via}` });
}

/** A packet enters from a peered VNet's router on the same host. */
export function atEntry(walk: Walk, { point, from, via }: Extract<Place, { kind: 'entry' }>, packet: Header): Step {
  const router = programAt(walk, point, 'router');
  const peer = router === undefined ? undefined : own(router.peers, from);
  if (router === undefined || peer === undefined) {
    return drop(walk, { point, step: 'boundary', because: `peer/${from}: not peered` });
  }
  if (isPlatform(router, packet.source)) {
    return drop(walk, { point, step: 'boundary', because: `platform: ${packet.source} is this network's own` });
  }
  if (!peer.forwarded && !isIn(peer.prefixes, packet.source)) {
    return drop(walk, { point, step: 'boundary', because: `peer/${from}: forwarded traffic is not accepted` });
  }
  return handed(walk, { router, because: `peer/${from}`, via, forwarding: false }, packet);
}

/** A packet is at the router of the NIC that shall get it: inbound filters, then the guest. */
export function atArrival(walk: Walk, { point, mark }: Extract<Place, { kind: 'arrival' }>, packet: Header): Step {
  const router = programAt(walk, point, 'router');
  const port = router === undefined ? undefined : portOfMark(router, mark);
  if (router === undefined || port === undefined) {
    return drop(walk, { point, step: 'deliver', because: `no port has mark ${mark}` });
  }
  const opening = openingFor(router, port, packet);
  if (opening === undefined) {
    const refused = judged(walk, { router, names: port.inbound }, packet);
    if (refused !== undefined) return refused;
  } else walk.hops.push({ point, step: 'filter', because: opening.because });
  return deliver(walk, { point, step: 'deliver', because: `nic/${mark}` }, { at: { kind: 'nic', mark }, packet });
}

/** A health probe from the router to one of its own NICs. */
export function atProbe(walk: Walk, point: string, packet: Header): Step {
  const router = programAt(walk, point, 'router');
  if (router === undefined) return drop(walk, { point, step: 'spoof', because: `${point}: no such router` });
  const port = portOfAddress(router, packet.target);
  if (port === undefined)
    return drop(walk, { point, step: 'route', because: `probe: no NIC here has ${packet.target}` });
  if (!isIn(own(router.sets, 'probe') ?? [], packet.source)) {
    return drop(walk, { point, step: 'spoof', because: `probe: ${packet.source} is not the probe's address` });
  }
  return goOn({ kind: 'arrival', point, mark: port.mark }, packet);
}

/**
 * A packet comes from the boundary for a label: to the NIC address that the label stands for. One that a NIC sent to its own
 * public address may come back as the very mirror of what left (`sent`): then it is the answer, which no filter judges.
 */
export function fromUplink(
  walk: Walk,
  point: string,
  { packet, sent }: { readonly packet: Header; readonly sent?: Header | undefined },
): Step {
  const router = programAt(walk, point, 'router');
  if (router !== undefined && isPlatform(router, packet.source)) {
    return drop(walk, { point, step: 'boundary', because: `platform: ${packet.source} is this network's own` });
  }
  for (const port of Object.values(router?.ports ?? {})) {
    for (const [address, { label }] of Object.entries(port.addresses)) {
      if (label !== packet.target) continue;
      walk.hops.push({ point, step: 'translate', because: `label ${label}` });
      const arrived = { ...packet, target: address };
      if (sent !== undefined && isMirror(sent, packet)) {
        const at = { kind: 'nic', mark: port.mark } as const;
        return deliver(
          walk,
          { point, step: 'deliver', because: `nic/${port.mark}: to itself` },
          { at, packet: arrived },
        );
      }
      return goOn({ kind: 'arrival', point, mark: port.mark }, arrived);
    }
  }
  return drop(walk, { point, step: 'translate', because: `label ${packet.target}: no NIC has it` });
}

/** Would connection tracking take the second packet for the answer to the first? An echo request is never one. */
function isMirror(sent: Header, back: Header): boolean {
  return (
    back.protocol !== 'icmp' &&
    back.protocol === sent.protocol &&
    back.source === sent.target &&
    back.target === sent.source &&
    back.sourcePort === sent.targetPort &&
    back.targetPort === sent.sourcePort
  );
}
