/** Where a stamp's guests lie among the uids: no slot reaches into another stamp, and no stamp beyond what the kernel counts. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { guestsPerStampMax } from '#base/limits.ts';
import { guestUidFirst, guestUidRange, uidOf } from '#main/boot/places.ts';

/** Stamp numbers go from 0 to 63. */
const numberLast = 63;
const range = 65_536;

test('[D4.7] every slot of a stamp lies within its range, apart from its neighbours and from other stamps', () => {
  for (const number of [0, 1, 33, numberLast]) {
    const { first, end } = guestUidRange(number);
    assert.equal(guestUidRange(number + 1).first, end);
    assert.ok(first >= 0x4000_0000 && first > uidOf('edged', numberLast));
    for (const slot of [1, 2, guestsPerStampMax]) {
      const uid = guestUidFirst(number, slot);
      assert.ok(uid >= first + range && uid + range <= end, `stamp ${number}, slot ${slot}`);
      assert.equal(uid % range, 0);
    }
  }
  assert.ok(guestUidRange(numberLast).end < 2 ** 32 - 1, 'the last uid means nobody');
});

test('[D4.7] a slot that is none, or beyond the last, is a fault and never the uid of another stamp', () => {
  for (const slot of [0, -1, guestsPerStampMax + 1, 65_535, 1.5, Number.NaN, Infinity, '7' as unknown as number])
    assert.throws(() => guestUidFirst(3, slot), { name: 'Fault', code: 'GuestRangeExhausted' }, String(slot));
});
