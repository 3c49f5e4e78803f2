/** Damage, one case after the other: each is refused with its place and the way back, and the files are left as they were. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { damageOf, snapshotFile } from '#engine/store/damage.ts';
import { deriveKeys } from '#engine/store/seal.ts';
import { entryOf, openAt, scratch, testKey } from '#engine/store/scratch.ts';
import { restoreSnapshot } from '#engine/store/snapshot.ts';
import { connect, type Connection } from '#engine/store/sqlite-addon.ts';
import { verifyStore } from '#engine/store/verify.ts';

const { folder, remove } = scratch();
after(remove);
let next = 0;

/** A store of 40 entries, closed, and checkpointed into its one file. */
async function healthy(): Promise<string> {
  const home = `${folder}/${(next += 1)}`;
  mkdirSync(home);
  const store = openAt(`${home}/store.db`);
  await Promise.all(
    Array.from({ length: 40 }, (_, index) => {
      const put = ['t', `k${index % 10}`, 'v'.repeat(400)] as const;
      return store.append(entryOf(index % 2 === 0 ? 'a' : '', { put, payload: 'p'.repeat(300) }));
    }),
  );
  store.close();
  return `${home}/store.db`;
}

/** Opens the file as an intruder with the key would. */
function tamper(file: string, change: (connection: Connection) => void): void {
  const connection = connect(file, { readonly: false, timeout: 0 });
  connection.pragma("cipher='sqlcipher'");
  connection.pragma('legacy=4');
  connection.key(Buffer.from(`x'${deriveKeys(testKey).database.export().toString('hex')}'`));
  change(connection);
  connection.pragma('wal_checkpoint(TRUNCATE)');
  connection.close();
}

type Found = { at: 'open' | 'verify'; place: string; sequence: number };

/** Opens, and if that finds nothing verifies. */
function find(file: string): Found | undefined {
  const before = readFileSync(file);
  let found: Found | undefined;
  try {
    openAt(file, { create: false }).close();
  } catch (error) {
    const damage = damageOf(error);
    if (damage === undefined) throw error;
    assert.match(damage.wayBack, /Restore the snapshot|restore a copy/);
    assert.deepEqual(readFileSync(file), before, 'a refused store is left as it was');
    found = { at: 'open', ...damage };
  }
  const verified = verifyStore({ file, key: testKey });
  assert.equal(verified.ok, false, 'what an open refuses, verify finds as well');
  return verified.ok ? undefined : (found ?? { at: 'verify', ...verified });
}

const sql = (text: string) => (file: string) => tamper(file, (connection) => void connection.exec(text));

// One row is one damage: what is done, where it is found, the place named, and the last entry known good.
const cases: [string, (file: string) => void, Found['at'], RegExp, number][] = [
  ['an edited body', sql('UPDATE log SET sealed = zeroblob(60) WHERE sequence = 7'), 'open', /entry 7 /, 6],
  ['an edited time', sql('UPDATE log SET at = at + 1 WHERE sequence = 7'), 'open', /entry 7 /, 6],
  ['an edited kind', sql("UPDATE log SET kind = 'other' WHERE sequence = 40"), 'open', /entry 40 /, 39],
  [
    'an entry given to another subscription',
    sql("UPDATE log SET subscription = 'b' WHERE sequence = 7"),
    'open',
    /entry 7 /,
    6,
  ],
  ['a removed entry', sql('DELETE FROM log WHERE sequence = 20'), 'open', /entry 20 /, 19],
  ['a removed first entry', sql('DELETE FROM log WHERE sequence = 1'), 'open', /entry 1 /, 0],
  ['a removed last entry', sql('DELETE FROM log WHERE sequence = 40'), 'open', /end of the log/, 39],
  [
    'a removed last entry and a head to match',
    sql(
      'DELETE FROM log WHERE sequence = 40; UPDATE head SET sequence = 39, hash = (SELECT hash FROM log WHERE sequence = 39)',
    ),
    'open',
    /end of the log/,
    39,
  ],
  [
    'two entries exchanged',
    sql(
      'UPDATE log SET sequence = -1 WHERE sequence = 8; UPDATE log SET sequence = 8 WHERE sequence = 9; UPDATE log SET sequence = 9 WHERE sequence = -1',
    ),
    'open',
    /entry 8 /,
    7,
  ],
  [
    'an entry added',
    sql(
      'INSERT INTO log SELECT 41, at, subscription, kind, dataKey, hash, audit, effects, sealed FROM log WHERE sequence = 40',
    ),
    'open',
    /entry 41 /,
    40,
  ],
  ['an edited row', sql("UPDATE row SET sealed = zeroblob(60) WHERE key = 'k3'"), 'verify', /row k3 of table t/, 40],
  ['a removed row', sql("DELETE FROM row WHERE key = 'k3'"), 'verify', /current rows/, 40],
  ['a row under another name', sql("UPDATE row SET key = 'k99' WHERE key = 'k3'"), 'verify', /row k99 of table t/, 40],
  ['an older value of a row', sql("UPDATE row SET sequence = 3 WHERE key = 'k3'"), 'verify', /row k3 of table t/, 40],
  [
    'a data key removed without an entry',
    sql('UPDATE data_key SET wrapped = NULL WHERE number = 1'),
    'verify',
    /data key 1/,
    40,
  ],
  ['an edited data key', sql('UPDATE data_key SET wrapped = zeroblob(60) WHERE number = 1'), 'open', /entry 1 /, 0],
  ['a removed head', sql('DELETE FROM head'), 'open', /head row/, 0],
  [
    'a file cut in the middle of a page',
    (file) => truncateSync(file, readFileSync(file).length - 100),
    'open',
    /end of the file/,
    40,
  ],
  ['a file cut to nothing', (file) => truncateSync(file, 0), 'open', /whole file/, 0],
  ['an anchor overwritten', (file) => writeFileSync(`${file}-anchor`, Buffer.alloc(5000, 7)), 'open', /anchor/, 40],
];

for (const [name, damage, at, place, sequence] of cases) {
  test(`${name} is found at ${at}`, async () => {
    const file = await healthy();
    damage(file);
    const found = find(file);
    assert.equal(found?.at, at);
    assert.match(found?.place ?? '', place);
    assert.equal(found?.sequence, sequence);
  });
}

test('a flipped byte in any page is found, and the page is named', async () => {
  const file = await healthy();
  const whole = readFileSync(file);
  const pages = whole.length / 4096;
  assert.ok(pages > 10);
  for (let page = 1; page <= pages; page += 1) {
    const bytes = Buffer.from(whole);
    const at = (page - 1) * 4096 + 100 + ((page * 577) % 3900);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const found = find(file);
    assert.match(found?.place ?? 'nothing', new RegExp(`^page ${page} of ${pages} `), `byte ${at}`);
  }
  writeFileSync(file, whole);
  assert.equal(verifyStore({ file, key: testKey }).ok, true);
});

// One row is what a crash left of the write-ahead log (a share of its bytes, less some), and where the loss is seen.
const logs: [string, number, number, RegExp | undefined][] = [
  ['lost', 0, 0, /whole file/],
  ['cut in the last frame', 1, 10, /end of the log/],
  ['cut in half', 0.5, 0, /end of the log|whole file/],
  ['whole', 1, 0, undefined],
];

for (const [name, share, less, place] of logs) {
  test(`a write-ahead log that is ${name} ${place === undefined ? 'recovers' : 'is refused: the anchor knows what was acknowledged'}`, async () => {
    const copy = `${folder}/${(next += 1)}.db`;
    await crashed(copy);
    const log = readFileSync(`${copy}-wal`);
    writeFileSync(`${copy}-wal`, log.subarray(0, Math.floor(log.length * share) - less));
    if (place !== undefined) return assert.match(find(copy)?.place ?? 'nothing', place);
    const store = openAt(copy);
    assert.equal(store.head().sequence, 2);
    store.close();
  });
}

/** Copies of a store's files as a crash after two entries would leave them: nothing checkpointed. */
async function crashed(copy: string): Promise<void> {
  const source = `${folder}/${(next += 1)}.db`;
  const store = openAt(source);
  await store.append(entryOf('a', { payload: 1 }));
  await store.append(entryOf('a', { payload: 2 }));
  for (const part of ['', '-wal', '-anchor']) copyFileSync(`${source}${part}`, `${copy}${part}`);
  store.close();
}

test('garbage behind the last commit, as a torn write leaves it, is no damage', async () => {
  const copy = `${folder}/${(next += 1)}.db`;
  await crashed(copy);
  const log = readFileSync(`${copy}-wal`);
  writeFileSync(`${copy}-wal`, Buffer.concat([log, log.subarray(32, 32 + 2000), Buffer.alloc(700, 0x5a)]));
  const store = openAt(copy);
  assert.equal(store.head().sequence, 2);
  await store.append(entryOf('a', { payload: 3 }));
  store.close();
  assert.equal(verifyStore({ file: copy, key: testKey }).ok, true);
});

test('a wrong key does not harm commits that are still in the write-ahead log', async () => {
  const copy = `${folder}/${(next += 1)}.db`;
  await crashed(copy);
  const key = Buffer.alloc(32, 9);
  assert.throws(() => openAt(copy, { key }), { code: 'StoreKeyWrong' });
  assert.throws(() => verifyStore({ file: copy, key }), { code: 'StoreKeyWrong' });
  const store = openAt(copy);
  assert.equal(store.head().sequence, 2);
  store.close();
});

test('a store of a newer format is refused', async () => {
  const file = await healthy();
  tamper(file, (connection) => void connection.pragma('user_version=99'));
  assert.throws(() => openAt(file), { code: 'StoreFormatUnknown' });
});

test('the way back: the newest snapshot is named, verified and restored, and the damaged files are kept', async () => {
  const file = await healthy();
  const store = openAt(file);
  const at = store.snapshot(snapshotFile(file, store.head().sequence));
  await store.append(entryOf('a', { payload: 'later' }));
  store.close();
  const bytes = readFileSync(file);
  bytes[4096 * 3 + 50] = (bytes[4096 * 3 + 50] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const found = verifyStore({ file, key: testKey });
  const snapshot = snapshotFile(file, 40);
  assert.ok(!found.ok && found.wayBack.includes(`Restore the snapshot ${snapshot}`));
  const restored = restoreSnapshot({ snapshot, file, key: testKey, mark: '1' });
  assert.deepEqual([restored.sequence, restored.hash], [at.sequence, at.hash]);
  assert.deepEqual(readFileSync(`${file}.damaged-1`), bytes);
  const again = openAt(file);
  assert.deepEqual(again.head(), at);
  again.close();
  rmSync(snapshot);
  writeFileSync(snapshot, bytes);
  assert.throws(() => restoreSnapshot({ snapshot, file, key: testKey, mark: '2' }), { code: 'SnapshotDamaged' });
  assert.ok(existsSync(file) && !existsSync(`${file}.damaged-2`));
});

test('a store whose making was cut short is made afresh, but only when asked to', () => {
  const blank = `${folder}/${(next += 1)}.db`;
  const bare = `${folder}/${(next += 1)}.db`;
  writeFileSync(blank, '');
  tamper(bare, (connection) => void connection.pragma('journal_mode=WAL'));
  for (const file of [blank, bare]) {
    assert.throws(() => openAt(file, { create: false }), { code: 'StoreMissing' });
    const store = openAt(file);
    assert.equal(store.head().sequence, 0);
    store.close();
    openAt(file, { create: false }).close();
  }
});
