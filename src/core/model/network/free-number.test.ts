/** Free numbers: the smallest that nobody has, and a refusal that says how many there are and how many are used. */

import { deepEqual, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { guestsPerStampMax } from '#base/limits.ts';
import { MemoryView } from '#model/memory.ts';
import { freeNumber, freeNumbers, vmSlots, vnetKeys } from '#model/network/free-number.ts';
import type { Resource } from '#model/resource.ts';

function machines(slots: readonly number[]): MemoryView {
  return new MemoryView(
    slots.map(
      (slot): Resource => ({
        id: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m${slot}`,
        type: vmSlots.type,
        name: `m${slot}`,
        properties: {},
        internal: { slot },
        etag: '1',
        createdAt: '1',
        changedAt: '1',
      }),
    ),
  );
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test('the smallest numbers from 1 that nobody has', () => {
  deepEqual(freeNumbers(machines([]), vmSlots, 2), [1, 2]);
  deepEqual(freeNumbers(machines([1, 3, 4]), vmSlots, 3), [2, 5, 6]);
  deepEqual(freeNumber(machines(upTo(guestsPerStampMax - 1)), vmSlots), guestsPerStampMax);
  deepEqual(freeNumber(machines(upTo(guestsPerStampMax)), vnetKeys), 1);
});

test('the machine beyond the last is refused as a quota, with the limit and what is used', () => {
  const full = machines(upTo(guestsPerStampMax));
  throws(() => freeNumber(full, vmSlots), {
    name: 'Refusal',
    code: 'OperationNotAllowed',
    status: 409,
    message: /virtual machines.*Current Limit: 511, Current Usage: 511, Additional Required: 1\./,
  });
  deepEqual(freeNumber(machines(upTo(guestsPerStampMax).filter((slot) => slot !== 77)), vmSlots), 77);
});
