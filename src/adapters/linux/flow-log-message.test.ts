/** The kernel's messages about flows: real shapes are read, and no bytes whatever make the reader throw or invent. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tryAddress } from '#base/prefix.ts';
import { readConnection, readPacket } from '#adapters/linux/flow-log-message.ts';
import { flowPrefix, filterMark, readPrefix } from '#adapters/linux/flow-log-prefix.ts';
import { attribute, numberAttribute, textAttribute } from '#adapters/linux/netlink.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const word = (value: number): Buffer => {
  const data = Buffer.alloc(4);
  data.writeUInt32BE(value);
  return data;
};
const four = hex('45000028 00000000 40060000 0a000004 0a000005 c3500050 00000000');
// A hop-by-hop header of 8 bytes stands before UDP.
const six = hex(`60000000 00100040 fd00${'00'.repeat(13)}04 fd00${'00'.repeat(13)}05 1100000000000000 c3500035`);

function logged(hook: number, payload: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([2, 0, 0, 57]),
    attribute(1, Buffer.from([8, 0, hook, 0])),
    attribute(4, word(7)),
    attribute(5, word(9)),
    attribute(9, payload),
    textAttribute(10, '9f2ab1c4/0100/A'),
    attribute(12, word(3)),
  ]);
}

test('a logged packet', () => {
  const header = { source: '10.0.0.4', target: '10.0.0.5', protocol: 'tcp', sourcePort: 50_000, targetPort: 80 };
  const told = { prefix: '9f2ab1c4/0100/A', sequence: 3 };
  deepEqual(readPacket(logged(0, four)), { ...told, direction: 'outbound', link: 7, header });
  deepEqual(readPacket(logged(2, four)), { ...told, direction: 'inbound', link: 9, header });
  const later = { source: 'fd00::4', target: 'fd00::5', protocol: 'udp', sourcePort: 50_000, targetPort: 53 };
  deepEqual(readPacket(logged(0, six))?.header, later);
  equal(readPacket(logged(0, four.subarray(0, 22))), undefined);
});

test('a connection: both names of it, and what it carried', () => {
  const tuple = (type: number, [source, target, from, to]: readonly [string, string, string, string]) =>
    attribute(
      type,
      Buffer.concat([
        attribute(1, Buffer.concat([attribute(1, hex(source)), attribute(2, hex(target))]), true),
        attribute(2, Buffer.concat([attribute(1, hex('06')), attribute(2, hex(from)), attribute(3, hex(to))]), true),
      ]),
      true,
    );
  const count = (type: number, packets: bigint, bytes: bigint) =>
    attribute(type, Buffer.concat([numberAttribute(1, packets), numberAttribute(2, bytes)]), true);
  const body = Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    tuple(1, ['cb007109', '64410001', 'c350', '0050']),
    tuple(2, ['0a000004', 'cb007109', '0050', 'c350']),
    count(9, 3n, 200n),
    count(10, 2n, 9000n),
  ]);
  const ends = { source: '203.0.113.9', protocol: 'tcp', sourcePort: 50_000, targetPort: 80 };
  deepEqual(readConnection(body), {
    original: { ...ends, target: '100.65.0.1' },
    delivered: { ...ends, target: '10.0.0.4' },
    sent: { packets: 3, bytes: 200 },
    received: { packets: 2, bytes: 9000 },
  });
  equal(readConnection(body.subarray(0, 100)), undefined);
});

test('any bytes, and any damage of real ones, are read as a packet with real addresses or as none', () => {
  const real = fc.tuple(fc.constantFrom(four, six), fc.nat(4)).map(([payload, hook]) => logged(hook, payload));
  const damaged = fc
    .tuple(real, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }), fc.nat(200))
    .map(([body, changes, length]) => {
      const copy = Buffer.from(body);
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy.subarray(0, Math.max(copy.length - length, 0));
    });
  const any = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(damaged, any), (body) => {
      readConnection(body);
      const packet = readPacket(body);
      if (packet === undefined) return;
      for (const text of [packet.header.source, packet.header.target]) ok(tryAddress(text) !== undefined, text);
      readPrefix(packet.prefix);
    }),
    { numRuns: 5000 },
  );
});

test('a prefix fits the kernel whatever the names, and is read back', () => {
  for (const [rule, priority] of [
    ['0100/web', '0100'],
    [`65500/${'x'.repeat(200)}`, '65500'],
    ['', ''],
  ] as const) {
    const filter = filterMark(`nsg/${'y'.repeat(200)}/in`);
    const text = flowPrefix(filter, rule, 'deny');
    ok(text.length < 40, text);
    deepEqual(readPrefix(text), { filter, priority, access: 'deny' });
  }
  for (const bad of ['', 'x', '9f2ab1c4/0100/X', '9f2ab1c4/0100/A x', '9F2AB1C4/0100/A'])
    equal(readPrefix(bad), undefined, bad);
});
