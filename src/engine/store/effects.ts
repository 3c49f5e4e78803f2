/** What an entry does to the current rows, as digests in the chain: the rows can be checked against the log without any data key. */

import { createHash, createHmac, type KeyObject } from 'node:crypto';
import { Bug } from '#base/wrong.ts';

/** A row was written (its digest) or removed (no digest); the row is named by a keyed hash, so a shredded tenant leaves no names. */
export type Effect = { readonly row: Buffer; readonly digest?: Buffer };

/** A current row as it lies on disk. */
export type SealedRow = {
  readonly table: string;
  readonly key: string;
  readonly dataKey: number;
  /** The entry that wrote it. */
  readonly sequence: number;
  readonly sealed: Buffer;
};

const idBytes = 32;
const [removed, written] = [0, 1];

/** One byte for the kind, 32 for the row, 32 for the digest of what was written. */
export function printEffects(effects: readonly Effect[]): Buffer | null {
  if (effects.length === 0) return null;
  return Buffer.concat(
    effects.flatMap(({ row, digest }) =>
      digest === undefined ? [Buffer.from([removed]), row] : [Buffer.from([written]), row, digest],
    ),
  );
}

/** The inverse of `printEffects`. The bytes are covered by the chain: a wrong form is our own bug. */
export function parseEffects(bytes: Buffer | null): Effect[] {
  const effects: Effect[] = [];
  for (let at = 0; bytes !== null && at < bytes.length; ) {
    const end = at + 1 + idBytes + (bytes[at] === written ? idBytes : 0);
    if (end > bytes.length || (bytes[at] !== written && bytes[at] !== removed)) {
      throw new Bug('An entry names its rows in a form this version never wrote.');
    }
    const row = bytes.subarray(at + 1, at + 1 + idBytes);
    effects.push(bytes[at] === written ? { row, digest: bytes.subarray(at + 1 + idBytes, end) } : { row });
    at = end;
  }
  return effects;
}

/** The keyed name of a row. */
export function rowName(key: KeyObject, table: string, rowKey: string): Buffer {
  return createHmac('sha256', key).update(`${table}\0${rowKey}`).digest();
}

/** The digest of a row's sealed value, its data key and the entry that wrote it. */
export function rowDigest(row: Pick<SealedRow, 'dataKey' | 'sequence' | 'sealed'>): Buffer {
  return createHash('sha256').update(`${row.dataKey} ${row.sequence} `).update(row.sealed).digest();
}
