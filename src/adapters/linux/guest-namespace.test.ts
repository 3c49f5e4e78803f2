/** Into whose network namespace a NIC may go: only one that the guests' driver made, and only under a guest's name. */

import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPlane } from '#adapters/linux/adapter.ts';
import { withGuestNamespace } from '#adapters/linux/guest-namespace.ts';

const uid = process.getuid?.() ?? 0;
const never = (): Promise<never> => Promise.reject(new Error('the work was begun'));
const refused = { name: 'Fault', code: 'AttachRefused' };

test('what is no whole number of a process that may be a guest is refused', async () => {
  const pids: unknown[] = [
    0,
    1,
    -7,
    1.5,
    Number.NaN,
    Infinity,
    2 ** 53,
    '7',
    '7/../1',
    '$(id)',
    null,
    undefined,
    {},
    [7],
  ];
  for (const pid of pids)
    await assert.rejects(
      withGuestNamespace({ pid: pid as number, owner: uid }, never),
      { ...refused, message: /value of pid/ },
      String(pid),
    );
});

test('a process that does not exist is refused', async () => {
  await assert.rejects(withGuestNamespace({ pid: 2 ** 31 - 1, owner: uid }, never), {
    ...refused,
    message: /has no network namespace/,
  });
});

test('a name that is no guest interface is refused, before any process is looked at', async () => {
  const plane = openPlane({ number: 62, hosts: ['h1'] });
  const names: unknown[] = [
    '',
    'eth',
    'eth00',
    'eth100',
    'eth0 ',
    'eth0\n',
    'lo',
    'n7',
    'eth0 up',
    'eth-1',
    'ETH0',
    7,
    null,
  ];
  for (const name of names)
    await assert.rejects(plane.attach(7, 2, name as string), { ...refused, message: /value of name/ }, String(name));
  for (const name of ['eth0', 'eth9', 'eth10', 'eth99'])
    await assert.rejects(plane.attach(7, 2, name), { name: 'Fault', code: 'NoPort' }, name);
  await plane.close();
});

const needsRoot = uid === 0 ? false : 'needs root: the kernel names the owner of a namespace only to who may enter it';

test("[D4.7] the host's own namespace, and one that another user made, are refused by the kernel's word", {
  skip: needsRoot,
}, async () => {
  // The initial user namespace was made by root; a guest's driver is never root.
  await assert.rejects(withGuestNamespace({ pid: process.pid, owner: 52_003 }, never), {
    ...refused,
    message: /made by user 0, not 52003/,
  });
  const guest = spawn('unshare', ['--user', '--net', '--', 'sleep', '30'], { stdio: 'ignore' });
  try {
    const pid = guest.pid ?? 0;
    const own = readlinkSync('/proc/self/ns/net');
    for (let tries = 0; tries < 200 && netOf(pid) === own; tries += 1) await sleep(5);
    await assert.rejects(withGuestNamespace({ pid, owner: uid + 1 }, never), refused);
    const found = await withGuestNamespace({ pid, owner: uid }, async (path) => {
      const before = readlinkSync(path);
      guest.kill('SIGKILL');
      await sleep(20);
      // The process is gone, the path still leads to its namespace and nowhere else.
      return [before, readlinkSync(path)];
    });
    assert.equal(found[0], found[1]);
    assert.match(found[0] ?? '', /^net:\[\d+\]$/);
    assert.notEqual(found[0], own);
  } finally {
    guest.kill('SIGKILL');
  }
});

function netOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/ns/net`);
}
