/** Remembers what was made of an object, and forgets at a rollback exactly what was remembered since the mark. */

/** What takes part in the store's marks. */
export interface Undoable {
  mark(): number;
  rollback(mark: number): void;
  commit(): void;
}

/**
 * Values by identity of their keys. A value may name rows that a rollback drops and that are used anew for others: so every
 * key that was put in since the first mark is logged, and its value is taken away, or put back as it was, by the rollback.
 */
export class Kept<Key extends object, Value> implements Undoable {
  readonly #values = new WeakMap<Key, Value>();
  #log: { readonly key: Key; readonly before: Value | undefined }[] = [];
  #isLogging = false;

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  set(key: Key, value: Value): Value {
    if (this.#isLogging) this.#log.push({ key, before: this.#values.get(key) });
    this.#values.set(key, value);
    return value;
  }

  /** The value of the key, made when there is none. */
  of(key: Key, make: () => Value): Value {
    return this.#values.get(key) ?? this.set(key, make());
  }

  mark(): number {
    this.#isLogging = true;
    return this.#log.length;
  }

  rollback(mark: number): void {
    for (const { key, before } of this.#log.splice(mark).reverse()) {
      if (before === undefined) this.#values.delete(key);
      else this.#values.set(key, before);
    }
  }

  commit(): void {
    this.#isLogging = false;
    this.#log = [];
  }
}
