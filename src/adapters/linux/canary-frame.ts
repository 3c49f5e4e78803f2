/** A canary byte by byte: a TCP SYN whose mark stands in its sequence number and in a signature option that no listener accepts. */

import { parseAddress, printAddress } from '#base/prefix.ts';

/**
 * RFC 2385: a segment with an MD5 signature where none is expected is dropped in silence, by a listener and by a closed port; so is
 * one whose signature is wrong. So a guest's applications never hear of a canary and its kernel never answers, while every filter,
 * route, translation and connection tracker on the way takes it for the first packet of a flow like any other.
 */
const signatureOption = 19;
const signatureBytes = 16;
const noOperation = 1;
const headerBytes = 40;
const flagSyn = 0x02;
const flagReset = 0x04;
const tcp = 6;

export type CanaryEnds = {
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
};

/** `sequence`: of all canaries of one order, by which sockets sort them out; `nonce`: of this one alone, 16 bytes. */
export type CanaryMark = { readonly sequence: number; readonly nonce: Buffer };

export type CanaryFrame = {
  /** Hardware addresses. */
  readonly from: string;
  readonly to: string;
  readonly mark: CanaryMark;
  /** The reset that follows: connection trackers that took the SYN forget it at once. */
  readonly isReset?: boolean;
};

/** An Ethernet frame with the canary. */
export function canaryFrame(ends: CanaryEnds, { from, to, mark, isReset = false }: CanaryFrame): Buffer {
  const [source, target] = [addressBytes(ends.source), addressBytes(ends.target)];
  const isSix = source.length === 16;
  const segment = segmentOf(ends, mark, isReset ? flagReset : flagSyn);
  segment.writeUInt16BE(
    checksum(Buffer.concat([source, target, Buffer.from([0, tcp, 0, segment.length]), segment])),
    16,
  );
  const type = Buffer.from(isSix ? [0x86, 0xdd] : [0x08, 0x00]);
  const head = isSix ? headSix(segment.length) : headFour(segment.length, { source, target });
  return Buffer.concat([macBytes(to), macBytes(from), type, head, ...(isSix ? [source, target] : []), segment]);
}

function segmentOf(ends: CanaryEnds, { sequence, nonce }: CanaryMark, flags: number): Buffer {
  const segment = Buffer.alloc(headerBytes);
  segment.writeUInt16BE(ends.sourcePort, 0);
  segment.writeUInt16BE(ends.targetPort, 2);
  segment.writeUInt32BE(sequence, 4);
  segment.writeUInt8((headerBytes / 4) << 4, 12);
  segment.writeUInt8(flags, 13);
  segment.writeUInt16BE(64_000, 14);
  segment.set([noOperation, noOperation, signatureOption, signatureBytes + 2], 20);
  nonce.copy(segment, 24, 0, signatureBytes);
  return segment;
}

function headFour(length: number, { source, target }: { readonly source: Buffer; readonly target: Buffer }): Buffer {
  const head = Buffer.concat([Buffer.from([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, tcp, 0, 0]), source, target]);
  head.writeUInt16BE(20 + length, 2);
  head.writeUInt16BE(checksum(head), 10);
  return head;
}

function headSix(length: number): Buffer {
  const head = Buffer.from([0x60, 0, 0, 0, 0, 0, tcp, 64]);
  head.writeUInt16BE(length, 4);
  return head;
}

/** A packet that has the form of a canary; `isReset` tells the second packet of one. Undefined for any other bytes, whatever they are. */
export function readCanary(
  packet: Buffer,
): (CanaryEnds & { readonly mark: CanaryMark; readonly isReset: boolean }) | undefined {
  const version = (packet[0] ?? 0) >> 4;
  const [first, length, at] = version === 4 ? ([12, 4, ((packet[0] ?? 0) & 15) * 4] as const) : ([8, 16, 40] as const);
  if (packet.length < at + headerBytes || (version !== 4 && version !== 6) || at < 20) return undefined;
  if (packet[version === 4 ? 9 : 6] !== tcp) return undefined;
  const segment = packet.subarray(at);
  const flags = segment[13];
  if (flags !== flagSyn && flags !== flagReset) return undefined;
  if (segment[22] !== signatureOption || segment[23] !== signatureBytes + 2) return undefined;
  return {
    source: addressText(packet.subarray(first, first + length)),
    target: addressText(packet.subarray(first + length, first + 2 * length)),
    sourcePort: segment.readUInt16BE(0),
    targetPort: segment.readUInt16BE(2),
    mark: { sequence: segment.readUInt32BE(4), nonce: Buffer.from(segment.subarray(24, headerBytes)) },
    isReset: flags === flagReset,
  };
}

/**
 * A classic BPF program (bpf(4)) that lets through TCP frames of this sequence number alone, so that a tenant's traffic costs a
 * packet socket nothing: eight bytes an instruction, as the kernel takes it.
 */
export function sequenceFilter(sequence: number): Buffer {
  const instructions: readonly (readonly [code: number, yes: number, no: number, value: number])[] = [
    [0x28, 0, 0, 12], // half word: the type
    [0x15, 0, 5, 0x0800],
    [0x30, 0, 0, 23], // byte: IPv4's protocol
    [0x15, 0, 9, tcp],
    [0xb1, 0, 0, 14], // x: length of IPv4's header
    [0x40, 0, 0, 18], // word behind it: the sequence number
    [0x05, 0, 0, 4],
    [0x15, 0, 5, 0x86dd],
    [0x30, 0, 0, 20], // byte: IPv6's next header
    [0x15, 0, 3, tcp],
    [0x20, 0, 0, 58],
    [0x15, 0, 1, sequence],
    [0x06, 0, 0, 0xffff],
    [0x06, 0, 0, 0],
  ];
  const program = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, yes, no, value], index) => {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(yes, index * 8 + 2);
    program.writeUInt8(no, index * 8 + 3);
    program.writeUInt32LE(value, index * 8 + 4);
  });
  return program;
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

/** RFC 1071. */
function checksum(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < data.length; at += 2) sum += data.readUInt16BE(at);
  if (data.length % 2 === 1) sum += (data.at(-1) ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
