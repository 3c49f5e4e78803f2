/** Tests of the judgement: what was dropped, when, and whether it is abuse. */

import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { abuseIn, type Dropped } from '#engine/containment/judge.ts';
import type { Abuse } from '#model/security/quarantine.ts';

const budget = {
  newPerSecond: 500,
  mailPerMinute: 10,
  targetsPerMinute: 1000,
  packetsPerSecond: 100_000,
  forgedPerMinute: 100,
};
const now = 1_000_000;

const rows: readonly [what: string, history: readonly [ago: number, abuse: Abuse, dropped: number][], Abuse?][] = [
  ['nothing', []],
  ['a burst that is over', [[500, 'new', 499]]],
  [
    'as much again as a second grants, within three',
    [
      [2900, 'new', 250],
      [100, 'new', 250],
    ],
    'new',
  ],
  [
    'the same, but long ago',
    [
      [3100, 'new', 400],
      [100, 'new', 400],
    ],
  ],
  [
    'different kinds do not add up',
    [
      [100, 'new', 400],
      [100, 'packets', 400],
    ],
  ],
  ['a scan', [[1000, 'targets', 100]], 'targets'],
  ['half a scan', [[1000, 'targets', 99]]],
  [
    'twenty refused mails in a minute',
    [
      [59_000, 'mail', 19],
      [0, 'mail', 1],
    ],
    'mail',
  ],
  ['forged packets', [[30_000, 'forged', 100]], 'forged'],
  ['a flood', [[100, 'packets', 100_000]], 'packets'],
];
for (const [what, history, wanted] of rows)
  test(`${what} is ${wanted ?? 'no'} abuse`, () => {
    const list: Dropped[] = history.map(([ago, abuse, dropped]) => ({ at: now - ago, abuse, dropped }));
    equal(abuseIn(list, budget, now), wanted);
  });

test('whose budget is none is held to it, and not set apart for it', () => {
  equal(abuseIn([{ at: now, abuse: 'mail', dropped: 1000 }], { ...budget, mailPerMinute: 0 }, now), undefined);
});

test('who sends less is never set apart for what one who sends more is not', () => {
  const kinds: Abuse[] = ['new', 'mail', 'targets', 'packets', 'forged'];
  const one = fc.record({
    at: fc.integer({ min: now - 70_000, max: now }),
    abuse: fc.constantFrom(...kinds),
    dropped: fc.integer({ min: 0, max: 200_000 }),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 20 }), fc.nat(), (history, index) => {
      const less = history.filter((_, at) => at !== index % Math.max(1, history.length));
      return abuseIn(less, budget, now) === undefined || abuseIn(history, budget, now) !== undefined;
    }),
    { verbose: 1 },
  );
});
