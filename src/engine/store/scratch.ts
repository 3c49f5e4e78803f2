/** What the store's tests share: a folder of their own, a known key, and short ways to open a store and to write an entry. */

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '#base/json.ts';
import { openStore, type Entry, type Store } from '#engine/store/store.ts';

/** The key of test stores and fixtures; it protects nothing. */
export const testKey: Buffer = createHash('sha256').update('ringwall test store').digest();

/** A folder that goes when the tests end. */
export function scratch(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-store-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Opens a store with the test key and a clock that stands still. */
export function openAt(file: string, { key = testKey, create = true }: { key?: Buffer; create?: boolean } = {}): Store {
  return openStore({ file, key, create, clock: { now: () => 1_700_000_000_000 }, random: randomBytes });
}

type Parts = {
  readonly payload?: Json;
  readonly put?: readonly [table: string, key: string, value: Json];
  readonly remove?: readonly [table: string, key: string];
};

/** An entry of kind `change` that writes or removes at most one row. */
export function entryOf(subscription: string, { payload = null, put, remove }: Parts): Entry {
  return {
    subscription,
    kind: 'change',
    payload,
    puts: put === undefined ? [] : [{ table: put[0], key: put[1], value: put[2] }],
    deletes: remove === undefined ? [] : [{ table: remove[0], key: remove[1] }],
  };
}
