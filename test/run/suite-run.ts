/** Runs one suite as a child process group: passes its lines on, stops it at its time limit, and reads its closing line. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { readCounts, type Counts } from '#tools/counts.ts';

/** What to run, and who hears its lines. */
export type SuiteCommand = {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly hear: (line: string) => void;
};

/** How a suite ended. `says` is there when it did not end as a suite should. */
export type SuiteEnd = { readonly counts: Counts; readonly says?: string };

/** Only the end of the output is kept: the closing line stands there. */
const linesKeptMax = 200;
/** After SIGTERM a suite has this long to take down what it made. */
const graceMs = 20_000;

/** Runs the suite to its end. It never throws for what the suite does. */
export async function runSuite({ argv, cwd, environment, timeoutMs, hear }: SuiteCommand): Promise<SuiteEnd> {
  // Its own process group: what the suite started goes down with it.
  const child = spawn(process.execPath, argv, {
    cwd,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const kept: string[] = [];
  const follow = (stream: Readable): void => {
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      kept.push(line);
      if (kept.length > linesKeptMax) kept.shift();
      hear(line);
    });
  };
  follow(child.stdout);
  follow(child.stderr);
  let isLate = false;
  const stop = (): void => stopGroup(child.pid);
  const clock = setTimeout(() => {
    isLate = true;
    stop();
  }, timeoutMs);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('error', () => resolve([127, null]));
    child.on('close', (...ended) => resolve(ended));
  });
  clearTimeout(clock);
  process.off('SIGINT', stop).off('SIGTERM', stop);
  const ended = isLate
    ? `stopped after ${Math.round(timeoutMs / 1000)} s`
    : signal === null
      ? code
      : `ended by ${signal}`;
  return judgeEnd(readCounts(kept.join('\n')), ended);
}

/** A suite has failed too when it says nothing of its count, or when its exit code and its count disagree. */
export function judgeEnd(counts: Counts | undefined, ended: number | string | null): SuiteEnd {
  if (typeof ended === 'string') return failing(counts, ended);
  if (counts === undefined) return failing(counts, `ended with ${ended} and without "N passed, N failed, N skipped"`);
  if (ended !== 0 && counts.failed === 0) return failing(counts, `ended with ${ended} though it counted no failure`);
  return { counts };
}

function failing(counts: Counts | undefined, says: string): SuiteEnd {
  return {
    says,
    counts: { passed: counts?.passed ?? 0, failed: (counts?.failed ?? 0) + 1, skipped: counts?.skipped ?? 0 },
  };
}

function stopGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs).unref();
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended already, which is what was wanted.
  }
}
