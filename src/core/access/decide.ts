/** May this principal do this action at this scope? Denied unless an assignment allows it; the answer names what decided. */

import { matchesAction } from '#access/pattern.ts';
import { roleOf, type RoleAssignment, type RoleDefinition } from '#access/roles.ts';
import { scopeHolds } from '#access/scope.ts';
import { Refusal } from '#base/wrong.ts';

/** What is asked. `groups` are the object ids of the groups that the principal is a member of. */
export type AccessQuestion = {
  readonly principal: { readonly oid: string; readonly groups: readonly string[] };
  readonly action: string;
  readonly scope: string;
  readonly assignments: readonly RoleAssignment[];
  readonly roles: readonly RoleDefinition[];
};

/** The answer, with its reason; an allow names the assignment and the role that gave it. */
export type AccessDecision =
  | {
      readonly verdict: 'allow';
      readonly because: string;
      readonly assignment: RoleAssignment;
      readonly role: RoleDefinition;
    }
  | { readonly verdict: 'refuse'; readonly because: string };

/**
 * Decides by role assignments: deny by default; an assignment counts at its scope and below; `notActions` narrow their own
 * role only, so another assignment may still allow (Azure doc "Understand Azure role definitions", "NotActions").
 */
export function decide(question: AccessQuestion): AccessDecision {
  const { principal, action, scope } = question;
  const holders = new Set([principal.oid, ...principal.groups].map((id) => id.toLowerCase()));
  let nearest = `no role assignment of ${principal.oid} or its groups covers ${scope}`;
  for (const assignment of question.assignments) {
    if (!holders.has(assignment.principalId.toLowerCase()) || !scopeHolds(assignment.scope, scope)) continue;
    const role = roleOf(question.roles, assignment.roleDefinitionId);
    if (role === undefined) {
      nearest = `assignment ${assignment.id} names the unknown role ${assignment.roleDefinitionId}`;
      continue;
    }
    const answer = roleAnswer(role, action);
    const where = `${role.roleName} at ${assignment.scope} (assignment ${assignment.id})`;
    if (answer.verdict === 'allow') return { ...answer, because: `${where}: ${answer.because}`, assignment, role };
    nearest = `${where}: ${answer.because}`;
  }
  return { verdict: 'refuse', because: nearest };
}

/** What one role says to an action, wherever it is assigned. */
function roleAnswer(
  role: RoleDefinition,
  action: string,
): { readonly verdict: 'allow' | 'refuse'; readonly because: string } {
  const allowedBy = role.actions.find((pattern) => matchesAction(pattern, action));
  if (allowedBy === undefined) return { verdict: 'refuse', because: `no action matches ${action}` };
  const takenBy = role.notActions.find((pattern) => matchesAction(pattern, action));
  return takenBy === undefined
    ? { verdict: 'allow', because: `action ${allowedBy}` }
    : { verdict: 'refuse', because: `notAction ${takenBy} excludes ${action}` };
}

/**
 * The refusal that ARM clients know: 403 `AuthorizationFailed`. Its message repeats what the caller asked, not who holds what.
 * `because` goes into `details`; it may name assignments, so it is given for a caller who may read those alone.
 */
export function authorizationFailed(asked: {
  readonly name: string;
  readonly oid: string;
  readonly action: string;
  readonly scope: string;
  readonly because?: string;
}): Refusal {
  return new Refusal(
    'AuthorizationFailed',
    `The client '${asked.name}' with object id '${asked.oid}' does not have authorization to perform action ` +
      `'${asked.action}' over scope '${asked.scope}' or the scope is invalid. ` +
      'If access was recently granted, please refresh your credentials.',
    {
      status: 403,
      ...(asked.because === undefined ? {} : { details: [{ code: 'AccessDecision', message: asked.because }] }),
    },
  );
}
