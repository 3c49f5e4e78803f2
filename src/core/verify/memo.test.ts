/** Shows that a memory forgets what is rolled back, also when more was written than its log holds. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Memo, unknownResult } from '#verify/memo.ts';

const key = (left: number) => ({ operation: 1, left, right: 0 });

test('what was written since a mark is forgotten, all else is kept', () => {
  const memo = new Memo(12);
  memo.keep(key(1), 10);
  const outer = memo.mark();
  memo.keep(key(2), 20);
  const inner = memo.mark();
  memo.keep(key(3), 30);
  memo.rollback(inner);
  assert.deepEqual(
    [1, 2, 3].map((left) => memo.find(1, left, 0)),
    [10, 20, unknownResult],
  );
  memo.rollback(outer);
  assert.deepEqual(
    [1, 2, 3].map((left) => memo.find(1, left, 0)),
    [10, unknownResult, unknownResult],
  );
  memo.keep(key(4), 40);
  memo.commit();
  memo.rollback(memo.mark());
  assert.equal(memo.find(1, 4, 0), 40);
});

test('beyond its log a rollback forgets everything', () => {
  const memo = new Memo(18);
  memo.keep(key(1), 10);
  const mark = memo.mark();
  for (let left = 2; left < 70_000; left++) memo.keep(key(left), left);
  memo.rollback(mark);
  for (let left = 1; left < 70_000; left++) assert.equal(memo.find(1, left, 0), unknownResult);
});
