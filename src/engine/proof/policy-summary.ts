/** Policy states counted: of everything, of each assignment, and of each policy in it. */

import type { PolicyState, StatedPolicy } from '#engine/proof/policy-states.ts';

/** Resources and policies by whether something stands against them: one finding is enough. */
export type Counted = {
  readonly resources: { readonly compliant: number; readonly nonCompliant: number };
  readonly policies: { readonly compliant: number; readonly nonCompliant: number };
};

export type CountedPolicy = { readonly policy: StatedPolicy; readonly counted: Counted };
export type CountedAssignment = CountedPolicy & { readonly policies: readonly CountedPolicy[] };

/** `assignments`: first those with the most resources against which something stands. */
export type PolicySummary = { readonly counted: Counted; readonly assignments: readonly CountedAssignment[] };

/** Counts the states. */
export function summaryOf(states: readonly PolicyState[]): PolicySummary {
  const assignments = groupsBy(states, ({ assignment }) => assignment.id).map((own): CountedAssignment => {
    const policies = groupsBy(own.states, policyKey).map(({ policy, states: few }) => {
      return { policy, counted: countedOf(few) };
    });
    return { policy: own.policy, counted: countedOf(own.states), policies };
  });
  return { counted: countedOf(states), assignments: assignments.toSorted(byFindings) };
}

type Group = { readonly policy: StatedPolicy; readonly states: readonly PolicyState[] };

function groupsBy(states: readonly PolicyState[], keyOf: (policy: StatedPolicy) => string): readonly Group[] {
  const groups = Map.groupBy(states, ({ policy }) => keyOf(policy).toLowerCase());
  return [...groups.values()].flatMap((own) => (own[0] === undefined ? [] : [{ policy: own[0].policy, states: own }]));
}

function policyKey({ definition, reference }: StatedPolicy): string {
  return `${definition.id}#${reference}`;
}

function countedOf(states: readonly PolicyState[]): Counted {
  return {
    resources: split(states, ({ resource }) => resource.id),
    policies: split(states, ({ policy }) => policy.definition.id),
  };
}

function split(states: readonly PolicyState[], keyOf: (state: PolicyState) => string): Counted['resources'] {
  const all = new Set(states.map(keyOf));
  const bad = new Set(states.filter(({ isCompliant }) => !isCompliant).map(keyOf));
  return { compliant: all.size - bad.size, nonCompliant: bad.size };
}

function byFindings(left: CountedAssignment, right: CountedAssignment): number {
  const [a, b] = [left.policy.assignment.id, right.policy.assignment.id];
  const more = right.counted.resources.nonCompliant - left.counted.resources.nonCompliant;
  return more === 0 ? (a < b ? -1 : 1) : more;
}
