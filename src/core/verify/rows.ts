/** Rows of whole numbers, each kept once: equal rows have the same number, so equality of what they stand for is one compare. */

import { assert } from '#base/wrong.ts';

const startCapacity = 1 << 10;

/** Hash-consed rows in typed arrays, in order of first use; the newest can be dropped again. */
export class Rows {
  /** All rows, one after another: row `id` lies from `start(id)` to `start(id + 1)`. It moves when it grows. */
  pool = new Int32Array(startCapacity * 8);
  count = 0;
  #starts = new Uint32Array(startCapacity + 1);
  #hashes = new Int32Array(startCapacity);
  /** Open addressing with linear probing: number + 1, 0 is free. Twice as many slots as rows at least. */
  #slots = new Int32Array(startCapacity * 2);

  /** What the arrays take. */
  get bytes(): number {
    return [this.pool, this.#starts, this.#hashes, this.#slots].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  start(id: number): number {
    return this.#starts[id] ?? 0;
  }

  /** The number of the row that `source` has at `from`, of the given length. */
  intern(source: Int32Array, from: number, length: number): number {
    const hash = hashOf(source, from, length);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let held = this.#slots[slot] ?? 0; held !== 0; held = this.#slots[slot] ?? 0) {
      const begin = this.start(held - 1);
      const isLike = this.#hashes[held - 1] === hash && this.start(held) - begin === length;
      if (isLike && this.#holds(begin, source, { from, length })) return held - 1;
      slot = (slot + 1) & mask;
    }
    return this.#append(source, { from, length, hash });
  }

  #holds(begin: number, source: Int32Array, { from, length }: { from: number; length: number }): boolean {
    const { pool } = this;
    for (let index = 0; index < length; index++) if (pool[begin + index] !== source[from + index]) return false;
    return true;
  }

  #append(source: Int32Array, { from, length, hash }: { from: number; length: number; hash: number }): number {
    if (this.count === this.#hashes.length) this.#grow();
    const begin = this.start(this.count);
    while (begin + length > this.pool.length) this.pool = longer(this.pool, new Int32Array(this.pool.length * 2));
    for (let index = 0; index < length; index++) this.pool[begin + index] = source[from + index] ?? 0;
    const id = this.count++;
    this.#starts[this.count] = begin + length;
    this.#hashes[id] = hash;
    this.#place(id);
    return id;
  }

  #place(id: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#hashes[id] ?? 0) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = id + 1;
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2;
    this.#starts = longer(this.#starts, new Uint32Array(capacity + 1));
    this.#hashes = longer(this.#hashes, new Int32Array(capacity));
    this.#slots = new Int32Array(capacity * 2);
    for (let id = 0; id < this.count; id++) this.#place(id);
  }

  /** Forgets all rows from number `count` on. Newest first, so that no probe sequence of an older row is cut. */
  truncate(count: number): void {
    assert(count <= this.count, `Cannot keep ${count} of ${this.count} rows.`);
    const mask = this.#slots.length - 1;
    while (this.count > count) {
      const id = --this.count;
      let slot = (this.#hashes[id] ?? 0) & mask;
      while (this.#slots[slot] !== id + 1) slot = (slot + 1) & mask;
      this.#slots[slot] = 0;
    }
  }
}

function longer<T extends Int32Array | Uint32Array>(old: T, fresh: T): T {
  fresh.set(old);
  return fresh;
}

function hashOf(source: Int32Array, from: number, length: number): number {
  let hash = length;
  for (let index = from; index < from + length; index++) {
    hash = Math.imul(hash ^ (source[index] ?? 0), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
