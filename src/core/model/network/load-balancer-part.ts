/** References between the parts of one load balancer: by id, resolved to a part that the same load balancer has. */

import { isObject, type JsonObject } from '#base/json.ts';
import { childId, nameOfId, sameId } from '#model/arm-id.ts';
import { flagOf, missing, note, objectOf, textOf, type Reader } from '#model/parse.ts';
import type { Resource } from '#model/resource.ts';

/** Where a reference may lead: a list of the load balancer, with its names by lower-case name. */
export type PartRule = {
  readonly balancerId: string;
  readonly list: string;
  readonly names: ReadonlyMap<string, string>;
  readonly isOptional?: boolean;
};

/** Reads the member `name: { id }`, which must lead to a part of the same load balancer. */
export function partIn(reader: Reader, name: string, rule: PartRule): JsonObject | undefined {
  const object = objectOf(reader, name);
  if (object !== undefined) return partOfObject(object, rule);
  if (!rule.isOptional && !reader.members.has(name.toLowerCase())) missing(reader, name);
  return undefined;
}

/** As `partIn`, for an object that is itself the reference. */
export function partOfObject(object: Reader, { balancerId, list, names }: PartRule): JsonObject | undefined {
  const stated = textOf(object, 'id', { required: true, lengthMax: 2048 });
  if (stated === undefined) return undefined;
  const name = names.get(nameOfId(stated).toLowerCase());
  const id = name === undefined ? undefined : childId(balancerId, list, name);
  if (id !== undefined && sameId(id, stated)) return { id };
  note(object, 'id', {
    code: 'InvalidResourceReference',
    message: `Resource ${stated.slice(0, 300)} referenced by resource ${balancerId} was not found. The ${list} of this load balancer are: ${[...names.values()].slice(0, 20).join(', ') || 'none'}.`,
  });
  return undefined;
}

/**
 * Reads `enableFloatingIP`, which may only be false: a balance always rewrites the target to the member's own address, so
 * that a member which waits for the frontend's address would never see it.
 */
export function floatingIpOf(properties: Reader): false {
  if (flagOf(properties, 'enableFloatingIP') === true) {
    note(properties, 'enableFloatingIP', {
      code: 'FloatingIPNotSupported',
      message:
        'enableFloatingIP: true is not offered: the packets of a rule always reach its members under their own addresses. State false, or leave it out.',
    });
  }
  return false;
}

/** The names of an embedded list, by lower-case name. */
export function partNames({ properties }: Resource, list: string): Map<string, string> {
  const entries = properties[list];
  return nameMap(
    (Array.isArray(entries) ? entries : []).flatMap((entry) => (isObject(entry) ? [String(entry['name'])] : [])),
  );
}

/** Names by lower-case name. */
export function nameMap(names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}
