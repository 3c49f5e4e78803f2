/** Figures of benches: percentiles of samples, the machine's load beside them, and durations of work. */

import { loadavg } from 'node:os';

/** What a list of durations came to, in milliseconds. */
export type Spread = { readonly p50_ms: number; readonly p99_ms: number; readonly min_ms: number; readonly n: number };

/** The spread of durations in milliseconds. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((left, right) => left - right);
  return {
    p50_ms: rounded(percentile(sorted, 0.5)),
    p99_ms: rounded(percentile(sorted, 0.99)),
    min_ms: rounded(sorted[0] ?? 0),
    n: sorted.length,
  };
}

/** The middle of a list. */
export function medianOf(samples: readonly number[]): number {
  return percentile(
    samples.toSorted((left, right) => left - right),
    0.5,
  );
}

/** The sample at a share of a sorted list (nearest rank). */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? 0;
}

/** Three digits after the point are more than these measurements are worth. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The one-minute load average: what else the machine did. */
export function loadNow(): number {
  return rounded(loadavg()[0] ?? 0);
}

/** Milliseconds that asynchronous work took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Runs work `count` times, one after another, and answers the duration of each. */
export async function timedTimes(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index++) samples.push(await timed(() => work(index)));
  return samples;
}
