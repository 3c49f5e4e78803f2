/** Digests of frozen trees: a Merkle tree in which wide objects have buckets, so that one changed member costs its bucket and not the object. */

import { createHash } from 'node:crypto';
import { canonical, isObject, type Json, type JsonObject } from '#base/json.ts';
import { originOf, ownMember } from '#base/lineage.ts';

/** An object with more members is wide. */
const narrowMax = 64;
const bucketCount = 32;

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
  const lineOf = (key: string) => memberLine(key, value[key]);
  const grown = grownBuckets(value, lineOf);
  const { digest, wide } = grown ?? digestOfKeys(definedKeys(value), lineOf);
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
  return digestOfKeys(Object.keys(members), (key) => `${key.length}:${key}=${members[key] ?? ''}\n`).digest;
}

/** The number of members of a frozen object, without counting where a digest has counted before. */
export function widthOf(value: JsonObject): number {
  return wides.get(value)?.size ?? Object.keys(value).length;
}

function definedKeys(value: JsonObject): string[] {
  return Object.keys(value).filter((key) => value[key] !== undefined);
}

/** The length says where the key ends; a digest has 64 digits, and other members are JSON up to the end of the line. */
function memberLine(key: string, member: Json | undefined): string {
  return `${key.length}:${key}${isObject(member) ? `=${digestOf(member)}` : `:${canonical(member)}`}\n`;
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
  return createHash('sha256').update(text).digest('hex');
}
