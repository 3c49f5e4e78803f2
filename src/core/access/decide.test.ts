/** Tests of access decisions: each row is one question and the reason that must answer it. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { authorizationFailed, decide } from '#access/decide.ts';
import { matchesAction } from '#access/pattern.ts';
import { builtInRoles, contributor, networkContributor, owner, reader, type RoleAssignment } from '#access/roles.ts';
import fc from 'fast-check';

const s1 = '/subscriptions/s1';
const rg1 = `${s1}/resourceGroups/rg1`;
const nsg = `${rg1}/providers/Microsoft.Network/networkSecurityGroups/web`;

const assignments: RoleAssignment[] = [
  { id: 'a-owner', principalId: 'ann', roleDefinitionId: owner.id, scope: '/' },
  { id: 'a-contributor', principalId: 'bob', roleDefinitionId: `${s1}/x/${contributor.id}`, scope: s1 },
  { id: 'a-reader', principalId: 'readers', roleDefinitionId: reader.id.toUpperCase(), scope: rg1.toUpperCase() },
  { id: 'a-network', principalId: 'cat', roleDefinitionId: networkContributor.id, scope: `${rg1}/` },
  { id: 'a-unknown', principalId: 'eve', roleDefinitionId: 'ffffffff-0000-0000-0000-000000000000', scope: s1 },
];

// One row: who, in which groups, does what, where; and the words that the reason must hold.
const rows: [string, string[], string, string, 'allow' | 'refuse', RegExp][] = [
  ['ann', [], 'Microsoft.Authorization/roleAssignments/write', nsg, 'allow', /^Owner at \/ .*a-owner.*action \*$/],
  ['ANN', [], 'Microsoft.Network/networkSecurityGroups/delete', nsg, 'allow', /a-owner/],
  ['bob', [], 'Microsoft.Network/networkSecurityGroups/write', nsg, 'allow', /^Contributor at \/subscriptions\/s1/],
  [
    'bob',
    [],
    'microsoft.authorization/roleassignments/WRITE',
    s1,
    'refuse',
    /notAction Microsoft.Authorization\/\*\/Write/,
  ],
  ['bob', [], 'Microsoft.Authorization/locks/delete', rg1, 'refuse', /notAction/],
  ['bob', [], 'Microsoft.Authorization/roleAssignments/read', s1, 'allow', /Contributor/],
  ['bob', [], 'Microsoft.Network/virtualNetworks/write', '/subscriptions/s10/resourceGroups/rg1', 'refuse', /no role/],
  ['bob', [], 'Microsoft.Network/virtualNetworks/write', '/', 'refuse', /no role assignment of bob/],
  ['dan', ['READERS'], 'Microsoft.Network/networkSecurityGroups/read', nsg, 'allow', /Reader .*action \*\/read/],
  ['dan', [], 'Microsoft.Network/networkSecurityGroups/read', nsg, 'refuse', /no role assignment of dan/],
  ['dan', ['readers'], 'Microsoft.Network/networkSecurityGroups/write', nsg, 'refuse', /no action matches/],
  ['dan', ['readers'], 'Microsoft.Storage/storageAccounts/listKeys/action', rg1, 'refuse', /no action matches/],
  [
    'dan',
    ['readers'],
    'Microsoft.Network/networkSecurityGroups/read',
    `${s1}/resourceGroups/rg10`,
    'refuse',
    /no role/,
  ],
  ['dan', ['readers'], 'Microsoft.Network/networkSecurityGroups/read', s1, 'refuse', /no role/],
  ['cat', [], 'Microsoft.Network/loadBalancers/backendAddressPools/join/action', rg1, 'allow', /Microsoft.Network\/\*/],
  ['cat', [], 'Microsoft.Authorization/locks/read', rg1, 'allow', /Microsoft.Authorization\/\*\/read/],
  ['cat', [], 'Microsoft.Authorization/locks/write', rg1, 'refuse', /no action matches/],
  ['cat', [], 'Microsoft.Compute/virtualMachines/write', rg1, 'refuse', /no action matches/],
  ['cat', [], 'Microsoft.NetworkEvil/x/write', rg1, 'refuse', /no action matches/],
  ['eve', [], 'Microsoft.Network/virtualNetworks/read', s1, 'refuse', /unknown role/],
];

for (const [oid, groups, action, scope, verdict, because] of rows) {
  test(`${oid} ${groups.join('+')} ${verdict}d ${action} at ${scope}`, () => {
    const answer = decide({ principal: { oid, groups }, action, scope, assignments, roles: builtInRoles });
    assert.equal(answer.verdict, verdict);
    assert.match(answer.because, because);
  });
}

test('a second role allows what the notActions of the first exclude', () => {
  const both: RoleAssignment[] = [
    { id: '1', principalId: 'p', roleDefinitionId: contributor.id, scope: s1 },
    { id: '2', principalId: 'p', roleDefinitionId: owner.id, scope: rg1 },
  ];
  const question = { principal: { oid: 'p', groups: [] }, action: 'Microsoft.Authorization/locks/write' };
  const at = (scope: string) => decide({ ...question, scope, assignments: both, roles: builtInRoles }).verdict;
  assert.deepEqual([at(rg1), at(s1)], ['allow', 'refuse']);
});

test('[S2.1] nobody may do anything without assignments', () => {
  const answer = decide({
    principal: { oid: 'p', groups: ['g'] },
    action: 'a/read',
    scope: s1,
    assignments: [],
    roles: builtInRoles,
  });
  assert.equal(answer.verdict, 'refuse');
});

test('the built-in roles carry the ids that Azure gives them', () => {
  assert.deepEqual(
    builtInRoles.map(({ roleName, id }) => [roleName, id]),
    [
      ['Owner', '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'],
      ['Contributor', 'b24988ac-6180-42a0-ab88-20f7382dd24c'],
      ['Reader', 'acdd72a7-3385-48ef-bd42-f606fba81ae7'],
      ['Network Contributor', '4d97b98b-1d4f-4787-a291-c67834d212e7'],
      ['User Access Administrator', '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9'],
      ['Virtual Machine Contributor', '9980e02c-c2be-4d73-94e8-173b1dc7cf3c'],
      ['Storage Account Contributor', '17d1049b-9a84-46fb-8f53-869881c3d3ab'],
      ['Security Admin', 'fb1c8493-542b-48eb-b624-b4c8fea62acd'],
      ['Security Reader', '39bc4728-0917-49c7-9d2c-d95423bc2eb4'],
      ['Monitoring Reader', '43d0d8ad-25c7-4714-9337-8ba259a9fe05'],
      ['Resource Policy Contributor', '36243c78-bf99-498c-9df9-86d9f8d28608'],
    ],
  );
});

const patterns: [string, string, boolean][] = [
  ['*', 'anything/at/all', true],
  ['*', '', true],
  ['', 'a', false],
  ['*/read', 'Microsoft.Network/x/READ', true],
  ['*/read', 'Microsoft.Network/x/read/action', false],
  ['Microsoft.Network/*/read', 'microsoft.network/virtualNetworks/subnets/read', true],
  ['Microsoft.Network/*/read', 'Microsoft.Network/read', false],
  ['Microsoft.Network/*', 'Microsoft.Networks/x', false],
  ['a*b*c', 'aXbXbc', true],
  ['a*b*c', 'aXbXbcd', false],
  ['Microsoft.Network', 'MicrosoftxNetwork', false],
];
test('patterns match whole actions, and a dot is only a dot', () => {
  for (const [pattern, action, matches] of patterns)
    assert.equal(matchesAction(pattern, action), matches, `${pattern} ${action}`);
});

test('patterns agree with the regular expression that they stand for', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 });
  fc.assert(
    fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 10 }), (pattern, action) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
      assert.equal(matchesAction(pattern, action), expression.test(action));
    }),
  );
});

test('the refusal says what was asked, with the status and code that clients know', () => {
  const refusal = authorizationFailed({ name: 'ann@x', oid: 'o1', action: 'a/write', scope: s1 });
  assert.deepEqual([refusal.code, refusal.status], ['AuthorizationFailed', 403]);
  assert.match(refusal.message, /'ann@x' with object id 'o1'.*'a\/write' over scope '\/subscriptions\/s1'/);
});
