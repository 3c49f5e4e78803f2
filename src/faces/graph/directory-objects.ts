/** What Graph says of objects of any kind, of the directory itself and of its one role. */

import { graphIdsMax } from '#base/identity-limits.ts';
import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { globalAdministrator, setAdministrator } from '#engine/identity/administrators.ts';
import { notFound, partOf, refuseOthers, type Answer, type Call } from '#faces/graph/call.ts';
import { groupIdsOf, referenceOf } from '#faces/graph/groups.ts';
import { showAny } from '#faces/graph/objects.ts';
import { contextOf, listAnswer, objectAnswer } from '#faces/graph/page.ts';

/** GET /directoryObjects/{id} */
export function getObject(call: Call): Answer {
  const id = partOf(call, 0);
  const object = showAny(call.directory, id);
  if (object === undefined) throw notFound(id);
  return objectAnswer(call, 'directoryObjects', object);
}

/** POST /directoryObjects/getByIds: those of the ids that are of this directory; of the others nothing is said. */
export function getByIds(call: Call): Answer {
  refuseOthers(call.body, ['ids', 'types']);
  const types = new Set(optionalList(call, 'types') ?? ['user', 'group', 'servicePrincipal', 'application']);
  const value: JsonObject[] = [];
  for (const id of new Set(listOf(call, 'ids'))) {
    const object = showAny(call.directory, id);
    const type = String(object?.['@odata.type'] ?? '').replace('#microsoft.graph.', '');
    if (object !== undefined && (types.has(type) || types.has('directoryObject'))) value.push(object);
  }
  return { status: 200, body: { '@odata.context': contextOf(call, 'directoryObjects'), value } };
}

/** POST …/checkMemberGroups: which of the groups the object is a member of. */
export function checkMemberGroups(call: Call): Answer {
  refuseOthers(call.body, ['groupIds']);
  const own = new Set(groupIdsOf(call, knownId(call)));
  const value = listOf(call, 'groupIds').filter((id) => own.has(id.toLowerCase()));
  return { status: 200, body: { '@odata.context': contextOf(call, 'Collection(Edm.String)'), value } };
}

/** POST …/getMemberGroups */
export function getMemberGroups(call: Call): Answer {
  refuseOthers(call.body, ['securityEnabledOnly']);
  const value = groupIdsOf(call, knownId(call));
  return { status: 200, body: { '@odata.context': contextOf(call, 'Collection(Edm.String)'), value } };
}

/** The object that the path names by id, or a user by name. */
export function knownId(call: Call): string {
  const named = partOf(call, 0);
  const id = call.directory.oidByName.get(named.toLowerCase()) ?? named.toLowerCase();
  if (showAny(call.directory, id) === undefined) throw notFound(named);
  return id;
}

function listOf(call: Call, name: string): readonly string[] {
  const list = optionalList(call, name);
  if (list !== undefined) return list;
  throw new Refusal('Request_BadRequest', `The property ${name} is missing.`, { target: name });
}

function optionalList({ body }: Call, name: string): readonly string[] | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length <= graphIdsMax && value.every((one) => typeof one === 'string'))
    return value;
  throw new Refusal('Request_BadRequest', `The property ${name} must be a list of at most ${graphIdsMax} texts.`, {
    target: name,
  });
}

/** GET /organization */
export function listOrganization(call: Call): Answer {
  const { record } = call.directory;
  return listAnswer(call, {
    name: 'organization',
    rows: [record],
    show: ({ id, displayName, domains, createdMs }) => ({
      id,
      displayName,
      createdDateTime: new Date(createdMs).toISOString(),
      verifiedDomains: domains.map((name, index) => ({ name, isInitial: index === 0, isDefault: index === 0 })),
    }),
    properties: ['id', 'displayName'],
  });
}

/** GET /domains */
export function listDomains(call: Call): Answer {
  return listAnswer(call, {
    name: 'domains',
    rows: call.directory.record.domains.map((id, index) => ({ id, isFirst: index === 0 })),
    show: ({ id, isFirst }) => ({ id, isDefault: isFirst, isInitial: isFirst, isVerified: true }),
    properties: ['id'],
  });
}

const role: JsonObject = {
  id: globalAdministrator,
  displayName: 'Global Administrator',
  description: 'Changes everything in the directory.',
  roleTemplateId: globalAdministrator,
};

/** GET /directoryRoles: the one role of a directory; its id is that of its template in Azure. */
export function listRoles(call: Call): Answer {
  return listAnswer(call, {
    name: 'directoryRoles',
    rows: [role],
    show: (one) => one,
    properties: ['id', 'displayName', 'roleTemplateId'],
  });
}

/** GET /directoryRoles/{role}/members */
export function listRoleMembers(call: Call): Answer {
  checkRole(call);
  const rows = call.directory.record.administrators.map((id) => showAny(call.directory, id) ?? { id });
  return listAnswer(call, {
    name: 'directoryObjects',
    rows,
    show: (row: JsonObject) => row,
    properties: ['id', 'displayName'],
  });
}

/** POST /directoryRoles/{role}/members/$ref */
export async function addRoleMember(call: Call): Promise<Answer> {
  checkRole(call);
  await setAdministrator(call.directory, referenceOf(call), true);
  return { status: 204 };
}

/** DELETE /directoryRoles/{role}/members/{member}/$ref */
export async function removeRoleMember(call: Call): Promise<Answer> {
  checkRole(call);
  await setAdministrator(call.directory, partOf(call, 1), false);
  return { status: 204 };
}

function checkRole(call: Call): void {
  const named = partOf(call, 0).toLowerCase();
  if (named !== globalAdministrator && named !== `roletemplateid=${globalAdministrator}`)
    throw notFound(partOf(call, 0));
}
