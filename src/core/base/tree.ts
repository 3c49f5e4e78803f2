/** Frozen trees of plain objects: digest (Merkle, memoised by identity), difference and patch, so that a large program travels as its change. */

import { canonical, isObject, sameJson, type Json, type JsonObject } from '#base/json.ts';
import { digestOf, widthOf } from '#base/digest.ts';
import { derived, originOf, ownMember } from '#base/lineage.ts';
import { Bug } from '#base/wrong.ts';

export { digestOf, digestOfMembers } from '#base/digest.ts';

/** One change of a tree: the path of keys, and the new value; no `value` means the key is removed. */
export type TreeEdit = { readonly path: readonly string[]; readonly value?: Json };

/** Wide objects that were met, by digest; and of every object met, whether it is wide or holds a wide one. */
export type SharePool = {
  readonly known: Map<string, WeakRef<JsonObject>>;
  readonly seen: WeakMap<JsonObject, boolean>;
  /** The size of `known` at which the dead are looked for. */
  sweepAt: number;
};

/** An empty pool. */
export function newSharePool(): SharePool {
  return { known: new Map(), seen: new WeakMap(), sweepAt: poolSweepMin };
}

/** Smaller objects are not worth a search for their equals, and neither is what lies deeper than the rules of a filter. */
const wideKeysMin = 16;
const shareDepthMax = 4;
/** Entries of a pool that are looked through for dead ones. */
const poolSweepMin = 256;

/**
 * The frozen tree with equal wide parts made one object each, also with those of trees met before. What travelled as text
 * has lost its sharing: a filter of two routers would be digested, rendered and compared twice at every change.
 */
export function shareEqual(tree: JsonObject, pool: SharePool): JsonObject {
  return sharedPart(tree, pool, 0).part;
}

function sharedPart(
  tree: JsonObject,
  pool: SharePool,
  depth: number,
): { readonly part: JsonObject; readonly isWide: boolean } {
  const seen = pool.seen.get(tree);
  if (seen !== undefined) return { part: tree, isWide: seen };
  const changed: { [key: string]: JsonObject } = {};
  // What came from a wide object has its digest made from the other's first: it is asked for anyway, and knows the width.
  if (originOf(tree) !== undefined) digestOf(tree);
  let isWide = widthOf(tree) >= wideKeysMin;
  for (const key of depth < shareDepthMax ? Object.keys(tree) : []) {
    const member = tree[key];
    if (!isObject(member)) continue;
    const shared = sharedPart(member, pool, depth + 1);
    isWide ||= shared.isWide;
    if (shared.part !== member) changed[key] = shared.part;
  }
  const own = Object.keys(changed).length === 0 ? tree : Object.freeze({ ...tree, ...changed });
  const part = isWide ? pooled(own, pool) : own;
  pool.seen.set(part, isWide);
  return { part, isWide };
}

function pooled(part: JsonObject, pool: SharePool): JsonObject {
  const { known } = pool;
  const digest = digestOf(part);
  const equal = known.get(digest)?.deref();
  if (equal !== undefined) return equal;
  known.set(digest, new WeakRef(part));
  if (known.size >= pool.sweepAt) {
    for (const [key, weak] of known) if (weak.deref() === undefined) known.delete(key);
    pool.sweepAt = Math.max(poolSweepMin, known.size * 2);
  }
  return part;
}

/** The edits that turn `before` into `after`. Members that are the same object are skipped unread; arrays are leaves. */
export function treeDifference(before: JsonObject, after: JsonObject): TreeEdit[] {
  return [...differenceOf(before, after, new Map())];
}

/** Edits by the object they start from: a part that stands in several places is looked through once. */
type Compared = Map<JsonObject, { readonly after: JsonObject; readonly edits: readonly TreeEdit[] }>;

function differenceOf(before: JsonObject, after: JsonObject, done: Compared): readonly TreeEdit[] {
  const known = done.get(before);
  if (known?.after === after) return known.edits;
  const edits: TreeEdit[] = [];
  for (const key of keysToCompare(before, after)) {
    const [old, young] = [ownMember(before, key), ownMember(after, key)];
    if (old === young) continue;
    if (young === undefined) edits.push({ path: [key] });
    else if (isObject(old) && isObject(young)) {
      for (const { path, ...rest } of differenceOf(old, young, done)) edits.push({ path: [key, ...path], ...rest });
    } else if (old === undefined || canonical(old) !== canonical(young)) edits.push({ path: [key], value: young });
  }
  done.set(before, { after, edits });
  return edits;
}

/** The keys under which two objects may differ: of one that was made from the other these are known. */
function keysToCompare(before: JsonObject, after: JsonObject): readonly string[] {
  const origin = originOf(after);
  if (origin?.from === before) return origin.keys;
  const keys = Object.keys(before);
  for (const key of Object.keys(after)) if (ownMember(before, key) === undefined) keys.push(key);
  return keys;
}

/** Are the two the same JSON? Of a tree that was made from the other, only what was changed is looked at. */
export function isSameTree(before: unknown, after: unknown): boolean {
  if (before === after || !isObject(before) || !isObject(after)) return sameJson(before, after);
  return keysToCompare(before, after).every((key) => isSameTree(ownMember(before, key), ownMember(after, key)));
}

/**
 * Applies edits to a frozen tree and answers the new frozen tree; untouched subtrees keep their identity, and a subtree that
 * stood in several places and is edited alike in each is one object again.
 */
export function treePatch(tree: JsonObject, edits: readonly TreeEdit[]): JsonObject {
  return patched(tree, { edits, depth: 0 }, new Map());
}

const nothing: JsonObject = Object.freeze({});

/** Edits that share the first `depth` keys of their paths, in order. */
type Step = { readonly edits: readonly TreeEdit[]; readonly depth: number };
/** By the object they start from, steps that were done and what came out. */
type Patched = Map<JsonObject, { readonly step: Step; readonly result: JsonObject }[]>;

function patched(old: JsonObject | undefined, step: Step, done: Patched): JsonObject {
  const earlier = old === undefined ? undefined : done.get(old);
  const same = earlier?.find((one) => isSameStep(one.step, step));
  if (same !== undefined) return same.result;
  const changes = new Map<string, Json | undefined>();
  for (const [key, own] of Map.groupBy(step.edits, ({ path }) => keyAt(path, step.depth))) {
    const whole = own.findLastIndex(({ path }) => path.length === step.depth + 1);
    const before = old === undefined ? undefined : ownMember(old, key);
    const base = whole < 0 ? before : own[whole]?.value;
    const deeper = own.slice(whole + 1);
    const value =
      deeper.length === 0
        ? base
        : patched(isObject(base) ? base : undefined, { edits: deeper, depth: step.depth + 1 }, done);
    changes.set(key, value === undefined ? undefined : freezeAll(value));
  }
  const result = derived(old ?? nothing, changes);
  if (old !== undefined) done.set(old, [...(earlier ?? []), { step, result }]);
  return result;
}

function keyAt(path: readonly string[], depth: number): string {
  const key: unknown = path[depth];
  if (typeof key !== 'string' || key === '__proto__') throw new Bug('A tree edit needs a path of ordinary keys.');
  return key;
}

function isSameStep(left: Step, right: Step): boolean {
  if (left.depth !== right.depth || left.edits.length !== right.edits.length) return false;
  return left.edits.every(({ path, value }, index) => {
    const other = right.edits[index];
    return (
      other !== undefined &&
      sameJson(path.slice(left.depth), other.path.slice(left.depth)) &&
      sameJson(value, other.value)
    );
  });
}

function freezeAll(value: Json): Json {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) if (member !== undefined) freezeAll(member);
  return Object.freeze(value);
}
