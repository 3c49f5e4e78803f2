/** The kernel's messages about flows: packets logged by rules (nfnetlink_log), and connections that go on or end (ctnetlink). */

import { printAddress } from '#base/prefix.ts';
import { readCanary } from '#adapters/linux/canary-frame.ts';
import { attribute, message, readAttributes } from '#adapters/linux/netlink.ts';
import type { Count } from '#engine/flow-logs/flow.ts';
import type { Header } from '#program/filter.ts';

/** A logged packet. `link`: the interface whose filter it met: where it came in, or will go out. */
export type LoggedPacket = {
  readonly prefix: string;
  readonly direction: 'inbound' | 'outbound';
  readonly link: number;
  /** Counts the log's messages, so that a gap tells of lost ones. */
  readonly sequence: number | undefined;
  readonly header: Header;
  /** The sequence number of a packet that has the form of a canary (canary-frame.ts). */
  readonly canary?: number;
};

/** A connection with what it carried so far, by what its two ends are called at its source and at its target. */
export type CountedConnection = {
  readonly original: Header;
  readonly delivered: Header;
  readonly sent: Count;
  readonly received: Count;
};

export const packetMessage = (4 << 8) | 0;
const configMessage = (4 << 8) | 1;
export const connectionEnded = (1 << 8) | 2;
export const connectionListed = (1 << 8) | 0;
/** The multicast group of ended connections. */
export const connectionEndedGroup = 4;
/** Headers with options and ports, no payload of anyone. */
const snapBytes = 128;
const prerouting = 0;

/** Asks the kernel for a group's packets: their first bytes, in batches, numbered. */
export function subscribe(group: number): Buffer {
  const head = Buffer.from([0, 0, group >> 8, group & 255]);
  const config = (sequence: number, ...parts: Buffer[]) =>
    message({ type: configMessage, flags: 1, sequence }, Buffer.concat([head, ...parts]));
  const number = (type: number, value: number) => {
    const data = Buffer.alloc(4);
    data.writeUInt32BE(value);
    return attribute(type, data);
  };
  const mode = Buffer.from([0, 0, 0, snapBytes, 2, 0]);
  return Buffer.concat([
    config(1, attribute(1, Buffer.from([1]))),
    config(2, attribute(2, mode), number(5, 64), number(4, 10), attribute(6, Buffer.from([0, 1]))),
  ]);
}

/** Asks for all connections; they come as `connectionListed`, as fast as they are read. */
export function listConnections(): Buffer {
  return message({ type: (1 << 8) | 1, flags: 0x301, sequence: 1 }, Buffer.alloc(4));
}

/** Reads a logged packet; undefined when it is none that we can name. Never throws, whatever the bytes. */
export function readPacket(body: Buffer): LoggedPacket | undefined {
  const attributes = readAttributes(body.subarray(4));
  const [head, prefix, payload] = [attributes.get(1), attributes.get(10), attributes.get(9)];
  if (head === undefined || head.length < 4 || prefix === undefined || payload === undefined) return undefined;
  const direction = head.readUInt8(2) === prerouting ? 'outbound' : 'inbound';
  const link = numberOf(attributes.get(direction === 'outbound' ? 4 : 5));
  const header = readHeader(payload);
  if (link === undefined || header === undefined) return undefined;
  const canary = readCanary(payload)?.mark.sequence;
  return {
    prefix: prefix.toString('latin1').replace(/\0.*$/s, ''),
    direction,
    link,
    sequence: numberOf(attributes.get(12)),
    header,
    ...(canary === undefined ? {} : { canary }),
  };
}

const protocolNames: { readonly [number: number]: Header['protocol'] } = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  50: 'esp',
  51: 'ah',
  58: 'icmp',
};

function readHeader(packet: Buffer): Header | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4 && packet.length >= 20) {
    const length = ((packet[0] ?? 0) & 15) * 4;
    const [source, target] = [addressText(packet.subarray(12, 16)), addressText(packet.subarray(16, 20))];
    return withPorts({ source, target }, packet[9] ?? 0, packet.subarray(Math.max(20, length)));
  }
  if (version !== 6 || packet.length < 40) return undefined;
  const [source, target] = [addressText(packet.subarray(8, 24)), addressText(packet.subarray(24, 40))];
  let [next, at] = [packet[6] ?? 0, 40];
  // Options that may stand before the protocol; each is at least 8 bytes, so this ends.
  while ([0, 43, 60].includes(next) && at + 8 <= packet.length) {
    next = packet[at] ?? 0;
    at += ((packet[at + 1] ?? 0) + 1) * 8;
  }
  return withPorts({ source, target }, next, packet.subarray(at));
}

type Ends = Pick<Header, 'source' | 'target'>;

function withPorts(ends: Ends, number: number, rest: Buffer): Header | undefined {
  const protocol = protocolNames[number];
  if (protocol === undefined) return undefined;
  if (protocol !== 'tcp' && protocol !== 'udp') return { ...ends, protocol, sourcePort: 0, targetPort: 0 };
  if (rest.length < 4) return undefined;
  return { ...ends, protocol, sourcePort: rest.readUInt16BE(0), targetPort: rest.readUInt16BE(2) };
}

/** Reads a connection; undefined for one without counts or of a protocol that we cannot name. */
export function readConnection(body: Buffer): CountedConnection | undefined {
  const attributes = readAttributes(body.subarray(4));
  const original = readTuple(attributes.get(1));
  const reply = readTuple(attributes.get(2));
  const [sent, received] = [readCount(attributes.get(9)), readCount(attributes.get(10))];
  if (original === undefined || reply === undefined || sent === undefined || received === undefined) return undefined;
  const { source, target, sourcePort, targetPort } = reply;
  const delivered = { ...reply, source: target, target: source, sourcePort: targetPort, targetPort: sourcePort };
  return { original, delivered, sent, received };
}

function readTuple(data: Buffer | undefined): Header | undefined {
  if (data === undefined) return undefined;
  const parts = readAttributes(data);
  const ip = readAttributes(parts.get(1) ?? Buffer.alloc(0));
  const proto = readAttributes(parts.get(2) ?? Buffer.alloc(0));
  const [source, target] = [ip.get(1) ?? ip.get(3), ip.get(2) ?? ip.get(4)];
  const number = proto.get(1)?.[0];
  if (source === undefined || target === undefined || number === undefined) return undefined;
  if (![4, 16].includes(source.length) || source.length !== target.length) return undefined;
  const ports = Buffer.concat([portBytes(proto.get(2)), portBytes(proto.get(3))]);
  return withPorts({ source: addressText(source), target: addressText(target) }, number, ports);
}

function portBytes(data: Buffer | undefined): Buffer {
  return data !== undefined && data.length >= 2 ? data.subarray(0, 2) : Buffer.alloc(2);
}

function readCount(data: Buffer | undefined): Count | undefined {
  if (data === undefined) return undefined;
  const parts = readAttributes(data);
  const [packets, bytes] = [parts.get(1), parts.get(2)];
  if (packets?.length !== 8 || bytes?.length !== 8) return undefined;
  return { packets: Number(packets.readBigUInt64BE()), bytes: Number(bytes.readBigUInt64BE()) };
}

function numberOf(data: Buffer | undefined): number | undefined {
  return data === undefined || data.length < 4 ? undefined : data.readUInt32BE();
}

function addressText(bytes: Buffer): string {
  const value = bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
  return printAddress({ family: bytes.length === 4 ? 4 : 6, value });
}
