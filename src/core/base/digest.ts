/** Digests of frozen trees: a Merkle tree in which wide objects have buckets, so that one changed member costs its bucket and not the object. */

import { hash } from 'node:crypto';
import { canonical, isObject, type Json, type JsonObject } from '#base/json.ts';
import { originOf, ownMember } from '#base/lineage.ts';

/** An object with more members is wide. */
const narrowMax = 64;
const bucketCount = 32;
/** An object with more members, or with objects in its members' members, is not light. */
const lightMax = 16;

/** Members of a wide object whose keys fall together. */
type Bucket = { readonly keys: readonly string[]; readonly digest: string };
type Wide = { readonly size: number; readonly buckets: readonly Bucket[] };

const digests = new WeakMap<object, string>();
const wides = new WeakMap<object, Wide>();

/**
 * The SHA-256 (hex) of a frozen tree. An object's digest covers its sorted keys and its members' digests, so an edit deep
 * in a tree costs only the way up; that of a wide object covers its buckets' digests. It hangs on the content alone: where an
 * object came from only says which buckets are known. Values that are not frozen objects are digested afresh at each call.
 */
export function digestOf(value: Json | undefined): string {
  if (!isObject(value)) return sha256(`v${canonical(value)}`);
  const known = digests.get(value);
  if (known !== undefined) return known;
  const grown = grownBuckets(value, (key) => memberLine(key, value[key]));
  const { digest, wide } = grown ?? digestOfObject(value);
  if (grown !== undefined || Object.isFrozen(value)) {
    digests.set(value, digest);
    if (wide !== undefined) wides.set(value, wide);
  }
  return digest;
}

/**
 * The digest of an object of which only its members' digests are known, all of them objects: who holds one member can show
 * with the digests of the others that it belongs to a whole.
 */
export function digestOfMembers(members: { readonly [key: string]: string }): string {
  return digestOfKeys(Object.keys(members), (key) => digestLine(key, members[key] ?? '')).digest;
}

/** The number of members of a frozen object, without counting where a digest has counted before. */
export function widthOf(value: JsonObject): number {
  return wides.get(value)?.size ?? Object.keys(value).length;
}

function definedKeys(value: JsonObject): string[] {
  return Object.keys(value).filter((key) => value[key] !== undefined);
}

/**
 * A narrow object keeps its own digest and not those of its light members: they are made again when another of its members
 * changes, which takes less time than it takes memory to keep one for each of 200,000 rules.
 */
function digestOfObject(value: JsonObject): Digested {
  const keys = definedKeys(value);
  const isKept = keys.length > narrowMax || isLight(value);
  return digestOfKeys(keys, (key) => {
    const member = value[key];
    const isPassing = !isKept && isObject(member) && !digests.has(member) && isLight(member);
    return isPassing ? digestLine(key, digestOfObject(member).digest) : memberLine(key, member);
  });
}

/** Has the object few members, and none that holds an object itself? A rule is light, and so are its ends. */
function isLight(value: JsonObject): boolean {
  return hasFew(value, (member) => !isObject(member) || isFlat(member));
}

function isFlat(value: JsonObject): boolean {
  return hasFew(value, (member) => !isObject(member));
}

/** Are the members few, and all such? What is known to be wide is not listed: that takes longer than its digest. */
function hasFew(value: JsonObject, isSuch: (member: Json | undefined) => boolean): boolean {
  const origin = originOf(value);
  if (wides.has(value) || (origin !== undefined && wides.has(origin.from))) return false;
  const members = Object.values(value);
  return members.length <= lightMax && members.every(isSuch);
}

/** The length says where the key ends; a digest has 64 digits, and other members are JSON up to the end of the line. */
function memberLine(key: string, member: Json | undefined): string {
  return isObject(member) ? digestLine(key, digestOf(member)) : `${key.length}:${key}:${canonical(member)}\n`;
}

function digestLine(key: string, digest: string): string {
  return `${key.length}:${key}=${digest}\n`;
}

type Digested = { readonly digest: string; readonly wide: Wide | undefined };

function digestOfKeys(keys: readonly string[], lineOf: (key: string) => string): Digested {
  if (keys.length <= narrowMax) {
    let text = 'o';
    for (const key of keys.toSorted()) text += lineOf(key);
    return { digest: sha256(text), wide: undefined };
  }
  const lists = Array.from({ length: bucketCount }, (): string[] => []);
  for (const key of keys) lists[bucketOf(key)]?.push(key);
  return digestOfWide({ size: keys.length, buckets: lists.map((list) => bucketFrom(list.sort(), lineOf)) });
}

function digestOfWide(wide: Wide): Digested {
  return { digest: sha256(`w${wide.buckets.map(({ digest }) => digest).join('')}`), wide };
}

function bucketFrom(keys: readonly string[], lineOf: (key: string) => string): Bucket {
  let text = 'b';
  for (const key of keys) text += lineOf(key);
  return { keys, digest: sha256(text) };
}

/** The buckets of an object whose origin has some, with those made anew in which a member changed; nothing when it is not wide any more. */
function grownBuckets(value: JsonObject, lineOf: (key: string) => string): Digested | undefined {
  const origin = originOf(value);
  const known = origin === undefined ? undefined : wides.get(origin.from);
  if (origin === undefined || known === undefined) return undefined;
  const buckets = [...known.buckets];
  let { size } = known;
  for (const [place, changed] of Map.groupBy(new Set(origin.keys), bucketOf)) {
    const keys = new Set(buckets[place]?.keys);
    size -= keys.size;
    for (const key of changed) {
      if (ownMember(value, key) === undefined) keys.delete(key);
      else keys.add(key);
    }
    size += keys.size;
    buckets[place] = bucketFrom([...keys].sort(), lineOf);
  }
  return size <= narrowMax ? undefined : digestOfWide({ size, buckets });
}

/** FNV-1a over the key's UTF-16 code units: who chooses keys that fall together pays as for an object without buckets. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 16) % bucketCount;
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
