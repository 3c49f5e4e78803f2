/** How many refusals of one caller are written to the audit one by one: a flood is counted and told in one entry, so that it cannot fill the disk. */

import {
  auditedCallersMax,
  auditedRefusalsBurst,
  auditedRefusalsTotal,
  auditedRefusalsWindowMs,
} from '#base/limits.ts';

/** What to do with one refusal: write it (telling how many before it were not written), or leave it out. */
export type Judged = { readonly verdict: 'write'; readonly leftOut: number } | { readonly verdict: 'leave out' };

type Window = { readonly from: number; written: number; leftOut: number };

/** Counts per caller and for all in fixed windows. Callers beyond the limit share one window: strangers cannot grow the table. */
export class RefusalBudget {
  readonly #windows = new Map<string, Window>();
  #all: Window = { from: 0, written: 0, leftOut: 0 };
  #forgottenAt = Number.NEGATIVE_INFINITY;

  /** Judges the refusal of a caller at a time (milliseconds). */
  judge(caller: string, now: number): Judged {
    if (this.#all.from + auditedRefusalsWindowMs <= now) this.#all = { from: now, written: 0, leftOut: 0 };
    const window = this.#windowOf(caller, now);
    if (window.written >= auditedRefusalsBurst || this.#all.written >= auditedRefusalsTotal) {
      window.leftOut += 1;
      return { verdict: 'leave out' };
    }
    window.written += 1;
    this.#all.written += 1;
    const { leftOut } = window;
    window.leftOut = 0;
    return { verdict: 'write', leftOut };
  }

  #windowOf(caller: string, now: number): Window {
    const known = this.#windows.get(caller);
    if (known !== undefined && known.from + auditedRefusalsWindowMs > now) return known;
    // What a caller's last window left out is told by the first entry of the next one.
    const fresh: Window = { from: now, written: 0, leftOut: known?.leftOut ?? 0 };
    if (known === undefined && this.#windows.size >= auditedCallersMax) this.#forget(now);
    if (known === undefined && this.#windows.size >= auditedCallersMax) return this.#windowOfAll(now);
    this.#windows.set(caller, fresh);
    return fresh;
  }

  #windowOfAll(now: number): Window {
    const shared = this.#windows.get('');
    if (shared !== undefined && shared.from + auditedRefusalsWindowMs > now) return shared;
    const fresh: Window = { from: now, written: 0, leftOut: shared?.leftOut ?? 0 };
    this.#windows.set('', fresh);
    return fresh;
  }

  /** Drops the windows that are over, once a window: what they left out is told by the shared one. */
  #forget(now: number): void {
    if (now < this.#forgottenAt + auditedRefusalsWindowMs) return;
    this.#forgottenAt = now;
    let leftOut = 0;
    for (const [caller, window] of this.#windows) {
      if (caller === '' || window.from + auditedRefusalsWindowMs > now) continue;
      leftOut += window.leftOut;
      this.#windows.delete(caller);
    }
    this.#windowOfAll(now).leftOut += leftOut;
  }
}
