/** Lists of resources of one type: in a group, over a subscription, below a parent, or at any scope for extensions. */

import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import type { Resource } from '#model/resource.ts';
import { tryId } from '#model/arm-id.ts';
import type { Answer } from '#faces/arm/answer.ts';
import { checkGroup, checkSubscription, partOf, type Call } from '#faces/arm/call.ts';
import { rowOf } from '#faces/arm/catalog.ts';
import { textPageAnswer } from '#faces/arm/page.ts';
import { found } from '#faces/arm/resource.ts';

/** GET of a collection: what the caller may read of it. */
export function listResources(call: Call): Answer {
  const [scope, type] = [partOf(call, 'scope'), partOf(call, 'type')];
  checkSubscription(call, scope);
  checkGroup(call, scope);
  return textPageAnswer(call, readable(call, resourcesOf(call, { scope, type })));
}

/** Those that the caller may read; a right at the scope of the list covers all below it. */
export function readable(call: Call, resources: readonly Resource[]): readonly Resource[] {
  return resources.filter((resource) => call.engine.may(call.caller, `${resource.type}/read`, resource.id));
}

/** Shows a resource under the call's api-version. */
export function shower(call: Call): (resource: Resource) => JsonObject {
  return (resource) => call.engine.show(resource, call.apiVersion);
}

function resourcesOf(call: Call, { scope, type }: { scope: string; type: string }): readonly Resource[] {
  const view = call.engine.view();
  const row = rowOf(type);
  if (row?.lives === 'child') {
    const parent = parentOfList(call, scope);
    return view.childrenOf(parent.id, type);
  }
  if (row?.lives === 'scope') return extensionsAt(call, { scope, type });
  if (scope === '' || tryId(scope) !== undefined) throw notListed(type, scope);
  const isGroup = /\/resourceGroups\//i.test(scope);
  if (!isGroup && row?.listsAll !== true) throw notListed(type, scope);
  return [...view.ofType(type)].filter((resource) => lies(resource.id, scope));
}

function parentOfList(call: Call, scope: string): Resource {
  const parentType = partOf(call, 'type').split('/').slice(0, -1).join('/');
  return found({ ...call, parts: { ...call.parts, type: parentType } }, scope);
}

function notListed(type: string, scope: string): Refusal {
  const says = `Resources of type '${type}' are not listed at '${scope === '' ? '/' : scope}'.`;
  return new Refusal('InvalidResourceOperation', says, { status: 404 });
}

/** At the scope itself, above it (what is inherited) and below it; `$filter=atScope()` leaves out what is below. */
export function extensionsAt(call: Call, { scope, type }: { scope: string; type: string }): readonly Resource[] {
  const isAtScope = /\batScope\(\)/i.test(call.asked.query.get('$filter') ?? '');
  return [...call.engine.view().ofType(type)].filter((resource) => {
    const home = tryId(resource.id)?.scope ?? '';
    return home.toLowerCase() === scope.toLowerCase() || lies(scope, home) || (!isAtScope && lies(home, scope));
  });
}

/** Is the id below the scope? The tenant's scope is the empty text. */
export function lies(id: string, scope: string): boolean {
  return id.toLowerCase().startsWith(`${scope.toLowerCase()}/`);
}
