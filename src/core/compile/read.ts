/** Reads members of kept resources: what the model has accepted has these shapes, and what is absent reads as empty. */

import { type Family, printAddress, tryAddress } from '#base/prefix.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import type { Resource } from '#model/resource.ts';

const nothing: JsonObject = Object.freeze({});

/** A member that is an object; empty when absent. */
export function objectAt(from: JsonObject | undefined, name: string): JsonObject {
  const value = from?.[name];
  return isObject(value) ? value : nothing;
}

/** A member that is text. */
export function textAt(from: JsonObject | undefined, name: string): string | undefined {
  const value = from?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** A member that is an address, in canonical text; programs hold no other. */
export function addressAt(from: JsonObject | undefined, name: string): string | undefined {
  const address = tryAddress(textAt(from, name) ?? '');
  return address === undefined ? undefined : printAddress(address);
}

/** The family of an address in canonical text. */
export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

/** A member that is a number. */
export function numberAt(from: JsonObject | undefined, name: string): number | undefined {
  const value = from?.[name];
  return typeof value === 'number' ? value : undefined;
}

/** A member that is a list of objects. */
function objectsAt(from: JsonObject | undefined, name: string): readonly JsonObject[] {
  const value = from?.[name];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A member that is a list of texts. */
export function textsAt(from: JsonObject | undefined, name: string): readonly string[] {
  const value = from?.[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The id in a reference `{ id }`, in lower case: the key under which we look for it. */
export function idAt(from: JsonObject | undefined, name: string): string | undefined {
  return textAt(objectAt(from, name), 'id')?.toLowerCase();
}

/** The ids in a list of references, in lower case. */
export function idsAt(from: JsonObject | undefined, name: string): readonly string[] {
  return objectsAt(from, name).flatMap((item) => textAt(item, 'id')?.toLowerCase() ?? []);
}

/** An entry of an embedded list: its name and its properties. */
export type Part = { readonly name: string; readonly properties: JsonObject };

/** The entries of an embedded list. */
export function partsAt(resource: Resource, name: string): readonly Part[] {
  return objectsAt(resource.properties, name).flatMap((part) => {
    const partName = textAt(part, 'name');
    return partName === undefined ? [] : [{ name: partName, properties: objectAt(part, 'properties') }];
  });
}

/** The name of the SKU: `Standard` or `Basic` (the default of these api-versions). */
export function skuOf(resource: Resource | undefined): string {
  return textAt(resource?.sku, 'name') ?? 'Basic';
}

/** `<group>/<name>` in lower case: unique among the resources of one type in one subscription. */
export function shortKey(id: string): string {
  const parts = id.toLowerCase().split('/');
  return `${parts[4] ?? ''}/${parts.at(-1) ?? ''}`;
}

/** `<subscription>/<group>/<name>` in lower case: unique among all resources of one type. */
export function longKey(id: string): string {
  return `${id.toLowerCase().split('/')[2] ?? ''}/${shortKey(id)}`;
}

/** The last name of an id. */
export function lastName(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** The id without its last two segments: the parent of a child or embedded part. */
export function parentId(id: string): string {
  return id.split('/').slice(0, -2).join('/');
}
