/** The data keys of the subscriptions: made at first use, wrapped by the master key's wrap key, destroyed on demand. */

import { createSecretKey, type KeyObject } from 'node:crypto';
import { seal, unseal, type Random } from '#engine/store/seal.ts';

/** A data key as it lies on disk; `wrapped` is null once it is destroyed. */
export type WrappedKey = {
  readonly number: number;
  readonly subscription: string;
  readonly at: number;
  readonly wrapped: Buffer | null;
};

/** What a number stands for: a key to use, a key that was destroyed, or a wrapping that does not open. */
export type HeldKey =
  | { readonly kind: 'held'; readonly subscription: string; readonly key: KeyObject }
  | { readonly kind: 'destroyed'; readonly subscription: string }
  | { readonly kind: 'broken'; readonly subscription: string };

/** Holds the unwrapped data keys of one open store. */
export class Keyring {
  readonly #wrap: KeyObject;
  readonly #keys = new Map<number, HeldKey>();
  readonly #current = new Map<string, number>();

  constructor(wrap: KeyObject, stored: readonly WrappedKey[]) {
    this.#wrap = wrap;
    for (const key of stored) this.add(key);
  }

  /** Takes a key that the database has. */
  add({ number, subscription, wrapped }: WrappedKey): void {
    const held = wrapped === null ? undefined : unseal(this.#wrap, wrapped, keyPlace(number, subscription));
    if (wrapped === null) this.#keys.set(number, { kind: 'destroyed', subscription });
    else if (held === undefined) this.#keys.set(number, { kind: 'broken', subscription });
    else {
      this.#keys.set(number, { kind: 'held', subscription, key: createSecretKey(held) });
      this.#current.set(subscription, number);
      held.fill(0);
    }
  }

  /** The key of that number, if the store has it. */
  get(number: number): HeldKey | undefined {
    return this.#keys.get(number);
  }

  /** The key that seals for the subscription now. */
  current(subscription: string): { number: number; key: KeyObject } | undefined {
    const number = this.#current.get(subscription);
    const held = number === undefined ? undefined : this.#keys.get(number);
    return number !== undefined && held?.kind === 'held' ? { number, key: held.key } : undefined;
  }

  /** Makes a key for a subscription that has none; it is held from now on, and must be written in the same commit or dropped. */
  make(subscription: string, { at, random }: { at: number; random: Random }): WrappedKey {
    const number = Math.max(0, ...this.#keys.keys()) + 1;
    const plain = random(32);
    const wrapped = seal(this.#wrap, plain, { place: keyPlace(number, subscription), random });
    plain.fill(0);
    const made: WrappedKey = { number, subscription, at, wrapped };
    this.add(made);
    return made;
  }

  /** Forgets a key that was made but never written. */
  drop({ number, subscription }: WrappedKey): void {
    this.#keys.delete(number);
    this.#current.delete(subscription);
  }

  /** Numbers of the subscription's keys that are not destroyed. */
  numbersOf(subscription: string): number[] {
    return [...this.#keys]
      .filter(([, key]) => key.subscription === subscription && key.kind !== 'destroyed')
      .map(([number]) => number);
  }

  /** Marks keys as destroyed, after the database has. */
  destroy(numbers: readonly number[]): void {
    for (const number of numbers) {
      const subscription = this.#keys.get(number)?.subscription ?? '';
      this.#keys.set(number, { kind: 'destroyed', subscription });
      if (this.#current.get(subscription) === number) this.#current.delete(subscription);
    }
  }
}

function keyPlace(number: number, subscription: string): string {
  return JSON.stringify(['data key', number, subscription]);
}
