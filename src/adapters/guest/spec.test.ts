/** A guest's spec at the door, and the files made of it: no field may break out of its line. */

import { deepEqual, doesNotThrow, equal, match, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { guestFiles, settingsOf } from '#adapters/guest/files.ts';
import { parseArguments, parseGuestKey, parseGuestSpec } from '#adapters/guest/spec.ts';
import { Refusal } from '#base/wrong.ts';
import type { GuestNic, GuestSpec } from '#engine/guest-port.ts';

const key = `ssh-ed25519 ${'A'.repeat(68)} me@here`;
const primary = { address: '10.0.0.4', gateway: '10.0.0.1', prefixLength: 24 };
const nic: GuestNic = {
  name: 'eth0',
  mac: '02:00:5e:00:00:10',
  mtu: 1450,
  addresses: [primary],
};
const good: GuestSpec = {
  id: '/vm',
  key: 'vm1',
  hostname: 'vm-1',
  image: { kind: 'lab' },
  uidFirst: 1_000_000,
  cpuCount: 1,
  memoryMiB: 512,
  adminUsername: 'azureuser',
  sshPublicKeys: [key],
  nics: [nic],
  resolver: '168.63.129.16',
};
const withNic = (change: Partial<GuestNic>): Partial<GuestSpec> => ({ nics: [{ ...nic, ...change }] });

// What is changed in a good spec, and the field the refusal names.
const rows: [Partial<GuestSpec>, string][] = [
  [{ key: '../x' }, 'key'],
  [{ key: '' }, 'key'],
  [{ hostname: 'a b' }, 'hostname'],
  [{ hostname: 'a\nb' }, 'hostname'],
  [{ hostname: '-a' }, 'hostname'],
  [{ uidFirst: 0 }, 'uidFirst'],
  [{ uidFirst: 4_294_900_000 }, 'uidFirst'],
  [{ uidFirst: 1_000_000.5 }, 'uidFirst'],
  [{ cpuCount: 0 }, 'cpuCount'],
  [{ cpuCount: Number.NaN }, 'cpuCount'],
  [{ memoryMiB: 1 }, 'memoryMiB'],
  [{ adminUsername: 'root' }, 'adminUsername'],
  [{ adminUsername: 'a:b' }, 'adminUsername'],
  [{ adminUsername: '1abc' }, 'adminUsername'],
  [{ sshPublicKeys: ['not a key at all, but long'] }, 'sshPublicKeys/0'],
  [{ sshPublicKeys: [key, `${key}\nssh-ed25519 BBBB`] }, 'sshPublicKeys/1'],
  [{ sshPublicKeys: [`command="x" ${key}`] }, 'sshPublicKeys/0'],
  [{ sshPublicKeys: Array<string>(21).fill(key) }, 'sshPublicKeys'],
  [{ adminPasswordHash: 'hunter2' }, 'adminPasswordHash'],
  [{ customData: 'not base64!' }, 'customData'],
  [{ customData: 'A'.repeat(4 * 30_000) }, 'customData'],
  [{ resolver: 'dns' }, 'resolver'],
  [{ nics: Array<GuestNic>(9).fill(nic) }, 'nics'],
  [{ nics: [nic, nic] }, 'nics'],
  [withNic({ name: 'lo' }), 'nics/0/name'],
  [withNic({ mac: '01:00:5e:00:00:10' }), 'nics/0/mac'],
  [withNic({ mtu: 100 }), 'nics/0/mtu'],
  [
    withNic({ addresses: [{ address: '10.0.0.4', gateway: 'fe80::1', prefixLength: 24 }] }),
    'nics/0/addresses/0/gateway',
  ],
  [
    withNic({ addresses: [{ address: '10.0.0.4', gateway: '10.0.0.1', prefixLength: 33 }] }),
    'nics/0/addresses/0/prefixLength',
  ],
  [
    withNic({ addresses: [{ address: '10.0.0.4;reboot', gateway: '10.0.0.1', prefixLength: 24 }] }),
    'nics/0/addresses/0/address',
  ],
];

test('a spec that holds passes and each broken field is named', () => {
  doesNotThrow(() => parseGuestSpec(good));
  for (const [change, target] of rows)
    throws(
      () => parseGuestSpec({ ...good, ...change }),
      (error) => error instanceof Refusal && error.target === target,
      `${target}: ${JSON.stringify(change)}`,
    );
});

test('a refusal never repeats the hash or the custom data', () => {
  for (const change of [{ adminPasswordHash: 'S3cret-value' }, { customData: 'S3cret value' }])
    throws(
      () => parseGuestSpec({ ...good, ...change }),
      (error) => error instanceof Refusal && !error.message.includes('S3cret'),
    );
});

test('keys and arguments that could become options or paths are refused', () => {
  for (const bad of ['A', 'a-b', 'a/b', '.', 'a'.repeat(33)]) throws(() => parseGuestKey(bad), Refusal);
  for (const bad of [[], [''], ['-x'], ['a\0b'], Array<string>(300).fill('a')])
    throws(() => parseArguments(bad), Refusal);
  deepEqual(parseArguments(['ls', '-l']), ['ls', '-l']);
});

test('the primary interface owns the default route, the others only their subnet', () => {
  const six = { address: 'fd00::4', gateway: 'fe80::1', prefixLength: 64 };
  const second = { ...nic, name: 'eth1', addresses: [{ address: '10.0.1.9', gateway: '10.0.1.1', prefixLength: 24 }] };
  const first = { ...nic, addresses: [...nic.addresses, { ...primary, address: '10.0.0.5' }, six] };
  equal(
    settingsOf({ ...good, nics: [first, second], ipForwarding: true }),
    [
      'link eth0 02:00:5e:00:00:10 1450',
      'address eth0 10.0.0.4/32',
      'gateway eth0 10.0.0.1',
      'address eth0 10.0.0.5/32',
      'address eth0 fd00::4/128',
      'gateway eth0 fe80::1',
      'link eth1 02:00:5e:00:00:10 1450',
      'address eth1 10.0.1.9/32',
      'route eth1 10.0.1.0/24 10.0.1.1',
      'forward',
      'service http',
      'service dropbear',
      '',
    ].join('\n'),
  );
});

test('accounts come once, without a password unless a hash is given, and keys belong to their user', () => {
  const files = new Map(
    guestFiles({ ...good, customData: Buffer.from('#!/bin/sh').toString('base64') }).map((file) => [file.path, file]),
  );
  equal(files.get('/etc/shadow')?.bytes.toString(), 'azureuser:*::0:99999:7:::\n');
  equal(files.get('/etc/shadow')?.when, 'append');
  deepEqual(
    [files.get('/home/azureuser/.ssh/authorized_keys')?.mode, files.get('/home/azureuser/.ssh/authorized_keys')?.owner],
    [0o600, 1000],
  );
  equal(files.get('/var/lib/ringwall/custom-data')?.mode, 0o700);
  match(files.get('/etc/hosts')?.bytes.toString() ?? '', /^10\.0\.0\.4 vm-1$/m);
  equal(files.get('/etc/nftables.conf')?.when, 'absent');
  equal(
    guestFiles({ ...good, image: { kind: 'debian-12' } }).some(({ path }) => path.startsWith('/var/www')),
    false,
  );
});
