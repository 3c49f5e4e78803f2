/** Durable commits of the store: one writer and many, beside a bare flush of the same bytes and a bare SQLite commit. */

import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3-multiple-ciphers';
import type { JsonObject } from '#base/json.ts';
import { openStore, type Entry, type Store } from '#engine/store/store.ts';
import { rounded, spreadOf, timedTimes, type Spread } from '#bench/figures.ts';

const blocks = 20;
const perBlock = 20;
const parallel = 32;
const parallelTotal = 2000;
const folderOfRuns = '/var/tmp';

/** An entry of the size that a PUT of a security rule writes: change with record, the rule and its group, and the audit. */
export function ruleEntry(index: number): Entry {
  const rule = {
    id: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n/securityRules/r${index % 8}`,
  };
  const text = 'x'.repeat(700);
  return {
    subscription: '11111111-1111-1111-1111-111111111111',
    kind: 'change',
    payload: { revision: index, record: { root: 'a'.repeat(64), base: 'b'.repeat(64) }, signature: 'c'.repeat(88) },
    puts: [
      { table: 'resources', key: rule.id, value: { ...rule, text } },
      { table: 'resources', key: '/nsg', value: { id: '/nsg', text, index } },
      { table: 'stamp', key: 'revision', value: { revision: index } },
    ],
  };
}

/** Opens a store of its own in a new folder on the disk that stamps use; `remove` closes and deletes it. */
export function scratchStore(clock: { now(): number } = { now: () => Date.now() }): {
  readonly store: Store;
  readonly folder: string;
  readonly remove: () => void;
} {
  mkdirSync(folderOfRuns, { recursive: true });
  const folder = mkdtempSync(join(folderOfRuns, 'ringwall-bench-'));
  const store = openStore({
    file: join(folder, 'bench.db'),
    key: randomBytes(32),
    create: true,
    clock,
    random: randomBytes,
  });
  return {
    store,
    folder,
    remove: () => {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One durable append at a time. */
export async function appendSpread(store: Store, count: number): Promise<Spread> {
  return spreadOf(await timedTimes(count, (index) => store.append(ruleEntry(index))));
}

/** `npm run bench -- store` */
export async function benchStore(): Promise<JsonObject> {
  const { store, folder, remove } = scratchStore();
  const [flush, sqlite] = [flusher(folder), sqliteWriter(folder)];
  try {
    await appendSpread(store, 50);
    const samples = { ours: [] as number[], flush: [] as number[], sqlite: [] as number[] };
    // In turns, so that what else the disk does falls on all three alike.
    for (let block = 0; block < blocks; block++) {
      samples.ours.push(...(await timedTimes(perBlock, (index) => store.append(ruleEntry(index)))));
      samples.flush.push(...timedSync(flush.commit));
      samples.sqlite.push(...timedSync(sqlite.commit));
    }
    const spreads = { ours: spreadOf(samples.ours), flush: spreadOf(samples.flush), sqlite: spreadOf(samples.sqlite) };
    const many = await parallelRate(store);
    const { p50_ms, p99_ms } = spreads.ours;
    return {
      rows: [
        { writers: 1, commits_per_s: Math.round(1000 / p50_ms), p50_ms, p99_ms },
        { writers: parallel, commits_per_s: Math.round(many) },
      ],
      limits: { flush_ms: spreads.flush.p50_ms, sqlite_commit_ms: spreads.sqlite.p50_ms },
      ratio: {
        over_flush: rounded(p50_ms / spreads.flush.p50_ms),
        over_sqlite: rounded(p50_ms / spreads.sqlite.p50_ms),
      },
    };
  } finally {
    flush.close();
    sqlite.close();
    remove();
  }
}

async function parallelRate(store: Store): Promise<number> {
  let next = 0;
  const start = performance.now();
  const writer = async () => {
    while (next < parallelTotal) await store.append(ruleEntry(next++));
  };
  await Promise.all(Array.from({ length: parallel }, writer));
  return (parallelTotal * 1000) / (performance.now() - start);
}

type Writer = { readonly commit: (index: number) => void; readonly close: () => void };

function timedSync(commit: (index: number) => void): number[] {
  return Array.from({ length: perBlock }, (_, index) => {
    const start = performance.now();
    commit(index);
    return performance.now() - start;
  });
}

/** The disk's own limit: 4 KiB written over the same place of a file that is there already, and flushed. */
function flusher(folder: string): Writer {
  const fd = openSync(join(folder, 'flush'), 'w');
  const bytes = Buffer.alloc(4096, 1);
  writeSync(fd, Buffer.alloc(1 << 20, 1));
  fdatasyncSync(fd);
  const commit = (index: number) => {
    writeSync(fd, bytes, 0, bytes.length, (index % 256) * 4096);
    fdatasyncSync(fd);
  };
  return { commit, close: () => closeSync(fd) };
}

/** The engine's limit: a plain, unencrypted SQLite commit of three such rows in the same journal mode. */
function sqliteWriter(folder: string): Writer {
  const database = new Database(join(folder, 'plain.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE t (key TEXT PRIMARY KEY, value BLOB)');
  const put = database.prepare('INSERT OR REPLACE INTO t VALUES (?, ?)');
  const commit = database.transaction((index: number) => {
    for (let row = 0; row < 3; row++) put.run(`${row}-${index % 8}`, 'x'.repeat(800));
  });
  return { commit, close: () => database.close() };
}
