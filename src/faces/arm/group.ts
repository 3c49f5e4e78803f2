/** Resource groups: CRUD, HEAD, the list with tag filters, and the export of a group as a template. */

import { Refusal } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { exportTemplate, type ExportedResource } from '#template/export.ts';
import { scopeOfId } from '#template/scope.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, checkSubscription, groupId, partOf, subscriptionId, type Call } from '#faces/arm/call.ts';
import { apiVersionsOf } from '#faces/arm/catalog.ts';
import { parseFilter } from '#faces/arm/filter.ts';
import { isListed, meets } from '#faces/arm/generic.ts';
import { lies, readable, shower } from '#faces/arm/list.ts';
import { pageAnswer } from '#faces/arm/page.ts';
import { deleteResource, patchResource, putResource } from '#faces/arm/resource.ts';

const groupType = 'Microsoft.Resources/resourceGroups';
/** The action's name in Azure's roles, which have the subscription in it. */
const readAction = 'Microsoft.Resources/subscriptions/resourceGroups/read';

/** GET of all groups of a subscription. */
export function listGroups(call: Call): Answer {
  const scope = subscriptionId(call);
  const terms = parseFilter(call.asked.query.get('$filter'), {
    compares: ['tagname', 'tagvalue', 'name', 'location'],
    calls: [],
  });
  const groups = [...call.engine.view().ofType(groupType)].filter(
    (group) => lies(group.id, scope) && meets(group, terms),
  );
  const seen = groups.filter((group) => call.engine.may(call.caller, readAction, group.id));
  return pageAnswer(call, seen, shower(call));
}

/** GET of one group. */
export function getGroup(call: Call): Answer {
  const id = groupId(call);
  call.engine.authorize(call.caller, readAction, id);
  const group = call.engine.view().get(id);
  if (group === undefined) throw new TypeError(`${id} went away.`);
  return shown(call.engine.show(group, call.apiVersion));
}

/** HEAD of one group: 204 or 404. */
export function headGroup(call: Call): Answer {
  const id = `${subscriptionId(call)}/resourceGroups/${partOf(call, 'group')}`;
  call.engine.authorize(call.caller, readAction, id);
  return bare(call.engine.view().get(id) === undefined ? 404 : 204);
}

/** PUT: the location of a group that exists cannot change. */
export async function putGroup(call: Call): Promise<Answer> {
  return await putResource(asResource(call));
}

export async function patchGroup(call: Call): Promise<Answer> {
  groupId(call);
  return await patchResource(asResource(call));
}

/** DELETE of a group takes all that lies in it; one that is not there is a 404, as in ARM. */
export async function deleteGroup(call: Call): Promise<Answer> {
  groupId(call);
  return await deleteResource(asResource(call));
}

function asResource(call: Call): Call {
  const id = `/subscriptions/${partOf(call, 'subscription')}/resourceGroups/${partOf(call, 'group')}`;
  checkSubscription(call, id);
  return { ...call, parts: { ...call.parts, id, type: groupType } };
}

/** POST `exportTemplate`: the group as a template with literal names. */
export function exportGroup(call: Call): Answer {
  const scope = groupId(call);
  call.engine.authorize(call.caller, readAction, scope);
  const asked = bodyObject(call)['resources'];
  const wanted = Array.isArray(asked) ? asked.map((id: Json) => String(id).toLowerCase()) : [];
  if (wanted.length === 0) {
    const says = 'State which resources to export: "resources": ["*"] for all, or their ids.';
    throw new Refusal('ExportTemplateMissingResources', says, { target: '/resources' });
  }
  const inGroup = readable(call, [...call.engine.view().under(scope)].filter(isListed));
  const picked = wanted.includes('*') ? inGroup : inGroup.filter(({ id }) => wanted.includes(id.toLowerCase()));
  const place = scopeOfId(scope);
  if (place === undefined) throw new TypeError(`${scope} is no scope.`);
  const resources = picked.map((resource): ExportedResource => {
    const apiVersion = apiVersionsOf(resource.type)[0] ?? call.apiVersion;
    return {
      ...call.engine.show(resource, apiVersion),
      id: resource.id,
      type: resource.type,
      name: resource.name,
      apiVersion,
    };
  });
  const body: JsonObject = { template: exportTemplate(resources, place) };
  return shown(body);
}

/** Moves: a resource's place is part of its identity here, in the data plane too. */
export function refuseMove(call: Call): never {
  const action = 'Microsoft.Resources/subscriptions/resourceGroups/moveResources/action';
  call.engine.authorize(call.caller, action, groupId(call));
  const says =
    'Resources cannot be moved between groups or subscriptions on this stamp: deploy them anew in the target, then delete them here.';
  throw new Refusal('ResourceMoveNotSupported', says, { status: 409 });
}
