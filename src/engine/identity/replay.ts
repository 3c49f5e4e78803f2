/** What was seen once and must not come again: bounded in time and number, and when it is full it takes nothing more. */

/** How long a thing is remembered, and how many are: of one owner, and of all. */
export type ReplayLimits = { readonly keptMs: number; readonly ownerMax: number; readonly allMax: number };

/** `full` is refused like `replayed`: what cannot be remembered could be replayed. */
export type SeenVerdict = 'fresh' | 'replayed' | 'full';

/** A memory of what was seen. One owner that floods it fills its own share only. */
export class ReplayMemory {
  readonly #limits: ReplayLimits;
  /** In the order of coming, which is the order of going: all are kept equally long. */
  readonly #seen = new Map<string, { readonly owner: string; readonly endMs: number }>();
  readonly #counts = new Map<string, number>();

  constructor(limits: ReplayLimits) {
    this.#limits = limits;
  }

  /** Notes a thing of an owner at a time (milliseconds). */
  note(owner: string, thing: string, now: number): SeenVerdict {
    this.#sweep(now);
    const key = `${owner} ${thing}`;
    if (this.#seen.has(key)) return 'replayed';
    const count = this.#counts.get(owner) ?? 0;
    if (count >= this.#limits.ownerMax || this.#seen.size >= this.#limits.allMax) return 'full';
    this.#seen.set(key, { owner, endMs: now + this.#limits.keptMs });
    this.#counts.set(owner, count + 1);
    return 'fresh';
  }

  get size(): number {
    return this.#seen.size;
  }

  #sweep(now: number): void {
    for (const [key, { owner, endMs }] of this.#seen) {
      if (endMs > now) return;
      this.#seen.delete(key);
      const left = (this.#counts.get(owner) ?? 1) - 1;
      if (left === 0) this.#counts.delete(owner);
      else this.#counts.set(owner, left);
    }
  }
}
