/** Keeps what was compiled beside what it was compiled from, so that only what changed is compiled again. */

import { isSameTree } from '#base/tree.ts';

/**
 * Results by key, each with the inputs it was made of, compared by identity. A result that is made again is merged with the
 * one before: what is equal keeps its identity, so an unchanged port, table or router is recognised at a glance by everyone
 * after us. Entries that a computation no longer asks for are dropped with it.
 */
export class CompileMemo {
  readonly #entries = new Map<string, Entry>();
  readonly #asked = new Set<string>();

  /** The result under the key, made again only when an input is another object; `before` is the one made last. */
  remember<T>(key: string, inputs: readonly unknown[], compute: (scope: CompileMemo, before: T | undefined) => T): T {
    this.#asked.add(key);
    const known = this.#entries.get(key);
    if (known !== undefined && sameItems(known.inputs, inputs)) return known.value as T;
    const scope = known?.scope ?? new CompileMemo();
    scope.#asked.clear();
    const value = share(known?.value, compute(scope, known?.value as T | undefined));
    scope.#forget();
    this.#entries.set(key, { inputs, value, scope });
    return value as T;
  }

  /** A memo of its own under the key, for a computation that looks after its inputs itself. */
  scope(key: string): CompileMemo {
    this.#asked.add(key);
    const known = this.#entries.get(key)?.scope;
    if (known !== undefined) return known;
    const scope = new CompileMemo();
    this.#entries.set(key, { inputs: [], value: undefined, scope });
    return scope;
  }

  /** One whole computation on this memo: what it did not ask for is dropped at its end. */
  round<T>(compute: () => T): T {
    this.#asked.clear();
    const value = compute();
    this.#forget();
    return value;
  }

  /** The items as an array that keeps its identity as long as they are the same objects in the same order. */
  stable<T>(key: string, items: Iterable<T>): readonly T[] {
    this.#asked.add(key);
    const known = this.#entries.get(key)?.value as readonly T[] | undefined;
    if (known === items) return known;
    const list = Array.isArray(items) ? (items as readonly T[]) : [...items];
    if (known !== undefined && sameItems(known, list)) return known;
    this.#entries.set(key, { inputs: [], value: list, scope: undefined });
    return list;
  }

  #forget(): void {
    if (this.#entries.size === this.#asked.size) return;
    for (const key of this.#entries.keys()) if (!this.#asked.has(key)) this.#entries.delete(key);
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
