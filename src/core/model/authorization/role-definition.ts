/** Custom roles as resources: what they allow and where they may be assigned; what they mean is decided in access. */

import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { builtInRoleIds } from '#model/authorization/built-in-role-ids.ts';
import { nameOfId, tryId } from '#model/arm-id.ts';
import { keepPlain, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { listOf, member, note, shorten, textOf, textsOf } from '#model/parse.ts';
import type { View } from '#model/resource.ts';

export const roleDefinitionType = 'Microsoft.Authorization/roleDefinitions';
export const roleAssignmentType = 'Microsoft.Authorization/roleAssignments';

export const guidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const actionsMax = 500;
const scopesMax = 100;

export const roleDefinition: Noun = {
  type: roleDefinitionType,

  write(write, draft, context) {
    const job = openJob(roleDefinitionType, write, { draft, context });
    checkIdentity(job);
    const { properties } = job;
    const roleName = textOf(properties, 'roleName', { required: true, lengthMax: 512 });
    const description = textOf(properties, 'description', { lengthMax: 2048 });
    const assignableScopes = scopesOf(job);
    const permissions = permissionsOf(job);
    return keepPlain(job, {
      properties: { roleName, description: description ?? '', type: 'CustomRole', assignableScopes, permissions },
    });
  },

  remove(resource, draft) {
    const holder = [...draft.ofType(roleAssignmentType)].find(
      ({ properties }) => roleIdOf(properties) === resource.name.toLowerCase(),
    );
    if (holder !== undefined) {
      const says = `The role '${resource.name}' is assigned (${holder.id}); remove its assignments first.`;
      throw new Refusal('RoleDefinitionHasAssignments', says, { status: 400, target: holder.id });
    }
    draft.delete(resource.id);
  },

  show: ({ id, type, name, properties }) => tidy({ properties, id, type, name }),
};

/** The GUID of the role that an assignment's properties name, in lower case. */
export function roleIdOf(properties: JsonObject): string {
  return nameOfId(String(properties['roleDefinitionId'] ?? '')).toLowerCase();
}

/** The custom role of a GUID, wherever it is kept. */
export function customRole(guid: string, view: View) {
  return [...view.ofType(roleDefinitionType)].find(({ name }) => name.toLowerCase() === guid.toLowerCase());
}

/** A role is found by its GUID alone, so there is one of each. */
function checkIdentity({ id, draft, before }: Job): void {
  const name = nameOfId(id);
  if (!guidPattern.test(name)) {
    throw new Refusal(
      'InvalidRoleDefinitionId',
      `The role definition ID '${shorten(name)}' is not valid. The role definition ID must be a GUID.`,
      { target: '/name' },
    );
  }
  if (builtInRoleIds.includes(name.toLowerCase())) {
    throw new Refusal(
      'BuiltInRoleCannotBeChanged',
      `'${name}' is a built-in role, which cannot be changed. Choose another GUID.`,
      { status: 403, target: '/name' },
    );
  }
  const other = before === undefined ? customRole(name, draft) : undefined;
  if (other !== undefined) {
    // Where it is may be another tenant's subscription: that is not told.
    const says = `A role definition with the ID '${name}' exists already; choose another GUID.`;
    throw new Refusal('RoleDefinitionExists', says, { status: 409, target: '/name' });
  }
}

/**
 * Assignable scopes lie within the scope at which the role is kept: who may change the role there could otherwise widen what
 * others were given elsewhere.
 */
function scopesOf({ id, properties }: Job): readonly string[] {
  const home = tryId(id)?.scope ?? '';
  const stated = textsOf(properties, 'assignableScopes', scopesMax) ?? [home === '' ? '/' : home];
  if (stated.length === 0) note(properties, 'assignableScopes', 'at least one scope is wanted');
  for (const [index, scope] of stated.entries()) {
    const isInside = `${scope.toLowerCase()}/`.startsWith(`${home.toLowerCase()}/`);
    if (scope.startsWith('/') && scope.length <= 2048 && isInside) continue;
    note(properties, `assignableScopes/${index}`, {
      code: 'LinkedInvalidPropertyId',
      message: `The assignable scope '${shorten(scope)}' does not lie within '${home === '' ? '/' : home}', where the role is put. Put the role at a scope that holds all of its assignable scopes.`,
    });
  }
  return stated;
}

function permissionsOf({ properties }: Job): readonly JsonObject[] {
  const blocks = listOf(properties, 'permissions', 1);
  if (blocks === undefined && member(properties, 'permissions') === undefined)
    note(properties, 'permissions', 'one entry with "actions" and "notActions" is wanted');
  return (blocks ?? []).map((block) => {
    // To leave it out would give more than was meant.
    if (member(block, 'condition') !== undefined)
      note(block, 'condition', 'conditions are not evaluated here; leave the member out, or name fewer actions');
    const [actions, notActions] = [
      textsOf(block, 'actions', actionsMax) ?? [],
      textsOf(block, 'notActions', actionsMax) ?? [],
    ];
    for (const [list, patterns] of [
      ['actions', actions],
      ['notActions', notActions],
    ] as const) {
      for (const [index, pattern] of patterns.entries()) {
        if (!/^[\w.*/-]{1,512}$/.test(pattern))
          note(
            block,
            `${list}/${index}`,
            `an action such as Microsoft.Network/*/read is wanted, not "${shorten(pattern)}"`,
          );
      }
    }
    return { actions, notActions };
  });
}
