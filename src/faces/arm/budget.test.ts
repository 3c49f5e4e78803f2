/** The hourly budget: reads and writes apart, one caller's use is not another's, and an hour later it is whole again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { Budget } from '#faces/arm/budget.ts';

test('what is spent is told, refused beyond the limit, and given back after an hour', () => {
  let now = 0;
  const limit = 5;
  const budget = new Budget(() => now, limit);
  for (let count = 1; count < limit; count += 1) budget.spend('ada', 'GET');
  assert.deepEqual(budget.spend('ada', 'HEAD'), { 'x-ms-ratelimit-remaining-subscription-reads': '0' });
  now = 1000;
  assert.throws(
    () => budget.spend('ada', 'GET'),
    (error) => error instanceof Refusal && error.status === 429 && error.retryAfterS === 3599,
  );
  const left = { 'x-ms-ratelimit-remaining-subscription-writes': String(limit - 1) };
  assert.deepEqual(budget.spend('ada', 'PUT'), left);
  assert.deepEqual(budget.spend('bob', 'DELETE'), left);
  now = 3_600_000;
  assert.deepEqual(budget.spend('ada', 'POST'), left);
});
