/** A watched store: its end is told once, whoever meets it; what leaves it whole is not its end. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Fault, Refusal } from '#base/wrong.ts';
import type { Store } from '#engine/store/store.ts';
import { watchedStore } from '#engine/store/watched.ts';

// One row: what an append fails with, and how often the end is told after two of them.
const rows: [Error, number][] = [
  [new Refusal('RequestContentTooLarge', 'too large'), 0],
  [new Refusal('TooManyRequests', 'busy'), 0],
  [new Fault('StoreFull', 'full'), 0],
  [new Fault('StoreClosed', 'closed'), 0],
  [new Fault('StoreStopped', 'stopped'), 1],
  [new Fault('StoreFault', 'torn'), 1],
];

test('only an end is told, and only once', async () => {
  for (const [error, wanted] of rows) {
    let told = 0;
    const store = watchedStore({ append: () => Promise.reject(error) } as unknown as Store, () => (told += 1));
    for (let turn = 0; turn < 2; turn += 1) {
      await assert.rejects(store.append({ subscription: '', kind: 'audit', payload: null }), (seen) => seen === error);
    }
    assert.equal(told, wanted, error.message);
  }
});
