/** What a subscription may make the prover work: charged to itself alone, made up by time, told with the time to wait. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { proofStepsPerSecond, proofStepsSaved } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { ProofBudget } from '#engine/gate/proof-budget.ts';

test('one who overdraws waits, nobody else does', () => {
  const budget = new ProofBudget();
  budget.check('a', 0);
  budget.charge('a', 0, proofStepsSaved + 3 * proofStepsPerSecond);
  assert.throws(
    () => budget.check('a', 0),
    (error: unknown) => error instanceof Refusal && error.status === 429 && error.retryAfterS === 3,
  );
  budget.check('b', 0);
  assert.throws(() => budget.check('a', 2000), { code: 'TooManyRequests' });
  budget.check('a', 3000);
});

test('an account never holds more than may be saved', () => {
  const budget = new ProofBudget();
  budget.check('a', 0);
  budget.charge('a', 3_600_000, proofStepsSaved);
  budget.check('a', 3_600_000);
  budget.charge('a', 3_600_000, 1);
  assert.throws(() => budget.check('a', 3_600_000), { code: 'TooManyRequests' });
});
