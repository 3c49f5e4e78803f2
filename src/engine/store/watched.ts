/** A store whose end is heard of: once it has stopped, only a fresh start knows what is on disk. */

import { Fault } from '#base/wrong.ts';
import type { Store } from '#engine/store/store.ts';

/** The same store; `onStopped` is called at the first append that fails because the store has stopped, whoever made it. */
export function watchedStore(store: Store, onStopped: (cause: unknown) => void): Store {
  let isTold = false;
  const watch = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      // A refused entry and a full disk leave the store as it was. A closed one was stopped by us.
      const isEnd = error instanceof Fault && error.code !== 'StoreFull' && error.code !== 'StoreClosed';
      if (isEnd && !isTold) {
        isTold = true;
        onStopped(error);
      }
      throw error;
    }
  };
  return {
    append: (entry) => watch(store.append(entry)),
    shred: (subscription) => watch(store.shred(subscription)),
    head: () => store.head(),
    read: (fromSequence, limit) => store.read(fromSequence, limit),
    rows: (table) => store.rows(table),
    row: (table, key) => store.row(table, key),
    audits: (query) => store.audits(query),
    auditsIn: (span) => store.auditsIn(span),
    snapshot: (file) => store.snapshot(file),
    close: () => store.close(),
  };
}
