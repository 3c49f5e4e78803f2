/** How many requests one caller may make in an hour, so that none of them takes the stamp from the others; the rest is told in headers. */

import { budgetCallersMax, requestsPerHourMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';

type Kind = 'reads' | 'writes';
type Spent = { readonly untilMs: number; reads: number; writes: number };

const hourMs = 3_600_000;

/** Counts per caller in windows of an hour. `spend` answers what is left, or refuses with 429 and when to come again. */
export class Budget {
  readonly #now: () => number;
  readonly #limit: number;
  readonly #spent = new Map<string, Spent>();

  constructor(now: () => number, limit = requestsPerHourMax) {
    this.#now = now;
    this.#limit = limit;
  }

  /** Azure counts reads and writes apart (arm facts §2.5). */
  spend(caller: string, method: string): Readonly<Record<string, string>> {
    const kind: Kind = method === 'GET' || method === 'HEAD' ? 'reads' : 'writes';
    const spent = this.#windowOf(caller);
    if (spent[kind] >= this.#limit) {
      const retryAfterS = Math.max(1, Math.ceil((spent.untilMs - this.#now()) / 1000));
      const says = `${this.#limit} ${kind} were made in this hour; the next can be made in ${retryAfterS} seconds.`;
      throw new Refusal('TooManyRequests', says, { status: 429, retryAfterS });
    }
    spent[kind] += 1;
    return { [`x-ms-ratelimit-remaining-subscription-${kind}`]: String(this.#limit - spent[kind]) };
  }

  #windowOf(caller: string): Spent {
    const now = this.#now();
    const known = this.#spent.get(caller);
    if (known !== undefined && now < known.untilMs) return known;
    const fresh: Spent = { untilMs: now + hourMs, reads: 0, writes: 0 };
    // A window that begins anew goes to the end, so the first one is the oldest.
    this.#spent.delete(caller);
    this.#spent.set(caller, fresh);
    const [oldest] = this.#spent.keys();
    if (this.#spent.size > budgetCallersMax && oldest !== undefined) this.#spent.delete(oldest);
    return fresh;
  }
}
