/** Faults of a simulated stamp: where a call waits, fails, loses its answer, or where the process that makes it dies. */

import { Fault } from '#base/wrong.ts';
import type { Random } from '#test/generate/random.ts';
import type { SimClock } from '#test/sim/clock.ts';

/** How often things go wrong, per call. */
export type Odds = { readonly crash: number; readonly fault: number };

/** The faults of one incarnation. When its process has died, every call of it hangs for ever and does nothing. */
export class Faults {
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #odds: Odds;
  readonly #onCrash: (place: string) => void;
  #isDead = false;
  isHealed = false;

  constructor(parts: { clock: SimClock; random: Random; odds: Odds; onCrash: (place: string) => void }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#odds = parts.odds;
    this.#onCrash = parts.onCrash;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** The process dies here and now. */
  kill(): void {
    this.#isDead = true;
  }

  chance(share: number): boolean {
    return this.#random.chance(share);
  }

  /** A step boundary: time may pass, and the process may die. A dead one never goes on. */
  async pause(place: string): Promise<void> {
    if (this.#isDead) return await hang();
    if (this.#random.chance(0.5)) await this.#clock.sleep(this.#random.below(4));
    if (this.#isDead) return await hang();
    if (this.isHealed || !this.#random.chance(this.#odds.crash)) return;
    this.#isDead = true;
    this.#onCrash(place);
    await hang();
  }

  /** What becomes of a call of the store. */
  fate(_call: 'append'): 'well' | 'before' | 'stopped' {
    if (this.isHealed || !this.#random.chance(this.#odds.fault)) return 'well';
    return this.#random.chance(0.7) ? 'before' : 'stopped';
  }

  /** A call over a link: it may fail before it arrives, or lose its answer after it was done. */
  async call<T>(place: string, work: () => Promise<T>): Promise<T> {
    await this.pause(`${place} is asked`);
    const isFaulty = !this.isHealed && this.#random.chance(this.#odds.fault);
    if (isFaulty && this.#random.chance(0.5)) throw new Fault('LinkDown', `${place} cannot be reached.`);
    const answer = await work();
    await this.pause(`${place} has answered`);
    if (isFaulty) throw new Fault('LinkLost', `The answer of ${place} was lost.`);
    return answer;
  }
}

function hang(): Promise<never> {
  return new Promise(() => undefined);
}
