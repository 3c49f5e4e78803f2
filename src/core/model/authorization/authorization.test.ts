/** Roles, assignments and policies as resources: what is kept, and what is refused so that nobody widens their own rights. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { group, makeWorld, outcome, type World } from '#model/test-world.ts';

const sub = '/subscriptions/s1';
const role = '22222222-2222-4222-8222-222222222221';
const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const ada = 'd93a38bc-d029-4160-bfb0-fbda779ac214';
const at = (scope: string, type: string, name: string): string =>
  `${scope}/providers/Microsoft.Authorization/${type}/${name}`;
const permissions = [{ actions: ['Microsoft.Network/*/read'], notActions: [] }];
const custom = { properties: { roleName: 'Seer', permissions, assignableScopes: [group] } };

function world(): World {
  const made = makeWorld();
  made.put(sub.concat('/resourceGroups/rg1'), { location: 'local' });
  return made;
}

// One row is one role definition: its scope and name, its properties, and how it ends.
const roles: readonly (readonly [scope: string, name: string, properties: JsonObject, ends: string])[] = [
  [group, role, custom.properties, 'ok'],
  [sub, role, custom.properties, 'ok'],
  [
    group,
    role,
    { ...custom.properties, assignableScopes: [sub] },
    'LinkedInvalidPropertyId /properties/assignableScopes/0',
  ],
  [
    group,
    role,
    { ...custom.properties, assignableScopes: ['/'] },
    'LinkedInvalidPropertyId /properties/assignableScopes/0',
  ],
  [
    group,
    role,
    { ...custom.properties, assignableScopes: [`${group}0`] },
    'LinkedInvalidPropertyId /properties/assignableScopes/0',
  ],
  [group, role, { ...custom.properties, assignableScopes: [] }, 'InvalidParameter /properties/assignableScopes'],
  [
    group,
    role,
    { roleName: 'x', permissions: [{ actions: ['a b'] }] },
    'InvalidParameter /properties/permissions/0/actions/0',
  ],
  [group, role, { permissions }, 'InvalidRequestFormat /properties/roleName'],
  [group, role, { roleName: 'x' }, 'InvalidParameter /properties/permissions'],
  [group, 'seer', custom.properties, 'InvalidRoleDefinitionId /name'],
  [group, reader, custom.properties, 'BuiltInRoleCannotBeChanged /name'],
  [group, reader.toUpperCase(), custom.properties, 'BuiltInRoleCannotBeChanged /name'],
];

test('a role is kept when its name is a new GUID and its scopes lie where it is put', () => {
  for (const [scope, name, properties, ends] of roles) {
    assert.equal(
      outcome(() => world().put(at(scope, 'roleDefinitions', name), { properties })),
      ends,
      JSON.stringify(properties),
    );
  }
});

test('one GUID is one role, wherever it is kept, and one that is assigned stays', () => {
  const made = world();
  made.put(at(sub, 'roleDefinitions', role), custom);
  assert.match(
    outcome(() => made.put(at(group, 'roleDefinitions', role), custom)),
    /^RoleDefinitionExists/,
  );
  const assignment = at(group, 'roleAssignments', ada);
  made.put(assignment, { properties: { principalId: ada, roleDefinitionId: role } });
  assert.match(
    outcome(() => made.remove(at(sub, 'roleDefinitions', role))),
    /^RoleDefinitionHasAssignments/,
  );
  made.remove(assignment);
  assert.equal(
    outcome(() => made.remove(at(sub, 'roleDefinitions', role))),
    'ok',
  );
});

const assignments: readonly (readonly [scope: string, name: string, properties: JsonObject, ends: string])[] = [
  [sub, ada, { principalId: ada, roleDefinitionId: at(sub, 'roleDefinitions', reader) }, 'ok'],
  [group, ada, { principalId: ada, roleDefinitionId: at(sub, 'roleDefinitions', role), principalType: 'group' }, 'ok'],
  [
    sub,
    ada,
    { principalId: ada, roleDefinitionId: at(sub, 'roleDefinitions', role) },
    'RoleDefinitionNotAssignableAtScope /properties/roleDefinitionId',
  ],
  [
    sub,
    ada,
    { principalId: ada, roleDefinitionId: at(sub, 'roleDefinitions', ada) },
    'RoleDefinitionDoesNotExist /properties/roleDefinitionId',
  ],
  [sub, ada, { principalId: 'ada', roleDefinitionId: reader }, 'InvalidParameter /properties/principalId'],
  [sub, ada, { roleDefinitionId: reader }, 'InvalidRequestFormat /properties/principalId'],
  [sub, ada, { principalId: ada }, 'InvalidRequestFormat /properties/roleDefinitionId'],
  [sub, 'mine', { principalId: ada, roleDefinitionId: reader }, 'InvalidRoleAssignmentId /name'],
  // A condition that was left out would give more than was meant.
  [
    sub,
    ada,
    { principalId: ada, roleDefinitionId: reader, condition: '1=1' },
    'InvalidParameter /properties/condition',
  ],
  // Another subscription's role is not there.
  [
    '/subscriptions/s2',
    ada,
    { principalId: ada, roleDefinitionId: at(sub, 'roleDefinitions', role) },
    'RoleDefinitionDoesNotExist /properties/roleDefinitionId',
  ],
  [
    `${group}/providers/Microsoft.Network/virtualNetworks/none`,
    ada,
    { principalId: ada, roleDefinitionId: reader },
    `ResourceNotFound ${group}/providers/Microsoft.Network/virtualNetworks/none`,
  ],
];

test('an assignment names a role that exists and may be assigned there', () => {
  for (const [scope, name, properties, ends] of assignments) {
    const made = world();
    made.put(at(sub, 'roleDefinitions', role), custom);
    assert.equal(
      outcome(() => made.put(at(scope, 'roleAssignments', name), { properties })),
      ends,
      JSON.stringify(properties),
    );
  }
});

test('the same assignment is made once, and its principal and role never change', () => {
  const made = world();
  const id = at(sub, 'roleAssignments', ada);
  const properties = { principalId: ada, roleDefinitionId: reader };
  made.put(id, { properties });
  assert.equal(
    outcome(() => made.put(id, { properties })),
    'ok',
  );
  assert.equal(
    outcome(() => made.put(id, { properties: { ...properties, principalId: role } })),
    'RoleAssignmentUpdateNotPermitted /properties',
  );
  assert.match(
    outcome(() => made.put(at(sub, 'roleAssignments', role), { properties })),
    /^RoleAssignmentExists/,
  );
  assert.equal(
    outcome(() => made.put(at(group, 'roleAssignments', role), { properties })),
    'ok',
  );
});

test('policies: a rule has a condition and an effect, an assignment a definition that exists', () => {
  const made = world();
  const definition = at(sub, 'policyDefinitions', 'no-ssh');
  const rule = { if: { field: 'type', equals: 'x' }, then: { effect: 'deny' } };
  assert.equal(
    outcome(() => made.put(definition, { properties: { policyRule: { if: {} } } })),
    'InvalidRequestFormat /properties/policyRule/then',
  );
  assert.equal(
    outcome(() => made.put(definition, { properties: {} })),
    'InvalidRequestFormat /properties/policyRule',
  );
  assert.equal(
    outcome(() => made.put(definition, { properties: { policyRule: { ...rule, then: {} } } })),
    'InvalidRequestFormat /properties/policyRule/then/effect',
  );
  assert.match(
    outcome(() => made.put(at(group, 'policyDefinitions', 'x'), { properties: { policyRule: rule } })),
    /^InvalidPolicyDefinitionScope/,
  );
  made.put(definition, { properties: { policyRule: rule, displayName: 'No SSH' } });
  assert.deepEqual(made.properties(definition)['policyRule'], rule);
  const assignment = at(group, 'policyAssignments', 'a');
  assert.match(
    outcome(() => made.put(assignment, { properties: { policyDefinitionId: at(sub, 'policyDefinitions', 'none') } })),
    /^PolicyDefinitionNotFound/,
  );
  assert.equal(
    outcome(() =>
      made.put(assignment, { identity: { type: 'SystemAssigned' }, properties: { policyDefinitionId: definition } }),
    ),
    'InvalidParameter /identity',
  );
  made.put(assignment, {
    properties: { policyDefinitionId: definition.toUpperCase(), parameters: { p: { value: 1 } } },
  });
  assert.equal(made.properties(assignment)['policyDefinitionId'], definition);
  assert.match(
    outcome(() => made.remove(definition)),
    /^PolicyDefinitionInUse/,
  );
});
