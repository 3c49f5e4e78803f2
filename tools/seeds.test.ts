/** Tests of the claims list: claims are found with the tests that cite them, and no test cites a claim that is not there. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { claimsOf, readClaims, stateOf, strayNumbers, untrueWords } from '#tools/seeds.ts';

const page = [
  '| no | claim | what | shown by | to come |',
  '|---|---|---|---|---|',
  '| S1.1 | walls | w | unit tests | — |',
  '| S1.2 | gates | g | — | B |',
  '| S2.14 | keys | k | a test | D: the lock |',
].join('\n');
const tests = [
  {
    path: 'a.test.ts',
    text: "test('[S1.1] a wall stands', () => {});\n// S1.2 is only mentioned here, as is [S1.2].\n",
  },
  { path: 'b.test.ts', text: "const rows = [['[S1.1, S2.14] both', 1]];\ntest(`[S9.9] nobody said so`, () => {});\n" },
];

test('a claim is shown by the tests whose names start with its number, and by no mention elsewhere', () => {
  const shown = claimsOf(page, tests).map(({ number, says, shownBy }) => [number, says, shownBy.join(' ')]);
  assert.deepEqual(shown, [
    ['S1.1', 'walls', 'a.test.ts b.test.ts'],
    ['S1.2', 'gates', ''],
    ['S2.14', 'keys', 'b.test.ts'],
  ]);
});

test('a number that is no claim is a slip', () => {
  assert.deepEqual(strayNumbers(claimsOf(page, tests), tests), ['b.test.ts: S9.9']);
});

test('docs/claims.md numbers all 53 claims of the seeds, and every test cites one of them', () => {
  const { claims, stray } = readClaims();
  assert.deepEqual(
    claims.map(({ number }) => number),
    [...numbered('S1', 29), ...numbered('S2', 24)],
  );
  assert.deepEqual(stray, []);
  assert.deepEqual(untrueWords(claims), []);
});

test('a claim of which something is to come is shown in part, and words need tests as tests need words', () => {
  const claims = claimsOf(page, tests);
  assert.deepEqual(claims.map(stateOf), ['shown', 'not shown', 'in part']);
  assert.deepEqual(untrueWords(claims), []);
  assert.deepEqual(untrueWords(claimsOf(page, [])), ['S1.1', 'S2.14']);
  const bold = page.replace('| — | B |', '| everything | — |').replace('| unit tests |', '| — |');
  assert.deepEqual(untrueWords(claimsOf(bold, tests)), ['S1.1', 'S1.2']);
});

function numbered(seed: string, count: number): string[] {
  return Array.from({ length: count }, (_, position) => `${seed}.${position + 1}`);
}
