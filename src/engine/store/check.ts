/** Checks a store against itself: the chain and its seals, the head, the anchor, and the current rows against the log. */

import type { KeyObject } from 'node:crypto';
import { openCheckEntriesMax, storePageMax } from '#base/limits.ts';
import { isObject } from '#base/json.ts';
import type { AnchorReading } from '#engine/store/anchor.ts';
import { breakOf, genesisOf, type SealedRecord } from '#engine/store/chain.ts';
import type { StoreDatabase, StoredHead } from '#engine/store/database.ts';
import { parseEffects, rowDigest, rowName } from '#engine/store/effects.ts';
import type { Keyring } from '#engine/store/keyring.ts';
import { namesRows, openRecord, openRow, type LogRecord } from '#engine/store/record.ts';

/** What is wrong, where, and the last entry known good. */
export type Finding = { readonly place: string; readonly reason: string; readonly sequence: number };

/** What a check reads. */
export type Checked = {
  readonly database: StoreDatabase;
  readonly ring: Keyring;
  readonly rows: KeyObject;
  readonly anchor: AnchorReading;
  /** The last entry known good, kept up to date during the walk: it is the answer when the database itself fails. */
  readonly progress: { good: number };
};

/** Checks the head, the anchor and the last entries: what every open can afford. */
export function checkTail(checked: Checked): Finding | undefined {
  const head = checked.database.head();
  const first = Math.max(0, head.sequence - openCheckEntriesMax);
  const before = startAt(checked.database, first);
  if (before === undefined) return { place: `entry ${first}`, reason: 'the entry is missing', sequence: 0 };
  return walkLog(checked, { before, head, replay: undefined }) ?? checkAnchor(checked, head);
}

/** Checks all: every entry, every seal, the head, the anchor, every current row against the replay of the log, and the pages. */
export function checkAll(checked: Checked): Finding | undefined {
  const head = checked.database.head();
  const before: StoredHead = { sequence: 0, hash: genesisOf(checked.database.storeId) };
  const replay: Replay = { live: new Map(), shredded: new Set() };
  return (
    walkLog(checked, { before, head, replay }) ??
    checkAnchor(checked, head) ??
    checkKeys(checked, replay, head.sequence) ??
    checkRows(checked, replay, head.sequence) ??
    checkPages(checked, head.sequence)
  );
}

/** What the log says should be there: the digest of each live row by its keyed name, and the data keys it says were destroyed. */
type Replay = { readonly live: Map<string, Buffer>; readonly shredded: Set<number> };
type Walk = { readonly before: StoredHead; readonly head: StoredHead; readonly replay: Replay | undefined };

function startAt(database: StoreDatabase, sequence: number): StoredHead | undefined {
  if (sequence === 0) return { sequence: 0, hash: genesisOf(database.storeId) };
  return database.log(sequence, 1).find((record) => record.sequence === sequence);
}

function walkLog(checked: Checked, { before, head, replay }: Walk): Finding | undefined {
  const { database, progress } = checked;
  let last = before;
  for (;;) {
    const page = database.log(last.sequence + 1, storePageMax);
    for (const record of page) {
      const reason = checkRecord(record, last, { checked, replay });
      if (reason !== undefined)
        return { place: `entry ${last.sequence + 1} of the log`, reason, sequence: last.sequence };
      last = record;
      progress.good = record.sequence;
    }
    if (page.length < storePageMax) break;
  }
  if (last.sequence === head.sequence && last.hash.equals(head.hash)) return undefined;
  const reason = `the log ends at entry ${last.sequence}, the head row says ${head.sequence}`;
  return { place: 'the end of the log', reason, sequence: Math.min(last.sequence, head.sequence) };
}

function checkRecord(
  record: SealedRecord,
  before: StoredHead,
  { checked, replay }: { checked: Checked; replay: Replay | undefined },
): string | undefined {
  const broken = breakOf(record, before);
  if (broken !== undefined) return broken;
  const opened = openRecord(record, before.hash, checked.ring);
  if (opened.kind === 'broken') return opened.reason;
  const effects = parseEffects(record.effects);
  // A shredding keeps the names of the rows it removes out of its body: they go with the subscription.
  const isNamed = !opened.value.isDestroyed && record.kind !== 'shred';
  if (isNamed && !namesRows(opened.value, effects, checked.rows)) {
    return `entry ${record.sequence} names other rows than the chain does`;
  }
  if (replay === undefined) return undefined;
  for (const { row, digest } of effects) {
    if (digest === undefined) replay.live.delete(row.toString('hex'));
    else replay.live.set(row.toString('hex'), digest);
  }
  for (const number of shreddedBy(opened.value)) replay.shredded.add(number);
  return undefined;
}

/** The data keys that an entry says were destroyed. */
function shreddedBy({ kind, payload }: LogRecord): number[] {
  if (kind !== 'shred' || !isObject(payload) || !Array.isArray(payload['keys'])) return [];
  return payload['keys'].filter((number): number is number => typeof number === 'number');
}

function checkAnchor({ database, anchor }: Checked, head: StoredHead): Finding | undefined {
  const place = 'the anchor beside the store';
  if (anchor.kind !== 'mark') {
    if (anchor.kind === 'absent') return undefined;
    const reason = "neither of its marks carries this store's seal; if `verify` finds nothing else, remove the file";
    return { place, reason, sequence: head.sequence };
  }
  const { sequence, hash } = anchor.mark;
  if (sequence > head.sequence) {
    const reason = `entries ${head.sequence + 1} to ${sequence} were acknowledged and are gone: the write-ahead log or the end of the file was lost, or an old copy was put back`;
    return { place: 'the end of the log', reason, sequence: head.sequence };
  }
  const there = startAt(database, sequence);
  if (there?.hash.equals(hash) === true) return undefined;
  return {
    place,
    reason: `entry ${sequence} is not the one that was acknowledged`,
    sequence: Math.max(0, sequence - 1),
  };
}

function checkKeys({ database, ring }: Checked, replay: Replay, sequence: number): Finding | undefined {
  for (const { number, subscription } of database.dataKeys()) {
    const place = `data key ${number} of subscription "${subscription}"`;
    const kind = ring.get(number)?.kind;
    if (kind === 'broken') return { place, reason: 'its wrapping does not open', sequence };
    if ((kind === 'destroyed') !== replay.shredded.has(number)) {
      const reason =
        kind === 'destroyed' ? 'it is gone, and no entry says so' : 'it is there, and an entry says it was destroyed';
      return { place, reason, sequence };
    }
  }
  return undefined;
}

function checkRows({ database, ring, rows }: Checked, { live }: Replay, sequence: number): Finding | undefined {
  const missing = new Map(live);
  let last = { table: '', key: '' };
  for (;;) {
    const page = database.allRows(last, storePageMax);
    for (const row of page) {
      const place = `row ${row.key} of table ${row.table}`;
      const name = rowName(rows, row.table, row.key).toString('hex');
      const digest = missing.get(name);
      if (digest === undefined) return { place, reason: 'the log has no such row', sequence };
      if (!digest.equals(rowDigest(row))) return { place, reason: 'it is not what the log says was written', sequence };
      const opened = openRow(row, ring);
      if (opened.kind === 'broken') return { place, reason: opened.reason, sequence };
      missing.delete(name);
      last = row;
    }
    if (page.length < storePageMax) break;
  }
  if (missing.size === 0) return undefined;
  return {
    place: 'the current rows',
    reason: `${missing.size} of ${live.size} rows that the log wrote are missing`,
    sequence,
  };
}

/** Where the database finds its own pages wrong without a number of one. */
export const pagesPlace = 'the database pages';

function checkPages({ database }: Checked, sequence: number): Finding | undefined {
  const [first, ...others] = database.flaws();
  if (first === undefined) return undefined;
  return {
    place: pagesPlace,
    reason: `${first}${others.length > 0 ? ` (and ${others.length} more)` : ''}`,
    sequence,
  };
}
