/** Meters: what counts of each resource, and sums that do not depend on where a time is cut. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aggregate, meteredOf, type Interval } from '#model/metering/meters.ts';
import type { Resource } from '#model/resource.ts';

const resource = (type: string, more: Partial<Resource>): Resource => ({
  id: `/subscriptions/s/resourceGroups/g/providers/${type}/x`,
  type,
  name: 'x',
  location: 'local',
  properties: {},
  etag: '',
  createdAt: '',
  changedAt: '',
  ...more,
});
const address = 'Microsoft.Network/publicIPAddresses';
const machine = 'Microsoft.Compute/virtualMachines';
const disk = 'Microsoft.Compute/disks';

// One row is a resource, and the counts that it has: the first letters of the meter, and how many.
const rows: readonly (readonly [string, Partial<Resource>, string])[] = [
  [address, { properties: { publicIPAllocationMethod: 'Static', ipAddress: '198.18.0.1' } }, 'F271 1'],
  [address, { properties: { publicIPAllocationMethod: 'Dynamic', ipAddress: '198.18.0.1' } }, '9E27 1'],
  [address, { properties: { publicIPAllocationMethod: 'Dynamic' } }, ''],
  [
    machine,
    { properties: { hardwareProfile: { vmSize: 'Standard_D2_v2' } }, internal: { power: 'running' } },
    '6DAB 1 FAB6 2',
  ],
  [
    machine,
    { properties: { hardwareProfile: { vmSize: 'Standard_A1' } }, internal: { power: 'stopped' } },
    '6DAB 1 FAB6 1',
  ],
  [machine, { properties: { hardwareProfile: { vmSize: 'Standard_A1' } }, internal: { power: 'deallocated' } }, ''],
  [disk, { properties: { diskSizeGB: 30 }, sku: { name: 'Standard_LRS' } }, '7BA0 30'],
  [disk, { properties: { diskSizeGB: 128 }, sku: { name: 'Premium_LRS' } }, 'DAEF 128'],
  [disk, { properties: {} }, ''],
  ['Microsoft.Network/networkSecurityGroups', {}, ''],
];

for (const [type, more, counts] of rows) {
  test(`${type} ${JSON.stringify(more)} counts ${counts === '' ? 'nothing' : counts}`, () => {
    const metered = meteredOf(resource(type, more));
    assert.equal((metered?.counts ?? []).map(({ meter, count }) => `${meter.slice(0, 4)} ${count}`).join(' '), counts);
    assert.equal(meteredOf(undefined), undefined);
  });
}

test('an address for an hour and a half is one hour, then half an hour', () => {
  const metered = meteredOf(resource(address, rows[0]?.[1] ?? {}));
  assert.ok(metered !== undefined);
  const hour = 3_600_000;
  const quantities = [0, 1, 2].map((at) =>
    aggregate([{ metered, from: 0, to: 1.5 * hour }], { from: at * hour, to: (at + 1) * hour, now: 9 * hour }).map(
      ({ quantity }) => quantity,
    ),
  );
  assert.deepEqual(quantities, [[1], [0.5], []]);
});

test('the sum over the parts of a time is the sum over the whole, wherever it is cut', () => {
  const interval = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    count: fc.integer({ min: 1, max: 64 }),
    from: fc.nat(1_000_000),
    length: fc.nat(500_000),
    isOpen: fc.boolean(),
  });
  const cuts = fc.array(fc.nat(2_000_000), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 12 }), cuts, (stated, inner) => {
      const now = 1_800_000;
      const intervals = stated.map(({ name, count, from, length, isOpen }): Interval => {
        const instance = { resourceUri: name, location: '', tags: null, additionalInfo: null };
        const metered = { instance, counts: [{ meter: 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5', count }] };
        return { metered, from, ...(isOpen ? {} : { to: from + length }) };
      });
      const sumOf = (from: number, to: number): number =>
        aggregate(intervals, { from, to, now }).reduce((sum, { quantity }) => sum + quantity * 3_600_000, 0);
      const ends = [0, ...inner, 2_000_000].toSorted((left, right) => left - right);
      const parts = ends.slice(1).reduce((sum, end, index) => sum + sumOf(ends[index] ?? 0, end), 0);
      const oracle = stated.reduce(
        (sum, { count, from, length, isOpen }) =>
          sum + count * ((isOpen ? now : Math.min(from + length, 2_000_000)) - from),
        0,
      );
      assert.equal(Math.round(parts), Math.round(sumOf(0, 2_000_000)));
      assert.equal(Math.round(parts), oracle);
    }),
  );
});
