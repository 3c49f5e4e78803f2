/** The stamp's own addresses and endpoints, and the one list of what counts as Internet (decisions D2.6, D5). */

import {
  mergePrefixes,
  parsePrefix,
  type Prefix,
  printAddress,
  printPrefix,
  subtract,
  tryPrefix,
} from '#base/prefix.ts';
import type { StampFacts } from '#model/resource.ts';

/** A stamp's fixed networks. */
export type StampNetworks = {
  /** Label addresses of NICs, IPv4 and IPv6. */
  readonly labels: readonly string[];
  readonly infra: string;
  readonly underlay: string;
  /** The link between the root namespace and the boundary. */
  readonly operator: string;
  /** What lies beyond the boundary in the lab's own internet namespace. */
  readonly internet: readonly string[];
};

/** The networks of stamp N (decision D5). */
export function stampNetworks(number: number): StampNetworks {
  return {
    labels: [`100.${64 + number}.0.0/16`, `fd52:${(0x5700 + number).toString(16)}::/96`],
    infra: `10.255.${number}.0/24`,
    underlay: `10.254.${number}.0/24`,
    operator: `169.254.${64 + number}.0/30`,
    internet: ['198.51.100.0/24', '203.0.113.0/24', '2001:db8:ffff::/48'],
  };
}

/** The underlay address of a host: h1 has .1. */
export function underlayAddress(number: number, hostIndex: number): string {
  return `10.254.${number}.${hostIndex + 1}`;
}

/** The addresses of the operator's link: the root namespace, and the boundary. */
export function operatorAddresses(number: number): { readonly root: string; readonly edge: string } {
  return { root: `169.254.${64 + number}.1`, edge: `169.254.${64 + number}.2` };
}

/** The address at an offset in the stamp's public IPv4 pool. */
export function poolAddress({ publicPools }: StampFacts, offset: number): string {
  const first = poolFirsts.get(publicPools) ?? firstOfPool(publicPools);
  return first === undefined ? '' : printAddress({ family: 4, value: first + BigInt(offset) });
}

// Asked for once per NIC: parsed once per list of pools.
const poolFirsts = new WeakMap<readonly string[], bigint>();

function firstOfPool(publicPools: readonly string[]): bigint | undefined {
  const first = publicPools.map((text) => tryPrefix(text)).find((prefix) => prefix?.family === 4)?.first;
  if (first !== undefined) poolFirsts.set(publicPools, first);
  return first;
}

/** Where the stamp's resolver listens: behind the platform's address of every VNet (decision D5). */
export function resolverAddress(number: number): string {
  return `10.255.${number}.53`;
}

/** The domain of a VNet's own names, as NICs show it (`internalDomainNameSuffix`). */
export function internalDomain({ zone }: Pick<StampFacts, 'zone'>): string {
  return `internal.cloudapp.${zone}`;
}

/** An endpoint of the stamp: where it is published, where it listens, and who may connect. */
export type Endpoint = {
  readonly name: string;
  readonly address: string;
  readonly target: string;
  readonly port: number;
  readonly sources: readonly string[];
};

/**
 * The published endpoints. Tenants' endpoints take anybody that the boundary lets in; the administration's only the
 * operator's own link (decision D4.6: it is no tenant's business).
 */
export function publishedEndpoints(stamp: StampFacts): readonly Endpoint[] {
  const everyone = ['0.0.0.0/0'];
  const rows: readonly [name: string, offset: number, sources: readonly string[]][] = [
    ['management', 4, everyone],
    ['adminmanagement', 5, [stampNetworks(stamp.number).operator]],
    ['adfs', 6, everyone],
    ['graph', 7, everyone],
  ];
  return rows.map(([name, offset, sources]) => {
    const target = `10.255.${stamp.number}.${offset}`;
    return { name, address: poolAddress(stamp, offset), target, port: 443, sources };
  });
}

/** Default SNAT: a NIC's mark gives the shared address and the ports; undefined when the shared addresses are used up. */
export function defaultSource(
  stamp: StampFacts,
  mark: number,
): { address: string; ports: readonly [number, number] } | undefined {
  const place = Math.floor((mark - 1) / defaultBlocksPerAddress);
  if (place > defaultSourceLast - defaultSourceFirst) return undefined;
  const first = 1024 + defaultBlockSize * ((mark - 1) % defaultBlocksPerAddress);
  return { address: poolAddress(stamp, defaultSourceFirst + place), ports: [first, first + defaultBlockSize - 1] };
}

const defaultSourceFirst = 16;
const defaultSourceLast = 31;
/** Ports of a NIC's default block. */
export const defaultBlockSize = 256;
// 1024 + 252 · 256 = 65536: the blocks end exactly with the last port.
const defaultBlocksPerAddress = 252;

/**
 * Never Internet, in every profile (D2.6). 168.63.129.16 is the stamp's own. `::/8` stands for `::` and `::1`: all of it is
 * reserved (RFC 4291 §2.4), and leaving out two addresses of it would make a list of a hundred prefixes.
 */
const neverInternet = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '224.0.0.0/3',
  '::/8',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
];

/** Documentation and benchmark ranges (RFC 5737, RFC 2544, RFC 3849): the lab's internet is made of them. */
const labOnlyInternet = ['192.0.2.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32'];

/** What is not Internet, IPv4 first, ascending. */
export function privatePrefixes(profile: StampFacts['profile']): readonly string[] {
  return (profile === 'lab' ? lists.lab : lists.host).closed;
}

/** The `Internet` tag: exactly the complement of `privatePrefixes`. */
export function internetPrefixes(profile: StampFacts['profile']): readonly string[] {
  return (profile === 'lab' ? lists.lab : lists.host).open;
}

function listsOf(texts: readonly string[]): { closed: readonly string[]; open: readonly string[] } {
  const closed = mergePrefixes(texts.map((text) => parsePrefix(text)));
  const open = ['0.0.0.0/0', '::/0'].flatMap((all) => without(parsePrefix(all), closed));
  return { closed: Object.freeze(closed.map(printPrefix)), open: Object.freeze(open.map(printPrefix)) };
}

function without(all: Prefix, holes: readonly Prefix[]): Prefix[] {
  return holes.reduce<Prefix[]>((left, hole) => left.flatMap((prefix) => subtract(prefix, hole)), [all]);
}

const lists = { lab: listsOf(neverInternet), host: listsOf([...neverInternet, ...labOnlyInternet]) };
