/** When what a NIC sends beyond a budget is abuse: pure, from what was dropped within a window. */

import type { Abuse } from '#model/security/quarantine.ts';
import type { Budget } from '#program/program.ts';

/** Packets of one NIC that the kernel dropped for one budget, and when it was told (ms since 1970). */
export type Dropped = { readonly at: number; readonly abuse: Abuse; readonly dropped: number };

type Bound = {
  readonly field: keyof Budget;
  readonly windowMs: number;
  /** Within the window so many were dropped, in parts of the budget. */
  readonly part: number;
};

/**
 * The budget itself is only held to; abuse is what goes on beyond it. Of what is counted per second: as much dropped within three seconds as
 * one second grants. Of what is counted per minute, where a burst is a whole minute's: twice that in refused mail, a tenth in targets
 * (a scan makes hundreds a second), once in forged packets.
 */
export const bounds: { readonly [abuse in Abuse]: Bound } = {
  new: { field: 'newPerSecond', windowMs: 3000, part: 1 },
  packets: { field: 'packetsPerSecond', windowMs: 3000, part: 1 },
  mail: { field: 'mailPerMinute', windowMs: 60_000, part: 2 },
  targets: { field: 'targetsPerMinute', windowMs: 10_000, part: 0.1 },
  forged: { field: 'forgedPerMinute', windowMs: 60_000, part: 1 },
};

/** The longest window: what is older says nothing. */
export const windowMaxMs = 60_000;

/** What a NIC is set apart for; undefined as long as it is only held to its budgets. A budget of none is held to, and no more. */
export function abuseIn(history: readonly Dropped[], budget: Budget, now: number): Abuse | undefined {
  for (const [abuse, { field, windowMs, part }] of Object.entries(bounds) as [Abuse, Bound][]) {
    if (budget[field] === 0) continue;
    const sum = droppedOf(history, abuse, now - windowMs);
    if (sum > 0 && sum >= budget[field] * part) return abuse;
  }
  return undefined;
}

/** Packets dropped for one budget since a time. */
export function droppedOf(history: readonly Dropped[], abuse: Abuse, since: number): number {
  return history.reduce((sum, one) => (one.abuse === abuse && one.at > since ? sum + one.dropped : sum), 0);
}
