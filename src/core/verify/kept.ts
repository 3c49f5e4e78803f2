/** Remembers what was made of an object, and forgets at a rollback exactly what was remembered since the mark. */

/** What takes part in the store's marks. */
export interface Undoable {
  mark(): number;
  rollback(mark: number): void;
  commit(): void;
}

interface Values<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): unknown;
  delete(key: Key): unknown;
}

/** A map that takes no new key when it is full. */
class Bounded<Key, Value> extends Map<Key, Value> {
  readonly #room: number;

  constructor(room: number) {
    super();
    this.#room = room;
  }

  override set(key: Key, value: Value): this {
    return this.size < this.#room || this.has(key) ? super.set(key, value) : this;
  }
}

/**
 * A value may name rows that a rollback drops and that are used anew for others: so every key that was put in since the first mark
 * is logged, and its value is taken away, or put back as it was, by the rollback.
 */
class Remembered<Key, Value> implements Undoable {
  readonly #values: Values<Key, Value>;
  #log: { readonly key: Key; readonly before: Value | undefined }[] = [];
  #isLogging = false;

  constructor(values: Values<Key, Value>) {
    this.#values = values;
  }

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

/** Values by identity of their keys. */
export class Kept<Key extends object, Value> extends Remembered<Key, Value> {
  constructor() {
    super(new WeakMap<Key, Value>());
  }
}

/** Values by text: of the first texts only, as many as there is room for. */
export class KeptByText<Value> extends Remembered<string, Value> {
  constructor(room: number) {
    super(new Bounded<string, Value>(room));
  }
}
