/** Tests of counting failed sign-ins: bounded in memory, without forgetting a wait that stands. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { signInTrackedMax } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';
import { attempt, startAttempts, type Attempts } from '#engine/identity/attempts.ts';

const wrong = async () => {
  throw new Refusal('InvalidCredentials', 'wrong', { status: 401 });
};
const key = (name: string) => [{ name, failuresMax: 1 }];
const isWaiting = (error: unknown) => error instanceof Refusal && error.code === 'TooManySignIns';

async function lock(attempts: Attempts, name: string): Promise<void> {
  await assert.rejects(attempt(attempts, key(name), wrong));
  await assert.rejects(
    attempt(attempts, key(name), async () => 1),
    isWaiting,
  );
}

test('filling the memory with other names does not free the one that waits', async () => {
  const attempts = startAttempts(() => 1000);
  await lock(attempts, 'victim');
  for (let count = 0; count < signInTrackedMax + 50; count++)
    await attempt(attempts, key(`n${count}`), async () => count);
  assert.equal(attempts.counts.size, signInTrackedMax);
  await assert.rejects(
    attempt(attempts, key('victim'), async () => 1),
    isWaiting,
  );
});

test('a fault of ours and a busy answer count against nobody', async () => {
  const attempts = startAttempts(() => 1000);
  const busy = new Refusal('SignInBusy', 'busy', { status: 503 });
  await assert.rejects(attempt(attempts, key('a'), () => Promise.reject(busy)));
  await assert.rejects(attempt(attempts, key('a'), () => Promise.reject(new Error('store'))));
  assert.equal(await attempt(attempts, key('a'), async () => 'in'), 'in');
});

test('failures are forgotten when none has come for long', async () => {
  const clock = { ms: 1000 };
  const attempts = startAttempts(() => clock.ms);
  await lock(attempts, 'a');
  clock.ms += 30_000;
  await assert.rejects(attempt(attempts, key('a'), wrong));
  await assert.rejects(
    attempt(attempts, key('a'), async () => 1),
    (error) => isWaiting(error) && (error as Refusal).retryAfterS === 60,
  );
  clock.ms += 46 * 60_000;
  await assert.rejects(attempt(attempts, key('a'), wrong));
  await assert.rejects(
    attempt(attempts, key('a'), async () => 1),
    (error) => isWaiting(error) && (error as Refusal).retryAfterS === 30,
  );
});
