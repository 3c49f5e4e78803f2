/** Canaries byte by byte: what is built is read back, any other bytes are none, and the kernel's filter program picks them out. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canaryFrame, readCanary, sequenceFilter } from '#adapters/linux/canary-frame.ts';

const nonce = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const mark = { sequence: 0xfedc_ba98, nonce };
const macs = { from: '02:57:00:00:00:01', to: '12:34:56:78:9a:bc' };
const four = { source: '10.0.0.4', target: '203.0.113.9', sourcePort: 61_000, targetPort: 22 };
const six = { source: 'fd00::4', target: '2001:db8::9', sourcePort: 65_535, targetPort: 443 };

/** RFC 1071 over what a receiver sums up: zero when the checksum is right. */
function sumOf(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

test('a canary is read back as it was built, with right checksums', () => {
  for (const ends of [four, six]) {
    for (const isReset of [false, true]) {
      const packet = canaryFrame(ends, { ...macs, mark, isReset }).subarray(14);
      deepEqual(readCanary(packet), { ...ends, mark, isReset });
      const [first, at] = ends === four ? [12, 20] : [8, 40];
      if (ends === four) equal(sumOf(packet.subarray(0, 20)), 0);
      const segment = packet.subarray(at);
      equal(sumOf(Buffer.concat([packet.subarray(first, at), Buffer.from([0, 6, 0, segment.length]), segment])), 0);
    }
  }
});

test('it has a signature of RFC 2385, which is what keeps it from every listener', () => {
  const segment = canaryFrame(four, { ...macs, mark }).subarray(34);
  // Two options without meaning, then kind 19 of 18 bytes up to the end of the header.
  deepEqual([...segment.subarray(20, 24)], [1, 1, 19, 18]);
  equal((segment[12] ?? 0) >> 4, 10);
  equal(segment.length, 40);
});

test('any bytes, and any damage, are read as a canary of real ends or as none', () => {
  const real = fc.constantFrom(four, six).map((ends) => canaryFrame(ends, { ...macs, mark }).subarray(14));
  const damaged = fc
    .tuple(real, fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 4 }), fc.nat(90))
    .map(([packet, changes, length]) => {
      const copy = Buffer.from(packet);
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy.subarray(0, Math.max(0, copy.length - length));
    });
  const any = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(damaged, any), (packet) => {
      const found = readCanary(packet);
      if (found !== undefined) ok(found.mark.nonce.length === 16 && found.targetPort <= 65_535);
    }),
    { numRuns: 3000 },
  );
});

/** bpf(4), as far as our program goes: the bytes kept of a frame. */
function kept(program: Buffer, frame: Buffer): number {
  let [a, x] = [0, 0];
  for (let at = 0; at < program.length; at += 8) {
    const [code, yes, no] = [program.readUInt16LE(at), program[at + 2] ?? 0, program[at + 3] ?? 0];
    const value = program.readUInt32LE(at + 4);
    const isShort = (size: number, place: number): boolean => place + size > frame.length;
    if (code === 0x28) a = isShort(2, value) ? Number.NaN : frame.readUInt16BE(value);
    else if (code === 0x30) a = isShort(1, value) ? Number.NaN : (frame[value] ?? 0);
    else if (code === 0xb1) x = ((frame[value] ?? 0) & 15) * 4;
    else if (code === 0x40) a = isShort(4, x + value) ? Number.NaN : frame.readUInt32BE(x + value);
    else if (code === 0x20) a = isShort(4, value) ? Number.NaN : frame.readUInt32BE(value);
    else if (code === 0x05) at += value * 8;
    else if (code === 0x15) at += (a === value ? yes : no) * 8;
    else if (code === 0x06) return value;
    if (Number.isNaN(a)) return 0;
  }
  throw new Error('The program has no end.');
}

test('the filter keeps frames of the sequence number alone, in both families', () => {
  const program = sequenceFilter(mark.sequence);
  const others = { sequence: mark.sequence - 1, nonce };
  for (const ends of [four, six]) {
    ok(kept(program, canaryFrame(ends, { ...macs, mark })) > 0);
    equal(kept(program, canaryFrame(ends, { ...macs, mark: others })), 0);
    const udp = canaryFrame(ends, { ...macs, mark });
    udp[ends === four ? 23 : 20] = 17;
    equal(kept(program, udp), 0);
  }
  const arp = canaryFrame(four, { ...macs, mark });
  arp.writeUInt16BE(0x0806, 12);
  equal(kept(program, arp), 0);
  equal(kept(program, Buffer.alloc(60)), 0);
});
