/** Random packets for a stamp, biased to the edges: addresses that exist and their neighbours, ports of rules and theirs. */

import { printAddress, tryAddress, tryPrefix } from '#base/prefix.ts';
import type { Origin, Packet } from '#program/packet.ts';
import type { Filter, Programs, RouterProgram } from '#program/program.ts';
import type { Random } from '#test/generate/random.ts';

/** What a packet may be about, gathered once per set of programs. */
export type PacketPool = {
  readonly ports: readonly {
    readonly point: string;
    readonly mark: number;
    readonly addresses: readonly string[];
    readonly forwarding: boolean;
  }[];
  readonly four: readonly string[];
  readonly six: readonly string[];
  readonly services: readonly number[];
  /** The stamp's own endpoints, tried more often than chance would. */
  readonly published: readonly { readonly address: string; readonly port: number }[];
};

/** `spoof`: how often a NIC sends with a source that is not its own. `probe`: with probes from routers. */
export type PacketOptions = {
  readonly spoof?: number;
  readonly probe?: boolean;
  readonly protocols?: readonly Packet['protocol'][];
};

const everyProtocol: readonly Packet['protocol'][] = ['tcp', 'tcp', 'tcp', 'udp', 'udp', 'icmp', 'esp', 'ah'];

/** A packet of the pool. */
export function randomPacket(
  random: Random,
  pool: PacketPool,
  { spoof = 0.1, probe = true, protocols = everyProtocol }: PacketOptions = {},
): Packet {
  const protocol = random.pick(protocols);
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  const isOutside = pool.ports.length === 0 || random.chance(0.3);
  const { origin, source } = isOutside ? outside(random, pool) : inside(random, pool, { spoof, probe });
  const isFour = (tryAddress(source)?.family ?? 4) === 4;
  const targets = isFour ? pool.four : pool.six;
  if (isFour && pool.published.length > 0 && random.chance(0.05)) {
    const { address, port } = random.pick(pool.published);
    return { origin, source, target: address, protocol: 'tcp', sourcePort: 50_000, targetPort: port };
  }
  return {
    origin,
    source,
    target: targets.length === 0 ? source : random.pick(targets),
    protocol,
    sourcePort: hasPorts ? random.pick([1024, 39_999, 40_000, 50_000, 60_000, 60_001]) : 0,
    targetPort: hasPorts ? random.pick(pool.services) : 0,
  };
}

function inside(
  random: Random,
  pool: PacketPool,
  { spoof, probe }: { spoof: number; probe: boolean },
): { origin: Origin; source: string } {
  const port = random.pick(pool.ports);
  if (probe && random.chance(0.05)) return { origin: { kind: 'probe', point: port.point }, source: '168.63.129.16' };
  const isForeign = random.chance(port.forwarding ? 0.5 : spoof);
  const all = random.chance(0.7) || pool.six.length === 0 ? pool.four : pool.six;
  return {
    origin: { kind: 'nic', mark: port.mark },
    source: isForeign ? random.pick(all) : random.pick(port.addresses),
  };
}

const internetFour = ['203.0.113.9', '203.0.113.255', '198.51.100.1', '198.51.100.128', '203.0.113.10'];
const internetSix = ['2001:db8:ffff::1', '2001:db8:ffff::9'];

function outside(random: Random, pool: PacketPool): { origin: Origin; source: string } {
  if (random.chance(0.1))
    return { origin: { kind: 'operator' }, source: random.pick(['169.254.64.1', '169.254.64.2', '203.0.113.9']) };
  const isFour = random.chance(0.75) || pool.six.length === 0;
  const usual = isFour ? internetFour : internetSix;
  const source = random.chance(0.1) ? random.pick(isFour ? pool.four : pool.six) : random.pick(usual);
  return { origin: { kind: 'internet' }, source };
}

/** Gathers the pool of a stamp's programs. */
export function packetPool(programs: Programs): PacketPool {
  const four = new Set<string>([
    ...internetFour,
    '168.63.129.16',
    '8.8.8.8',
    '192.168.1.1',
    '255.255.255.255',
    '224.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '10.255.0.4',
  ]);
  const six = new Set<string>([...internetSix, 'ff02::1', 'fe80::1', '::1', 'fc00::1']);
  const services = new Set<number>([22, 53, 80, 443, 65_535]);
  const ports: PacketPool['ports'][number][] = [];
  const published: PacketPool['published'][number][] = [];
  const note = (text: string) => {
    for (const near of neighbours(text)) (near.includes(':') ? six : four).add(near);
  };
  for (const [point, program] of Object.entries(programs)) {
    if (program.kind === 'edge') {
      published.push(...Object.values(program.published));
      for (const address of [...Object.keys(program.publics), ...published.map((endpoint) => endpoint.address)])
        note(address);
      for (const { frontend, port, targetPort } of Object.values(program.balances)) {
        note(frontend);
        for (const number of [port, targetPort]) if (number > 0) services.add(number);
      }
    }
    if (program.kind !== 'router') continue;
    gatherRouter(program, { note, services });
    for (const { mark, addresses, forwarding } of Object.values(program.ports)) {
      ports.push({ point, mark, addresses: Object.keys(addresses), forwarding });
    }
  }
  const hasSix = ports.some(({ addresses }) => addresses.some((text) => text.includes(':')));
  return { ports, four: [...four], six: hasSix ? [...six] : [], services: [...services], published };
}

type Notes = { readonly note: (text: string) => void; readonly services: Set<number> };

function gatherRouter(router: RouterProgram, { note, services }: Notes): void {
  for (const port of Object.values(router.ports)) for (const address of Object.keys(port.addresses)) note(address);
  for (const address of [...Object.keys(router.remotes), ...router.gateways]) note(address);
  for (const { frontend, port } of Object.values(router.balances)) {
    note(frontend);
    if (port > 0) services.add(port);
  }
  for (const prefix of router.space) for (const edge of edgesOf(prefix)) note(edge);
  for (const filter of Object.values(router.filters)) gatherPorts(filter, services);
}

function gatherPorts(filter: Filter, services: Set<number>): void {
  for (const { targetPorts } of Object.values(filter.rules)) {
    for (const [first, last] of targetPorts) {
      for (const port of [first - 1, first, last, last + 1]) if (port > 0 && port <= 65_535) services.add(port);
    }
  }
}

function neighbours(text: string): string[] {
  const address = tryAddress(text);
  if (address === undefined) return [];
  return [-1n, 0n, 1n].map((step) => printAddress({ family: address.family, value: address.value + step }));
}

function edgesOf(text: string): string[] {
  const prefix = tryPrefix(text);
  if (prefix === undefined) return [];
  const size = 1n << BigInt((prefix.family === 4 ? 32 : 128) - prefix.length);
  return [prefix.first, prefix.first + size - 2n].map((value) => printAddress({ family: prefix.family, value }));
}

/** The packet with a target that exists from where it starts: without this, most packets would only show that nothing is there. */
export function aimed(random: Random, programs: Programs, packet: Packet): Packet {
  const family = packet.source.includes(':');
  const edge = programs['edge'];
  const outside =
    edge?.kind === 'edge'
      ? [
          ...Object.keys(edge.publics),
          ...Object.values(edge.balances).map(({ frontend }) => frontend),
          ...Object.values(edge.published).map(({ address }) => address),
        ]
      : [];
  const router = Object.values(programs).find(
    (one) =>
      one.kind === 'router' &&
      packet.origin.kind === 'nic' &&
      Object.values(one.ports).some(({ mark }) => packet.origin.kind === 'nic' && mark === packet.origin.mark),
  );
  const inside =
    router?.kind === 'router'
      ? [
          ...Object.values(router.ports).flatMap(({ addresses }) => Object.keys(addresses)),
          ...Object.keys(router.remotes),
          ...Object.values(router.peers).flatMap(({ addresses }) => Object.keys(addresses)),
          ...Object.values(router.balances).map(({ frontend }) => frontend),
          ...internet,
        ]
      : [];
  const fitting = [...inside, ...(random.chance(0.3) || inside.length === 0 ? outside : [])].filter(
    (target) => target.includes(':') === family,
  );
  if (fitting.length === 0) return packet;
  const target = random.pick(fitting);
  const fronts = [edge, router].flatMap((one) =>
    one?.kind === 'edge' || one?.kind === 'router' ? Object.values(one.balances) : [],
  );
  const front = fronts.filter(({ frontend, port }) => frontend === target && port > 0);
  if (front.length === 0 || random.chance(0.3)) return { ...packet, target };
  const { protocol, port } = random.pick(front);
  return { ...packet, target, protocol: protocol === 'udp' ? 'udp' : 'tcp', sourcePort: 50_000, targetPort: port };
}

const internet = ['203.0.113.9', '8.8.8.8', '2001:db8:ffff::9'];
