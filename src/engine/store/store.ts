/** The store: an append-only, hash-chained, sealed log with the current rows beside it, one durable transaction per acknowledged write. */

import { randomUUID } from 'node:crypto';
import type { Json } from '#base/json.ts';
import { appendsQueuedMax, commitEntriesMax, logReadMax, storePageMax } from '#base/limits.ts';
import { assert, Bug, Fault, Refusal } from '#base/wrong.ts';
import type { Secret } from '#base/secret.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { Anchor } from '#engine/store/anchor.ts';
import { batchOf, draftOf, type BatchTools, type Draft } from '#engine/store/batch.ts';
import { genesisOf } from '#engine/store/chain.ts';
import { checkTail } from '#engine/store/check.ts';
import { damaged, wayBackOf } from '#engine/store/damage.ts';
import type {
  AuditPlace,
  AuditRecord,
  AuditStretch,
  Batch,
  StoreDatabase,
  StoredHead,
} from '#engine/store/database.ts';
import { anchorFile, inspect, refuseMissing } from '#engine/store/inspect.ts';
import { Keyring } from '#engine/store/keyring.ts';
import {
  openAudit,
  openRecord,
  openRow,
  type LogRecord,
  type Opened,
  type Put,
  type Removal,
} from '#engine/store/record.ts';
import { deriveKeys, type Random, type StoreKeys } from '#engine/store/seal.ts';
import { copyStore } from '#engine/store/snapshot.ts';
import { openSqlite } from '#engine/store/sqlite.ts';
import { lockWriter, type WriterLock } from '#engine/store/writer-lock.ts';

/** One acknowledged write: it becomes durable whole or not at all. */
export type Entry = {
  /** The subscription whose data key seals the entry; '' for what belongs to the stamp. */
  readonly subscription: string;
  /** `change`, `operation`, `deployment`, `identity`, `audit`, `alert` …; `shred` is the store's own. */
  readonly kind: string;
  readonly payload: Json;
  /** Current rows written, then removed, in the same transaction. */
  readonly puts?: readonly Put[];
  readonly deletes?: readonly Removal[];
  readonly audit?: AuditEntry;
};

/** Where an entry stands in the log. */
export type Position = { readonly sequence: number; readonly hash: string };

/** One audit entry with its place in the log. */
export type AuditLine = {
  readonly sequence: number;
  /** When it was committed. */
  readonly at: number;
  readonly subscription: string;
  readonly entry: AuditEntry;
};

/** The open store. Reads see what is committed. */
export interface Store {
  /** Resolves when the entry is on disk. Entries that wait together share one commit. */
  append(entry: Entry): Promise<Position>;
  head(): Position;
  /** Entries from a sequence on, in order. */
  read(fromSequence: number, limit: number): LogRecord[];
  /** The current rows of a table, by key. */
  rows(table: string): Iterable<{ readonly key: string; readonly value: Json }>;
  row(table: string, key: string): Json | undefined;
  /** Audit entries below a sequence, newest first: at most `limit` of those that stand there, fewer where data keys were destroyed. */
  audits(query: { before: number; limit: number; subscription?: string }): { lines: AuditLine[]; next?: number };
  /** Audit entries of a subscription committed from a time on and below a place in it, newest first, found by index. */
  auditsIn(span: AuditStretch): { lines: AuditLine[]; next?: AuditPlace };
  /** Destroys a subscription's data keys and its current rows: what it wrote can no longer be read here, the chain stays whole. */
  shred(subscription: string): Promise<Position>;
  /** Writes a whole, encrypted copy to a new file and answers the entry it ends with. */
  snapshot(file: string): Position;
  close(): void;
}

/** What opening a store takes. `create` makes the store when there is none. */
export type StoreOptions = {
  readonly file: string;
  /** 32 bytes, or a Secret of 64 hex digits. */
  readonly key: Secret | Buffer;
  readonly create: boolean;
  readonly clock: { now(): number };
  readonly random: Random;
};

/** Opens a store for writing. Refuses a damaged one, a wrong key, and one that is open elsewhere. */
export function openStore({ file, key, create, clock, random }: StoreOptions): Store {
  const keys = deriveKeys(key);
  const lock = lockIfThere(file, create);
  let database: StoreDatabase | undefined;
  try {
    // Read-only first: opened for writing with a wrong key, SQLite takes the write-ahead log for empty and may drop it.
    refuseDamage({ file, keys, create });
    database = openSqlite({ file, key: keys.database, mode: 'write', create, newId: () => randomUUID() });
    const ring = new Keyring(keys.wrap, database.dataKeys());
    const anchor = new Anchor(anchorFile(file), { key: keys.anchor, storeId: database.storeId });
    return new LogStore({ file, database, lock, anchor, tools: { keys, ring, random, now: () => clock.now() } });
  } catch (error) {
    database?.close();
    lock.release();
    throw error;
  }
}

function lockIfThere(file: string, create: boolean): WriterLock {
  // Asked first, so that a mistyped path leaves no lock file behind.
  if (!create) refuseMissing(file);
  return lockWriter(file);
}

function refuseDamage({ file, keys, create }: { file: string; keys: StoreKeys; create: boolean }): void {
  try {
    const verdict = inspect({ file, keys }, checkTail);
    if (verdict.kind === 'damaged') throw damaged(file, { ...verdict, wayBack: wayBackOf(file, verdict.sequence) });
  } catch (error) {
    // No file, or one whose making was cut short before its first entry: there is nothing to check.
    if (create && error instanceof Refusal && error.code === 'StoreMissing') return;
    throw error;
  }
}

type Waiting = {
  readonly draft: Draft | { readonly shred: string };
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
};

type Parts = {
  readonly file: string;
  readonly database: StoreDatabase;
  readonly lock: WriterLock;
  readonly anchor: Anchor;
  readonly tools: BatchTools;
};

class LogStore implements Store {
  readonly #parts: Parts;
  readonly #waiting: Waiting[] = [];
  #head: StoredHead;
  #isCommitting = false;
  /** Why nothing is written any more. */
  #stopped: Fault | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#head = parts.database.head();
    // Both slots, so that their blocks exist before a full disk could refuse them.
    parts.anchor.write(this.#head);
    parts.anchor.write(this.#head);
  }

  async append(entry: Entry): Promise<Position> {
    assert(entry.kind !== 'shred', 'Data keys are destroyed by shred(), which writes its own entry.');
    return await this.#enqueue(draftOf(entry));
  }

  async shred(subscription: string): Promise<Position> {
    assert(
      subscription !== '',
      "The stamp's own data key is not destroyed: the record of every shredding is sealed with it.",
    );
    return await this.#enqueue({ shred: subscription });
  }

  #enqueue(draft: Waiting['draft']): Promise<Position> {
    if (this.#stopped !== undefined) throw this.#stopped;
    if (this.#waiting.length >= appendsQueuedMax) {
      const says = `${appendsQueuedMax} writes wait for the disk already. Try again in a second.`;
      throw new Refusal('TooManyRequests', says, { status: 429, retryAfterS: 1 });
    }
    const { promise, resolve, reject } = Promise.withResolvers<Position>();
    this.#waiting.push({ draft, resolve, reject });
    if (!this.#isCommitting) this.#schedule();
    return promise;
  }

  /** One commit a turn of the event loop: all that arrived in the turn share it, and sockets are served in between. */
  #schedule(): void {
    this.#isCommitting = true;
    setImmediate(() => void this.#commitNext());
  }

  async #commitNext(): Promise<void> {
    const taken = this.#take();
    const batch = this.#build(taken);
    try {
      await this.#parts.database.commit(batch);
    } catch (error) {
      this.#failed(batch, error);
      for (const { reject } of taken) reject(error);
      this.#turnOver();
      return;
    }
    try {
      this.#committed(batch);
      for (const [index, { resolve }] of taken.entries()) resolve(positionOf(batch.records[index]));
    } catch (error) {
      // The entries are durable, what follows them failed: unacknowledged, as after a crash at this place.
      this.#stop(error);
      for (const { reject } of taken) reject(this.#stopped);
    }
    this.#turnOver();
  }

  #turnOver(): void {
    this.#isCommitting = false;
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** The next entries to commit together; a shredding goes alone, since it must see the rows that those before it wrote. */
  #take(): Waiting[] {
    const shredAt = this.#waiting.findIndex(({ draft }) => 'shred' in draft);
    const count = shredAt < 0 ? commitEntriesMax : Math.max(1, Math.min(shredAt, commitEntriesMax));
    return this.#waiting.splice(0, count);
  }

  #build(taken: readonly Waiting[]): Batch {
    const [first] = taken;
    if (first !== undefined && 'shred' in first.draft) return this.#buildShred(first.draft.shred);
    const drafts = taken.map(({ draft }) => draft).filter((draft): draft is Draft => 'body' in draft);
    return batchOf(drafts, this.#head, this.#parts.tools);
  }

  #buildShred(subscription: string): Batch {
    const { database, tools } = this.#parts;
    const numbers = tools.ring.numbersOf(subscription);
    const places = numbers.flatMap((number) => database.rowsSealedBy(number));
    // The rows' names stay out of the entry's body: it outlives the subscription.
    const draft = {
      ...draftOf({ subscription: '', kind: 'shred', payload: { subscription, keys: numbers } }),
      deletes: places,
    };
    return { ...batchOf([draft], this.#head, tools), destroyed: numbers };
  }

  #committed({ records, destroyed }: Batch): void {
    const { database, tools, anchor } = this.#parts;
    this.#head = records.at(-1) ?? this.#head;
    tools.ring.destroy(destroyed);
    anchor.write(this.#head);
    if (destroyed.length > 0) database.scrub();
  }

  #failed({ keys }: Batch, error: unknown): void {
    for (const key of keys) this.#parts.tools.ring.drop(key);
    // A full disk leaves the store as it was; after any other failure only a fresh open knows what is on disk.
    if (!(error instanceof Fault && error.code === 'StoreFull')) this.#stop(error);
  }

  #stop(error: unknown): void {
    this.#stopped = new Fault(
      'StoreStopped',
      'The store stopped writing after a commit failed; open it afresh.',
      error,
    );
    for (const { reject } of this.#waiting.splice(0)) reject(this.#stopped);
  }

  head(): Position {
    return positionOf(this.#head);
  }

  read(fromSequence: number, limit: number): LogRecord[] {
    assert(Number.isSafeInteger(fromSequence) && fromSequence >= 1, 'The first entry has sequence 1.');
    const { database, tools } = this.#parts;
    const wanted = Math.min(limit, logReadMax);
    const found: LogRecord[] = [];
    let previous = fromSequence === 1 ? genesisOf(database.storeId) : database.log(fromSequence - 1, 1)[0]?.hash;
    while (previous !== undefined && found.length < wanted) {
      const page = database.log(fromSequence + found.length, Math.min(storePageMax, wanted - found.length));
      for (const record of page) {
        found.push(this.#whole(openRecord(record, previous, tools.ring), `entry ${record.sequence} of the log`));
        previous = record.hash;
      }
      if (page.length === 0) break;
    }
    return found;
  }

  *rows(table: string): Iterable<{ readonly key: string; readonly value: Json }> {
    const { database, tools } = this.#parts;
    for (let key: string | undefined = ''; key !== undefined; ) {
      // A page at a time, not one open cursor: the caller may write between two rows.
      const page = database.tableRows({ table, key }, storePageMax);
      for (const row of page) {
        yield { key: row.key, value: this.#whole(openRow(row, tools.ring), `row ${row.key} of table ${table}`) };
      }
      key = page.at(-1)?.key;
    }
  }

  row(table: string, key: string): Json | undefined {
    const row = this.#parts.database.row({ table, key });
    return row && this.#whole(openRow(row, this.#parts.tools.ring), `row ${key} of table ${table}`);
  }

  audits(query: { before: number; limit: number; subscription?: string }): { lines: AuditLine[]; next?: number } {
    const records = this.#parts.database.audits(query);
    const lines = this.#opened(records);
    const last = records.at(-1)?.sequence;
    return records.length < query.limit || last === undefined ? { lines } : { lines, next: last };
  }

  auditsIn(span: AuditStretch): { lines: AuditLine[]; next?: AuditPlace } {
    const records = this.#parts.database.auditsIn(span);
    const lines = this.#opened(records);
    const last = records.at(-1);
    return records.length < span.limit || last === undefined
      ? { lines }
      : { lines, next: { at: last.at, sequence: last.sequence } };
  }

  /** The entries in the clear; those whose data key was destroyed are left out. */
  #opened(records: readonly AuditRecord[]): AuditLine[] {
    const { database, tools } = this.#parts;
    const lines: AuditLine[] = [];
    for (const record of records) {
      const held = tools.ring.get(record.dataKey);
      if (held?.kind === 'destroyed') continue;
      const place = `entry ${record.sequence} of the log`;
      const previous = record.previous ?? (record.sequence === 1 ? genesisOf(database.storeId) : undefined);
      const isReadable = held?.kind === 'held' && previous !== undefined;
      const opened: Opened<AuditEntry> = isReadable
        ? openAudit(record, previous, held.key)
        : { kind: 'broken', reason: 'its data key or the entry before it is missing' };
      const { sequence, at, subscription } = record;
      lines.push({ sequence, at, subscription, entry: this.#whole(opened, place) });
    }
    return lines;
  }

  snapshot(file: string): Position {
    copyStore(this.#parts.database, file);
    return this.head();
  }

  close(): void {
    if (this.#stopped?.code === 'StoreClosed') return;
    this.#stopped = new Fault('StoreClosed', 'The store is closed.');
    for (const { reject } of this.#waiting.splice(0)) reject(this.#stopped);
    this.#parts.anchor.close();
    this.#parts.database.close();
    this.#parts.lock.release();
  }

  #whole<T>(opened: Opened<T>, place: string): T {
    if (opened.kind === 'open') return opened.value;
    const sequence = 0;
    const wayBack = `Run \`ringwall store verify\` to find how far the log is good. ${wayBackOf(this.#parts.file, sequence)}`;
    throw damaged(this.#parts.file, { place, reason: opened.reason, sequence, wayBack });
  }
}

function positionOf(head: StoredHead | undefined): Position {
  if (head === undefined) throw new Bug('A commit has one entry for each that waited.');
  return { sequence: head.sequence, hash: head.hash.toString('hex') };
}
