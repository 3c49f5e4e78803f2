/** Role assignments as resources: who holds which role at which scope. */

import { Refusal } from '#base/wrong.ts';
import { nameOfId, tryId } from '#model/arm-id.ts';
import { keepPlain, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { finish, member, note, oneOf, shorten, textOf } from '#model/parse.ts';
import { builtInRoleIds } from '#model/authorization/built-in-role-ids.ts';
import { customRole, guidPattern, roleAssignmentType, roleIdOf } from '#model/authorization/role-definition.ts';

const principalTypes = ['User', 'Group', 'ServicePrincipal', 'Unknown', 'ForeignGroup', 'Device'] as const;

export const roleAssignment: Noun = {
  type: roleAssignmentType,

  write(write, draft, context) {
    const job = openJob(roleAssignmentType, write, { draft, context });
    const { properties } = job;
    const name = nameOfId(job.id);
    if (!guidPattern.test(name)) {
      throw new Refusal(
        'InvalidRoleAssignmentId',
        `The role assignment ID '${shorten(name)}' is not valid. The role assignment ID must be a GUID.`,
        { target: '/name' },
      );
    }
    const principalId = textOf(properties, 'principalId', {
      required: true,
      pattern: guidPattern,
      wants: 'the object id (a GUID) of a user, group or service principal',
    });
    const roleDefinitionId = textOf(properties, 'roleDefinitionId', { required: true, lengthMax: 2048 }) ?? '';
    const principalType = oneOf(properties, 'principalType', principalTypes);
    const description = textOf(properties, 'description', { lengthMax: 1024 });
    // To leave it out would give more than was meant.
    for (const name of ['condition', 'conditionVersion'])
      if (member(properties, name) !== undefined)
        note(properties, name, 'conditions are not evaluated here; leave the member out, or give a narrower role');
    finish(job.body);
    const scope = tryId(job.id)?.scope ?? '';
    if (tryId(scope) !== undefined && draft.get(scope) === undefined) {
      throw new Refusal('ResourceNotFound', `The resource '${scope}' was not found.`, { status: 404, target: scope });
    }
    checkRole(roleDefinitionId, { job, scope });
    checkSame(job, { principalId: principalId ?? '', role: nameOfId(roleDefinitionId).toLowerCase() });
    return keepPlain(job, {
      properties: { roleDefinitionId, principalId, principalType, description, scope: scope === '' ? '/' : scope },
    });
  },

  remove: (resource, draft) => draft.delete(resource.id),

  show({ id, type, name, properties, createdAt, changedAt }, _view, { apiVersion }) {
    const { roleDefinitionId, principalId, principalType, scope, description } = properties;
    const old = { roleDefinitionId, principalId, scope };
    const shown =
      apiVersion < '2018' ? old : { ...old, principalType, description, createdOn: createdAt, updatedOn: changedAt };
    return tidy({ properties: shown, id, type, name });
  },
};

/** A custom role that is kept at the root is everybody's; one that is kept in a subscription is that subscription's. */
function isSeenFrom(scope: string, role: string): boolean {
  const home = subscriptionOf(role);
  return home === '' || home === subscriptionOf(scope);
}

function subscriptionOf(id: string): string {
  return /^\/subscriptions\/([^/]+)/i.exec(id)?.[1]?.toLowerCase() ?? '';
}

/** The role must exist, and a custom one must be assignable here. */
function checkRole(roleDefinitionId: string, { job, scope }: { job: Job; scope: string }): void {
  const guid = nameOfId(roleDefinitionId);
  if (builtInRoleIds.includes(guid.toLowerCase())) return;
  const role = customRole(guid, job.draft);
  // A role of another subscription is not there: its name and its place are its owner's.
  if (role === undefined || !isSeenFrom(scope, role.id)) {
    throw new Refusal(
      'RoleDefinitionDoesNotExist',
      `The specified role definition with ID '${shorten(guid)}' does not exist.`,
      { target: '/properties/roleDefinitionId' },
    );
  }
  const scopes = role.properties['assignableScopes'];
  const isAssignable =
    Array.isArray(scopes) &&
    scopes.some((one) =>
      `${scope.toLowerCase()}/`.startsWith(String(one) === '/' ? '/' : `${String(one).toLowerCase()}/`),
    );
  if (isAssignable) return;
  const says = `The role '${String(role.properties['roleName'])}' cannot be assigned at '${scope === '' ? '/' : scope}': it is none of its assignable scopes.`;
  throw new Refusal('RoleDefinitionNotAssignableAtScope', says, { target: '/properties/roleDefinitionId' });
}

/** One assignment of a role to a principal at a scope; and an assignment's principal and role stay what they are. */
function checkSame({ id, draft, before }: Job, { principalId, role }: { principalId: string; role: string }): void {
  const isSame = (other: { readonly [name: string]: unknown }): boolean =>
    String(other['principalId']).toLowerCase() === principalId.toLowerCase() && roleIdOf(other as never) === role;
  if (before !== undefined && !isSame(before.properties)) {
    throw new Refusal(
      'RoleAssignmentUpdateNotPermitted',
      'Tenant ID, application ID, principal ID, role and scope of a role assignment cannot be changed. Create another one.',
      { target: '/properties' },
    );
  }
  const scope = tryId(id)?.scope.toLowerCase();
  const twin = [...draft.ofType(roleAssignmentType)].find(
    (other) =>
      other.id.toLowerCase() !== id.toLowerCase() &&
      tryId(other.id)?.scope.toLowerCase() === scope &&
      isSame(other.properties),
  );
  if (twin !== undefined) {
    throw new Refusal(
      'RoleAssignmentExists',
      `The role assignment already exists. The ID of the existing role assignment is ${twin.name.replaceAll('-', '')}.`,
      { status: 409, target: twin.id },
    );
  }
}
