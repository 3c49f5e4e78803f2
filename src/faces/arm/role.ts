/** Access as ARM shows it: role definitions (built-in and custom), role assignments, permissions, and what roles can allow. */

import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { builtInRoles, roleOf, type RoleDefinition } from '#access/roles.ts';
import { scopeHolds } from '#access/scope.ts';
import { tryId } from '#model/arm-id.ts';
import { customRole, roleAssignmentType, roleDefinitionType } from '#model/authorization/role-definition.ts';
import type { Plane } from '#model/plans/plane.ts';
import type { Resource } from '#model/resource.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { checkGroup, checkSubscription, partOf, type Call } from '#faces/arm/call.ts';
import { namespacesOf, rowsOf } from '#faces/arm/catalog.ts';
import { calledWith, equalTo, parseFilter, type Term } from '#faces/arm/filter.ts';
import { extensionsAt, readable, shower } from '#faces/arm/list.ts';
import { listAnswer, pageAnswer } from '#faces/arm/page.ts';
import { operationsOf } from '#faces/arm/provider.ts';
import { deleteResource } from '#faces/arm/resource.ts';

/** GET of the roles that can be assigned at a scope. */
export function listRoles(call: Call): Answer {
  const scope = scopeOf(call);
  call.engine.authorize(call.caller, `${roleDefinitionType}/read`, scope);
  const terms = parseFilter(call.asked.query.get('$filter'), {
    compares: ['rolename', 'type'],
    calls: ['atscope', 'atscopeandbelow'],
  });
  const custom = extensionsAt(call, { scope, type: roleDefinitionType }).map(shower(call));
  const all = [...builtInRoles.map((role) => showBuiltIn(call, role, scope)), ...custom];
  return listAnswer(
    call,
    all.filter(({ properties }) => isWanted(properties as JsonObject, terms)),
  );
}

function isWanted(properties: JsonObject, terms: readonly Term[]): boolean {
  const [name, type] = [equalTo(terms, 'rolename'), equalTo(terms, 'type')];
  return (
    (name === undefined || same(properties['roleName'], name)) && (type === undefined || same(properties['type'], type))
  );
}

/** GET of one role by its GUID, wherever it is kept. */
export function getRole(call: Call): Answer {
  const scope = scopeOf(call);
  call.engine.authorize(call.caller, `${roleDefinitionType}/read`, scope);
  const guid = partOf(call, 'role');
  const builtIn = builtInRoles.find(({ id }) => same(id, guid));
  if (builtIn !== undefined) return shown(showBuiltIn(call, builtIn, scope));
  const custom = customRole(guid, call.engine.view());
  if (custom !== undefined && readable(call, [custom]).length > 0)
    return shown(call.engine.show(custom, call.apiVersion));
  throw new Refusal(
    'RoleDefinitionDoesNotExist',
    `The specified role definition with ID '${guid.slice(0, 100)}' does not exist.`,
    { status: 404 },
  );
}

/** DELETE of a custom role. */
export async function deleteRole(call: Call): Promise<Answer> {
  const guid = partOf(call, 'role');
  if (builtInRoles.some(({ id }) => same(id, guid))) {
    throw new Refusal('BuiltInRoleCannotBeChanged', `'${guid}' is a built-in role, which cannot be removed.`, {
      status: 403,
    });
  }
  const id = `${scopeOf(call)}/providers/${roleDefinitionType}/${guid}`;
  return await deleteResource({ ...call, parts: { ...call.parts, id, type: roleDefinitionType } });
}

function showBuiltIn({ apiVersion }: Call, role: RoleDefinition, scope: string): JsonObject {
  const subscription = /^\/subscriptions\/[^/]+/i.exec(scope)?.[0] ?? '';
  const { actions, notActions, assignableScopes, roleName, description, type } = role;
  const data = apiVersion >= '2018' ? { dataActions: [], notDataActions: [] } : {};
  return {
    properties: { roleName, type, description, assignableScopes, permissions: [{ actions, notActions, ...data }] },
    id: `${subscription}/providers/${roleDefinitionType}/${role.id}`,
    type: roleDefinitionType,
    name: role.id,
  };
}

/** GET of role assignments at, above and below a scope. `assignedTo` counts the groups of the caller too. */
export function listAssignments(call: Call): Answer {
  const scope = scopeOf(call);
  const terms = parseFilter(call.asked.query.get('$filter'), {
    compares: ['principalid'],
    calls: ['atscope', 'assignedto'],
  });
  const principal = equalTo(terms, 'principalid');
  const holder = calledWith(terms, 'assignedto');
  const wanted = principal !== undefined ? [principal] : holder === undefined ? undefined : holdersOf(call, holder);
  const assignments = extensionsAt(call, { scope, type: roleAssignmentType }).filter(
    ({ properties }) => wanted === undefined || wanted.some((oid) => same(properties['principalId'], oid)),
  );
  return pageAnswer(call, readable(call, assignments), shower(call));
}

function holdersOf({ caller }: Call, oid: string): readonly string[] {
  return same(caller.oid, oid) ? [oid, ...caller.groups] : [oid];
}

/** GET `permissions`: what the caller's own roles allow at a scope. */
export function listPermissions(call: Call): Answer {
  const scope = scopeOf(call);
  const mine = holdersOf(call, call.caller.oid);
  const roles = [...builtInRoles, ...[...call.engine.view().ofType(roleDefinitionType)].map(definitionOf)];
  const permissions = [...call.engine.view().ofType(roleAssignmentType)]
    .filter(
      ({ id, properties }) =>
        mine.some((oid) => same(properties['principalId'], oid)) && scopeHolds(tryId(id)?.scope ?? '', scope),
    )
    .flatMap(({ properties }) => roleOf(roles, String(properties['roleDefinitionId'])) ?? [])
    .map(({ actions, notActions }) => ({
      actions,
      notActions,
      ...(call.apiVersion >= '2018' ? { dataActions: [], notDataActions: [] } : {}),
    }));
  return listAnswer(call, permissions);
}

function definitionOf({ name, properties }: Resource): RoleDefinition {
  const [block] = properties['permissions'] as readonly {
    readonly actions: readonly string[];
    readonly notActions: readonly string[];
  }[];
  return {
    id: name,
    roleName: String(properties['roleName']),
    description: String(properties['description']),
    type: 'CustomRole',
    actions: block?.actions ?? [],
    notActions: block?.notActions ?? [],
    assignableScopes: properties['assignableScopes'] as readonly string[],
  };
}

/** GET `providerOperations`: the actions that a role can name, per provider. */
export function listProviderOperations(call: Call): Answer {
  const { plane } = call.options;
  return listAnswer(
    call,
    namespacesOf(plane).map((namespace) => showOperations(namespace, plane)),
  );
}

/** GET of one provider's. */
export function getProviderOperations(call: Call): Answer {
  const stated = partOf(call, 'namespace');
  const { plane } = call.options;
  const namespace = namespacesOf(plane).find((known) => same(known, stated));
  if (namespace === undefined) {
    throw new Refusal('ProviderNotFound', `Provider '${stated.slice(0, 200)}' not found.`, { status: 404 });
  }
  return shown(showOperations(namespace, plane));
}

function showOperations(namespace: string, plane: Plane): JsonObject {
  const operations = operationsOf(namespace, plane);
  const describe = (type: string) =>
    operations
      .filter((operation) => operation.type === type)
      .map(({ name, display }) => ({
        name,
        displayName: display['operation'],
        description: display['description'],
        isDataAction: false,
      }));
  return {
    id: `/providers/Microsoft.Authorization/providerOperations/${namespace}`,
    type: 'Microsoft.Authorization/providerOperations',
    name: namespace,
    displayName: namespace,
    resourceTypes: rowsOf(namespace, plane)
      .filter(({ lives }) => lives !== 'surface')
      .map(({ type }) => ({ name: type.slice(namespace.length + 1), displayName: type, operations: describe(type) })),
    operations: [],
  };
}

/** POST `elevateAccess`: an administrator of the stamp alone, on the operator's plane, gets User Access Administrator at `/` by asking. */
export async function elevateAccess({ options, caller }: Call): Promise<Answer> {
  if ((await options.elevate?.(caller)) === true) return bare(200);
  const says =
    'Access is elevated by asking for administrators of the stamp on the plane of administration alone: an owner of the scope must make a role assignment.';
  throw new Refusal('ElevateAccessNotAllowed', says, { status: 403 });
}

/** GET `classicAdministrators`: there never were any. */
export function listClassicAdministrators(call: Call): Answer {
  checkSubscription(call, `/subscriptions/${partOf(call, 'subscription')}`);
  return listAnswer(call, []);
}

function scopeOf(call: Call): string {
  const scope = partOf(call, 'scope');
  checkSubscription(call, scope);
  checkGroup(call, scope);
  return call.engine.view().get(scope)?.id ?? scope;
}

function same(left: unknown, right: string): boolean {
  return typeof left === 'string' && left.toLowerCase() === right.toLowerCase();
}
