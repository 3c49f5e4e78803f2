/** Shows that Internet and its complement split all addresses, and that the stamp's own numbers are those of decision D5. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holds, overlaps, parseAddress, parsePrefix, sizeOf } from '#base/prefix.ts';
import {
  defaultSource,
  internetPrefixes,
  privatePrefixes,
  publishedEndpoints,
  stampNetworks,
  underlayAddress,
} from '#model/infra.ts';
import { labStamp } from '#test/generate/build.ts';

test('Internet and its complement share no address and leave none out', () => {
  for (const profile of ['lab', 'host'] as const) {
    const [open, closed] = [internetPrefixes(profile), privatePrefixes(profile)].map((list) =>
      list.map((text) => parsePrefix(text)),
    );
    assert.ok(open !== undefined && closed !== undefined);
    assert.ok(!open.some((prefix) => closed.some((other) => overlaps(prefix, other))));
    for (const [family, bits] of [
      [4, 32],
      [6, 128],
    ] as const) {
      const total: bigint = [...open, ...closed]
        .filter((prefix) => prefix.family === family)
        .reduce((sum, prefix) => sum + sizeOf(prefix), 0n);
      assert.equal(total, 1n << BigInt(bits));
    }
  }
});

// Address, is it Internet in the lab, is it elsewhere.
const rows: [string, boolean, boolean][] = [
  ['8.8.8.8', true, true],
  ['203.0.113.9', true, false],
  ['198.18.0.40', true, false],
  ['192.0.2.1', true, false],
  ['2001:db8:ffff::1', true, false],
  ['2606:4700::1', true, true],
  ['172.31.255.255', false, false],
  ['172.32.0.0', true, true],
  ['172.15.255.255', true, true],
  ['100.64.0.1', false, false],
  ['100.128.0.0', true, true],
  ['168.63.129.16', false, false],
  ['168.63.129.17', true, true],
  ['169.254.64.1', false, false],
  ['224.0.0.1', false, false],
  ['255.255.255.255', false, false],
  ['0.0.0.0', false, false],
  ['::1', false, false],
  ['fd00::1', false, false],
  ['fe80::1', false, false],
  ['ff02::1', false, false],
];

const isIn = (prefixes: readonly string[], address: string) =>
  prefixes.some((text) => holds(parsePrefix(text), parseAddress(address)));

test('Internet is what D2.6 says', () => {
  for (const [address, lab, host] of rows) {
    assert.deepEqual(
      [isIn(internetPrefixes('lab'), address), isIn(internetPrefixes('host'), address)],
      [lab, host],
      address,
    );
  }
});

test('two stamps share no address', () => {
  assert.deepEqual(stampNetworks(63).labels, ['100.127.0.0/16', 'fd52:573f::/96']);
  assert.notDeepEqual(stampNetworks(0), stampNetworks(1));
  assert.deepEqual([underlayAddress(3, 0), underlayAddress(3, 1)], ['10.254.3.1', '10.254.3.2']);
  assert.deepEqual(
    publishedEndpoints(labStamp).map(({ address, target }) => [address, target]),
    [
      ['198.18.0.4', '10.255.0.4'],
      ['198.18.0.5', '10.255.0.5'],
      ['198.18.0.6', '10.255.0.6'],
      ['198.18.0.7', '10.255.0.7'],
    ],
  );
});

test('[S1.3] each mark has its own ports of a shared address, until there are none', () => {
  assert.deepEqual(defaultSource(labStamp, 1), { address: '198.18.0.16', ports: [1024, 1279] });
  assert.deepEqual(defaultSource(labStamp, 252), { address: '198.18.0.16', ports: [65_280, 65_535] });
  assert.deepEqual(defaultSource(labStamp, 253), { address: '198.18.0.17', ports: [1024, 1279] });
  assert.deepEqual(defaultSource(labStamp, 16 * 252), { address: '198.18.0.31', ports: [65_280, 65_535] });
  assert.equal(defaultSource(labStamp, 16 * 252 + 1), undefined);
});
