/** What clients were told: for every resource the value that was acknowledged last, or both values where an answer never came. */

/** A value as the client wrote it; undefined: the resource is deleted. */
export type Value = string | undefined;

/** What a resource may hold now: one value when the last answer came, else what stood before and what was asked for. */
export class Ledger {
  readonly #may = new Map<string, readonly Value[]>();
  readonly #fresh = new Set<string>();
  acknowledged = 0;
  unanswered = 0;

  /** The request leaves: until an answer comes, both are possible. */
  asked(path: string, value: Value): void {
    const before = this.#may.get(path) ?? [undefined];
    this.#may.set(path, [...new Set([...before, value])]);
    this.#fresh.add(path);
  }

  /** Answered with success: from now on the value must be found. */
  confirmed(path: string, value: Value): void {
    this.#may.set(path, [value]);
    this.acknowledged += 1;
  }

  /** Refused: the stamp said that nothing happened. */
  refused(path: string, value: Value, before: readonly Value[]): void {
    this.#may.set(path, before.length === 0 ? [value] : before);
  }

  /** The connection broke, or the stamp said that it does not know. */
  lost(): void {
    this.unanswered += 1;
  }

  may(path: string): readonly Value[] {
    return this.#may.get(path) ?? [undefined];
  }

  paths(): readonly string[] {
    return [...this.#may.keys()];
  }

  /** Paths written since the last call. */
  takeFresh(): readonly string[] {
    const fresh = [...this.#fresh];
    this.#fresh.clear();
    return fresh;
  }

  /** A look settles what was open; answers what is wrong, if anything. */
  seen(path: string, value: Value): string | undefined {
    const may = this.may(path);
    this.#may.set(path, [value]);
    return may.includes(value)
      ? undefined
      : `${path} holds ${value ?? 'nothing'}, acknowledged was ${may.map((one) => one ?? 'nothing').join(' or ')}`;
  }
}
