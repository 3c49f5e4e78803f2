/** What each subscription may make the prover work: steps of proofs are charged to whoever asked for them (decision D2.8). */

import { proofOwnersMax, proofStepsPerSecond, proofStepsSaved } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';

type Account = { steps: number; at: number };

/** A bucket of steps per subscription, filled with time. A proof may overdraw it; the next one waits until that is made up. */
export class ProofBudget {
  readonly #accounts = new Map<string, Account>();

  /** Throws 429 with the time to wait when the subscription has overdrawn its account. */
  check(subscription: string, nowMs: number): void {
    const { steps } = this.#account(subscription, nowMs);
    if (steps >= 0) return;
    const waitS = Math.max(1, Math.ceil(-steps / proofStepsPerSecond));
    const says = `The proofs of this subscription's writes took more work than it may use; try again in ${waitS} s. Rules with fewer ranges and wildcards take less.`;
    throw new Refusal('TooManyRequests', says, { status: 429, retryAfterS: waitS });
  }

  charge(subscription: string, nowMs: number, steps: number): void {
    this.#account(subscription, nowMs).steps -= steps;
  }

  #account(subscription: string, nowMs: number): Account {
    const known = this.#accounts.get(subscription);
    const account = known ?? { steps: proofStepsSaved, at: nowMs };
    const earned = (Math.max(0, nowMs - account.at) / 1000) * proofStepsPerSecond;
    account.steps = Math.min(proofStepsSaved, account.steps + earned);
    account.at = nowMs;
    // The one that was not heard of for longest goes: it has a full account, or soon would have.
    this.#accounts.delete(subscription);
    this.#accounts.set(subscription, account);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > proofOwnersMax && oldest !== undefined) this.#accounts.delete(oldest);
    return account;
  }
}
