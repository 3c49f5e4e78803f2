/** The store: what is acknowledged is there, sealed and in order, alone or in company, after reopening and after shredding. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, existsSync } from 'node:fs';
import fc from 'fast-check';
import { Refusal } from '#base/wrong.ts';
import { verifyStore } from '#engine/store/verify.ts';
import { entryOf, scratch, testKey, openAt } from '#engine/store/scratch.ts';

const { folder, remove } = scratch();
after(remove);
let next = 0;
const fresh = () => `${folder}/${(next += 1)}.db`;

test('an acknowledged entry is read back after reopening, with its rows, and the store verifies', async () => {
  const file = fresh();
  const store = openAt(file);
  const first = await store.append(entryOf('s1', { put: ['vnet', 'a', { size: 1 }] }));
  const second = await store.append(
    entryOf('s2', { put: ['vnet', 'b', { size: 2 }], payload: { text: 'ü', none: undefined } }),
  );
  await store.append(entryOf('s1', { remove: ['vnet', 'a'] }));
  assert.deepEqual([first.sequence, second.sequence], [1, 2]);
  store.close();
  const again = openAt(file);
  assert.deepEqual([...again.rows('vnet')], [{ key: 'b', value: { size: 2 } }]);
  assert.deepEqual(again.row('vnet', 'b'), { size: 2 });
  assert.equal(again.row('vnet', 'a'), undefined);
  const [, read] = again.read(1, 10);
  assert.deepEqual([read?.hash, read?.payload, read?.subscription], [second.hash, { text: 'ü' }, 's2']);
  assert.deepEqual(
    again.read(3, 10).map(({ sequence, deletes }) => [sequence, deletes]),
    [[3, [{ table: 'vnet', key: 'a' }]]],
  );
  assert.deepEqual(again.read(4, 10), []);
  // A reader may verify while the writer is open.
  assert.deepEqual(verifyStore({ file, key: testKey }), { ok: true, ...again.head() });
  again.close();
});

test('entries that wait together are all durable, in the order of their calls, and rows may be written between two rows read', async () => {
  const store = openAt(fresh());
  const positions = await Promise.all(
    Array.from({ length: 600 }, (_, index) =>
      store.append(entryOf('s', { put: ['t', String(index).padStart(4, '0'), index] })),
    ),
  );
  assert.deepEqual(
    positions.map(({ sequence }) => sequence),
    Array.from({ length: 600 }, (_, index) => index + 1),
  );
  let seen = 0;
  for (const { value } of store.rows('t')) {
    assert.equal(value, seen);
    seen += 1;
    if (seen === 70) await store.append(entryOf('s', { put: ['u', 'x', 1] }));
  }
  assert.equal(seen, 600);
  store.close();
});

test('what the caller changes after the call is not written', async () => {
  const store = openAt(fresh());
  const value = { name: 'before' };
  const done = store.append({
    subscription: 's',
    kind: 'change',
    payload: value,
    puts: [{ table: 't', key: 'k', value }],
  });
  value.name = 'after';
  await done;
  assert.deepEqual([store.row('t', 'k'), store.read(1, 1)[0]?.payload], [{ name: 'before' }, { name: 'before' }]);
  store.close();
});

test('[S2.4] neither payloads, rows, audit, names nor keys appear in the files', async () => {
  const file = fresh();
  const store = openAt(file);
  const marker = 'MARKER-51c7';
  const audit = {
    at: 1,
    who: { upn: marker },
    operation: marker,
    resource: marker,
    outcome: 'Refused',
    correlationId: marker,
  } as const;
  await store.append({
    subscription: marker,
    kind: 'change',
    payload: marker,
    puts: [{ table: 't', key: marker, value: marker }],
    audit,
  });
  const files = ['', '-wal', '-shm', '-anchor', '-lock']
    .map((part) => `${file}${part}`)
    .filter((one) => existsSync(one));
  assert.ok(files.includes(`${file}-wal`));
  const bytes = Buffer.concat(
    files
      .filter((one) => one !== file && !one.endsWith('-lock') && !one.endsWith('-shm'))
      .map((one) => readFileSync(one)),
  );
  store.close();
  // The locked files are read once nothing holds them here: closing a descriptor would drop the locks.
  for (const one of [bytes, readFileSync(file)]) {
    for (const secret of [
      Buffer.from(marker),
      testKey,
      Buffer.from(testKey.toString('hex')),
      Buffer.from('SQLite format'),
    ]) {
      assert.equal(one.indexOf(secret), -1);
    }
  }
});

test('[S2.4] a shredded subscription is unreadable, leaves no rows, and the chain stays whole', async () => {
  const file = fresh();
  const store = openAt(file);
  const audit = { at: 1, who: {}, operation: 'o', resource: 'r', outcome: 'Succeeded', correlationId: 'c' } as const;
  await store.append({ ...entryOf('gone', { put: ['t', 'g', 1], payload: 'secret' }), audit });
  await store.append({ ...entryOf('kept', { put: ['t', 'k', 2], payload: 'open' }), audit });
  const [late] = await Promise.all([store.append(entryOf('gone', { put: ['t', 'h', 3] })), store.shred('gone')]);
  assert.equal(late.sequence, 3);
  assert.deepEqual([...store.rows('t')], [{ key: 'k', value: 2 }]);
  assert.deepEqual(
    store.audits({ before: 99, limit: 9 }).lines.map(({ subscription }) => subscription),
    ['kept'],
  );
  // The subscription may write again, with a new key.
  await store.append(entryOf('gone', { put: ['t', 'n', 4], payload: 'new' }));
  store.close();
  assert.equal(verifyStore({ file, key: testKey }).ok, true);
  const again = openAt(file);
  assert.deepEqual(
    again.read(1, 9).map(({ payload, isDestroyed }) => [payload, isDestroyed]),
    [
      [null, true],
      ['open', false],
      [null, true],
      [{ keys: [1], subscription: 'gone' }, false],
      ['new', false],
    ],
  );
  assert.ok(!JSON.stringify(again.read(4, 1)).includes('"h"'));
  await assert.rejects(again.shred(''), /stamp's own/);
  again.close();
});

test('a snapshot verifies, opens, and is never written over another file', async () => {
  const store = openAt(fresh());
  await store.append(entryOf('s', { put: ['t', 'k', 1] }));
  const copy = fresh();
  const at = store.snapshot(copy);
  await store.append(entryOf('s', { put: ['t', 'k', 2] }));
  assert.throws(() => store.snapshot(copy), refusal('SnapshotExists'));
  store.close();
  assert.deepEqual(verifyStore({ file: copy, key: testKey }), { ok: true, ...at });
  assert.equal(readFileSync(copy).indexOf('SQLite format'), -1);
  const opened = openAt(copy);
  assert.equal(opened.row('t', 'k'), 1);
  opened.close();
});

test('a missing store, a wrong key, a second writer and an oversized entry are refused by name', async () => {
  const file = fresh();
  assert.throws(() => openAt(file, { create: false }), refusal('StoreMissing'));
  assert.ok(!existsSync(`${file}-lock`));
  assert.throws(() => verifyStore({ file, key: testKey }), refusal('StoreMissing'));
  const store = openAt(file);
  await store.append(entryOf('s', {}));
  assert.throws(() => openAt(file), refusal('StoreLocked', String(process.pid)));
  await assert.rejects(
    store.append(entryOf('s', { payload: 'x'.repeat(17 * 1024 * 1024) })),
    refusal('RequestContentTooLarge'),
  );
  await assert.rejects(store.append({ subscription: '', kind: 'shred', payload: null }), /shred\(\)/);
  await assert.rejects(store.append(entryOf('s', { put: ['t', '', 1] })), /needs a key/);
  store.close();
  await assert.rejects(store.append(entryOf('s', {})), { code: 'StoreClosed' });
  for (const key of [randomBytes(32), Buffer.alloc(31)]) {
    const code = key.length === 32 ? 'StoreKeyWrong' : 'StoreKeyInvalid';
    assert.throws(() => openAt(file, { key }), refusal(code));
    assert.throws(() => verifyStore({ file, key }), refusal(code));
  }
  const again = openAt(file);
  assert.equal(again.head().sequence, 1);
  again.close();
});

test('any sequence of writes and removals leaves the rows that a map would hold, and a chain that verifies', async () => {
  const step = fc.record({
    subscription: fc.constantFrom('', 'a', 'b'),
    key: fc.constantFrom('x', 'y', 'z'),
    value: fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }),
    isAwaited: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
      const file = fresh();
      const store = openAt(file);
      const wanted = new Map<string, unknown>();
      const waiting: Promise<unknown>[] = [];
      for (const { subscription, key, value, isAwaited } of steps) {
        const change =
          value === undefined ? { remove: ['t', key] as const } : { put: ['t', key, value as never] as const };
        waiting.push(store.append(entryOf(subscription, change)));
        if (value === undefined) wanted.delete(key);
        else wanted.set(key, JSON.parse(JSON.stringify(value)));
        if (isAwaited) await waiting.at(-1);
      }
      await Promise.all(waiting);
      const rows = [...store.rows('t')].map(({ key, value }): [string, unknown] => [key, value]);
      const head = store.head();
      store.close();
      assert.deepEqual(
        rows,
        [...wanted].sort(([left], [right]) => (left < right ? -1 : 1)),
      );
      assert.deepEqual(verifyStore({ file, key: testKey }), { ok: true, ...head });
    }),
    { numRuns: 15 },
  );
});

function refusal(code: string, part = ''): (error: unknown) => boolean {
  return (error) => error instanceof Refusal && error.code === code && error.message.includes(part);
}
