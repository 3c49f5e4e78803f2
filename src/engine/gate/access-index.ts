/** Role assignments and locks, read from the resources and kept until one of them changes. */

import { decide, authorizationFailed, type AccessDecision } from '#access/decide.ts';
import { scopeHolds } from '#access/scope.ts';
import { Refusal } from '#base/wrong.ts';
import { lockVerdict, type Lock, type RequestKind } from '#access/locks.ts';
import { builtInRoles, type RoleAssignment, type RoleDefinition } from '#access/roles.ts';
import { isStanding } from '#model/plans/ids.ts';
import { planeOfScope } from '#model/plans/plane.ts';
import type { Edit, Resource, View } from '#model/resource.ts';
import type { Caller } from '#engine/engine.ts';
import { isStampCaller } from '#engine/gate/own-caller.ts';

const assignmentType = 'Microsoft.Authorization/roleAssignments';
const definitionType = 'Microsoft.Authorization/roleDefinitions';
const lockType = 'Microsoft.Authorization/locks';

/** Is there a user, group or application of this object id in the directory? */
export type PrincipalExists = (oid: string, directory: string) => boolean;

/** What changes who may do what, or what is forbidden. */
const givesRights = /^Microsoft\.Authorization\/.*(?<!\/read)$/i;

/** Answers who may do what. `changed` must hear of every commit. */
export class AccessIndex {
  readonly #view: () => View;
  readonly #home: string;
  readonly #principalExists: PrincipalExists | undefined;
  #assignments: Map<string, RoleAssignment[]> | undefined;
  #roles: readonly RoleDefinition[] | undefined;
  #locks: readonly Lock[] | undefined;

  /** `home`: the stamp's own directory, which subscriptions belong to that name none. */
  constructor(view: () => View, home: string, principalExists?: PrincipalExists) {
    this.#view = view;
    this.#principalExists = principalExists;
    this.#home = home.toLowerCase();
  }

  changed(edits: readonly Edit[]): void {
    for (const { before, after } of edits) {
      const type = (after ?? before)?.type;
      if (type === assignmentType) this.#assignments = undefined;
      else if (type === definitionType) this.#roles = undefined;
      else if (type === lockType) this.#locks = undefined;
    }
  }

  decide(caller: Caller, action: string, scope: string): AccessDecision {
    const directory = this.#directoryOf(scope);
    if (caller.tenantId.toLowerCase() !== directory) {
      return {
        verdict: 'refuse',
        because: `${scope} belongs to the directory ${directory}, not to ${caller.tenantId}`,
      };
    }
    const groups = caller.groups;
    const asked = caller.plane ?? 'tenant';
    const plane = planeOfScope(this.#view(), scope);
    if (plane !== undefined && plane !== asked)
      return { verdict: 'refuse', because: `${scope} is not on the plane that was asked` };
    // Rights above all subscriptions count on both planes: a copied token of the tenants' must not give any.
    if (asked !== 'admin' && givesRights.test(action) && subscriptionIn(scope) === undefined)
      return { verdict: 'refuse', because: `rights above all subscriptions are given on the operator's plane alone` };
    return decide({
      principal: { oid: caller.oid, groups },
      action: azureAction(action),
      scope,
      assignments: this.#assignmentsOf(caller),
      roles: this.#allRoles(),
    });
  }

  /**
   * Lets in who holds a role in the subscription, above it or anywhere below it; anyone else is refused like for the action
   * itself, whatever it is: nothing inside a subscription is answered to who holds nothing there.
   */
  enter(caller: Caller, action: string, scope: string): void {
    const subscription = subscriptionIn(scope);
    const found = subscription === undefined ? undefined : this.#view().get(subscription);
    if (subscription === undefined || found === undefined || !isStanding(found) || isStampCaller(caller)) return;
    const isOfDirectory = caller.tenantId.toLowerCase() === this.#directoryOf(scope);
    const holds = ({ scope: held }: RoleAssignment): boolean =>
      scopeHolds(held, subscription) || scopeHolds(subscription, held);
    if (!isOfDirectory || !this.#assignmentsOf(caller).some(holds)) this.authorize(caller, action, scope);
  }

  /** A role is given to principals of the subscription's own directory alone; an object id of another one is unknown there. */
  checkPrincipal({ type, id, properties }: Pick<Resource, 'type' | 'id' | 'properties'>): void {
    if (type !== assignmentType || this.#principalExists === undefined) return;
    const [principalId, directory] = [String(properties['principalId']).toLowerCase(), this.#directoryOf(id)];
    if (this.#principalExists(principalId, directory)) return;
    throw new Refusal(
      'PrincipalNotFound',
      `Principal ${principalId.replaceAll('-', '')} does not exist in the directory ${directory}. ` +
        'Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, ' +
        'this error might be related to a replication delay.',
      { status: 400, target: '/properties/principalId' },
    );
  }

  #assignmentsOf({ oid, groups }: Caller): readonly RoleAssignment[] {
    return [oid, ...groups].flatMap((id) => this.#byPrincipal().get(id.toLowerCase()) ?? []);
  }

  /** The directory that a scope belongs to: its subscription's; the stamp's own where none is named. */
  #directoryOf(scope: string): string {
    const subscription = subscriptionIn(scope);
    const stated = subscription === undefined ? undefined : this.#view().get(subscription)?.properties['tenantId'];
    return typeof stated === 'string' ? stated.toLowerCase() : this.#home;
  }

  /** The reason why it is allowed, or a Refusal: 403 AuthorizationFailed. The stamp itself is not asked for a role. */
  authorize(caller: Caller, action: string, scope: string): string {
    if (isStampCaller(caller)) return 'the stamp itself';
    const decision = this.decide(caller, action, scope);
    if (decision.verdict === 'allow') return decision.because;
    const subscription = subscriptionIn(scope);
    const isOther = caller.tenantId.toLowerCase() !== this.#directoryOf(scope);
    if (isOther && subscription !== undefined) throw notHere(subscription);
    const name = caller.upn ?? caller.appId ?? caller.oid;
    const mayKnow = this.may(caller, `${assignmentType}/read`, scope);
    const told = mayKnow ? { because: decision.because } : {};
    throw authorizationFailed({ name, oid: caller.oid, action: azureAction(action), scope, ...told });
  }

  /** May the caller do the action at the scope? */
  may(caller: Caller, action: string, scope: string): boolean {
    return isStampCaller(caller) || this.decide(caller, action, scope).verdict === 'allow';
  }

  /** Throws ScopeLocked (409) when a lock stops this kind of request. */
  unlocked(kind: RequestKind, scope: string): void {
    const verdict = lockVerdict(this.#allLocks(), kind, scope);
    if (verdict.verdict === 'refuse') throw verdict.refusal;
  }

  #byPrincipal(): Map<string, RoleAssignment[]> {
    if (this.#assignments !== undefined) return this.#assignments;
    const found = new Map<string, RoleAssignment[]>();
    for (const resource of this.#view().ofType(assignmentType)) {
      const assignment = assignmentOf(resource);
      const key = assignment.principalId.toLowerCase();
      found.set(key, [...(found.get(key) ?? []), assignment]);
    }
    this.#assignments = found;
    return found;
  }

  #allRoles(): readonly RoleDefinition[] {
    this.#roles ??= [...builtInRoles, ...[...this.#view().ofType(definitionType)].map(definitionOf)];
    return this.#roles;
  }

  #allLocks(): readonly Lock[] {
    this.#locks ??= [...this.#view().ofType(lockType)].map(lockOf);
    return this.#locks;
  }
}

/** As for a subscription that does not exist: who is of another directory is not told that it does. */
function notHere(subscription: string): Refusal {
  const says = `The subscription '${subscription.slice(15, 115)}' could not be found.`;
  return new Refusal('SubscriptionNotFound', says, { status: 404 });
}

/** `/subscriptions/x` of a scope inside it; cheap, since lists ask it of each of their items. */
function subscriptionIn(scope: string): string | undefined {
  if (scope.slice(0, 15).toLowerCase() !== '/subscriptions/') return undefined;
  const end = scope.indexOf('/', 15);
  return end < 0 ? scope : scope.slice(0, end);
}

/** Azure's actions on groups carry the subscription in their type; roles are written that way (Azure docs, "Azure permissions"). */
function azureAction(action: string): string {
  return action.replace(
    /^Microsoft\.Resources\/resourceGroups\//i,
    'Microsoft.Resources/subscriptions/resourceGroups/',
  );
}

/** The scope of an extension resource: what its id hangs on. */
export function scopeOfExtension(id: string): string {
  const at = id.toLowerCase().lastIndexOf('/providers/');
  return at <= 0 ? '/' : id.slice(0, at);
}

function assignmentOf(resource: Resource): RoleAssignment {
  return {
    id: resource.id,
    principalId: String(resource.properties['principalId'] ?? ''),
    roleDefinitionId: String(resource.properties['roleDefinitionId'] ?? ''),
    scope: scopeOfExtension(resource.id),
  };
}

function definitionOf(resource: Resource): RoleDefinition {
  const permissions = resource.properties['permissions'];
  const first = (Array.isArray(permissions) ? permissions[0] : undefined) as
    | { actions?: string[]; notActions?: string[] }
    | undefined;
  return {
    id: resource.name.toLowerCase(),
    roleName: String(resource.properties['roleName'] ?? resource.name),
    description: String(resource.properties['description'] ?? ''),
    type: 'CustomRole',
    actions: first?.actions ?? [],
    notActions: first?.notActions ?? [],
    assignableScopes: (resource.properties['assignableScopes'] as string[] | undefined) ?? [],
  };
}

function lockOf(resource: Resource): Lock {
  return {
    id: resource.id,
    name: resource.name,
    level: resource.properties['level'] === 'ReadOnly' ? 'ReadOnly' : 'CanNotDelete',
    scope: scopeOfExtension(resource.id),
  };
}
