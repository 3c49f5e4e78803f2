/** The directory's rows in the stamp's store: one entry a save, sealed with the stamp's own key. */

import type { DirectoryChange, DirectoryStore } from '#engine/identity/records.ts';
import type { Store } from '#engine/store/store.ts';

const table = 'directory';

/** Binds the directory to the store. */
export function directoryRows(store: Store): DirectoryStore {
  return {
    load: () => Promise.resolve([...store.rows(table)].map((row) => row.value)),
    async save(changes: readonly DirectoryChange[]) {
      const puts = changes.flatMap((change) =>
        'put' in change ? [{ table, key: `${change.put.kind}/${change.put.id}`, value: change.put }] : [],
      );
      const deletes = changes.flatMap((change) =>
        'remove' in change ? [{ table, key: `${change.remove.kind}/${change.remove.id}` }] : [],
      );
      await store.append({
        subscription: '',
        kind: 'identity',
        payload: { rows: puts.length + deletes.length },
        puts,
        deletes,
      });
    },
  };
}
