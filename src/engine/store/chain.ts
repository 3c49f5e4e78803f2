/** The hash chain of the log: what each entry's hash covers, so that no entry can be edited, dropped, added or moved unseen. */

import { createHash } from 'node:crypto';

/** One entry of the log as it lies on disk: what it says is sealed, what it covers is not. */
export type SealedRecord = {
  readonly sequence: number;
  readonly at: number;
  readonly subscription: string;
  readonly kind: string;
  /** The number of the data key that seals body and audit. */
  readonly dataKey: number;
  readonly audit: Buffer | null;
  /** Which current rows the entry wrote or removed, as digests (`effects.ts`). */
  readonly effects: Buffer | null;
  readonly sealed: Buffer;
  readonly hash: Buffer;
};

/**
 * The hash of an entry: SHA-256 over the hash before it and every field, each with its length. It runs over the
 * ciphertext, so that a destroyed data key leaves the chain whole (decision D6.6).
 */
export function hashRecord(record: Omit<SealedRecord, 'hash'>, previous: Buffer): Buffer {
  const { sequence, at, subscription, kind, dataKey } = record;
  const hash = createHash('sha256').update(previous);
  const opening = Buffer.from(JSON.stringify(['ringwall-log-1', sequence, at, subscription, kind, dataKey]));
  for (const part of [opening, record.audit, record.effects, record.sealed]) {
    // No field has 2^32 - 1 bytes: that length stands for "absent", which is not the same as "empty".
    hash.update(uint32(part === null ? 0xffff_ffff : part.length));
    if (part !== null) hash.update(part);
  }
  return hash.digest();
}

/** What the first entry is chained to: a value of this store alone. */
export function genesisOf(storeId: string): Buffer {
  return createHash('sha256').update(`ringwall-log-1 ${storeId}`).digest();
}

/** Why a record cannot follow what was read before it; undefined when it does. */
export function breakOf(record: SealedRecord, before: { sequence: number; hash: Buffer }): string | undefined {
  const wanted = before.sequence + 1;
  if (record.sequence !== wanted) return `entry ${wanted} is missing: the next one is ${record.sequence}`;
  if (!hashRecord(record, before.hash).equals(record.hash)) {
    return `the hash of entry ${record.sequence} does not match its content and the entry before it`;
  }
  return undefined;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
