/** Options of a question about policy states: whatever stands in them, they are read or refused with what would be accepted. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '#base/wrong.ts';
import { readStateQuery } from '#faces/arm/policy-state-query.ts';
import { columnNames } from '#faces/arm/policy-state-row.ts';

const now = '2026-01-01T12:00:00Z';

test('whatever stands in an option, it is read or refused as the caller’s', () => {
  const word = fc.constantFrom(
    'isCompliant',
    'resourceId',
    'eq',
    'ne',
    'and',
    'or',
    "'x'",
    "'",
    'true',
    '(',
    ')',
    ',',
    'desc',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(word, { maxLength: 8 }).map((words) => words.join(' ')),
  );
  const name = fc.constantFrom('$filter', '$orderby', '$select', '$from', '$to', '$apply', '$expand', '__proto__');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, text), { maxLength: 4 }), (entries) => {
      try {
        const { select } = readStateQuery(new Map(entries), now);
        assert.ok(select.every((column) => columnNames.includes(column)));
      } catch (error) {
        assert.ok(error instanceof Refusal && error.status === 400, String(error));
      }
    }),
  );
});

// One row is an interval, and whether it is one that holds now: five minutes of a client's clock are forgiven.
const intervals: readonly (readonly [from: string, to: string, isNow: boolean])[] = [
  ['', '', true],
  ['2025-12-01', '2026-01-01T12:00:00.000Z', true],
  ['2025-12-01', '2026-01-01T11:55:00', true],
  ['2025-12-01', '2026-01-01T11:54:59Z', false],
  ['2026-01-01T12:05:00Z', '', true],
  ['2026-01-01T12:05:01Z', '', false],
  ['2026-01-01 14:00:00+02:00', '', true],
  ['2026-13-01', '', false],
  ['1', '', false],
];

test('states are asked for as they are now, and at no other time', () => {
  for (const [from, to, isNow] of intervals) {
    const read = (): unknown => readStateQuery(new Map(Object.entries({ $from: from, $to: to })), now);
    if (isNow) assert.doesNotThrow(read, `${from} ${to}`);
    else assert.throws(read, { code: 'InvalidTimeRange' }, `${from} ${to}`);
  }
});
