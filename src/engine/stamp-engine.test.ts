/** The engine around the gate: what a caller is told while the world follows, what a restart takes up, and what the audit keeps. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Json } from '#base/json.ts';
import { auditedRefusalsBurst, auditedRefusalsWindowMs } from '#base/limits.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { World } from '#engine/stamp-engine.ts';
import type { Operation } from '#engine/engine.ts';
import type { Entry } from '#engine/store/store.ts';
import {
  base,
  callerOf,
  location,
  net,
  ownerOid,
  ruleBody,
  strangerOid,
  testEngine,
  type TestEngine,
} from '#test/sim/engine.ts';

const nsg = net('red', 'networkSecurityGroups/n');
const watcher = 'Microsoft.Network/networkWatchers';

/** A world that follows when the test says so. */
function heldWorld() {
  const held: { done(): void; fail(error: unknown): void }[] = [];
  const world: World = {
    onProved: () => undefined,
    onCommit: () => undefined,
    follow: () => new Promise((resolve, reject) => held.push({ done: resolve, fail: reject })),
  };
  return { held, world };
}

function stateOf({ engine }: TestEngine, id: string, during?: Operation): unknown {
  const resource = engine.view().get(id);
  assert.ok(resource);
  return (engine.show(resource, '2021-04-01', during)['properties'] as { provisioningState?: string })
    .provisioningState;
}

const audits = (stamp: TestEngine, outcome: string): Entry[] =>
  stamp.entries().filter((entry) => entry.audit?.outcome === outcome);

test('a write that the world follows in time is settled; one that it does not is an operation until it has', async () => {
  const { held, world } = heldWorld();
  let isQuick = true;
  const follow: World['follow'] = (...about) => (isQuick ? stamp.clock.sleep(99) : world.follow(...about));
  const stamp: TestEngine = await testEngine({ world: { ...world, follow }, inlineMs: 100 });
  assert.equal((await stamp.settle(stamp.put(nsg, { location }))).kind, 'settled');
  isQuick = false;
  const slow = await stamp.settle(stamp.put(nsg, { location, tags: { a: 'b' } }));
  assert.ok(slow.kind === 'running' && slow.existed);
  assert.equal(stateOf(stamp, nsg), 'Updating');
  held[0]?.done();
  assert.equal((await stamp.settle(stamp.engine.settled(slow.operation.id, 1000)))?.status, 'Succeeded');
  assert.equal(stateOf(stamp, nsg), 'Succeeded');
  // What was answered as under way is told as it was then, however soon it ended.
  assert.equal(stateOf(stamp, nsg, slow.operation), 'Updating');
  assert.deepEqual(stamp.engine.operations.underWay(), []);
});

test('a world that fails makes a failed operation and a failed resource until the next write, never a lost one', async () => {
  const { held, world } = heldWorld();
  const stamp = await testEngine({ world, inlineMs: 100 });
  const sent = stamp.put(nsg, { location });
  while (held.length === 0) await stamp.clock.tick();
  void stamp.clock.sleep(1);
  held[0]?.fail(new Fault('GuestFault', 'the guest did not start'));
  const outcome = await stamp.settle(sent);
  assert.equal(outcome.kind, 'running');
  const ended =
    outcome.kind === 'running' ? await stamp.settle(stamp.engine.settled(outcome.operation.id, 1000)) : undefined;
  assert.deepEqual(
    [ended?.status, ended?.error],
    ['Failed', { code: 'GuestFault', message: 'the guest did not start' }],
  );
  assert.equal(stateOf(stamp, nsg), 'Failed');
  void stamp.clock.sleep(5);
  await stamp.clock.tick();
  await stamp.clock.tick();
  const again = stamp.put(nsg, { location });
  while (held.length === 1) await stamp.clock.tick();
  held[1]?.done();
  await stamp.settle(again);
  assert.equal(stateOf(stamp, nsg), 'Succeeded');
  assert.deepEqual(stamp.bugs, []);
});

test('after a restart operations end when the world has what stands; what ran once is told as interrupted', async () => {
  const { world } = heldWorld();
  const before = await testEngine({ world, inlineMs: 0 });
  const outcome = await before.settle(before.put(nsg, { location }));
  assert.ok(outcome.kind === 'running');
  const { id } = outcome.operation;
  const deployment = await before.settle(
    before.engine.operations.begin({
      subscription: '',
      resourceId: '/d',
      type: 'Microsoft.Resources/deployments',
      kind: 'deployment',
      owner: 'o',
      correlationId: 'c',
      existed: false,
    }),
  );
  const { held, world: next } = heldWorld();
  const after = await testEngine({ world: next, disk: before.disk });
  assert.equal(after.engine.operation(id)?.status, 'InProgress');
  after.engine.resume();
  for (let ticks = 0; ticks < 20; ticks += 1) await after.clock.tick();
  assert.equal(after.engine.operation(id)?.status, 'InProgress');
  assert.deepEqual(after.engine.operation(deployment.id)?.error?.code, 'OperationInterrupted');
  held[0]?.done();
  assert.equal((await after.settle(after.engine.settled(id, 1000)))?.status, 'Succeeded');
});

test('work that changes nothing is answered when it is done soon, else an operation with its value; what is refused soon is thrown', async () => {
  const before = await testEngine();
  const about = {
    resourceId: `${base}/resourceGroups/g/providers/Microsoft.Network/networkWatchers/w/x`,
    type: watcher,
  };
  const me = callerOf(ownerOid);
  const ask = (work: Promise<Json>) => before.settle(before.engine.answer(about, work, me));
  assert.deepEqual(await ask(Promise.resolve({ is: 'soon' })), { kind: 'settled', value: { is: 'soon' } });
  await assert.rejects(ask(Promise.reject(new Refusal('No', 'no'))), { code: 'No' });
  const { promise, resolve } = Promise.withResolvers<Json>();
  const running = await ask(promise);
  assert.ok(running.kind === 'running');
  resolve({ is: 'late' });
  const ended = await before.settle(before.engine.settled(running.operation.id, 1000));
  assert.deepEqual([ended?.status, ended?.value], ['Succeeded', { is: 'late' }]);
  const failing = Promise.withResolvers<Json>();
  const bad = await ask(failing.promise);
  failing.reject(new Refusal('No', 'no'));
  assert.ok(bad.kind === 'running');
  assert.equal((await before.settle(before.engine.settled(bad.operation.id, 1000)))?.error?.code, 'No');
  // Nobody knows what a question that a restart cut off would have said.
  const lost = await ask(new Promise<Json>(() => undefined));
  assert.ok(lost.kind === 'running');
  const after = await testEngine({ disk: before.disk });
  after.engine.resume();
  const told = await after.settle(after.engine.settled(lost.operation.id, 1000));
  assert.equal(told?.error?.code, 'OperationInterrupted');
  assert.deepEqual([before.bugs, after.bugs], [[], []]);
});

test('[S1.25] each write is audited with it, each refusal by itself, and keys that are handed out are told too', async () => {
  const stamp = await testEngine();
  await stamp.settle(stamp.put(nsg, { location }));
  const written = stamp.entries().findLast(({ kind }) => kind === 'change');
  assert.deepEqual(
    [written?.audit?.operation, written?.audit?.resource, written?.audit?.outcome],
    ['Microsoft.Network/networkSecurityGroups/write', nsg, 'Succeeded'],
  );
  await assert.rejects(stamp.settle(stamp.put(nsg, { location }, strangerOid)), { code: 'AuthorizationFailed' });
  assert.deepEqual(
    audits(stamp, 'Refused').map(({ audit }) => [audit?.code, audit?.who.oid]),
    [['AuthorizationFailed', strangerOid]],
  );
  const storage = `${base}/resourceGroups/red/providers/Microsoft.Storage/storageAccounts/store1`;
  const type = 'Microsoft.Storage/storageAccounts';
  await stamp.settle(
    stamp.send({
      kind: 'put',
      id: storage,
      type,
      body: { location, kind: 'Storage', sku: { name: 'Standard_LRS' }, properties: {} },
    }),
  );
  await stamp.settle(
    stamp.send({ kind: 'action', id: storage, type, action: 'listKeys', method: 'POST', body: null, query: new Map() }),
  );
  assert.equal(stamp.entries().at(-1)?.audit?.operation, `${type}/listKeys/action`);
});

test('a flood of refusals is cut in the audit, not at the caller, and a refusal stands when the audit cannot take it', async () => {
  let isFull = false;
  const stamp = await testEngine({
    store: (store) => ({
      ...store,
      append: (entry) => (isFull ? Promise.reject(new Fault('StoreFull', 'full')) : store.append(entry)),
    }),
  });
  const refuse = async (): Promise<void> =>
    await assert.rejects(
      stamp.settle(stamp.put(nsg, { location }, strangerOid)),
      (error) => error instanceof Refusal && error.status === 403,
    );
  for (let index = 0; index < auditedRefusalsBurst + 40; index += 1) await refuse();
  assert.equal(audits(stamp, 'Refused').length, auditedRefusalsBurst);
  void stamp.clock.sleep(auditedRefusalsWindowMs);
  await stamp.clock.tick();
  await refuse();
  assert.match(audits(stamp, 'Refused').at(-1)?.audit?.says ?? '', /\(40 refusals before this one/);
  isFull = true;
  await refuse();
});

test('a store that is full refuses the write as a fault and shows nothing of it', async () => {
  let isFull = true;
  const stamp = await testEngine({
    store: (store) => ({
      ...store,
      append: (entry) =>
        isFull && entry.kind === 'change' && entry.audit !== undefined
          ? Promise.reject(new Fault('StoreFull', 'full'))
          : store.append(entry),
    }),
  });
  await assert.rejects(stamp.settle(stamp.put(nsg, { location })), { code: 'StoreFull' });
  assert.equal(stamp.engine.view().get(nsg), undefined);
  isFull = false;
  await stamp.settle(stamp.put(nsg, { location }));
  await stamp.settle(stamp.put(`${nsg}/securityRules/r`, ruleBody(100)));
  assert.ok(stamp.engine.view().get(`${nsg}/securityRules/r`));
});
