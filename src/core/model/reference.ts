/** References from one resource to another: `{ "id": "…" }`, resolved at the door to a resource that exists. */

import type { JsonObject } from '#base/json.ts';
import { sameId, tryId, typeOfId } from '#model/arm-id.ts';
import type { Job } from '#model/job.ts';
import { member, missing, note, objectOf, textOf, type Reader } from '#model/parse.ts';
import type { Resource } from '#model/resource.ts';

/** What a reference must point at. */
type ReferenceRule = {
  readonly types: readonly string[];
  readonly required?: boolean;
  /** Only peerings may cross subscriptions: both sides must agree there. */
  readonly anySubscription?: boolean;
};

/** Resolves the member `name: { id }`; undefined when absent or wrong (then noted). */
export function referenceOf(
  job: Job,
  [reader, name]: readonly [Reader, string],
  rule: ReferenceRule,
): Resource | undefined {
  const object = objectOf(reader, name);
  if (object === undefined) {
    if (rule.required && member(reader, name) === undefined) missing(reader, name);
    return undefined;
  }
  return resolve(job, object, rule);
}

/** Resolves the `id` of an object that is itself the reference. */
export function resolve(job: Job, object: Reader, rule: ReferenceRule): Resource | undefined {
  const stated = textOf(object, 'id', { required: true, lengthMax: 2048 });
  if (stated === undefined) return undefined;
  const id = tryId(stated);
  const type = typeOfId(stated);
  if (id === undefined || type === undefined || !rule.types.includes(type)) {
    note(object, 'id', {
      code: 'LinkedInvalidPropertyId',
      message: `Property id '${stated.slice(0, 200)}' is invalid. Expected is a fully qualified id of ${rule.types.join(' or ')}.`,
    });
    return undefined;
  }
  const found = job.draft.get(stated);
  const mine = tryId(job.id)?.subscription;
  const outside = !rule.anySubscription && mine !== undefined && id.subscription?.toLowerCase() !== mine.toLowerCase();
  if (found !== undefined && !outside) return found;
  note(object, 'id', {
    code: 'InvalidResourceReference',
    message:
      `Resource ${stated} referenced by resource ${job.id} was not found. Please make sure that the referenced resource ` +
      'exists, and that both resources are in the same region and subscription.',
  });
  return undefined;
}

/** The stored form of a reference. */
export function reference(resource: Resource | undefined): JsonObject | undefined {
  return resource && { id: resource.id };
}

/** The id in a stored reference. */
export function idIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
  return typeof value.id === 'string' ? value.id : undefined;
}

/** Does a stored list of references hold the id? */
export function listHolds(list: unknown, id: string): boolean {
  return Array.isArray(list) && list.some((item) => sameId(idIn(item), id));
}
