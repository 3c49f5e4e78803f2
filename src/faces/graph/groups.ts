/** Groups through Graph: listed, shown, made, changed, removed, and their members. */

import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { addMember, createGroup, groupOf, removeGroup, removeMember, updateGroup } from '#engine/identity/groups.ts';
import {
  notFound,
  optionalFlag,
  optionalText,
  partOf,
  refuseOthers,
  textOf,
  type Answer,
  type Call,
} from '#faces/graph/call.ts';
import { groupProperties, showAny, showGroup } from '#faces/graph/objects.ts';
import { listAnswer, objectAnswer } from '#faces/graph/page.ts';

/** GET /groups */
export function listGroups(call: Call): Answer {
  const rows = call.directory.groups.values();
  return listAnswer(call, { name: 'groups', rows, show: showGroup, properties: groupProperties });
}

/** GET /groups/{id} */
export function getGroup(call: Call): Answer {
  return objectAnswer(call, 'groups', showGroup(found(call)));
}

function found(call: Call) {
  const id = partOf(call, 0);
  const group = call.directory.groups.get(id.toLowerCase());
  if (group === undefined) throw notFound(id);
  return group;
}

/** POST /groups: security groups, the only kind here. */
export async function makeGroup(call: Call): Promise<Answer> {
  const { body, directory } = call;
  refuseOthers(body, ['description', 'displayName', 'groupTypes', 'mailEnabled', 'mailNickname', 'securityEnabled']);
  if (optionalFlag(body, 'mailEnabled') === true || optionalFlag(body, 'securityEnabled') === false) {
    const says = 'Groups here are security groups: securityEnabled must be true and mailEnabled false.';
    throw new Refusal('Request_BadRequest', says, { target: 'securityEnabled' });
  }
  const [description, mailNickname] = [optionalText(body, 'description'), optionalText(body, 'mailNickname')];
  for (const [target, text] of Object.entries({ description, mailNickname })) checkText(target, text);
  const group = await createGroup(directory, textOf(body, 'displayName'), {
    ...(description === undefined ? {} : { description }),
    ...(mailNickname === undefined ? {} : { mailNickname }),
  });
  return objectAnswer(call, 'groups', showGroup(group));
}

function checkText(target: string, text: string | undefined): void {
  if (text === undefined || /^[^\p{Cc}]{0,1024}$/u.test(text)) return;
  throw new Refusal('Request_BadRequest', `The ${target} must have at most 1024 printable characters.`, { target });
}

/** PATCH /groups/{id} */
export async function changeGroup(call: Call): Promise<Answer> {
  const { body, directory } = call;
  refuseOthers(body, ['description', 'displayName']);
  const { id } = found(call);
  const [displayName, description] = [optionalText(body, 'displayName'), optionalText(body, 'description')];
  checkText('description', description);
  await updateGroup(directory, id, {
    ...(displayName === undefined ? {} : { displayName }),
    ...(description === undefined ? {} : { description }),
  });
  return { status: 204 };
}

/** DELETE /groups/{id} */
export async function removeGroupOf(call: Call): Promise<Answer> {
  await removeGroup(call.directory, found(call).id);
  return { status: 204 };
}

/** GET /groups/{id}/members */
export function listMembers(call: Call): Answer {
  const { directory } = call;
  const rows = found(call).members.map((id) => showAny(directory, id) ?? { id });
  return listAnswer(call, {
    name: 'directoryObjects',
    rows,
    show: (row: JsonObject) => row,
    properties: ['id', 'displayName'],
  });
}

/** POST /groups/{id}/members/$ref */
export async function addMemberOf(call: Call): Promise<Answer> {
  const { id, members } = found(call);
  const wanted = referenceOf(call);
  if (members.includes(wanted)) {
    const says = "One or more added object references already exist for the following modified properties: 'members'.";
    throw new Refusal('Request_BadRequest', says, { target: 'members' });
  }
  await addMember(call.directory, id, wanted);
  return { status: 204 };
}

/** The object id of a reference: `{"@odata.id": "…/directoryObjects/{id}"}`. Whatever host it names, the object is one of this directory. */
export function referenceOf({ body }: Call): string {
  const id = /\/(?:directoryObjects|users|groups|servicePrincipals)\/([0-9a-f-]{36})$/i.exec(
    textOf(body, '@odata.id'),
  )?.[1];
  if (id !== undefined) return id.toLowerCase();
  throw new Refusal('Request_BadRequest', 'The @odata.id must be …/v1.0/directoryObjects/{id}.', {
    target: '@odata.id',
  });
}

/** DELETE /groups/{id}/members/{member}/$ref */
export async function removeMemberOf(call: Call): Promise<Answer> {
  await removeMember(call.directory, found(call).id, partOf(call, 1));
  return { status: 204 };
}

/** The groups that an object is a member of; groups in groups are not followed. */
export function groupIdsOf({ directory }: Call, oid: string): string[] {
  const id = oid.toLowerCase();
  return [...directory.groups.values()].filter(({ members }) => members.includes(id)).map((group) => group.id);
}

/** GET /users/{id}/memberOf, /me/memberOf */
export function listMemberships(call: Call, oid: string): Answer {
  const rows = groupIdsOf(call, oid).map((id) => groupOf(call.directory, id));
  return listAnswer(call, {
    name: 'directoryObjects',
    rows,
    show: (group) => ({ '@odata.type': '#microsoft.graph.group', ...showGroup(group) }),
    properties: groupProperties,
  });
}
