/** Runs suites (`./ringwall test [SUITE…] [--all] [--json] [--list]`) and ends with their sum: `N passed, N failed, N skipped`. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runSuite, type SuiteEnd } from '#test/run/suite-run.ts';
import { suites, type Suite } from '#test/run/suites.ts';
import { addCounts, noCounts, printCounts, type Counts } from '#tools/counts.ts';
import { root } from '#tools/sources.ts';

/** What was asked for on the command line. */
export type Asked = {
  readonly names: readonly string[];
  readonly isFull: boolean;
  readonly asJson: boolean;
  readonly isList: boolean;
};

type Outcome = { readonly suite: string; readonly seconds: number } & Counts & { readonly says?: string };

/** Which suites to run: those named, or the default ones, or all; only suites that are there. Throws for a name that is not. */
export function chooseSuites({ names, isFull }: Asked, known: readonly Suite[]): Suite[] {
  const unknown = names.filter((name) => !known.some((suite) => suite.name === name));
  if (unknown.length > 0)
    throw new RangeError(
      `No suite is named ${unknown.join(', ')}; there are: ${known.map(({ name }) => name).join(', ')}.`,
    );
  return known.filter((suite) => (names.length === 0 ? isFull || suite.isDefault : names.includes(suite.name)));
}

/** Parses the command line; throws for an unknown option. */
export function parseAsked(argv: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { all: { type: 'boolean' }, json: { type: 'boolean' }, list: { type: 'boolean' } },
  });
  const { all = false, json = false, list = false } = values;
  return { names: positionals, isFull: all, asJson: json, isList: list };
}

/** Why the suite cannot run here, or undefined. */
export function whySkipped(suite: Suite, { isRoot, corpus }: { isRoot: boolean; corpus: string }): string | undefined {
  if (suite.needsRoot && !isRoot) return 'skipped: needs root';
  if (suite.needsCorpus && !existsSync(corpus)) return `skipped: no corpus at ${corpus} (set RINGWALL_CORPUS)`;
  return undefined;
}

/** Runs what was asked and answers the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const known = suites.filter(({ entry }) => existsSync(join(root, entry)));
  const asked = parseAsked(argv);
  const chosen = chooseSuites(asked, known);
  // With --json stdout holds the one object alone.
  const say = (line: string): void => void (asked.asJson ? process.stderr : process.stdout).write(`${line}\n`);
  if (asked.isList) {
    for (const { name, isDefault, says } of known) say(`${name.padEnd(12)} ${isDefault ? '      ' : '--all '} ${says}`);
    return 0;
  }
  const outcomes: Outcome[] = [];
  for (const suite of chosen) outcomes.push(await runOne(suite, asked.isFull, say));
  const sum = outcomes.reduce<Counts>(addCounts, noCounts);
  for (const outcome of outcomes) say(summary(outcome));
  if (asked.asJson) console.log(JSON.stringify({ ...sum, suites: outcomes }));
  else console.log(printCounts(sum));
  return sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}

async function runOne(suite: Suite, isFull: boolean, say: (line: string) => void): Promise<Outcome> {
  const corpus = process.env['RINGWALL_CORPUS'] ?? resolve(root, '../shared/corpus');
  const begun = performance.now();
  say(`── ${suite.name}: ${suite.says}`);
  const reason = whySkipped(suite, { isRoot: process.getuid?.() === 0, corpus });
  if (reason !== undefined) say(`  ${reason}`);
  const end: SuiteEnd =
    reason === undefined
      ? await runSuite({
          argv: [
            '--disable-warning=ExperimentalWarning',
            suite.entry,
            ...(suite.arguments ?? []),
            ...(isFull ? [] : (suite.quickArguments ?? [])),
          ],
          cwd: root,
          environment: { ...process.env, RINGWALL_CORPUS: corpus },
          timeoutMs: (isFull ? suite.fullMinutesMax : suite.quickMinutesMax) * 60_000,
          hear: (line) => say(`  ${line}`),
        })
      : { counts: { passed: 0, failed: 0, skipped: 1 }, says: reason };
  return {
    suite: suite.name,
    seconds: Math.round((performance.now() - begun) / 100) / 10,
    ...end.counts,
    says: end.says,
  };
}

function summary(outcome: Outcome): string {
  const mark = outcome.failed > 0 ? '✖' : outcome.passed > 0 ? '✔' : '·';
  const said = outcome.says === undefined ? '' : ` (${outcome.says})`;
  return `${mark} ${outcome.suite.padEnd(12)} ${printCounts(outcome)} in ${outcome.seconds.toFixed(1)} s${said}`;
}

if (import.meta.main) {
  try {
    process.exit(await main(process.argv.slice(2)));
  } catch (error) {
    // A wrong name or option is the caller's to mend; anything else shows its stack.
    if (!(error instanceof RangeError) && !(error instanceof TypeError && 'code' in error)) throw error;
    console.error(`ringwall test: ${error.message}`);
    process.exit(2);
  }
}
