/** The run: a stamp of its own under load, one death after another, the checks after each, and what is left after `down`. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Counts } from '#tools/counts.ts';
import { ringwall } from '#bench/command.ts';
import { loadNow, medianOf } from '#bench/figures.ts';
import { Furniture } from '#bench/furniture.ts';
import { type OwnStamp, withOwnStamp } from '#bench/own-stamp.ts';
import { say } from '#bench/progress.ts';
import { randomFrom } from '#test/generate/random.ts';
import { DriftLog, kernelDiffers, lostWrites } from '#test/kill/check.ts';
import { Ledger } from '#test/kill/ledger.ts';
import { furnish, startStreams, untilFlowing } from '#test/kill/furnish.ts';
import type { Stream } from '#test/kill/streams.ts';
import { isRunning, leftovers, processesOf } from '#test/kill/world.ts';
import { startWriters, type Writers } from '#test/kill/writers.ts';

const victims = ['ringd', 'proofd', 'netd', 'stampd', 'guestd'] as const;
type Victim = (typeof victims)[number];

const loadFirstMs = 100;
const loadMoreMs = 1400;
const backMs = 60_000;

type Tally = { passed: number; failed: number };
type Death = { readonly victim: Victim; readonly backMs: number };

/** Runs `kills` deaths from a seed. */
export async function runKills({ seed, kills }: { readonly seed: number; readonly kills: number }): Promise<Counts> {
  const tally: Tally = { passed: 0, failed: 0 };
  try {
    await withOwnStamp(async (stamp) => {
      await onStamp(stamp, { seed, kills, tally });
      await stamp.down({ keep: true });
      judge(tally, 'the store is whole', await storeDamage(stamp));
      judge(tally, 'down leaves nothing behind', await leftovers(stamp.number, stamp.state));
    });
  } catch (error) {
    judge(tally, 'the run comes to its end', [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
  }
  return { ...tally, skipped: 0 };
}

type Run = { readonly seed: number; readonly kills: number; readonly tally: Tally };

async function onStamp(stamp: OwnStamp, { seed, kills, tally }: Run): Promise<void> {
  const furniture = new Furniture(stamp, 'kill');
  const url = await furnish(furniture);
  const ledger = new Ledger();
  const writers = startWriters(furniture, ledger);
  const streams = startStreams(stamp, url);
  try {
    await untilFlowing(streams);
    const random = randomFrom(seed);
    const drifts = new DriftLog(stamp.state);
    const deaths: Death[] = [];
    for (let count = 0; count < kills; count++) {
      const victim = victims[random.below(victims.length)] ?? 'ringd';
      const name = `death ${count + 1} of ${kills}: ${victim}`;
      const waited = loadFirstMs + random.below(loadMoreMs);
      deaths.push(await oneDeath({ stamp, writers, victim, loadMs: waited, tally, name }));
      const paths = count === kills - 1 ? ledger.paths() : ledger.takeFresh();
      judge(tally, `${name}: no acknowledged write is lost`, await lostWrites(paths, { ledger, writers }));
      judge(tally, `${name}: nothing is half applied`, [...(await kernelDiffers(stamp, ledger)), ...drifts.take()]);
      await judgeStreams(tally, name, streams);
    }
    tell(deaths, ledger, writers);
  } finally {
    await writers.stop();
    for (const stream of streams) await stream.close();
  }
}

type DeathTask = {
  readonly stamp: OwnStamp;
  readonly writers: Writers;
  readonly victim: Victim;
  readonly loadMs: number;
  readonly tally: Tally;
  readonly name: string;
};

async function oneDeath({ stamp, writers, victim, loadMs, tally, name }: DeathTask): Promise<Death> {
  writers.run();
  await sleep(loadMs);
  const pid = processesOf(stamp.number)[victim];
  if (pid === undefined || !isRunning(pid, victim)) {
    judge(tally, `${name}: runs before it is killed`, [`${victim} does not run`]);
    await stamp.up();
    return { victim, backMs: 0 };
  }
  process.kill(pid, 'SIGKILL');
  const start = performance.now();
  // The load goes on while the process is away.
  await sleep(50);
  if (victim === 'ringd') await stamp.up();
  const missing = await back(stamp, { victim, pid });
  const took = performance.now() - start;
  await writers.pause();
  judge(tally, `${name}: the stamp answers again`, missing);
  return { victim, backMs: took };
}

/** Everybody runs, the killed one anew, and a read over HTTPS is answered. */
async function back(
  stamp: OwnStamp,
  { victim, pid }: { readonly victim: Victim; readonly pid: number },
): Promise<string[]> {
  const until = Date.now() + backMs;
  for (;;) {
    const running = processesOf(stamp.number);
    const missing = victims.filter((name) => !isRunning(running[name] ?? 0, name));
    const isAnew = running[victim] !== pid;
    const status = isAnew && missing.length === 0 ? await statusOf(stamp) : 0;
    if (status === 200) return [];
    if (Date.now() > until)
      return [`after ${backMs / 1000} s missing: ${missing.join(', ') || 'nobody'}, a read is answered with ${status}`];
    await sleep(20);
  }
}

async function statusOf(stamp: OwnStamp): Promise<number> {
  try {
    const { status } = await stamp.arm.once(
      'GET',
      `/subscriptions/${stamp.subscription}/resourceGroups/kill?api-version=2021-04-01`,
    );
    return status;
  } catch {
    return 0;
  }
}

const longest = new Map<string, number>();

async function judgeStreams(tally: Tally, name: string, streams: readonly Stream[]): Promise<void> {
  for (const stream of streams) {
    const { sent, lost, longestGapMs } = await stream.report();
    longest.set(stream.name, Math.max(longest.get(stream.name) ?? 0, longestGapMs));
    judge(
      tally,
      `${name}: ${stream.name} goes on`,
      lost === 0 ? [] : [`${lost} of ${sent} lost, longest gap ${longestGapMs} ms`],
    );
  }
}

function judge(tally: Tally, name: string, wrong: readonly string[]): void {
  if (wrong.length === 0) tally.passed += 1;
  else {
    tally.failed += 1;
    say(process.stdout, `FAIL ${name}`);
    for (const line of wrong.slice(0, 5)) say(process.stdout, `  ${line.slice(0, 600)}`);
  }
}

async function storeDamage(stamp: OwnStamp): Promise<string[]> {
  try {
    const verdict = await ringwall(['store', 'verify', ...stamp.flags]);
    return verdict['ok'] === true ? [] : [JSON.stringify(verdict)];
  } catch (error) {
    return [String(error)];
  }
}

function tell(deaths: readonly Death[], ledger: Ledger, writers: Writers): void {
  for (const victim of victims) {
    const times = deaths.filter((death) => death.victim === victim).map((death) => death.backMs);
    if (times.length > 0)
      say(
        process.stdout,
        `${victim}: ${times.length} deaths, back after ${Math.round(medianOf(times))} ms (median), ${Math.round(Math.max(...times))} ms (longest)`,
      );
  }
  for (const [name, gapMs] of longest) say(process.stdout, `${name}: longest gap between answers ${gapMs} ms`);
  say(
    process.stdout,
    `${ledger.acknowledged} writes acknowledged, ${ledger.unanswered} without a certain answer, load ${loadNow()}`,
  );
  for (const [what, count] of writers.strange) say(process.stdout, `  answered otherwise: ${what} × ${count}`);
}
