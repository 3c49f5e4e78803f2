/** An entry of the log in the clear: how its sealed parts are written and opened again. */

import type { Json } from '#base/json.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { SealedRecord } from '#engine/store/chain.ts';
import { rowName, type Effect, type SealedRow } from '#engine/store/effects.ts';
import type { Keyring } from '#engine/store/keyring.ts';
import { entryPlace, rowPlace, unseal } from '#engine/store/seal.ts';
import type { KeyObject } from 'node:crypto';

/** A current row written by an entry. */
export type Put = { readonly table: string; readonly key: string; readonly value: Json };
/** A current row removed by an entry. */
export type Removal = { readonly table: string; readonly key: string };

/** What an entry says: sealed as one text. */
export type Body = { readonly payload: Json; readonly puts?: readonly Put[]; readonly deletes?: readonly Removal[] };

/** One entry as read from the log. `isDestroyed`: its data key was destroyed, so that it has no body and no audit. */
export type LogRecord = {
  readonly sequence: number;
  readonly at: number;
  readonly hash: string;
  readonly subscription: string;
  readonly kind: string;
  readonly isDestroyed: boolean;
  readonly payload: Json;
  readonly puts: readonly Put[];
  readonly deletes: readonly Removal[];
  readonly audit?: AuditEntry;
};

/** An opened thing, or the reason why it does not open. */
export type Opened<T> =
  | { readonly kind: 'open'; readonly value: T }
  | { readonly kind: 'broken'; readonly reason: string };

/** Opens an entry with the hash before it. */
export function openRecord(record: SealedRecord, previous: Buffer, keys: Keyring): Opened<LogRecord> {
  const { sequence, at, subscription, kind } = record;
  const hash = record.hash.toString('hex');
  const held = keys.get(record.dataKey);
  if (held === undefined || held.kind === 'broken' || held.subscription !== subscription) {
    return broken(`data key ${record.dataKey} of entry ${sequence} is missing or was changed`);
  }
  const empty = { sequence, at, hash, subscription, kind, payload: null, puts: [], deletes: [] };
  if (held.kind === 'destroyed') return { kind: 'open', value: { ...empty, isDestroyed: true } };
  const body = unseal(held.key, record.sealed, entryPlace('body', sequence, { kind, previous }));
  if (body === undefined) return broken(`the seal of entry ${sequence} does not hold`);
  const { payload, puts = [], deletes = [] } = JSON.parse(body.toString()) as Body;
  const value: LogRecord = { ...empty, isDestroyed: false, payload, puts, deletes };
  if (record.audit === null) return { kind: 'open', value };
  const audit = openAudit({ ...record, audit: record.audit }, previous, held.key);
  return audit.kind === 'broken' ? audit : { kind: 'open', value: { ...value, audit: audit.value } };
}

/** Opens the audit part of an entry alone. */
export function openAudit(
  record: Pick<SealedRecord, 'sequence' | 'kind'> & { readonly audit: Buffer },
  previous: Buffer,
  key: KeyObject,
): Opened<AuditEntry> {
  const place = entryPlace('audit', record.sequence, { kind: record.kind, previous });
  const text = unseal(key, record.audit, place);
  if (text === undefined) return broken(`the seal of the audit of entry ${record.sequence} does not hold`);
  return { kind: 'open', value: JSON.parse(text.toString()) as AuditEntry };
}

/** Opens a current row. */
export function openRow(row: SealedRow, keys: Keyring): Opened<Json> {
  const name = `row ${row.key} of table ${row.table}`;
  const held = keys.get(row.dataKey);
  if (held?.kind !== 'held') return broken(`data key ${row.dataKey} of ${name} is missing, destroyed or was changed`);
  const text = unseal(held.key, row.sealed, rowPlace(row.table, row.key, row.sequence));
  if (text === undefined) return broken(`the seal of ${name} does not hold`);
  return { kind: 'open', value: JSON.parse(text.toString()) as Json };
}

/** Does the body name the rows that the chain says the entry changed, in the same order? */
export function namesRows(record: LogRecord, effects: readonly Effect[], key: KeyObject): boolean {
  const named = [...record.puts, ...record.deletes];
  return (
    named.length === effects.length &&
    named.every(({ table, key: rowKey }, index) => effects[index]?.row.equals(rowName(key, table, rowKey)))
  );
}

function broken(reason: string): { kind: 'broken'; reason: string } {
  return { kind: 'broken', reason };
}
