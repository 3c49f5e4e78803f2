/** Tests of the closing line: what is printed reads back, and nothing else is taken for one. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { addCounts, printCounts, readCounts, type Counts } from '#tools/counts.ts';

const rows: [string, Counts | undefined][] = [
  ['3 passed, 0 failed, 1 skipped', { passed: 3, failed: 0, skipped: 1 }],
  ['noise\n1 passed, 0 failed, 0 skipped\nmore\n2 passed, 1 failed, 0 skipped\n', { passed: 2, failed: 1, skipped: 0 }],
  ['ℹ tests 7\nℹ pass 4\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\n', { passed: 4, failed: 2, skipped: 1 }],
  ['# pass 4\n# fail 0\n# cancelled 0\n# skipped 2\n', { passed: 4, failed: 0, skipped: 2 }],
  ['the suite says 3 passed, 0 failed, 1 skipped', undefined],
  ['3 passed, 0 failed', undefined],
  ['ℹ pass 4', undefined],
  ['', undefined],
];

test('the closing line of a suite is read, whichever way it is printed', () => {
  for (const [output, wanted] of rows) assert.deepEqual(readCounts(output), wanted, JSON.stringify(output));
});

test('what is printed reads back, and sums are sums', () => {
  const sum = addCounts({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 });
  assert.deepEqual(readCounts(printCounts(sum)), { passed: 11, failed: 22, skipped: 33 });
});
