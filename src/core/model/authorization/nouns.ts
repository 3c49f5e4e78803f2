/** The nouns of access and policy, for the table of all resource types. */

import type { Noun } from '#model/noun.ts';
import { policyExemption } from '#model/authorization/policy-exemption.ts';
import { policySet } from '#model/authorization/policy-set.ts';
import { policyAssignment, policyDefinition } from '#model/authorization/policy.ts';
import { roleAssignment } from '#model/authorization/role-assignment.ts';
import { roleDefinition } from '#model/authorization/role-definition.ts';

export const authorizationNouns: readonly Noun[] = [
  roleAssignment,
  roleDefinition,
  policyDefinition,
  policySet,
  policyAssignment,
  policyExemption,
];
