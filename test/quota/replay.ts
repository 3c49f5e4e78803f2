/** What the audit tells of the race, entry by entry: how many of each kind there were after every commit. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '#base/secret.ts';
import { openStore } from '#engine/store/store.ts';
import { placesOf } from '#main/boot/places.ts';
import { clock } from '#main/boot/process.ts';
import { kinds } from '#test/quota/kinds.ts';

export type Replayed = {
  readonly entries: number;
  /** By kind: the most there were at any time. */
  readonly most: ReadonlyMap<string, number>;
  readonly standing: ReadonlySet<string>;
};

const page = 500;

/** Reads the store of a stamp that does not run. `initial`: what stood before the first entry that is looked at. */
export function replayAudit(state: string, subscription: string): Replayed {
  const places = placesOf({ state, number: 0 });
  const key = new Secret(readFileSync(join(places.keys, 'store.key'), 'utf8').trim());
  const store = openStore({ file: places.database, key, create: false, clock, random: randomBytes });
  try {
    const lines = [];
    for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined; ) {
      const found = store.audits({ before, limit: page });
      lines.push(...found.lines);
      before = found.next;
    }
    return replayed(
      lines.toReversed().map(({ entry }) => entry),
      subscription.toLowerCase(),
    );
  } finally {
    store.close();
  }
}

type Entry = { readonly operation: string; readonly resource: string; readonly outcome: string };

function replayed(entries: readonly Entry[], subscription: string): Replayed {
  const standing = new Set<string>();
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  for (const { operation, resource, outcome } of entries) {
    const id = resource.toLowerCase();
    const kind = kinds.find(
      ({ type }) => operation.startsWith(`${type}/`) && !operation.slice(type.length + 1).includes('/'),
    );
    if (outcome !== 'Succeeded' || kind === undefined || !id.startsWith(subscription)) continue;
    const isDelete = operation.endsWith('/delete');
    if (standing.has(id) !== isDelete) continue;
    if (isDelete) standing.delete(id);
    else standing.add(id);
    const count = (now.get(kind.type) ?? 0) + (isDelete ? -1 : 1);
    now.set(kind.type, count);
    most.set(kind.type, Math.max(most.get(kind.type) ?? 0, count));
  }
  return { entries: entries.length, most, standing };
}
