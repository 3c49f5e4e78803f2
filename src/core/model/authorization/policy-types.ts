/** The words that policies share: their types, and the one mode that is enforced. */

export const policyDefinitionType = 'Microsoft.Authorization/policyDefinitions';
export const policySetType = 'Microsoft.Authorization/policySetDefinitions';
export const policyAssignmentType = 'Microsoft.Authorization/policyAssignments';
export const policyExemptionType = 'Microsoft.Authorization/policyExemptions';

/** Policies of this mode state an invariant; those of all others are kept as resources and enforce nothing. */
export const reachMode = 'Ringwall.Reachability';
