/** Builds what one commit writes: entries sealed and chained in order, their rows, and the data keys that they need first. */

import { canonical, type Json } from '#base/json.ts';
import { entryBytesMax, entryRowsMax, rowKeyLengthMax } from '#base/limits.ts';
import { assert, Refusal } from '#base/wrong.ts';
import { hashRecord, type SealedRecord } from '#engine/store/chain.ts';
import type { Batch, RowChange, StoredHead } from '#engine/store/database.ts';
import { printEffects, rowDigest, rowName, type Effect, type SealedRow } from '#engine/store/effects.ts';
import type { Keyring, WrappedKey } from '#engine/store/keyring.ts';
import type { Put, Removal } from '#engine/store/record.ts';
import { entryPlace, rowPlace, seal, type Random, type StoreKeys } from '#engine/store/seal.ts';
import type { Entry } from '#engine/store/store.ts';

/** An entry turned into bytes: what the caller changes in its objects afterwards is not written. */
export type Draft = {
  readonly subscription: string;
  readonly kind: string;
  readonly body: Buffer;
  readonly audit: Buffer | undefined;
  readonly puts: readonly { readonly table: string; readonly key: string; readonly value: Buffer }[];
  readonly deletes: readonly Removal[];
};

/** What a batch is built with. */
export type BatchTools = {
  readonly keys: StoreKeys;
  readonly ring: Keyring;
  readonly random: Random;
  readonly now: () => number;
};

/** Checks an entry and turns it into bytes. */
export function draftOf({ subscription, kind, payload, puts = [], deletes = [], audit }: Entry): Draft {
  assert(/^[a-z][A-Za-z0-9.-]{0,63}$/.test(kind), `An entry needs a kind of letters and digits, not "${kind}".`);
  assert(puts.length + deletes.length <= entryRowsMax, `An entry changes at most ${entryRowsMax} rows.`);
  for (const row of [...puts, ...deletes]) checkPlace(row);
  const body = bytesOf({ payload, ...(puts.length > 0 && { puts }), ...(deletes.length > 0 && { deletes }) });
  if (body.length > entryBytesMax) {
    const says = `The change takes ${body.length} bytes in the store; ${entryBytesMax} are accepted. Split it.`;
    throw new Refusal('RequestContentTooLarge', says, { status: 413 });
  }
  return {
    subscription,
    kind,
    body,
    audit: audit === undefined ? undefined : bytesOf(audit),
    puts: puts.map(({ table, key, value }) => ({ table, key, value: bytesOf(value) })),
    deletes: deletes.map(({ table, key }) => ({ table, key })),
  };
}

/** Seals and chains the drafts behind `head`. Data keys that are made here are held by the ring: drop them if the commit fails. */
export function batchOf(drafts: readonly Draft[], head: StoredHead, tools: BatchTools): Batch {
  const keys: WrappedKey[] = [];
  const rows: RowChange[] = [];
  const records: SealedRecord[] = [];
  let before = head;
  for (const draft of drafts) {
    const at = tools.now();
    if (tools.ring.current(draft.subscription) === undefined) {
      keys.push(tools.ring.make(draft.subscription, { at, random: tools.random }));
    }
    const changes = changesOf(draft, before.sequence + 1, tools);
    const record = recordOf(draft, { at, before, changes, tools });
    rows.push(...changes);
    records.push(record);
    before = record;
  }
  return { records, rows, keys, destroyed: [] };
}

type Context = { at: number; before: StoredHead; changes: readonly RowChange[]; tools: BatchTools };

function recordOf(draft: Draft, { at, before, changes, tools }: Context): SealedRecord {
  const { subscription, kind } = draft;
  const { number, key } = currentKey(tools.ring, subscription);
  const sequence = before.sequence + 1;
  const sealPart = (part: 'body' | 'audit', bytes: Buffer) =>
    seal(key, bytes, { place: entryPlace(part, sequence, { kind, previous: before.hash }), random: tools.random });
  const record = {
    sequence,
    at,
    subscription,
    kind,
    dataKey: number,
    audit: draft.audit === undefined ? null : sealPart('audit', draft.audit),
    effects: printEffects(changes.map((change) => effectOf(change, tools))),
    sealed: sealPart('body', draft.body),
  };
  return { ...record, hash: hashRecord(record, before.hash) };
}

function changesOf(
  { subscription, puts, deletes }: Draft,
  sequence: number,
  { ring, random }: BatchTools,
): RowChange[] {
  const { number, key: dataKey } = currentKey(ring, subscription);
  const written = puts.map(({ table, key, value }): RowChange => {
    const sealed = seal(dataKey, value, { place: rowPlace(table, key, sequence), random });
    const row: SealedRow = { table, key, dataKey: number, sequence, sealed };
    return { kind: 'put', row };
  });
  return [...written, ...deletes.map(({ table, key }): RowChange => ({ kind: 'delete', table, key }))];
}

function effectOf(change: RowChange, { keys }: BatchTools): Effect {
  if (change.kind === 'delete') return { row: rowName(keys.rows, change.table, change.key) };
  return { row: rowName(keys.rows, change.row.table, change.row.key), digest: rowDigest(change.row) };
}

function currentKey(
  ring: Keyring,
  subscription: string,
): { number: number; key: NonNullable<ReturnType<Keyring['current']>>['key'] } {
  const current = ring.current(subscription);
  assert(current !== undefined, 'A batch makes the data keys that it needs before it seals.');
  return current;
}

function checkPlace({ table, key }: Put | Removal): void {
  assert(/^[a-z][A-Za-z0-9.-]{0,63}$/.test(table), `A row needs a table of letters and digits, not "${table}".`);
  const isKey = key.length > 0 && key.length <= rowKeyLengthMax && !key.includes('\0');
  assert(isKey, `A row of ${table} needs a key of 1 to ${rowKeyLengthMax} characters without NUL.`);
}

function bytesOf(value: Json | object): Buffer {
  return Buffer.from(canonical(value));
}
