/** Names, hardware addresses, marks and numbers that one stamp uses in the kernel; all derive from the stamp's number, so that `down` needs no state. */

import { createHash } from 'node:crypto';
import { Bug } from '#base/wrong.ts';

/** Where named network namespaces are bound (iproute2). */
export const namespaceDirectory = '/run/netns';

/** The one table of ours in each family of each namespace. */
export const tableName = 'rw';

/** Marks: bits 0–15 the NIC, 16–29 its route table, 30 a packet of a foreign source (it passed an NVA), 31 a packet labelled for a NIC here. */
export const foreignBit = 0x4000_0000;
export const labelledBit = 0x8000_0000;
export const tableShift = 16;
export const tableIndexMask = 0x3fff;
export const tableIndexMax = tableIndexMask - 1;
/** The table of packets for the platform's services, which go past the tenant's own routes. */
export const platformTable = tableIndexMask;

/** Kernel route tables: 1000 + index, and 20000 + index for packets of a foreign source; 2 is the main table of those. */
export const routeTableBase = 1000;
export const foreignTableBase = 20_000;
export const foreignMain = 2;
export const labelledTableBase = 40_000;

/** Our mark on routes (`proto`), so that reading back finds ours. */
export const routeProtocol = 157;

/** The hardware address of every port's gateway (Azure's). */
export const gatewayMac = '12:34:56:78:9a:bc';

/** The gateway of IPv6 guests (decision D3.4). */
export const gatewaySix = 'fe80::1';

/** Link-local next hops on the wires of the fabric: nobody owns them, permanent neighbours give their hardware address. */
export const wireFour = '169.254.79.1';
export const wireSix = 'fe80::79:1';
export const wireMacs = ['02:57:00:ff:00:01', '02:57:00:ff:00:02'] as const;

/** The interface of a port in its router. */
export function portName(mark: number): string {
  return `n${mark}`;
}

/** The interface towards a peered VNet's router. */
export function peerName(key: string): string {
  return `p${key}`;
}

/** Names of everything of stamp N. */
export function namesOf(stamp: number) {
  const prefix = `rw${stamp}-`;
  return {
    stamp,
    prefix,
    inet: `${prefix}inet`,
    edge: `${prefix}edge`,
    tor: `${prefix}tor`,
    infra: `${prefix}infra`,
    host: (host: string) => `${prefix}${host}`,
    router: (key: string, host: string) => `${prefix}${key}${host}`,
    up: `${prefix}up`,
    scratch: `${prefix}scratch`,
  };
}

export type Names = ReturnType<typeof namesOf>;

/** The namespace of a point of the programs. */
export function namespaceOf(names: Names, point: string): string {
  const [kind, first, second] = point.split('/');
  if (kind === 'edge') return names.edge;
  if (kind === 'switch') return names.tor;
  if (kind === 'infra') return names.infra;
  if (kind === 'host' && first !== undefined) return names.host(first);
  if (kind === 'router' && first !== undefined && second !== undefined) return names.router(first, second);
  throw new Bug(`No namespace belongs to the point "${point}".`);
}

/** The number of a host: `h2` is 2. */
function hostNumber(host: string): number {
  const number = Number(/^h(\d{1,2})$/.exec(host)?.[1]);
  if (!Number.isInteger(number)) throw new Bug(`"${host}" is no host's name.`);
  return number;
}

/** The tunnel's own hardware address on a host, and the one that says "this packet's source is foreign". */
export function tunnelMac(host: string, isForeign: boolean): string {
  return `02:57:00:${isForeign ? 'fc' : 'fd'}:00:${hex2(hostNumber(host))}`;
}

/** The hardware address that means "for the forwarding NIC with this mark": a next-hop label on tunnels and wires between routers. */
export function labelMac(mark: number): string {
  return `02:57:00:f9:${hex2(mark >> 8)}:${hex2(mark & 255)}`;
}

/** The next hop that stands for a host inside a tunnel. */
export function tunnelHop(host: string, { isForeign, family }: { isForeign: boolean; family: 4 | 6 }): string {
  const number = hostNumber(host) + (isForeign ? 100 : 0);
  return family === 4 ? `169.254.77.${number}` : `fe80::77:${number.toString(16)}`;
}

/** Hardware addresses on the wire between two routers: `from`'s end, plain or with the foreign label. */
export function peerMac(from: string, to: string, isForeign: boolean): string {
  return `02:57:00:${isForeign ? 'fa' : 'fb'}:00:${from < to ? '01' : '02'}`;
}

/** The next hop at the other end of a wire between routers. */
export function peerHop({ isForeign, family }: { isForeign: boolean; family: 4 | 6 }): string {
  if (family === 4) return isForeign ? '169.254.78.101' : '169.254.78.1';
  return isForeign ? 'fe80::78:101' : 'fe80::78:1';
}

/** A name that the kernel takes and people can read: the key with odd characters replaced, and a digest that keeps it unique. */
export function kernelName(kind: string, key: string): string {
  const readable = key.replace(/[^A-Za-z0-9]+/g, '_').slice(0, 48);
  return `${kind}_${readable}_${digest8(key)}`;
}

/** Eight hexadecimal digits that stand for a text. */
export function digest8(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/**
 * A number for each key, 1 … `max`, that changes as little as possible when keys come and go: by digest, the next free one
 * where two meet.
 */
export function stableNumbers(keys: readonly string[], max: number): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  if (keys.length > max) throw new Bug(`${keys.length} keys do not fit into ${max} numbers.`);
  for (const key of keys.toSorted()) {
    let number = (Number.parseInt(digest8(key), 16) % max) + 1;
    while (taken.has(number)) number = (number % max) + 1;
    taken.add(number);
    numbers.set(key, number);
  }
  return numbers;
}

function hex2(value: number): string {
  return value.toString(16).padStart(2, '0');
}
