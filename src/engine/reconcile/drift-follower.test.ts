/** What was healed is told with its maker; three times within the window and the host is not trusted until somebody says so. */

import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { test } from 'node:test';
import { driftClosesMs, tamperWindowMs } from '#base/limits.ts';
import type { JsonObject } from '#base/json.ts';
import { listAlerts } from '#engine/alerts/alerts.ts';
import { DriftFollower } from '#engine/reconcile/drift-follower.ts';
import { openAt, scratch } from '#engine/store/scratch.ts';

function open() {
  const { folder, remove } = scratch();
  const store = openAt(join(folder, 'stamp.db'));
  const queue: JsonObject[] = [];
  let now = 1_000_000;
  const follower = new DriftFollower({
    plane: { drift: () => Promise.resolve(queue.splice(0)) },
    store,
    clock: { now: () => now, sleep: () => Promise.resolve() },
    onTrouble: (what, error) => assert.fail(`${what}: ${String(error)}`),
  });
  const drift = async (point: string, by?: JsonObject) => {
    queue.push({ point, differences: [{ says: 'A rule is missing.', ...(by === undefined ? {} : { by }) }] });
    await follower.look();
  };
  const close = () => {
    store.close();
    remove();
  };
  return { follower, store, drift, close, later: (ms: number) => void (now += ms) };
}

test('a healed change is an alert that names who made it, and closes by itself', async () => {
  const { follower, store, drift, later, close } = open();
  await drift('router/v1/h2', { pid: 77, process: 'nft' });
  const [alert] = listAlerts(store, { state: 'Active' });
  assert.deepEqual([alert?.code, alert?.resource], ['KernelDrift', 'router/v1/h2']);
  assert.match(alert?.says ?? '', /process 77 \(nft\)/);
  assert.equal(follower.recent().length, 1);
  later(driftClosesMs);
  await follower.look();
  assert.deepEqual(listAlerts(store, { state: 'Active' }), []);
  await drift('switch');
  assert.match(listAlerts(store, { state: 'Active' })[0]?.says ?? '', /does not say by whom/);
  close();
});

test('a host that is tampered with again and again is not trusted until an operator trusts it', async () => {
  const { follower, store, drift, later, close } = open();
  const audit = {
    at: 1,
    who: {},
    operation: 'trust',
    resource: 'host/h2',
    outcome: 'Succeeded',
    correlationId: 'c',
  } as const;
  await drift('router/v1/h2');
  await drift('router/v2/h2');
  later(tamperWindowMs);
  await drift('host/h2');
  assert.deepEqual(follower.untrusted(), []);
  await drift('host/h2');
  await drift('router/v1/h2');
  assert.deepEqual(follower.untrusted(), ['h2']);
  await follower.trust('h2', audit);
  assert.deepEqual(follower.untrusted(), []);
  await assert.rejects(follower.trust('h9', audit), { code: 'HostNotUntrusted' });
  const { lines } = store.audits({ before: Number.MAX_SAFE_INTEGER, limit: 1 });
  assert.equal(lines[0]?.entry.operation, audit.operation);
  close();
});
