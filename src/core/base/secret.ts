/** A value that must not be seen: it prints as `***` wherever it is logged, joined or serialised. */

import { inspect } from 'node:util';
import { createHash, timingSafeEqual } from 'node:crypto';

/** Holds a secret string. Only `reveal()` gives it out; JSON, templates and inspection show `***`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself; call it only where it is handed to its one consumer. */
  reveal(): string {
    return this.#value;
  }

  /** Compares in constant time, whatever the lengths. */
  equals(other: string): boolean {
    const [left, right] = [this.#value, other].map((text) => createHash('sha256').update(text).digest());
    return left !== undefined && right !== undefined && timingSafeEqual(left, right);
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}
