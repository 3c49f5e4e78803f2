/** Operations: durable before they are told, waited for without leaks, forgotten in order, and honest about errors. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { operationKeptMs, operationsKeptMax, operationsUnderWayMax } from '#base/limits.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { Operation } from '#engine/engine.ts';
import { asDetail, Operations, type NewOperation } from '#engine/operations/operations.ts';
import { SimClock } from '#test/sim/clock.ts';

function about(resourceId = '/subscriptions/s/x'): NewOperation {
  return { subscription: 's', resourceId, type: 't', kind: 'put', owner: 'o', correlationId: 'c', existed: false };
}

function open(saved: Operation[] = [], fail?: () => unknown) {
  const clock = new SimClock();
  const rows = new Map<string, Operation>();
  let guids = 0;
  const save = (operation: Operation, gone: readonly string[]): Promise<void> => {
    const failure = fail?.();
    if (failure !== undefined) return Promise.reject(failure as Error);
    rows.set(operation.id, operation);
    for (const id of gone) rows.delete(id);
    return Promise.resolve();
  };
  return { clock, rows, operations: new Operations({ clock, dice: { guid: () => `id-${guids++}` }, save }, saved) };
}

test('an operation is durable when it has begun and before its end is told', async () => {
  const { operations, rows, clock } = open();
  const { id } = await operations.begin(about());
  assert.equal(rows.get(id)?.status, 'InProgress');
  const waiting = operations.settled(id, 1000).then((seen) => [seen?.status, rows.get(id)?.status]);
  await operations.end(id, { value: 7 });
  assert.deepEqual(await waiting, ['Succeeded', 'Succeeded']);
  await operations.end(id, { error: new Error('late') });
  assert.deepEqual(
    [operations.get(id)?.status, operations.get(id)?.value, operations.get('ID-0')?.id],
    ['Succeeded', 7, id],
  );
  await clock.tick();
});

test('a wait ends at its time, and asking a thousand times leaves nothing behind', async () => {
  const { operations, clock } = open();
  const operation = await operations.begin(about());
  let over = 0;
  for (let index = 0; index < 1000; index += 1) void operations.settled(operation.id, 10).then(() => (over += 1));
  while (over < 1000) await clock.tick();
  const ended = operations.ended(operation);
  await operations.end(operation.id, { canceled: true });
  assert.equal((await ended).status, 'Canceled');
  assert.equal(await operations.settled('none', 10), undefined);
});

test('an operation that could not be made durable was never there', async () => {
  let isFull = true;
  const { operations } = open([], () => (isFull ? new Fault('StoreFull', 'full') : undefined));
  await assert.rejects(operations.begin(about()), { code: 'StoreFull' });
  assert.deepEqual([operations.underWay(), operations.of('/subscriptions/s/x')], [[], undefined]);
  isFull = false;
  const { id } = await operations.begin(about());
  isFull = true;
  await assert.rejects(operations.end(id), { code: 'StoreFull' });
  assert.equal(operations.get(id)?.status, 'Succeeded');
});

test('ended operations go when they are old or many, in memory and in the store; those under way stay', async () => {
  const { operations, rows, clock } = open();
  const first = await operations.begin(about('/first'));
  for (let index = 0; index < operationsKeptMax + 50; index += 1) {
    const { id } = await operations.begin(about(`/r${index}`));
    await operations.end(id);
  }
  assert.ok(rows.size <= operationsKeptMax + 1, String(rows.size));
  assert.equal(operations.get(first.id)?.status, 'InProgress');
  assert.equal(operations.of('/FIRST')?.id, first.id);
  void clock.sleep(operationKeptMs + 1);
  await clock.tick();
  await operations.end(first.id);
  for (let index = 0; index < 200; index += 1) await operations.end((await operations.begin(about('/late'))).id);
  assert.ok(rows.size < 500, String(rows.size));
});

test('too much under way is refused before anything is done', async () => {
  const { operations } = open();
  for (let index = 0; index < operationsUnderWayMax; index += 1) await operations.begin(about(`/r${index}`));
  assert.throws(() => operations.checkRoom(), { code: 'TooManyRequests', status: 429 });
  await operations.end('id-0');
  operations.checkRoom();
});

test('after a restart the newest operation of a resource is the one that began last', () => {
  const saved = (id: string, startTime: string, status: Operation['status']): Operation => ({
    ...about(),
    id,
    startTime,
    status,
  });
  const { operations } = open([
    saved('z', '2030-01-01T00:00:00.000Z', 'Failed'),
    saved('a', '2030-01-02T00:00:00.000Z', 'InProgress'),
  ]);
  assert.equal(operations.of('/subscriptions/s/x')?.id, 'a');
  assert.deepEqual(
    operations.underWay().map(({ id }) => id),
    ['a'],
  );
});

test('an error is told as it says only when it is ours to tell', () => {
  assert.deepEqual(asDetail(new Refusal('No', 'because', { target: '/x' })), {
    code: 'No',
    message: 'because',
    target: '/x',
  });
  assert.deepEqual(asDetail(new Fault('DiskFull', 'full', new Error('EIO /secret/path'))), {
    code: 'DiskFull',
    message: 'full',
  });
  assert.ok(
    !JSON.stringify(asDetail(new TypeError("Cannot read properties of undefined (reading 'secret')"))).includes(
      'secret',
    ),
  );
});
