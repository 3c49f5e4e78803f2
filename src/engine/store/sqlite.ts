/** The embedded database of the store: SQLite in SQLCipher 4 format, write-ahead log, synchronous=FULL. */

import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { KeyObject } from 'node:crypto';
import { Fault, Refusal } from '#base/wrong.ts';
import { genesisOf, type SealedRecord } from '#engine/store/chain.ts';
import type {
  AuditQuery,
  AuditRecord,
  AuditStretch,
  Batch,
  RowPlace,
  StoreDatabase,
  StoredHead,
} from '#engine/store/database.ts';
import type { SealedRow } from '#engine/store/effects.ts';
import type { WrappedKey } from '#engine/store/keyring.ts';
import { currentFormat, migrations } from '#engine/store/migrations.ts';
import { connect, sqliteCode, type Connection, type Statement } from '#engine/store/sqlite-addon.ts';

/** How to open the file. Whoever writes holds the writer's lock already; `newId` names a store that is made. */
export type SqliteOptions = { readonly file: string; readonly key: KeyObject } & (
  | { readonly mode: 'read' }
  | { readonly mode: 'write'; readonly create: boolean; readonly newId: () => string }
);

/** 'Ring' in ASCII: marks the file as ours (SQLite, PRAGMA application_id). */
const applicationId = 0x52696e67;

/** Opens the database of a store. Refuses a missing file and a newer format. */
export function openSqlite(options: SqliteOptions): StoreDatabase {
  const { file, mode } = options;
  if (!existsSync(file) && !(mode === 'write' && options.create)) throw missing(file);
  return guarded(`open ${file}`, () => {
    const connection = connectTo(options);
    try {
      unlock(connection, options);
      if (options.mode === 'write') prepareFormat(connection, options);
      const format = formatOf(connection, file);
      if (format === 0) throw missing(file);
      // A reader sees one moment of the store, however long it reads (SQLite, "Isolation").
      if (mode === 'read') connection.exec('BEGIN');
      return new SqliteDatabase(connection, format);
    } catch (error) {
      closeHere(connection);
      throw error;
    }
  });
}

function missing(file: string): Refusal {
  return new Refusal('StoreMissing', `There is no store in ${file}.`, { status: 404, target: file });
}

/** Is the file open for writing in this process? Then no other descriptor of it may be opened and closed here (fcntl(2)). */
export function isOpenHere(file: string): boolean {
  return openHere.has(resolve(file));
}

const openHere = new Set<string>();

function closeHere(connection: Connection): void {
  connection.close();
  if (!connection.readonly) openHere.delete(resolve(connection.name));
}

/** Does the error say that the pages of the file are not what was written? */
export function isPageDamage(error: unknown): error is Fault {
  return error instanceof Fault && (error.code === 'StorePagesDamaged' || error.code === 'StoreHeadMissing');
}

function connectTo({ file, mode }: SqliteOptions): Connection {
  // Made before SQLite sees it, so that it is never readable by others; -wal and -shm take their mode from it.
  if (mode === 'write' && !existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  if (mode === 'write') chmodSync(file, 0o600);
  const connection = connect(file, { readonly: mode === 'read', timeout: 5000 });
  if (mode === 'write') openHere.add(resolve(file));
  return connection;
}

function unlock(connection: Connection, { key, mode }: SqliteOptions): void {
  connection.pragma("cipher='sqlcipher'");
  connection.pragma('legacy=4');
  // The raw 32 bytes would be taken for a passphrase: this form is the raw key.
  const raw = Buffer.from(`x'${key.export().toString('hex')}'`);
  connection.key(raw);
  raw.fill(0);
  for (const pragma of ['trusted_schema=OFF', 'cell_size_check=ON', 'mmap_size=0', 'temp_store=MEMORY']) {
    connection.pragma(pragma);
  }
  if (mode === 'write') {
    for (const pragma of ['journal_mode=WAL', 'synchronous=FULL', 'secure_delete=ON', 'journal_size_limit=67108864']) {
      connection.pragma(pragma);
    }
  }
}

function prepareFormat(connection: Connection, options: SqliteOptions & { mode: 'write' }): void {
  const isBlank = connection.prepare('SELECT count(*) AS n FROM sqlite_schema').pluck().get() === 0;
  if (isBlank && !options.create) throw missing(options.file);
  const format = formatOf(connection, options.file);
  if (format === currentFormat) return;
  connection.exec('BEGIN IMMEDIATE');
  for (const step of migrations.filter((one) => one.format > format)) connection.exec(step.sql);
  if (isBlank) {
    const id = options.newId();
    connection.prepare('INSERT INTO head VALUES (1, ?, 0, ?)').run(id, genesisOf(id));
  }
  connection.pragma(`application_id=${applicationId}`);
  connection.pragma(`user_version=${currentFormat}`);
  // With its first sync of a write-ahead log SQLite flushes the folder too: the names of both files are then on the disk.
  connection.exec('COMMIT');
}

function formatOf(connection: Connection, file: string): number {
  const format = Number(connection.pragma('user_version', { simple: true }));
  if (format > currentFormat) {
    const says = `The store ${file} has format ${format}; this version knows formats up to ${currentFormat}. Use the newer version.`;
    throw new Refusal('StoreFormatUnknown', says, { status: 409, target: file });
  }
  return format;
}

function headMissing(): Fault {
  return new Fault('StoreHeadMissing', 'the head row of the store is missing');
}

/** Turns the driver's errors into ours. */
function guarded<T>(task: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = sqliteCode(error);
    if (code === undefined) throw error;
    const says = (error as Error).message;
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) throw new Fault('StorePagesDamaged', `${says} (${code})`, error);
    if (code === 'SQLITE_FULL') throw new Fault('StoreFull', `Cannot ${task}: the disk is full.`, error);
    throw new Fault('StoreFailed', `Cannot ${task}: ${says} (${code}).`, error);
  }
}

type Name = keyof typeof texts;
type Statements = Readonly<Record<Name, Statement>>;

const recordColumns = 'sequence, at, subscription, kind, dataKey, audit, effects, sealed, hash';
const rowColumns = 'name AS "table", key, dataKey, sequence, sealed';
const auditColumns = `SELECT l.sequence, l.at, l.subscription, l.kind, l.dataKey, l.audit, l.hash, p.hash AS previous
   FROM log l LEFT JOIN log p ON p.sequence = l.sequence - 1`;
const auditText = (where: string) =>
  `${auditColumns} WHERE l.sequence < ? AND l.audit IS NOT NULL ${where} ORDER BY l.sequence DESC LIMIT ?`;
const texts = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  head: 'SELECT sequence, hash FROM head WHERE id = 1',
  setHead: 'UPDATE head SET sequence = ?, hash = ? WHERE id = 1',
  storeId: 'SELECT store FROM head WHERE id = 1',
  log: `SELECT ${recordColumns} FROM log WHERE sequence >= ? ORDER BY sequence LIMIT ?`,
  append: `INSERT INTO log (${recordColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  audits: auditText(''),
  auditsOf: auditText('AND l.subscription = ?'),
  auditsIn: `${auditColumns} WHERE l.audit IS NOT NULL AND l.subscription = ? AND l.at >= ? AND (l.at, l.sequence) < (?, ?)
   ORDER BY l.at DESC, l.sequence DESC LIMIT ?`,
  row: `SELECT ${rowColumns} FROM row WHERE name = ? AND key = ?`,
  tableRows: `SELECT ${rowColumns} FROM row WHERE name = ? AND key > ? ORDER BY key LIMIT ?`,
  allRows: `SELECT ${rowColumns} FROM row WHERE (name, key) > (?, ?) ORDER BY name, key LIMIT ?`,
  rowsSealedBy: 'SELECT name AS "table", key FROM row WHERE dataKey = ? ORDER BY name, key',
  put: `INSERT INTO row (name, key, dataKey, sequence, sealed) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (name, key) DO UPDATE SET dataKey = excluded.dataKey, sequence = excluded.sequence, sealed = excluded.sealed`,
  delete: 'DELETE FROM row WHERE name = ? AND key = ?',
  dataKeys: 'SELECT number, subscription, at, wrapped FROM data_key ORDER BY number',
  addKey: 'INSERT INTO data_key (number, subscription, at, wrapped) VALUES (?, ?, ?, ?)',
  destroyKey: 'UPDATE data_key SET wrapped = NULL WHERE number = ?',
  copy: 'VACUUM INTO ?',
} as const;

/** Prepares a statement at its first use: a reader never prepares the writer's. */
function statementsOf(connection: Connection): Statements {
  const prepared = new Map<string, Statement>();
  return new Proxy(texts, {
    get(_texts, name: Name) {
      const known = prepared.get(name);
      if (known !== undefined) return known;
      const fresh = connection.prepare<unknown[]>(texts[name]);
      prepared.set(name, fresh);
      return fresh;
    },
  }) as unknown as Statements;
}

class SqliteDatabase implements StoreDatabase {
  readonly storeId: string;
  readonly format: number;
  readonly #connection: Connection;
  readonly #sql: Statements;

  constructor(connection: Connection, format: number) {
    this.#connection = connection;
    this.#sql = statementsOf(connection);
    this.format = format;
    const id = this.#sql.storeId.pluck().get();
    if (typeof id !== 'string') throw headMissing();
    this.storeId = id;
  }

  head(): StoredHead {
    const head = this.#read<StoredHead>(() => this.#sql.head.all())[0];
    if (head === undefined) throw headMissing();
    return head;
  }

  log(from: number, limit: number): SealedRecord[] {
    return this.#read(() => this.#sql.log.all(from, limit));
  }

  audits({ before, limit, subscription }: AuditQuery): AuditRecord[] {
    return this.#read(() =>
      subscription === undefined
        ? this.#sql.audits.all(before, limit)
        : this.#sql.auditsOf.all(before, subscription, limit),
    );
  }

  auditsIn({ subscription, from, before, limit }: AuditStretch): AuditRecord[] {
    return this.#read(() => this.#sql.auditsIn.all(subscription, from, before.at, before.sequence, limit));
  }

  row({ table, key }: RowPlace): SealedRow | undefined {
    return this.#read<SealedRow>(() => this.#sql.row.all(table, key))[0];
  }

  tableRows({ table, key }: RowPlace, limit: number): SealedRow[] {
    return this.#read(() => this.#sql.tableRows.all(table, key, limit));
  }

  allRows({ table, key }: RowPlace, limit: number): SealedRow[] {
    return this.#read(() => this.#sql.allRows.all(table, key, limit));
  }

  rowsSealedBy(dataKey: number): RowPlace[] {
    return this.#read(() => this.#sql.rowsSealedBy.all(dataKey));
  }

  dataKeys(): WrappedKey[] {
    return this.#read(() => this.#sql.dataKeys.all());
  }

  async commit(batch: Batch): Promise<void> {
    guarded('write to the store', () => {
      this.#sql.begin.run();
      try {
        this.#write(batch);
        this.#sql.commit.run();
      } catch (error) {
        if (this.#connection.inTransaction) this.#sql.rollback.run();
        throw error;
      }
    });
  }

  #write({ records, rows, keys, destroyed }: Batch): void {
    for (const { number, subscription, at, wrapped } of keys) this.#sql.addKey.run(number, subscription, at, wrapped);
    for (const one of records) {
      const { sequence, at, subscription, kind, dataKey, audit, effects, sealed, hash } = one;
      this.#sql.append.run(sequence, at, subscription, kind, dataKey, audit, effects, sealed, hash);
    }
    for (const change of rows) {
      if (change.kind === 'delete') this.#sql.delete.run(change.table, change.key);
      else {
        const { table, key, dataKey, sequence, sealed } = change.row;
        this.#sql.put.run(table, key, dataKey, sequence, sealed);
      }
    }
    for (const number of destroyed) this.#sql.destroyKey.run(number);
    const last = records.at(-1);
    if (last !== undefined) this.#sql.setHead.run(last.sequence, last.hash);
  }

  refresh(): void {
    guarded('read the store', () => this.#connection.exec('COMMIT; BEGIN'));
  }

  scrub(): void {
    guarded('truncate the write-ahead log', () => this.#connection.pragma('wal_checkpoint(TRUNCATE)'));
  }

  copyTo(file: string): void {
    guarded(`copy the store to ${file}`, () => this.#sql.copy.run(file));
  }

  flaws(): string[] {
    const rows = this.#read<{ integrity_check: string }>(
      () => this.#connection.pragma('integrity_check(8)') as unknown[],
    );
    return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok');
  }

  close(): void {
    closeHere(this.#connection);
  }

  /** The statements name their columns as the types do, and the tables are STRICT: the cast adds no claim of its own. */
  #read<T>(work: () => unknown[]): T[] {
    return guarded('read the store', work) as T[];
  }
}
