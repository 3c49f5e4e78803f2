/** The keeper of meters: whatever changes come, whenever the clock says they do, no moment is lost or counted twice. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '#base/json.ts';
import { usageKeptMs } from '#base/limits.ts';
import { beginMeters, forgetMeters, meteredIntervals, meterRows } from '#engine/metering.ts';
import type { Entry, Store } from '#engine/store/store.ts';
import { aggregate } from '#model/metering/meters.ts';
import type { Resource } from '#model/resource.ts';

const subscription = '11111111-2222-4333-8444-555555555555';
const start = Date.parse('2026-01-31T23:00:00Z');

/** Rows as a store has them: what was written together is there together, and a new reader finds the same. */
class Rows {
  readonly tables = new Map<string, Map<string, Json>>();
  entries = 0;

  row(table: string, key: string): Json | undefined {
    return this.tables.get(table)?.get(key);
  }

  *rows(table: string): Iterable<{ readonly key: string; readonly value: Json }> {
    for (const [key, value] of this.tables.get(table) ?? []) yield { key, value };
  }

  write({ puts = [], deletes = [] }: Pick<Entry, 'puts' | 'deletes'>): void {
    this.entries += 1;
    for (const { table, key, value } of puts) {
      const held = this.tables.get(table) ?? new Map<string, Json>();
      this.tables.set(table, held.set(key, JSON.parse(JSON.stringify(value)) as Json));
    }
    for (const { table, key } of deletes) this.tables.get(table)?.delete(key);
  }

  get store(): Store {
    return {
      row: (table: string, key: string) => this.row(table, key),
      rows: (table: string) => this.rows(table),
      append: (entry: Entry) => {
        this.write(entry);
        return Promise.resolve({ sequence: this.entries, hash: '' });
      },
    } as Store;
  }
}

const disk = (name: string, size: number): Resource => ({
  id: `/subscriptions/${subscription}/resourceGroups/g/providers/Microsoft.Compute/disks/${name}`,
  type: 'Microsoft.Compute/disks',
  name,
  properties: { diskSizeGB: size },
  sku: { name: 'Standard_LRS' },
  etag: String(size),
  createdAt: '',
  changedAt: '',
});

const gigabyteMs = (rows: Rows, now: number): number => {
  const intervals = meteredIntervals(rows.store, subscription, { from: start - 86_400_000, now });
  const all = aggregate(intervals, { from: 0, to: now, now });
  return Math.round(all.reduce((sum, { quantity }) => sum + quantity * 730 * 3_600_000, 0));
};

test('what intervals come to is what stood, over changes, failed changes, restarts and a clock that jumps', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    size: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
    ms: fc.oneof(fc.integer({ min: 0, max: 3_600_000 }), fc.integer({ min: -600_000, max: -1 })),
    isDurable: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const rows = new Rows();
      const standing = new Map<string, Resource>();
      // The oracle: all that stands is paid for from one change to the next, on a clock that never goes back.
      let [now, last, wanted] = [start, 0, 0];
      const pay = (at: number): void => {
        for (const { properties } of standing.values()) wanted += (at - last) * Number(properties['diskSizeGB']);
        last = at;
      };
      for (const { name, size, ms, isDurable } of steps) {
        now += ms;
        const before = standing.get(name);
        const after = size === undefined ? undefined : disk(name, size);
        const written = meterRows(rows.store, [{ id: disk(name, 0).id, before, after }], now);
        if (!isDurable) continue;
        rows.write(written);
        if (before?.properties['diskSizeGB'] !== size) pay(Math.max(now, last));
        if (after === undefined) standing.delete(name);
        else standing.set(name, after);
      }
      const end = Math.max(now, last) + 1000;
      pay(end);
      assert.equal(gigabyteMs(rows, end), wanted);
    }),
  );
});

test('what stood before there were meters counts from the first start on, once', async () => {
  const rows = new Rows();
  const resources = Array.from({ length: 2500 }, (_, index) => disk(`d${index}`, 1));
  await beginMeters(rows.store, resources, start);
  assert.equal(rows.entries, 3);
  await beginMeters(rows.store, resources, start + 1000);
  assert.equal(rows.entries, 3);
  assert.equal(gigabyteMs(rows, start + 2000), 2500 * 2000);
});

test('what is no subscription’s, or what is not metered, writes nothing', () => {
  const rows = new Rows();
  const foreign = { ...disk('a', 1), id: '/providers/Microsoft.Compute/disks/a' };
  const { puts, deletes } = meterRows(rows.store, [{ id: foreign.id, before: undefined, after: foreign }], start);
  assert.deepEqual([puts, deletes], [[], []]);
});

test('months that lie behind what is kept are forgotten, a bounded number of rows at a time', async () => {
  const rows = new Rows();
  const all = Array.from({ length: 1500 }, (_, index) => disk(`d${index}`, 1));
  const made = all.map((one) => ({ id: one.id, before: undefined, after: one }));
  const gone = all.map((one) => ({ id: one.id, before: one, after: undefined }));
  rows.write(meterRows(rows.store, made, start));
  rows.write(meterRows(rows.store, gone, start + 1000));
  assert.equal(gigabyteMs(rows, start + 2000), 1500 * 1000);
  assert.equal(await forgetMeters(rows.store, [subscription], start + usageKeptMs), false);
  const later = start + usageKeptMs + 63 * 86_400_000;
  assert.equal(await forgetMeters(rows.store, [subscription], later), true);
  assert.equal(await forgetMeters(rows.store, [subscription], later), false);
  assert.equal(gigabyteMs(rows, start + 2000), 0);
});
