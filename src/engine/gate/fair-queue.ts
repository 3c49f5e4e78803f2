/** One work at a time, in turn between those who ask: a tenant who sends a hundred writes does not make another wait for all of them. */

type Waiting = { readonly run: () => Promise<void> };

/** Works of one owner keep their order; between owners it goes round. */
export class FairQueue {
  readonly #waiting = new Map<string, Waiting[]>();
  #isRunning = false;

  /** Runs the work when it is its owner's turn; answers what it answers. */
  run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const one: Waiting = { run: () => work().then(resolve, reject) };
      const line = this.#waiting.get(owner);
      if (line === undefined) this.#waiting.set(owner, [one]);
      else line.push(one);
      if (!this.#isRunning) void this.#go();
    });
  }

  async #go(): Promise<void> {
    this.#isRunning = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) await next.run();
    this.#isRunning = false;
  }

  /** The first work of the owner who has waited longest for a turn; the owner goes to the end of the round. */
  #next(): Waiting | undefined {
    for (const [owner, line] of this.#waiting) {
      const next = line.shift();
      this.#waiting.delete(owner);
      if (line.length > 0) this.#waiting.set(owner, line);
      return next;
    }
    return undefined;
  }
}
