/** Puts resources into a stamp's store while it is down, as if they had been written one by one: what would take an hour through ARM. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { JsonObject } from '#base/json.ts';
import { readKeyFile } from '#engine/store/key-file.ts';
import { openStore } from '#engine/store/store.ts';
import type { Resource } from '#model/resource.ts';

const rowsPerEntry = 4000;

/** The stamp must be down; it finds the resources at its next `up`. Ids, numbers and addresses must be none that it has. */
export async function seedResources(state: string, resources: readonly Resource[]): Promise<void> {
  const store = openStore({
    file: join(state, 'db', 'stamp.db'),
    key: readKeyFile(join(state, 'keys', 'store.key')),
    create: false,
    clock: { now: () => Date.now() },
    random: randomBytes,
  });
  try {
    const row = store.row('stamp', 'revision') as { readonly revision?: number } | undefined;
    let revision = row?.revision ?? 0;
    for (let from = 0; from < resources.length; from += rowsPerEntry) {
      revision += 1;
      const some = resources.slice(from, from + rowsPerEntry);
      await store.append({
        subscription: '',
        kind: 'change',
        payload: { revision },
        puts: [
          ...some.map((one) => ({
            table: 'resources',
            key: one.id.toLowerCase(),
            value: one as unknown as JsonObject,
          })),
          { table: 'stamp', key: 'revision', value: { revision } },
        ],
        deletes: [],
      });
    }
  } finally {
    store.close();
  }
}
