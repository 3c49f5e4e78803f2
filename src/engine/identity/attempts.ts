/** Failed sign-ins, counted by account and source: too many make the next one wait, each time longer. */

import { signInForgetMs, signInTrackedMax, signInWaitMaxMs, signInWaitMs } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';

/** One thing that failures are counted by, and how many it bears. */
export type AttemptKey = { readonly name: string; readonly failuresMax: number };

type Count = { failures: number; underWay: number; lastMs: number; waitUntilMs: number };

/** The counts of one identity provider. They live in memory: a restart forgets waits, an attacker cannot fill a disk. */
export type Attempts = { readonly counts: Map<string, Count>; readonly now: () => number };

/** Starts with no failures. */
export function startAttempts(now: () => number): Attempts {
  return { counts: new Map(), now };
}

/**
 * Runs one sign-in under its keys. It is refused while any of them waits; what is under way counts as failed until it
 * ends, so that a burst gets no more guesses than a queue. Whether the account exists makes no difference here.
 */
export async function attempt<T>(attempts: Attempts, keys: readonly AttemptKey[], work: () => Promise<T>): Promise<T> {
  const counts = keys.map((key) => ({ key, count: countOf(attempts, key) }));
  for (const { key, count } of counts) refuseWaiting(attempts, key, count);
  for (const { count } of counts) count.underWay++;
  try {
    const result = await work();
    // Only the pair of account and source is cleared: a guesser with one good account must not wash the source clean.
    const pair = counts[0]?.count;
    if (pair !== undefined) pair.failures = 0;
    return result;
  } catch (error) {
    if (error instanceof Refusal && error.status !== 503)
      for (const { key, count } of counts) fail(attempts, key, count);
    throw error;
  } finally {
    for (const { count } of counts) count.underWay--;
  }
}

function countOf({ counts, now }: Attempts, { name }: AttemptKey): Count {
  const known = counts.get(name);
  const isStale =
    known !== undefined && known.underWay === 0 && now() - known.lastMs > signInForgetMs + signInWaitMaxMs;
  if (known !== undefined && !isStale) return known;
  counts.delete(name);
  if (counts.size >= signInTrackedMax) dropOldest(counts);
  const fresh: Count = { failures: 0, underWay: 0, lastMs: now(), waitUntilMs: 0 };
  counts.set(name, fresh);
  return fresh;
}

// The map keeps the order of first sight. What has no failures goes first, so that filling the map forgets no wait.
function dropOldest(counts: Map<string, Count>): void {
  let looked = 0;
  for (const [name, { failures, underWay }] of counts) {
    if (failures === 0 && underWay === 0) {
      counts.delete(name);
      return;
    }
    if (++looked >= 100) break;
  }
  const oldest = counts.keys().next();
  if (!oldest.done) counts.delete(oldest.value);
}

function refuseWaiting({ now }: Attempts, { failuresMax }: AttemptKey, count: Count): void {
  const waitMs = count.waitUntilMs - now();
  if (waitMs > 0) throw tooMany(Math.ceil(waitMs / 1000));
  if (count.underWay > 0 && count.failures + count.underWay >= failuresMax) throw tooMany(1);
}

function tooMany(seconds: number): Refusal {
  return new Refusal('TooManySignIns', `Too many failed sign-ins; try again in ${seconds} s.`, {
    status: 429,
    retryAfterS: seconds,
  });
}

function fail({ now }: Attempts, { failuresMax }: AttemptKey, count: Count): void {
  if (now() - count.lastMs > signInForgetMs) count.failures = 0;
  count.failures++;
  count.lastMs = now();
  const excess = count.failures - failuresMax;
  if (excess >= 0) count.waitUntilMs = now() + Math.min(signInWaitMaxMs, signInWaitMs * 2 ** Math.min(excess, 20));
}
