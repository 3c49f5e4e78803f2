/** The routes of Graph: method and path behind the version, who may use it, and who answers. */

import type { Call, Handler, Right } from '#faces/graph/call.ts';
import * as objects from '#faces/graph/directory-objects.ts';
import * as groups from '#faces/graph/groups.ts';
import * as programs from '#faces/graph/programs.ts';
import * as users from '#faces/graph/users.ts';

export type Route = {
  readonly method: string;
  readonly pattern: readonly string[];
  readonly right: Right;
  readonly handler: Handler;
};

const route = (text: string, right: Right, handler: Handler): Route => {
  const [method = '', path = ''] = text.split(' ');
  return { method, pattern: path.split('/').filter((part) => part !== ''), right, handler };
};

const ofCaller = (call: Call): Call => ({ ...call, parts: [call.caller.oid] });

/** All routes. A part in braces takes any segment. */
export const routes: readonly Route[] = [
  route('GET /me', 'self', users.getMe),
  route('POST /me/changePassword', 'self', users.changeOwnPassword),
  route('POST /me/revokeSignInSessions', 'self', (call) => users.revokeSessions(ofCaller(call))),
  route('GET /me/memberOf', 'self', (call) => groups.listMemberships(call, call.caller.oid)),
  route('POST /me/checkMemberGroups', 'self', (call) => objects.checkMemberGroups(ofCaller(call))),
  route('POST /me/getMemberGroups', 'self', (call) => objects.getMemberGroups(ofCaller(call))),
  route('GET /users', 'read', users.listUsers),
  route('POST /users', 'write', users.makeUser),
  route('GET /users/{id}', 'read', users.getUser),
  route('PATCH /users/{id}', 'write', users.changeUser),
  route('DELETE /users/{id}', 'write', users.removeUser),
  route('POST /users/{id}/revokeSignInSessions', 'write', users.revokeSessions),
  route('GET /users/{id}/memberOf', 'read', (call) => groups.listMemberships(call, objects.knownId(call))),
  route('POST /users/{id}/checkMemberGroups', 'read', objects.checkMemberGroups),
  route('POST /users/{id}/getMemberGroups', 'read', objects.getMemberGroups),
  route('GET /groups', 'read', groups.listGroups),
  route('POST /groups', 'write', groups.makeGroup),
  route('GET /groups/{id}', 'read', groups.getGroup),
  route('PATCH /groups/{id}', 'write', groups.changeGroup),
  route('DELETE /groups/{id}', 'write', groups.removeGroupOf),
  route('GET /groups/{id}/members', 'read', groups.listMembers),
  route('POST /groups/{id}/members/$ref', 'write', groups.addMemberOf),
  route('DELETE /groups/{id}/members/{member}/$ref', 'write', groups.removeMemberOf),
  route('POST /groups/{id}/getMemberGroups', 'read', objects.getMemberGroups),
  route('GET /applications', 'read', programs.listApplications),
  route('POST /applications', 'write', programs.makeApplication),
  route('GET /applications/{id}', 'read', programs.getApplication),
  route('PATCH /applications/{id}', 'write', programs.changeApplication),
  route('DELETE /applications/{id}', 'write', programs.removeApplicationOf),
  route('POST /applications/{id}/addPassword', 'write', (call) => programs.addPassword(call, 'application')),
  route('POST /applications/{id}/removePassword', 'write', (call) => programs.removePassword(call, 'application')),
  route('GET /servicePrincipals', 'read', programs.listPrincipals),
  route('POST /servicePrincipals', 'write', programs.makePrincipal),
  route('GET /servicePrincipals/{id}', 'read', programs.getPrincipal),
  route('PATCH /servicePrincipals/{id}', 'write', programs.changePrincipal),
  route('DELETE /servicePrincipals/{id}', 'write', programs.removePrincipalOf),
  route('POST /servicePrincipals/{id}/addPassword', 'write', (call) => programs.addPassword(call, 'servicePrincipal')),
  route('POST /servicePrincipals/{id}/removePassword', 'write', (call) =>
    programs.removePassword(call, 'servicePrincipal'),
  ),
  route('GET /directoryObjects/{id}', 'read', objects.getObject),
  route('POST /directoryObjects/getByIds', 'read', objects.getByIds),
  route('POST /directoryObjects/{id}/checkMemberGroups', 'read', objects.checkMemberGroups),
  route('POST /directoryObjects/{id}/getMemberGroups', 'read', objects.getMemberGroups),
  route('GET /organization', 'read', objects.listOrganization),
  route('GET /domains', 'read', objects.listDomains),
  route('GET /directoryRoles', 'read', objects.listRoles),
  route('GET /directoryRoles/{role}/members', 'read', objects.listRoleMembers),
  route('POST /directoryRoles/{role}/members/$ref', 'write', objects.addRoleMember),
  route('DELETE /directoryRoles/{role}/members/{member}/$ref', 'write', objects.removeRoleMember),
];

/** The parts that a pattern names in a path, or undefined when it is another's. Collections are compared without case. */
export function match({ pattern }: Route, segments: readonly string[]): readonly string[] | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parts: string[] = [];
  for (const [index, wanted] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (wanted.startsWith('{')) parts.push(segment);
    else if (wanted.toLowerCase() !== segment.toLowerCase()) return undefined;
  }
  return parts;
}
