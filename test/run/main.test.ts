/** Tests of the suite runner: what it chooses, what it skips, and that no suite can end badly and still count as passed. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { chooseSuites, parseAsked, whySkipped } from '#test/run/main.ts';
import { judgeEnd, runSuite } from '#test/run/suite-run.ts';
import { suites, type Suite } from '#test/run/suites.ts';
import type { Counts } from '#tools/counts.ts';

const choices: [string[], string][] = [
  [[], 'check sim conformance stamp quota oracle theft tamper opening canary containment'],
  [
    ['--all'],
    'check sim conformance stamp quota peers oracle theft witness tamper opening canary containment attack kill',
  ],
  [['stamp'], 'stamp'],
  [['kill', 'check'], 'check kill'],
  [['peers', '--all'], 'peers'],
];

test('suites are chosen by name, by default, or all', () => {
  for (const [argv, wanted] of choices) {
    const names = chooseSuites(parseAsked(argv), suites).map(({ name }) => name);
    assert.equal(names.join(' '), wanted, argv.join(' '));
  }
});

test('a suite or option that is not there is refused by name', () => {
  assert.throws(() => chooseSuites(parseAsked(['stampp']), suites), /No suite is named stampp; there are: check/);
  assert.throws(() => parseAsked(['--al']), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' });
});

test('a suite says why it cannot run here', () => {
  const suite = (part: Partial<Suite>): Suite => ({ ...(suites[0] as Suite), ...part });
  const nowhere = '/nonexistent/corpus';
  assert.equal(whySkipped(suite({ needsRoot: true }), { isRoot: false, corpus: '/' }), 'skipped: needs root');
  assert.equal(whySkipped(suite({ needsRoot: true }), { isRoot: true, corpus: nowhere }), undefined);
  assert.match(whySkipped(suite({ needsCorpus: true }), { isRoot: true, corpus: nowhere }) ?? '', /no corpus at/);
  assert.equal(whySkipped(suite({ needsCorpus: true }), { isRoot: false, corpus: '/' }), undefined);
});

const good: Counts = { passed: 2, failed: 0, skipped: 0 };
const ends: [Counts | undefined, number | string | null, number][] = [
  [good, 0, 0],
  [good, 1, 1],
  [good, null, 1],
  [good, 'ended by SIGKILL', 1],
  [undefined, 0, 1],
  [undefined, 1, 1],
  [{ passed: 2, failed: 3, skipped: 0 }, 0, 3],
  [{ passed: 2, failed: 3, skipped: 0 }, 1, 3],
];

test('exit code, signal and closing line must agree before a suite counts as passed', () => {
  for (const [counts, ended, failed] of ends)
    assert.equal(judgeEnd(counts, ended).counts.failed, failed, JSON.stringify([counts, ended]));
});

test('a suite is heard, counted, and stopped with all it started when its time is over', async () => {
  const heard: string[] = [];
  const run = (script: string, timeoutMs: number) =>
    runSuite({ argv: ['-e', script], cwd: '/', environment: {}, timeoutMs, hear: (line) => heard.push(line) });
  assert.deepEqual(await run("console.log('hello\\n4 passed, 0 failed, 1 skipped')", 60_000), {
    counts: { passed: 4, failed: 0, skipped: 1 },
  });
  assert.deepEqual(heard, ['hello', '4 passed, 0 failed, 1 skipped']);
  // The grandchild holds the pipe open: only a stop of the whole group ends the suite.
  const sleeper =
    "require('node:child_process').spawn('sleep', ['300'], { stdio: 'inherit' }); setInterval(() => {}, 1000)";
  const late = await run(sleeper, 300);
  assert.match(late.says ?? '', /stopped after/);
  assert.equal(late.counts.failed, 1);
});
