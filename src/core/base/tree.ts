/** Frozen trees of plain objects: digest (Merkle, memoised by identity), difference and patch, so that a large program travels as its change. */

import { createHash } from 'node:crypto';
import { Bug } from '#base/wrong.ts';
import { canonical, isObject, sameJson, type Json, type JsonObject } from '#base/json.ts';

/** One change of a tree: the path of keys, and the new value; no `value` means the key is removed. */
export type TreeEdit = { readonly path: readonly string[]; readonly value?: Json };

const digests = new WeakMap<object, string>();

/**
 * The SHA-256 (hex) of a frozen tree. An object's digest covers its sorted keys and its members' digests, so an edit deep
 * in a tree costs only the way up. Values that are not frozen objects are digested afresh at each call.
 */
export function digestOf(value: Json | undefined): string {
  if (!isObject(value)) return sha256(`v${canonical(value)}`);
  const known = digests.get(value);
  if (known !== undefined) return known;
  let text = 'o';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member === undefined) continue;
    // The length says where the key ends; a digest has 64 digits, and other members are JSON up to the end of the line.
    text += `${key.length}:${key}${isObject(member) ? `=${digestOf(member)}` : `:${canonical(member)}`}\n`;
  }
  const digest = sha256(text);
  if (Object.isFrozen(value)) digests.set(value, digest);
  return digest;
}

/**
 * The digest of an object of which only its members' digests are known, all of them objects: who holds one member can show
 * with the digests of the others that it belongs to a whole.
 */
export function digestOfMembers(members: { readonly [key: string]: string }): string {
  const lines = Object.keys(members)
    .sort()
    .map((key) => `${key.length}:${key}=${members[key] ?? ''}\n`);
  return sha256(`o${lines.join('')}`);
}

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
  const keys = Object.keys(tree);
  const changed: { [key: string]: JsonObject } = {};
  let isWide = keys.length >= wideKeysMin;
  for (const key of depth < shareDepthMax ? keys : []) {
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
  let met = 0;
  for (const key of Object.keys(before)) {
    const [old, young] = [before[key], after[key]];
    if (young !== undefined && old !== undefined) met += 1;
    if (old === young || old === undefined) continue;
    if (young === undefined) edits.push({ path: [key] });
    else if (isObject(old) && isObject(young)) {
      for (const { path, ...rest } of differenceOf(old, young, done)) edits.push({ path: [key, ...path], ...rest });
    } else if (canonical(old) !== canonical(young)) edits.push({ path: [key], value: young });
  }
  const keys = Object.keys(after);
  // As many keys as were met: none is new, and the second look at a thousand rules can be spared.
  for (const key of keys.length === met ? [] : keys) {
    const young = after[key];
    if (young !== undefined && before[key] === undefined) edits.push({ path: [key], value: young });
  }
  done.set(before, { after, edits });
  return edits;
}

/**
 * Applies edits to a frozen tree and answers the new frozen tree; untouched subtrees keep their identity, and a subtree that
 * stood in several places and is edited alike in each is one object again.
 */
export function treePatch(tree: JsonObject, edits: readonly TreeEdit[]): JsonObject {
  return patched(tree, { edits, depth: 0 }, new Map());
}

/** Edits that share the first `depth` keys of their paths, in order. */
type Step = { readonly edits: readonly TreeEdit[]; readonly depth: number };
/** By the object they start from, steps that were done and what came out. */
type Patched = Map<JsonObject, { readonly step: Step; readonly result: JsonObject }[]>;

function patched(old: JsonObject | undefined, step: Step, done: Patched): JsonObject {
  const earlier = old === undefined ? undefined : done.get(old);
  const same = earlier?.find((one) => isSameStep(one.step, step));
  if (same !== undefined) return same.result;
  const draft: { [key: string]: Json | undefined } = { ...old };
  for (const [key, own] of Map.groupBy(step.edits, ({ path }) => keyAt(path, step.depth))) {
    const whole = own.findLastIndex(({ path }) => path.length === step.depth + 1);
    const base = whole < 0 ? draft[key] : own[whole]?.value;
    const deeper = own.slice(whole + 1);
    const value =
      deeper.length === 0
        ? base
        : patched(isObject(base) ? base : undefined, { edits: deeper, depth: step.depth + 1 }, done);
    if (value === undefined) delete draft[key];
    else draft[key] = freezeAll(value);
  }
  const result = Object.freeze(draft);
  if (old !== undefined) done.set(old, [...(earlier ?? []), { step, result }]);
  return result;
}

function keyAt(path: readonly string[], depth: number): string {
  const key = path[depth];
  if (key === undefined || key === '__proto__') throw new Bug('A tree edit needs a path of ordinary keys.');
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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
