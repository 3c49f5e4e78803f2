/** Entering a guest: the command's own end is the end of the call, whatever it left running with our streams open. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { enterGuest } from '#adapters/guest/enter.ts';
import type { LaunchOrder } from '#adapters/guest/launch.ts';
import { allow, encodeFilter } from '#adapters/guest/seccomp.ts';
import { guestExecBytesMax } from '#base/limits.ts';

/** The launcher runs the command here, in no guest: how it is waited for is the same. */
const order = (...argv: readonly string[]): LaunchOrder => ({
  kind: 'enter',
  argv,
  env: ['PATH=/usr/bin:/bin'],
  filter: encodeFilter([{ code: 6, jt: 0, jf: 0, k: allow }]).toString('base64'),
  groups: [],
});
const script = (text: string): LaunchOrder => order('/bin/sh', '-c', text);

test('a process that a command leaves behind does not hold the call, nor what the command said before', async () => {
  const began = Date.now();
  const { code, stdout } = await enterGuest(script('sleep 30 & echo $!; exit 3'), { timeoutMs: 20_000 });
  const took = Date.now() - began;
  const left = Number(stdout);
  assert.ok(Number.isInteger(left) && left > 1, stdout);
  // Throws when it no longer runs: the call did not end because it had.
  process.kill(left, 'SIGKILL');
  assert.equal(code, 3);
  assert.ok(took < 15_000, `${took} ms`);
});

test('streams are read to their end or to their bound, input is given, and the code comes back', async () => {
  const [whole, bounded, echoed] = await Promise.all([
    enterGuest(script('head -c 300000 /dev/zero | tr "\\0" x; echo end >&2'), {}),
    enterGuest(script('head -c 3000000 /dev/zero | tr "\\0" x; exit 7'), {}),
    enterGuest(order('cat'), { stdin: 'zwölf' }),
  ]);
  assert.deepEqual([whole.code, whole.stdout.length, whole.stderr], [0, 300_000, 'end\n']);
  assert.deepEqual([bounded.code, bounded.stdout.length], [7, guestExecBytesMax]);
  assert.deepEqual([echoed.code, echoed.stdout], [0, 'zwölf']);
});

test('a command that takes too long, or that cannot be run, is a fault', async () => {
  await Promise.all([
    assert.rejects(enterGuest(script('sleep 30'), { timeoutMs: 300 }), { name: 'Fault', code: 'GuestCommandTimedOut' }),
    assert.rejects(enterGuest(order('/no/such/command'), {}), { name: 'Fault', code: 'GuestCommandFailed' }),
  ]);
});

test('a command that is ended before its launcher has read the order is a fault too, and breaks nothing here', async () => {
  for (const timeoutMs of [1, 20, 40, 60, 80])
    await assert.rejects(enterGuest(script('sleep 30'), { timeoutMs }), {
      name: 'Fault',
      code: 'GuestCommandTimedOut',
    });
});
