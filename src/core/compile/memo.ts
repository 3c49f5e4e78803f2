/** Keeps what was compiled beside what it was compiled from, so that only what changed is compiled again. */

import { isSameTree } from '#base/tree.ts';

/**
 * Results by key, each with the inputs it was made of, compared by identity. A result that is made again is merged with the
 * one before: what is equal keeps its identity, so an unchanged port, table or router is recognised at a glance by everyone
 * after us. Entries that a computation no longer asks for are dropped with it.
 */
export class CompileMemo {
  // Most memos never hold anything, and there is one for each NIC and filter: they are as small as they can be.
  #entries: Map<string, Entry> | undefined;
  /** What was asked for in the computation under way. */
  #asked: Set<string> | undefined;

  /** The result under the key, made again only when an input is another object; `before` is the one made last. */
  remember<T>(key: string, inputs: readonly unknown[], compute: (scope: CompileMemo, before: T | undefined) => T): T {
    this.#asked?.add(key);
    const known = this.#entries?.get(key);
    if (known !== undefined && sameItems(known.inputs, inputs)) return known.value as T;
    const scope = known?.scope ?? new CompileMemo();
    const value = scope.round(() => share(known?.value, compute(scope, known?.value as T | undefined)));
    this.#keep(key, { inputs, value, scope: scope.#entries === undefined ? undefined : scope });
    return value as T;
  }

  /** One whole computation on this memo: what it did not ask for is dropped at its end. */
  round<T>(compute: () => T): T {
    this.#asked = new Set();
    const value = compute();
    this.#forget(this.#asked);
    this.#asked = undefined;
    return value;
  }

  /** The items as an array that keeps its identity as long as they are the same objects in the same order. */
  stable<T>(key: string, items: Iterable<T>): readonly T[] {
    this.#asked?.add(key);
    const known = this.#entries?.get(key)?.value as readonly T[] | undefined;
    if (known === items) return known;
    const list = Array.isArray(items) ? (items as readonly T[]) : [...items];
    if (known !== undefined && sameItems(known, list)) return known;
    this.#keep(key, { inputs: [], value: list, scope: undefined });
    return list;
  }

  #keep(key: string, entry: Entry): void {
    this.#entries ??= new Map();
    this.#entries.set(key, entry);
  }

  #forget(asked: ReadonlySet<string>): void {
    if (this.#entries === undefined || this.#entries.size === asked.size) return;
    for (const key of this.#entries.keys()) if (!asked.has(key)) this.#entries.delete(key);
    if (this.#entries.size === 0) this.#entries = undefined;
  }
}

type Entry = { readonly inputs: readonly unknown[]; readonly value: unknown; readonly scope: CompileMemo | undefined };

/** Are the two lists the same objects in the same order? */
function sameItems(left: readonly unknown[], right: readonly unknown[]): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

/**
 * Freezes `after`, with every part that equals the same part of `before` replaced by it. Frozen parts of `after` are kept
 * whole or replaced whole; anything but plain objects and arrays is left alone.
 */
export function share(before: unknown, after: unknown): unknown {
  return shared(before, after, new Map());
}

/** `done`: what became of the parts met so far, for a part may stand in several places and is frozen after the first. */
function shared(before: unknown, after: unknown, done: Map<unknown, unknown>): unknown {
  if (before === after || typeof after !== 'object' || after === null) return after;
  if (Object.isFrozen(after)) {
    const kept = done.get(after) ?? after;
    return isSameTree(before, kept) ? before : kept;
  }
  if (!Array.isArray(after) && Object.getPrototypeOf(after) !== Object.prototype) return after;
  const result = Array.isArray(after)
    ? sharedArray(Array.isArray(before) ? before : undefined, after, done)
    : sharedObject(isPlain(before) ? before : undefined, after as { [key: string]: unknown }, done);
  done.set(after, result);
  // What was replaced by its equal must be recognised at its next place as well.
  if (result !== after) Object.freeze(after);
  return result;
}

function sharedObject(
  before: { readonly [key: string]: unknown } | undefined,
  after: { [key: string]: unknown },
  done: Map<unknown, unknown>,
): unknown {
  const keys = Object.keys(after);
  let isSame = before !== undefined && Object.keys(before).length === keys.length;
  for (const key of keys) {
    const old = before !== undefined && Object.hasOwn(before, key) ? before[key] : undefined;
    const member = after[key];
    const kept = shared(old, member, done);
    if (kept !== member) after[key] = kept;
    if (kept !== old || kept === undefined) isSame = false;
  }
  return isSame ? before : Object.freeze(after);
}

function sharedArray(
  before: readonly unknown[] | undefined,
  after: unknown[],
  done: Map<unknown, unknown>,
): readonly unknown[] {
  after.forEach((item, index) => {
    after[index] = shared(before?.[index], item, done);
  });
  return before !== undefined && sameItems(before, after) ? before : Object.freeze(after);
}

function isPlain(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
