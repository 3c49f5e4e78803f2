/** Ethernet frames of first packets, built and read byte by byte: every frame carries a tag that says which packet it is. */

import { parseAddress, printAddress } from '#base/prefix.ts';
import type { Header } from '#program/filter.ts';

const protocolNumbers = { tcp: 6, udp: 17, esp: 50, ah: 51 } as const;
/** Marks the tag in a payload. */
const magic = 0x52_57_50_4b;

export type FrameOptions = {
  readonly source: string;
  readonly target: string;
  readonly tag: number;
  /** Identifier of an ICMP echo; one per packet keeps flows apart. */
  readonly identifier?: number;
  /** TCP flags; SYN when absent. */
  readonly flags?: number;
  /** An ICMP echo reply instead of a request. */
  readonly isReply?: boolean;
};

/** An Ethernet frame around the packet; `source` and `target` of the options are hardware addresses. */
export function frameOf(packet: Header, options: FrameOptions): Buffer {
  const isSix = packet.source.includes(':');
  return Buffer.concat([
    macBytes(options.target),
    macBytes(options.source),
    Buffer.from(isSix ? [0x86, 0xdd] : [0x08, 0x00]),
    ipOf(packet, options),
  ]);
}

/** The IP packet alone, as a raw socket sends it. */
export function ipOf(
  packet: Header,
  {
    tag,
    identifier = tag & 0xffff,
    flags = 2,
    isReply = false,
  }: Pick<FrameOptions, 'tag' | 'identifier' | 'flags' | 'isReply'>,
): Buffer {
  const [source, target] = [addressBytes(packet.source), addressBytes(packet.target)];
  const isSix = source.length === 16;
  const protocol = packet.protocol === 'icmp' ? (isSix ? 58 : 1) : protocolNumbers[packet.protocol];
  const payload = payloadOf(packet, { tag, identifier, flags, isSix, isReply });
  if (isSix || packet.protocol !== 'icmp') writeChecksum(packet, { payload, source, target, protocol });
  if (!isSix && packet.protocol === 'icmp') payload.writeUInt16BE(checksum(payload), 2);
  if (isSix) {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(0x6000_0000, 0);
    head.writeUInt16BE(payload.length, 4);
    head.writeUInt8(protocol, 6);
    head.writeUInt8(64, 7);
    return Buffer.concat([head, source, target, payload]);
  }
  const head = Buffer.alloc(12);
  head.writeUInt8(0x45, 0);
  head.writeUInt16BE(20 + payload.length, 2);
  head.writeUInt16BE(tag & 0xffff, 4);
  head.writeUInt8(64, 8);
  head.writeUInt8(protocol, 9);
  const whole = Buffer.concat([head, source, target]);
  whole.writeUInt16BE(checksum(whole), 10);
  return Buffer.concat([whole, payload]);
}

type PayloadOptions = {
  readonly tag: number;
  readonly identifier: number;
  readonly flags: number;
  readonly isSix: boolean;
  readonly isReply: boolean;
};

function payloadOf(packet: Header, { tag, identifier, flags, isSix, isReply }: PayloadOptions): Buffer {
  const mark = Buffer.alloc(8);
  mark.writeUInt32BE(magic, 0);
  mark.writeUInt32BE(tag, 4);
  switch (packet.protocol) {
    case 'tcp': {
      const head = Buffer.alloc(20);
      head.writeUInt16BE(packet.sourcePort, 0);
      head.writeUInt16BE(packet.targetPort, 2);
      head.writeUInt32BE(1000, 4);
      head.writeUInt8(0x50, 12);
      head.writeUInt8(flags, 13);
      head.writeUInt16BE(64_000, 14);
      return Buffer.concat([head, mark]);
    }
    case 'udp': {
      const head = Buffer.alloc(8);
      head.writeUInt16BE(packet.sourcePort, 0);
      head.writeUInt16BE(packet.targetPort, 2);
      head.writeUInt16BE(16, 4);
      return Buffer.concat([head, mark]);
    }
    case 'icmp': {
      const head = Buffer.alloc(8);
      head.writeUInt8((isSix ? 128 : 8) + (isReply ? (isSix ? 1 : -8) : 0), 0);
      head.writeUInt16BE(identifier, 4);
      head.writeUInt16BE(1, 6);
      return Buffer.concat([head, mark]);
    }
    case 'esp':
      return Buffer.concat([Buffer.from([0, 0, 1, 1, 0, 0, 0, 1]), mark]);
    case 'ah':
      // RFC 4302 §2: next header (253: for experiments), length in words minus two, index, sequence, check value (the tag stands there).
      return Buffer.concat([Buffer.from([253, 4, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1]), mark, Buffer.alloc(4)]);
  }
}

function writeChecksum(
  packet: Header,
  { payload, source, target, protocol }: { payload: Buffer; source: Buffer; target: Buffer; protocol: number },
): void {
  const at = { tcp: 16, udp: 6, icmp: 2, esp: -1, ah: -1 }[packet.protocol];
  if (at < 0) return;
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(payload.length, 0);
  pseudo.writeUInt8(protocol, 7);
  const sum = checksum(Buffer.concat([source, target, pseudo, payload]));
  payload.writeUInt16BE(sum === 0 ? 0xffff : sum, at);
}

function checksum(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < data.length; at += 2) sum += data.readUInt16BE(at);
  if (data.length % 2 === 1) sum += (data[data.length - 1] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A frame as read: its header, its tag if it carries one, and the hardware addresses. */
export type Seen = {
  readonly packet: Header;
  readonly tag: number | undefined;
  readonly flags: number;
  readonly identifier: number;
  readonly isEchoReply: boolean;
};

/** Reads a frame; undefined when it is not an IP packet of a protocol we know. */
export function readFrame(frame: Buffer): Seen | undefined {
  if (frame.length < 34) return undefined;
  const type = frame.readUInt16BE(12);
  if (type === 0x0800) return readFour(frame.subarray(14));
  return type === 0x86dd && frame.length >= 54 ? readSix(frame.subarray(14)) : undefined;
}

function readFour(packet: Buffer): Seen | undefined {
  const length = ((packet[0] ?? 0) & 15) * 4;
  const addresses = { source: addressText(packet.subarray(12, 16)), target: addressText(packet.subarray(16, 20)) };
  return readPayload(addresses, packet[9] ?? 0, packet.subarray(length));
}

function readSix(packet: Buffer): Seen | undefined {
  const addresses = { source: addressText(packet.subarray(8, 24)), target: addressText(packet.subarray(24, 40)) };
  return readPayload(addresses, packet[6] ?? 0, packet.subarray(40));
}

function readPayload(addresses: { source: string; target: string }, number: number, payload: Buffer): Seen | undefined {
  const protocol = ({ 6: 'tcp', 17: 'udp', 1: 'icmp', 58: 'icmp', 50: 'esp', 51: 'ah' } as const)[number as 6];
  if (protocol === undefined || payload.length < 8) return undefined;
  const hasPorts = number === 6 || number === 17;
  const at = payload.indexOf(Buffer.from([0x52, 0x57, 0x50, 0x4b]));
  return {
    packet: {
      ...addresses,
      protocol,
      sourcePort: hasPorts ? payload.readUInt16BE(0) : 0,
      targetPort: hasPorts ? payload.readUInt16BE(2) : 0,
    },
    tag: at >= 0 && at + 8 <= payload.length ? payload.readUInt32BE(at + 4) : undefined,
    flags: protocol === 'tcp' ? (payload[13] ?? 0) : 0,
    identifier: payload.readUInt16BE(4),
    isEchoReply: (number === 1 && payload[0] === 0) || (number === 58 && payload[0] === 129),
  };
}

function macBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

function addressBytes(text: string): Buffer {
  const { family, value } = parseAddress(text);
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
}

function addressText(bytes: Buffer): string {
  return printAddress({ family: bytes.length === 4 ? 4 : 6, value: BigInt(`0x${bytes.toString('hex')}`) });
}
