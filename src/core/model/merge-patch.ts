/** JSON merge patch, for PATCH of the types whose PATCH is more than tags. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import type { Noun } from '#model/noun.ts';

/** RFC 7396: members of the patch replace, `null` removes, objects merge. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map<string, Json>();
  for (const [name, value] of Object.entries(target)) if (value !== undefined) merged.set(name, value);
  for (const [stated, value] of Object.entries(patch)) {
    // ARM matches member names without regard to case.
    const name = [...merged.keys()].find((known) => known.toLowerCase() === stated.toLowerCase()) ?? stated;
    const old = merged.get(name);
    if (value === null || value === undefined) merged.delete(name);
    else merged.set(name, isObject(value) ? mergePatch(isObject(old) ? old : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

type Patch = NonNullable<Noun['patch']>;

/**
 * The PATCH of a noun: what is kept, merged with the body, goes through its `write`. Tags merge as all else does, or are
 * replaced as a whole (resource groups).
 */
export function mergingPatch(noun: () => Noun, tagsAre: 'merged' | 'replaced' = 'merged'): Patch {
  return (...[resource, body, draft, context]: Parameters<Patch>) => {
    const { id, location, tags, sku, kind, zones, plan, identity, managedBy, properties } = resource;
    const kept: JsonObject = { location, tags, sku, kind, zones, plan, identity, managedBy, properties };
    const isReplaced = tagsAre === 'replaced' && Object.keys(body).some((name) => name.toLowerCase() === 'tags');
    return noun().write(
      { id, body: mergePatch(isReplaced ? { ...kept, tags: undefined } : kept, body) },
      draft,
      context,
    );
  };
}
