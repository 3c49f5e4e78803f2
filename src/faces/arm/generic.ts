/** The generic list of resources: of a subscription or a group, of all types, filtered as az does before it acts. */

import { isObject, type JsonObject } from '#base/json.ts';
import type { Resource } from '#model/resource.ts';
import type { Answer } from '#faces/arm/answer.ts';
import { groupId, subscriptionId, type Call } from '#faces/arm/call.ts';
import { rowOf } from '#faces/arm/catalog.ts';
import { parseFilter, type Term } from '#faces/arm/filter.ts';
import { readable } from '#faces/arm/list.ts';
import { pageAnswer } from '#faces/arm/page.ts';

/** GET `/subscriptions/{subscription}/resources`. */
export function listAllResources(call: Call): Answer {
  return genericList(call, subscriptionId(call));
}

/** GET `/subscriptions/{subscription}/resourceGroups/{group}/resources`. */
export function listGroupResources(call: Call): Answer {
  return genericList(call, groupId(call));
}

const rule = { compares: ['resourcegroup', 'resourcetype', 'name', 'tagname', 'tagvalue', 'location'], calls: [] };

function genericList(call: Call, scope: string): Answer {
  const terms = parseFilter(call.asked.query.get('$filter'), rule);
  const resources = [...call.engine.view().under(scope)].filter(
    (resource) => isListed(resource) && meets(resource, terms),
  );
  const wanted = new Set(
    (call.asked.query.get('$expand') ?? '')
      .toLowerCase()
      .split(',')
      .map((word) => word.trim()),
  );
  return pageAnswer(call, readable(call, resources), (resource) => showGeneric(call, { resource, wanted }));
}

/** Resources with a place of their own; children, groups and extensions of scopes are not in the generic list, as in ARM. */
export function isListed({ type }: Resource): boolean {
  const row = rowOf(type);
  return (
    (row?.lives === 'group' && type !== 'Microsoft.Resources/resourceGroups') ||
    type === 'Microsoft.Compute/virtualMachines/extensions'
  );
}

function showGeneric(
  call: Call,
  { resource, wanted }: { resource: Resource; wanted: ReadonlySet<string> },
): JsonObject {
  const { id, name, type, location, tags, sku, kind, plan, identity, managedBy, zones } = resource;
  const stateOf = (): JsonObject => {
    const { properties } = call.engine.show(resource, call.apiVersion);
    const state = isObject(properties) ? properties['provisioningState'] : undefined;
    return { provisioningState: state ?? 'Succeeded' };
  };
  return {
    id,
    name,
    type,
    ...Object.fromEntries(
      Object.entries({ kind, location, tags, sku, plan, identity, managedBy, zones }).filter(
        ([, value]) => value !== undefined,
      ),
    ),
    ...(wanted.has('createdtime') ? { createdTime: resource.createdAt } : {}),
    ...(wanted.has('changedtime') ? { changedTime: resource.changedAt } : {}),
    ...(wanted.has('provisioningstate') ? stateOf() : {}),
  };
}

/** Does the resource meet every term? `tagname` and `tagvalue` speak of one and the same tag. */
export function meets(resource: Resource, terms: readonly Term[]): boolean {
  const tagName = terms.find((term) => term.kind === 'compare' && term.name === 'tagname');
  return terms.every((term) => {
    if (term.kind !== 'compare') return true;
    const isSame = term.name.startsWith('tag')
      ? hasTag(resource, { term, tagName })
      : same(memberOf(resource, term.name), term.value);
    return term.operator === 'ne' ? !isSame : isSame;
  });
}

function hasTag(
  { tags }: { readonly tags?: Resource['tags'] },
  { term, tagName }: { term: Term & { kind: 'compare' }; tagName: Term | undefined },
): boolean {
  const entries = Object.entries(tags ?? {});
  if (term.name === 'tagname') return entries.some(([name]) => same(name, term.value));
  const wanted = tagName?.kind === 'compare' ? tagName.value : undefined;
  return entries.some(([name, value]) => (wanted === undefined || same(name, wanted)) && value === term.value);
}

function memberOf(resource: Resource, name: string): string {
  switch (name) {
    case 'resourcegroup':
      return /\/resourceGroups\/([^/]+)/i.exec(resource.id)?.[1] ?? '';
    case 'resourcetype':
      return resource.type;
    case 'location':
      return resource.location ?? '';
    default:
      return resource.name;
  }
}

function same(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
