/** Role definitions and assignments: what a role allows, who holds it where, and the built-in roles under Azure's own ids. */

import { scopedRoles } from '#access/scoped-roles.ts';
import { builtInRoleId } from '#model/authorization/built-in-role-ids.ts';

/**
 * What a role allows: `actions` without `notActions`. A pattern may hold `*`, which stands for any run of characters,
 * slashes included (Azure doc "Understand Azure role definitions").
 */
export type RoleDefinition = {
  /** The GUID, lower case; Azure's own for the built-in roles, since clients and templates carry these. */
  readonly id: string;
  readonly roleName: string;
  readonly description: string;
  readonly type: 'BuiltInRole' | 'CustomRole';
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly assignableScopes: readonly string[];
};

/** Who holds which role where. `principalId` is the object id of a user, a group or a service principal. */
export type RoleAssignment = {
  readonly id: string;
  readonly principalId: string;
  /** A full ARM id or the GUID alone: the last segment counts. */
  readonly roleDefinitionId: string;
  readonly scope: string;
};

/** Owner: everything, including who else may do what. */
export const owner: RoleDefinition = {
  id: builtInRoleId.owner,
  roleName: 'Owner',
  description: 'Grants full access to manage all resources, including the ability to assign roles.',
  type: 'BuiltInRole',
  actions: ['*'],
  notActions: [],
  assignableScopes: ['/'],
};

/** Contributor: everything but access itself. */
export const contributor: RoleDefinition = {
  id: builtInRoleId.contributor,
  roleName: 'Contributor',
  description: 'Grants full access to manage all resources, but not to assign roles or to change what protects them.',
  type: 'BuiltInRole',
  actions: ['*'],
  notActions: [
    'Microsoft.Authorization/*/Delete',
    'Microsoft.Authorization/*/Write',
    'Microsoft.Authorization/elevateAccess/Action',
    'Microsoft.Blueprint/blueprintAssignments/write',
    'Microsoft.Blueprint/blueprintAssignments/delete',
    'Microsoft.Compute/galleries/share/action',
    'Microsoft.Resources/deploymentStacks/manageDenySetting/action',
  ],
  assignableScopes: ['/'],
};

/** Reader: sees everything, changes nothing. Secrets are behind actions (`listKeys/action`), so a reader does not get them. */
export const reader: RoleDefinition = {
  id: builtInRoleId.reader,
  roleName: 'Reader',
  description: 'Views all resources, but does not change any.',
  type: 'BuiltInRole',
  actions: ['*/read'],
  notActions: [],
  assignableScopes: ['/'],
};

/** Network Contributor: networks in full, deployments, and what is needed to see where they belong. */
export const networkContributor: RoleDefinition = {
  id: builtInRoleId.networkContributor,
  roleName: 'Network Contributor',
  description: 'Manages networks, but not who has access to them.',
  type: 'BuiltInRole',
  actions: [
    'Microsoft.Authorization/*/read',
    'Microsoft.Insights/alertRules/*',
    'Microsoft.Network/*',
    'Microsoft.ResourceHealth/availabilityStatuses/read',
    'Microsoft.Resources/deployments/*',
    'Microsoft.Resources/subscriptions/resourceGroups/read',
    'Microsoft.Support/*',
  ],
  notActions: [],
  assignableScopes: ['/'],
};

/** The built-in roles of this stamp, in the order in which lists show them. */
export const builtInRoles: readonly RoleDefinition[] = [owner, contributor, reader, networkContributor, ...scopedRoles];

/** The role that an assignment names, by the last segment of its `roleDefinitionId`. */
export function roleOf(roles: readonly RoleDefinition[], roleDefinitionId: string): RoleDefinition | undefined {
  const id = roleDefinitionId.slice(roleDefinitionId.lastIndexOf('/') + 1).toLowerCase();
  return roles.find((role) => role.id.toLowerCase() === id);
}
