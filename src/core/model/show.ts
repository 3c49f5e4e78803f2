/** The members that every shown resource has, in ARM's order. */

import type { JsonObject } from '#base/json.ts';
import { tidy } from '#model/job.ts';
import type { Resource } from '#model/resource.ts';

/** A shown network resource: with etag and `provisioningState` (the engine overrides it while work is under way). */
export function showNetwork(resource: Resource, properties: JsonObject): JsonObject {
  const { name, id, etag } = resource;
  return tidy({ name, id, etag, ...rest(resource), properties: { provisioningState: 'Succeeded', ...properties } });
}

/** A shown resource of the other providers: no etag. */
export function showPlain(resource: Resource, properties: JsonObject): JsonObject {
  const { name, id } = resource;
  return tidy({ name, id, ...rest(resource), properties: { ...properties, provisioningState: 'Succeeded' } });
}

function rest({ type, location, tags, sku, kind, zones, plan, identity, managedBy }: Resource): JsonObject {
  return { type, location, tags, sku, kind, zones, plan, identity, managedBy };
}

/** A list of references. */
export function links(ids: readonly string[]): JsonObject[] {
  return ids.map((id) => ({ id }));
}
