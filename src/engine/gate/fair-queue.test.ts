/** The gate's queue: order within an owner, turns between owners, and a failure that stops nobody. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { FairQueue } from '#engine/gate/fair-queue.ts';

test('owners take turns, each in its own order', async () => {
  const queue = new FairQueue();
  const done: string[] = [];
  const work = (name: string) => queue.run(name[0] ?? '', () => Promise.resolve(void done.push(name)));
  await Promise.all(['z1', 'a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map(work));
  assert.deepEqual(done, ['z1', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

test('one at a time, and a failure reaches only who asked', async () => {
  const queue = new FairQueue();
  let running = 0;
  let most = 0;
  const slow = async () => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
  };
  const failing = queue.run('a', () => Promise.reject(new Error('no')));
  const others = ['a', 'b', 'a', 'c'].map((owner) => queue.run(owner, slow));
  await assert.rejects(failing, { message: 'no' });
  await Promise.all(others);
  assert.equal(most, 1);
});
