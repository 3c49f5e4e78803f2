/** A clock that stands still until the simulation moves it: sleeps end in order of their time, so that a run is the same each time. */

import type { Clock } from '#engine/ports.ts';

type Sleeper = { readonly at: number; readonly order: number; readonly wake: () => void };

const epochMs = Date.UTC(2030, 0, 1);

/** Time of a simulation, shared by all that lives in it. */
export class SimClock implements Clock {
  #now = epochMs;
  #order = 0;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.#now + Math.max(0, ms), order: this.#order++, wake });
    });
  }

  /** Lets all that can run now run, then moves to the next sleeper; false when nobody sleeps. */
  async tick(): Promise<boolean> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const [next] = this.#sleepers.sort((left, right) => left.at - right.at || left.order - right.order);
    if (next === undefined) return false;
    this.#sleepers.shift();
    this.#now = Math.max(this.#now, next.at);
    next.wake();
    return true;
  }
}
