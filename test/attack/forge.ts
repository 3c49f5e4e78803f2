/** Frames that an honest stack would not send: options, fragments, extension headers, errors about foreign flows, neighbour lies. */

import { parseAddress } from '#base/prefix.ts';

/** Marks the tag in a payload, as `test/stamp/frame.ts` reads it. */
const magic = 0x52_57_50_4b;

export const etherFour = 0x0800;
export const etherSix = 0x86dd;
export const etherArp = 0x0806;

/** Eight bytes that say which attempt this is. */
export function tagBytes(tag: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt32BE(tag, 4);
  return bytes;
}

/** An Ethernet frame. */
export function ether(target: string, source: string, [type, payload]: readonly [number, Buffer]): Buffer {
  return Buffer.concat([mac(target), mac(source), two(type), payload]);
}

/** A hardware address as bytes. */
export function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

/** An address as bytes. */
export function bytesOf(text: string): Buffer {
  const { family, value } = parseAddress(text);
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
}

/** A big-endian 16-bit number. */
export function two(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value & 0xffff);
  return bytes;
}

export type Ip = {
  readonly source: string;
  readonly target: string;
  readonly protocol: number;
  readonly payload: Buffer;
  /** IPv4: options, padded here to whole words. */
  readonly options?: Buffer;
  /** IPv4: flags and offset field (RFC 791); 0x2000 is "more fragments", the rest the offset in eights. */
  readonly fragment?: number;
  readonly identifier?: number;
  readonly hops?: number;
};

/** An IPv4 or IPv6 packet by its source's family. */
export function ip(packet: Ip): Buffer {
  return packet.source.includes(':') ? six(packet) : four(packet);
}

function four({ source, target, protocol, payload, options, fragment = 0, identifier = 1, hops = 64 }: Ip): Buffer {
  const more =
    options === undefined ? Buffer.alloc(0) : Buffer.concat([options, Buffer.alloc((4 - (options.length % 4)) % 4)]);
  const head = Buffer.alloc(12);
  head.writeUInt8(0x45 + more.length / 4, 0);
  head.writeUInt16BE(20 + more.length + payload.length, 2);
  head.writeUInt16BE(identifier & 0xffff, 4);
  head.writeUInt16BE(fragment, 6);
  head.writeUInt8(hops, 8);
  head.writeUInt8(protocol, 9);
  const whole = Buffer.concat([head, bytesOf(source), bytesOf(target), more]);
  whole.writeUInt16BE(checksum(whole), 10);
  return Buffer.concat([whole, payload]);
}

function six({ source, target, protocol, payload, hops = 64 }: Ip): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x6000_0000, 0);
  head.writeUInt16BE(payload.length, 4);
  head.writeUInt8(protocol, 6);
  head.writeUInt8(hops, 7);
  return Buffer.concat([head, bytesOf(source), bytesOf(target), payload]);
}

export type Ends = { readonly source: string; readonly target: string };
export type Ports = { readonly from: number; readonly to: number };

export type Segment = {
  readonly flags?: number;
  readonly data: Buffer;
  readonly sequence?: number;
  readonly acknowledge?: number;
};

/** A TCP segment with its checksum. */
export function tcp(
  ends: Ends,
  { from, to }: Ports,
  { flags = 2, data, sequence = 1000, acknowledge = 0 }: Segment,
): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(from, 0);
  head.writeUInt16BE(to, 2);
  head.writeUInt32BE(sequence, 4);
  head.writeUInt32BE(acknowledge, 8);
  head.writeUInt8(0x50, 12);
  head.writeUInt8(flags, 13);
  head.writeUInt16BE(64_000, 14);
  return summed(ends, { protocol: 6, at: 16, segment: Buffer.concat([head, data]) });
}

/** A UDP datagram; `length` lies when it is given. */
export function udp(
  ends: Ends,
  { from, to }: Ports,
  { data, length }: { readonly data: Buffer; readonly length?: number },
): Buffer {
  const head = Buffer.concat([two(from), two(to), two(length ?? 8 + data.length), two(0)]);
  return summed(ends, { protocol: 17, at: 6, segment: Buffer.concat([head, data]) });
}

export type Message = { readonly type: number; readonly code?: number; readonly word?: Buffer; readonly body: Buffer };

/** An ICMP or ICMPv6 message by the family of its ends. */
export function icmp(ends: Ends, { type, code = 0, word = Buffer.alloc(4), body }: Message): Buffer {
  const segment = Buffer.concat([Buffer.from([type, code, 0, 0]), word, body]);
  if (ends.source.includes(':')) return summed(ends, { protocol: 58, at: 2, segment });
  segment.writeUInt16BE(checksum(segment), 2);
  return segment;
}

function summed(
  { source, target }: Ends,
  { protocol, at, segment }: { protocol: number; at: number; segment: Buffer },
): Buffer {
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(segment.length, 0);
  pseudo.writeUInt8(protocol, 7);
  const sum = checksum(Buffer.concat([bytesOf(source), bytesOf(target), pseudo, segment]));
  segment.writeUInt16BE(sum === 0 ? 0xffff : sum, at);
  return segment;
}

function checksum(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < data.length; at += 2) sum += data.readUInt16BE(at);
  if (data.length % 2 === 1) sum += (data[data.length - 1] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An ARP packet (RFC 826): operation 1 asks, 2 answers. */
export function arp(
  operation: 1 | 2,
  [mac1, ip1]: readonly [string, string],
  [mac2, ip2]: readonly [string, string],
): Buffer {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
  return Buffer.concat([head, mac(mac1), bytesOf(ip1), mac(mac2), bytesOf(ip2)]);
}
