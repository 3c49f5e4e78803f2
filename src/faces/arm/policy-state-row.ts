/** A policy state as Azure shows it (Policy Insights 2019-10-01, PolicyState), and the names by which states are asked for. */

import type { Json, JsonObject } from '#base/json.ts';
import type { PolicyState } from '#engine/proof/policy-states.ts';

/** A state with what is not its own: when it was judged, and a key that no other state has. */
export type Row = PolicyState & { readonly id: string; readonly at: string };

/** The row of a state. */
export function rowOfState(state: PolicyState, at: string): Row {
  const { resource, policy } = state;
  return { ...state, at, id: `${resource.id} ${policy.assignment.id} ${policy.reference}` };
}

type Column = (row: Row) => Json;

const columns: { readonly [name: string]: Column } = {
  timestamp: ({ at }) => at,
  resourceId: ({ resource }) => resource.id,
  policyAssignmentId: ({ policy }) => policy.assignment.id,
  policyDefinitionId: ({ policy }) => policy.definition.id,
  effectiveParameters: () => '',
  isCompliant: ({ isCompliant }) => isCompliant,
  subscriptionId: ({ resource }) => resource.id.split('/')[2] ?? '',
  resourceType: ({ resource }) => resource.type,
  resourceLocation: ({ resource }) => resource.location ?? '',
  resourceGroup: ({ resource }) => /\/resourceGroups\/([^/]+)/i.exec(resource.id)?.[1] ?? '',
  resourceTags: ({ resource }) => (resource.tags === undefined ? '' : JSON.stringify(resource.tags)),
  policyAssignmentName: ({ policy }) => policy.assignment.name,
  policyAssignmentOwner: () => '',
  policyAssignmentParameters: ({ policy }) => JSON.stringify(policy.assignment.parameters),
  policyAssignmentScope: ({ policy }) => policy.assignment.scope,
  policyDefinitionName: ({ policy }) => policy.definition.name,
  policyDefinitionAction: ({ policy }) => policy.action,
  policyDefinitionCategory: ({ policy }) => policy.definition.category,
  policySetDefinitionId: ({ policy }) => policy.set?.id ?? '',
  policySetDefinitionName: ({ policy }) => policy.set?.name ?? '',
  policySetDefinitionOwner: () => '',
  policySetDefinitionCategory: ({ policy }) => policy.set?.category ?? '',
  policySetDefinitionParameters: () => '',
  managementGroupIds: () => '',
  policyDefinitionReferenceId: ({ policy }) => policy.reference,
  complianceState: ({ isCompliant }) => (isCompliant ? 'Compliant' : 'NonCompliant'),
  policyDefinitionGroupNames: () => [],
};

const byName: ReadonlyMap<string, string> = new Map(Object.keys(columns).map((name) => [name.toLowerCase(), name]));

/** The names of all columns. */
export const columnNames: readonly string[] = Object.keys(columns);

/** A column's name in its own casing. */
export function columnNamed(name: string): string | undefined {
  return byName.get(name.toLowerCase());
}

/** What stands in a column, as texts are compared: without regard to case. */
export function comparable(row: Row, name: string): string {
  return String(columns[name]?.(row) ?? '').toLowerCase();
}

/** The body of a row: all columns, or those that are asked for. `context` is OData's name for where it comes from. */
export function showRow(row: Row, names: readonly string[], context: string): JsonObject {
  const shown = names.map((name) => [name, columns[name]?.(row) ?? ''] as const);
  return { '@odata.id': null, '@odata.context': `${context}/$entity`, ...Object.fromEntries(shown) };
}
