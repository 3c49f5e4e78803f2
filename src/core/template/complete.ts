/** Complete mode: which resources of the group go because the template no longer has them. */

import { idKey, idParts, scopeIdOf, scopeOfId, type Scope } from '#template/scope.ts';
import type { Plan } from '#template/deploy.ts';

// Deployments are history, and what extends a resource (locks, roles, policies) goes with it or stays (Azure docs, "Deployment modes").
const kept: ReadonlySet<string> = new Set([
  'microsoft.resources/deployments',
  'microsoft.authorization/locks',
  'microsoft.authorization/roleassignments',
  'microsoft.authorization/policyassignments',
]);

/**
 * The ids of the existing resources that a deployment in complete mode deletes: top-level ones in its own group that the
 * template does not deploy (a false condition counts as not deployed, as since 2019-05-10). Children go with their parents.
 */
export function resourcesToDelete(
  existing: readonly string[],
  wanted: readonly string[],
  scope: Omit<Scope, 'location'>,
): readonly string[] {
  const home = idKey(scopeIdOf(scope));
  const stays = new Set(wanted.map(idKey));
  return existing.filter((id) => {
    const parts = idParts(id);
    if (parts === undefined || scopeOfId(parts.scopeId)?.resourceGroup === undefined) return false;
    return (
      idKey(parts.scopeId) === home &&
      !parts.name.includes('/') &&
      !kept.has(parts.type.toLowerCase()) &&
      !stays.has(idKey(id))
    );
  });
}

/** The ids that a plan deploys, with those of nested deployments as far as they are known. */
export function deployedIds(plan: Plan): readonly string[] {
  return plan.resources
    .filter(({ condition }) => condition)
    .flatMap(({ id, deployment }) => [
      id,
      ...(deployment?.preview === undefined ? [] : deployedIds(deployment.preview)),
    ]);
}

/** Does the plan have a nested deployment whose resources cannot be named before it runs? Then nothing may be deleted on its word. */
export function isPlanOpen(plan: Plan): boolean {
  return plan.resources.some(
    ({ condition, deployment }) =>
      condition && deployment !== undefined && (deployment.preview === undefined || isPlanOpen(deployment.preview)),
  );
}
