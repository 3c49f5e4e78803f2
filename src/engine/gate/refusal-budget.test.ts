/** The budget of audited refusals: everyone's first ones are written, a flood is counted and told once. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import {
  auditedCallersMax,
  auditedRefusalsBurst,
  auditedRefusalsTotal,
  auditedRefusalsWindowMs,
} from '#base/limits.ts';
import { RefusalBudget } from '#engine/gate/refusal-budget.ts';

test('a flood of one caller is cut, told in its next window, and takes nothing from others', () => {
  const budget = new RefusalBudget();
  const written = Array.from({ length: 10_000 }, () => budget.judge('mallory', 1)).filter(
    ({ verdict }) => verdict === 'write',
  );
  assert.equal(written.length, auditedRefusalsBurst);
  assert.deepEqual(budget.judge('alice', 1), { verdict: 'write', leftOut: 0 });
  const leftOut = 10_000 - auditedRefusalsBurst;
  assert.deepEqual(budget.judge('mallory', 1 + auditedRefusalsWindowMs), { verdict: 'write', leftOut });
  assert.deepEqual(budget.judge('mallory', 2 + auditedRefusalsWindowMs), { verdict: 'write', leftOut: 0 });
});

test('a flood of many callers is cut too, and costs bounded memory', () => {
  const budget = new RefusalBudget();
  let written = 0;
  for (let index = 0; index < auditedCallersMax + 5000; index += 1) {
    if (budget.judge(`caller ${index}`, 1).verdict === 'write') written += 1;
  }
  assert.equal(written, auditedRefusalsTotal);
  assert.equal(budget.judge('late', 1 + auditedRefusalsWindowMs).verdict, 'write');
});
