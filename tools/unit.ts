/** Runs unit tests in this one process (`node tools/unit.ts [PATH or GLOB…]`): prints failures, slow tests and the closing line. */

import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { printCounts, type Counts } from '#tools/counts.ts';
import { root } from '#tools/sources.ts';

/** Where unit tests lie; the suites under test/ start real processes and are run by test/run. */
export const places = ['src', 'tools', 'test/run', 'bench'];
/** A unit test slower than this is named, so that the whole check stays within its 15 s. */
const slowMs = 1000;

/** Runs the tests at the given places and answers the counts. */
export async function runUnits(asked: readonly string[]): Promise<Counts> {
  const files = (asked.length === 0 ? places : asked).flatMap(testFiles).sort();
  if (files.length === 0) throw new Error(`No test file is at ${asked.join(', ')}.`);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  const events = run({ files, isolation: 'none', concurrency: false });
  events.on('test:pass', ({ name, file, skip, todo, details }) => {
    if (details.type === 'suite') return;
    if (skip !== undefined || todo !== undefined) counts.skipped += 1;
    else counts.passed += 1;
    if (details.duration_ms > slowMs) console.log(`slow: ${Math.round(details.duration_ms)} ms ${file} ${name}`);
  });
  events.on('test:fail', ({ name, file, line, details }) => {
    if (details.type === 'suite' && isOfChildren(details.error)) return;
    counts.failed += 1;
    failures.push(`${file}:${line} ${name}`);
  });
  // Only the end of the spec report: it repeats each failure with its stack and difference.
  const report: string[] = [];
  for await (const chunk of events.compose(spec)) report.push(String(chunk));
  if (counts.failed > 0) {
    const whole = report.join('');
    const tail = whole.slice(Math.max(0, whole.lastIndexOf('failing tests:')));
    console.log([...failures.map((failure) => `✖ ${failure}`), tail].join('\n'));
  }
  return counts;
}

// A suite fails whenever one of its tests does; that is counted once, at the test.
function isOfChildren(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed';
}

function testFiles(place: string): string[] {
  const isFolder = statSync(join(root, place), { throwIfNoEntry: false })?.isDirectory() === true;
  return globSync(isFolder ? `${place}/**/*.test.ts` : place, { cwd: root, exclude: ['**/node_modules/**'] }).map(
    (path) => join(root, path),
  );
}

if (import.meta.main) {
  const counts = await runUnits(process.argv.slice(2));
  console.log(printCounts(counts));
  process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
}
