/** A directory store that lives in memory: for tests and for stamps that are thrown away. */

import type { Json } from '#base/json.ts';
import type { DirectoryChange, DirectoryStore } from '#engine/identity/records.ts';

/** Keeps rows as JSON text, so that what is loaded shares nothing with what was saved. */
export function memoryStore(): DirectoryStore & { readonly rows: ReadonlyMap<string, string> } {
  const rows = new Map<string, string>();
  return {
    rows,
    async load() {
      return [...rows.values()].map((text) => JSON.parse(text) as Json);
    },
    async save(changes: readonly DirectoryChange[]) {
      for (const change of changes) {
        if ('put' in change) rows.set(`${change.put.kind}/${change.put.id}`, JSON.stringify(change.put));
        else rows.delete(`${change.remove.kind}/${change.remove.id}`);
      }
    },
  };
}
