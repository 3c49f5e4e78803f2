/** Remembers of a frozen object which other one it was made from and under which keys they differ, so that work on wide objects follows the change. */

import type { Json, JsonObject } from '#base/json.ts';

/** `from` and the object differ at most under `keys`; elsewhere they have the same members. */
export type Origin = { readonly from: JsonObject; readonly keys: readonly string[] };

const origins = new WeakMap<object, Origin>();

/**
 * The frozen object with other members under some keys; `undefined` takes a key away. The members given must be frozen. The
 * origin is known of the newest object of a line only: else each would hold all before it in memory.
 */
export function derived(from: JsonObject, changes: ReadonlyMap<string, Json | undefined>): JsonObject {
  const result = Object.freeze(changed(from, changes));
  origins.delete(from);
  if (Object.isFrozen(from)) origins.set(result, { from, keys: [...changes.keys()] });
  return result;
}

/** From so many members on, an object is made from a list of them: a copy that is then changed takes five times as long. */
const listedMin = 64;
type Member = readonly [key: string, value: Json | undefined];
/** The members of wide objects, for those that are made from them: to list a table of a thousand takes longer than to fill one. */
const lists = new WeakMap<object, readonly Member[]>();

function changed(from: JsonObject, changes: ReadonlyMap<string, Json | undefined>): JsonObject {
  const known = lists.get(from) ?? Object.entries(from);
  const members = known.filter(([key]) => !changes.has(key));
  for (const [key, value] of changes) if (value !== undefined) members.push([key, value]);
  if (members.length < listedMin) return Object.fromEntries(members);
  // Without a prototype it is a table from the first member on; else the engine looks for the class of a thousand members.
  const draft = Object.create(null) as { [key: string]: Json | undefined };
  for (const [key, value] of members) draft[key] = value;
  // The older one too: when it comes back (a rule made, and deleted again) the next is made from it.
  if (known.length >= listedMin) lists.set(from, known);
  lists.set(draft, members);
  return Object.setPrototypeOf(draft, Object.prototype) as JsonObject;
}

/** Where a frozen object came from, as far as that is still known. What it says is true; that it is silent says nothing. */
export function originOf(value: object): Origin | undefined {
  return origins.get(value);
}

/** The member under a key of the object itself, never one of its prototype. */
export function ownMember(value: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The keys under which two frozen records differ; the lineage tells them when the one was made from the other. */
export function changedKeys(old: object, now: object): readonly string[] {
  if (old === now) return [];
  const origin = originOf(now);
  const [left, right] = [old as JsonObject, now as JsonObject];
  if (origin?.from === old) return origin.keys.filter((key) => left[key] !== right[key]);
  const keys = Object.keys(right).filter((key) => left[key] !== right[key]);
  for (const key of Object.keys(left)) if (!Object.hasOwn(right, key)) keys.push(key);
  return keys;
}
