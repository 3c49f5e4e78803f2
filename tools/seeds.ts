/** Lists the claims of docs/claims.md that no test shows (`npm run seeds`): a test shows a claim by `[S2.14]` in its name. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, sourcePaths } from '#tools/sources.ts';

/** One numbered claim, and the files that have a test with its number. */
export type Claim = {
  readonly number: string;
  readonly says: string;
  readonly shownBy: readonly string[];
  /** What the page says of it: the tests in words, and what is missing; `—` is nothing. */
  readonly words: { readonly shown: string; readonly toCome: string };
};

/** Joins the claims page with the tests' sources. */
export function claimsOf(page: string, tests: readonly { readonly path: string; readonly text: string }[]): Claim[] {
  const shown = tests.map(({ path, text }) => ({ path, numbers: numbersIn(text) }));
  const rows = page.matchAll(/^\| (S\d+\.\d+) \| ([^|]+) \|[^|]+\|([^|]+)\|([^|]+)\|/gm);
  return [...rows].map(([, number = '', says = '', inWords = '', toCome = '']) => ({
    number,
    says: says.trim(),
    shownBy: shown.filter(({ numbers }) => numbers.has(number)).map(({ path }) => path),
    words: { shown: inWords.trim(), toCome: toCome.trim() },
  }));
}

/** Not at all, in part, or in full: a claim of which something is to come is shown in part at most. */
export function stateOf({ shownBy, words }: Claim): 'not shown' | 'in part' | 'shown' {
  if (shownBy.length === 0) return 'not shown';
  return words.toCome === '—' ? 'shown' : 'in part';
}

/** Where the page says more or less than the tests: words without a test, a test without words, and nothing shown nor to come. */
export function untrueWords(claims: readonly Claim[]): string[] {
  return claims
    .filter(
      ({ shownBy, words }) =>
        shownBy.length > 0 !== (words.shown !== '—') || (shownBy.length === 0 && words.toCome === '—'),
    )
    .map(({ number }) => number);
}

// `[S1.5]` or `[S1.5, S1.14]` at the start of a quoted name: test('[S1.5] …'), or the first member of a row of cases.
function numbersIn(text: string): Set<string> {
  const names = [...text.matchAll(/['"`]\[(S\d+\.\d+(?:,\s*S\d+\.\d+)*)\]/g)];
  return new Set(names.flatMap(([, list = '']) => list.split(/,\s*/)));
}

/** Numbers that tests cite and the page does not have: a slip of the pen. */
export function strayNumbers(
  claims: readonly Claim[],
  tests: readonly { readonly path: string; readonly text: string }[],
): string[] {
  const known = new Set(claims.map(({ number }) => number));
  return tests.flatMap(({ path, text }) =>
    [...numbersIn(text)].filter((number) => !known.has(number)).map((number) => `${path}: ${number}`),
  );
}

function readTests(): { path: string; text: string }[] {
  return sourcePaths()
    .filter((path) => path.endsWith('.test.ts') || path.startsWith('test/'))
    .filter((path) => path !== 'tools/seeds.test.ts')
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The claims as they stand in this clone. */
export function readClaims(): { claims: Claim[]; stray: string[] } {
  const tests = readTests();
  const claims = claimsOf(readFileSync(join(root, 'docs/claims.md'), 'utf8'), tests);
  return { claims, stray: strayNumbers(claims, tests) };
}

if (import.meta.main) {
  const { claims, stray } = readClaims();
  const isFull = process.argv.includes('--all');
  for (const claim of claims) {
    const state = stateOf(claim);
    if (state === 'shown' && !isFull) continue;
    const more = state === 'not shown' ? claim.words.toCome : `${state}; to come: ${claim.words.toCome}`;
    console.log(`${claim.number.padEnd(6)} ${claim.says} (${more})`);
    if (isFull) for (const path of claim.shownBy) console.log(`         ${path}`);
  }
  for (const one of stray) console.log(`cited, but not on the page: ${one}`);
  for (const one of untrueWords(claims)) console.log(`the page and the tests disagree: ${one}`);
  const count = (wanted: string): number => claims.filter((claim) => stateOf(claim) === wanted).length;
  console.log(`${count('shown')} of ${claims.length} claims are shown by tests, ${count('in part')} in part`);
  process.exit(stray.length === 0 ? 0 : 1);
}
