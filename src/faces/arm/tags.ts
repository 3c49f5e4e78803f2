/** Tags: the whole set of any scope under `tags/default`, and the names and values in use in a subscription. */

import { isObject, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { tagNameType } from '#model/resources/tag-name.ts';
import type { Resource } from '#model/resource.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, checkGroup, checkSubscription, partOf, subscriptionId, type Call } from '#faces/arm/call.ts';
import { rowOf } from '#faces/arm/catalog.ts';
import { pageAnswer } from '#faces/arm/page.ts';

type Tags = { readonly [name: string]: string };

/** GET `{scope}/providers/Microsoft.Resources/tags/default`. */
export function getTags(call: Call): Answer {
  const resource = resourceOf(call);
  call.engine.authorize(call.caller, `${readType(resource)}/read`, resource.id);
  return shown(showTags(resource.id, resource.tags ?? {}));
}

/** PUT: the stated set replaces all. 200 only (arm facts §2.2). */
export async function putTags(call: Call): Promise<Answer> {
  const resource = resourceOf(call);
  call.engine.authorize(call.caller, `${readType(resource)}/write`, resource.id);
  return await tagged(call, { resource, tags: statedTags(call) });
}

/** PATCH: `operation` says whether the stated tags are merged, replace all, or are deleted. */
export async function patchTags(call: Call): Promise<Answer> {
  const resource = resourceOf(call);
  call.engine.authorize(call.caller, `${readType(resource)}/write`, resource.id);
  const stated = statedTags(call);
  const operation = bodyObject(call)['operation'];
  const word = typeof operation === 'string' ? operation.toLowerCase() : '';
  if (word === 'replace') return await tagged(call, { resource, tags: stated });
  if (word === 'merge') return await tagged(call, { resource, tags: merged(resource.tags ?? {}, stated) });
  if (word === 'delete') return await tagged(call, { resource, tags: without(resource.tags ?? {}, stated) });
  throw new Refusal('InvalidRequestContent', 'The "operation" must be Merge, Replace or Delete.', {
    target: '/operation',
  });
}

/** DELETE: the scope has no tags any more. */
export async function deleteTags(call: Call): Promise<Answer> {
  await tagged(call, { resource: resourceOf(call), tags: {} });
  return bare(200);
}

function resourceOf(call: Call): Resource {
  const scope = partOf(call, 'scope');
  checkSubscription(call, scope);
  checkGroup(call, scope);
  const resource = call.engine.view().get(scope);
  if (resource === undefined)
    throw new Refusal('ResourceNotFound', `The resource '${scope}' was not found.`, { status: 404, target: scope });
  if (scope !== '' && isTaggable(resource)) return resource;
  throw new Refusal('TagsNotSupported', `A resource of type '${resource.type}' has no tags.`, { target: scope });
}

function isTaggable({ type }: Resource): boolean {
  return type === 'Microsoft.Resources/subscriptions' || (rowOf(type)?.tags ?? 'none') !== 'none';
}

function readType({ type }: Resource): string {
  return type === 'Microsoft.Resources/resourceGroups' ? 'Microsoft.Resources/subscriptions/resourceGroups' : type;
}

function statedTags(call: Call): Tags {
  const { properties } = bodyObject(call);
  const tags = isObject(properties) ? (properties['tags'] ?? {}) : undefined;
  if (!isObject(tags))
    throw new Refusal('InvalidRequestContent', 'The request content must be {"properties": {"tags": {…}}}.', {
      target: '/properties/tags',
    });
  for (const [name, value] of Object.entries(tags)) {
    if (typeof value !== 'string')
      throw new Refusal('InvalidTagValue', `The value of the tag '${name.slice(0, 100)}' must be a string.`, {
        target: '/properties/tags',
      });
  }
  return tags as Tags;
}

/** Tag names are one name whatever their case; the stated spelling is kept. */
function merged(old: Tags, stated: Tags): Tags {
  const names = new Set(Object.keys(stated).map((name) => name.toLowerCase()));
  return { ...Object.fromEntries(Object.entries(old).filter(([name]) => !names.has(name.toLowerCase()))), ...stated };
}

/** A stated value limits the deletion to tags of that value (resources 2019-10-01). */
function without(old: Tags, stated: Tags): Tags {
  const gone = new Map(Object.entries(stated).map(([name, value]) => [name.toLowerCase(), value]));
  return Object.fromEntries(
    Object.entries(old).filter(([name, value]) => {
      const wanted = gone.get(name.toLowerCase());
      return wanted === undefined || (wanted !== '' && wanted !== value);
    }),
  );
}

async function tagged(call: Call, { resource, tags }: { resource: Resource; tags: Tags }): Promise<Answer> {
  // Where a PATCH merges (RFC 7396), what shall go is stated as null.
  const isMerged = rowOf(resource.type)?.tags === 'merge';
  const gone = isMerged ? Object.keys(resource.tags ?? {}).filter((name) => !Object.hasOwn(tags, name)) : [];
  const body: JsonObject = { tags: { ...Object.fromEntries(gone.map((name) => [name, null])), ...tags } };
  const request = { kind: 'patch', id: resource.id, type: resource.type, body } as const;
  await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  return shown(showTags(resource.id, tags));
}

function showTags(scope: string, tags: Tags): JsonObject {
  return {
    id: `${scope}/providers/Microsoft.Resources/tags/default`,
    name: 'default',
    type: 'Microsoft.Resources/tags',
    properties: { tags },
  };
}

/** GET `/subscriptions/{subscription}/tagNames`: names that were made beforehand, and all in use, with counts. */
export function listTagNames(call: Call): Answer {
  const scope = subscriptionId(call);
  call.engine.authorize(call.caller, `${tagNameType}/read`, scope);
  const counts = new Map<string, Map<string, number>>();
  const count = (name: string, value: string | undefined, by: number): void => {
    const values = counts.get(name.toLowerCase()) ?? new Map<string, number>();
    counts.set(name.toLowerCase(), values);
    if (value !== undefined) values.set(value, (values.get(value) ?? 0) + by);
  };
  for (const resource of call.engine.view().under(scope)) {
    if (resource.type === tagNameType) {
      count(resource.name, undefined, 0);
      for (const value of valuesOf(resource)) count(resource.name, value, 0);
    } else for (const [name, value] of Object.entries(resource.tags ?? {})) count(name, value, 1);
  }
  const items = [...counts].map(([name, values]) => showName(`${scope}/tagNames/${name}`, { name, values }));
  return pageAnswer(call, items, (item) => item);
}

function showName(id: string, { name, values }: { name: string; values: ReadonlyMap<string, number> }): JsonObject {
  const total = [...values.values()].reduce((sum, value) => sum + value, 0);
  return {
    id,
    tagName: name,
    count: { type: 'Total', value: total },
    values: [...values].map(([value, times]) => showValue(id, value, times)),
  };
}

function showValue(id: string, value: string, times: number): JsonObject {
  return { id: `${id}/tagValues/${value}`, tagValue: value, count: { type: 'Total', value: times } };
}

/** PUT of a tag name that is made beforehand. */
export async function putTagName(call: Call): Promise<Answer> {
  const { id, existing } = nameOf(call);
  const { status, resource } = await writeName(call, { id, values: valuesOf(existing) });
  return shown(
    showName(id, {
      name: resource?.name ?? partOf(call, 'tag'),
      values: new Map(valuesOf(resource).map((value) => [value, 0])),
    }),
    status,
  );
}

/** DELETE of a tag name. */
export async function deleteTagName(call: Call): Promise<Answer> {
  const { id } = nameOf(call);
  const outcome = await call.engine.submit(
    { request: { kind: 'delete', id, type: tagNameType }, apiVersion: call.apiVersion },
    call.caller,
  );
  return bare(outcome.existed ? 200 : 204);
}

/** PUT of a value of such a name. */
export async function putTagValue(call: Call): Promise<Answer> {
  const { id, existing } = nameOf(call);
  const value = partOf(call, 'value');
  if (existing === undefined)
    throw new Refusal('TagNameNotFound', `The tag name '${partOf(call, 'tag')}' was not found; create it first.`, {
      status: 404,
    });
  const isKnown = valuesOf(existing).includes(value);
  await writeName(call, { id, values: isKnown ? valuesOf(existing) : [...valuesOf(existing), value] });
  return shown(showValue(id, value, 0), isKnown ? 200 : 201);
}

/** DELETE of a value. */
export async function deleteTagValue(call: Call): Promise<Answer> {
  const { id, existing } = nameOf(call);
  const value = partOf(call, 'value');
  if (existing === undefined || !valuesOf(existing).includes(value)) return bare(204);
  await writeName(call, { id, values: valuesOf(existing).filter((one) => one !== value) });
  return bare(200);
}

function nameOf(call: Call): { readonly id: string; readonly existing: Resource | undefined } {
  const id = `${subscriptionId(call)}/tagNames/${partOf(call, 'tag')}`;
  call.engine.authorize(
    call.caller,
    `${tagNameType}/${call.asked.method === 'DELETE' && call.parts['value'] === undefined ? 'delete' : 'write'}`,
    id,
  );
  return { id, existing: call.engine.view().get(id) };
}

function valuesOf(resource: Resource | undefined): readonly string[] {
  const values = resource?.properties['values'];
  return Array.isArray(values) ? values.map(String) : [];
}

async function writeName(
  call: Call,
  { id, values }: { id: string; values: readonly string[] },
): Promise<{ status: number; resource: Resource | undefined }> {
  const request = { kind: 'put', id, type: tagNameType, body: { properties: { values } } } as const;
  const { existed, resource } = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  return { status: existed ? 200 : 201, resource };
}
