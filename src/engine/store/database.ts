/** What the store asks of its database: the port behind which SQLite stands now and PostgreSQL can stand later. */

import type { SealedRecord } from '#engine/store/chain.ts';
import type { SealedRow } from '#engine/store/effects.ts';
import type { WrappedKey } from '#engine/store/keyring.ts';

/** The end of the log. Sequence 0 is an empty log, whose hash is the genesis value. */
export type StoredHead = { readonly sequence: number; readonly hash: Buffer };

/** A change of one current row. */
export type RowChange =
  | { readonly kind: 'put'; readonly row: SealedRow }
  | { readonly kind: 'delete'; readonly table: string; readonly key: string };

/** What one commit makes durable, all of it or nothing. */
export type Batch = {
  readonly records: readonly SealedRecord[];
  readonly rows: readonly RowChange[];
  readonly keys: readonly WrappedKey[];
  readonly destroyed: readonly number[];
};

/** A place in the order of all rows: table, then key. */
export type RowPlace = { readonly table: string; readonly key: string };

/** The audit part of an entry, with what opens it. */
export type AuditRecord = Omit<SealedRecord, 'sealed' | 'effects' | 'audit'> & {
  readonly audit: Buffer;
  readonly previous: Buffer | null;
};

/** Entries with an audit part below `before`, newest first. */
export type AuditQuery = { readonly before: number; readonly limit: number; readonly subscription?: string };

/** A place in the audit of a subscription in the order of time. */
export type AuditPlace = { readonly at: number; readonly sequence: number };

/** Entries of a subscription with an audit part, from a time on and below a place, newest first. Times are those of the commits. */
export type AuditStretch = {
  readonly subscription: string;
  readonly from: number;
  readonly before: AuditPlace;
  readonly limit: number;
};

/** One open database. Reads see what is committed. Every method throws a Refusal or Fault of `damage.ts`, never a driver's error. */
export interface StoreDatabase {
  readonly storeId: string;
  readonly format: number;
  head(): StoredHead;
  /** Entries from `from` on, ascending. */
  log(from: number, limit: number): SealedRecord[];
  audits(query: AuditQuery): AuditRecord[];
  auditsIn(span: AuditStretch): AuditRecord[];
  row(place: RowPlace): SealedRow | undefined;
  /** Rows of a table after a key, ascending. */
  tableRows(after: RowPlace, limit: number): SealedRow[];
  /** All rows after a place, ascending. */
  allRows(after: RowPlace, limit: number): SealedRow[];
  /** Rows sealed with one of the data keys. */
  rowsSealedBy(dataKey: number): RowPlace[];
  dataKeys(): WrappedKey[];
  /** Durable when it resolves; nothing has happened when it throws `StoreFull`; unknown when it throws anything else. */
  commit(batch: Batch): Promise<void>;
  /** A reader moves on to the newest moment of the store. */
  refresh(): void;
  /** Drops what the database still keeps of overwritten values. */
  scrub(): void;
  /** A whole, encrypted copy in a new file. */
  copyTo(file: string): void;
  /** What the database finds wrong with its own pages and indexes; empty when nothing. */
  flaws(): string[];
  close(): void;
}
