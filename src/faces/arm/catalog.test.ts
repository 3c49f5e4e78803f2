/** The catalog agrees with the table of nouns, with the roles of access, and with what clients ask of `/providers`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInRoles } from '#access/roles.ts';
import { builtInRoleIds } from '#model/authorization/built-in-role-ids.ts';
import { nouns } from '#model/nouns.ts';
import { canonicalType } from '#model/types.ts';
import { apiVersionsOf, namespacesOf, rowOf, rowsOf, serves } from '#faces/arm/catalog.ts';

const rows = [
  ...new Set(
    (['tenant', 'admin'] as const).flatMap((plane) =>
      namespacesOf(plane).flatMap((namespace) => rowsOf(namespace, plane)),
    ),
  ),
];

/** Nouns that have addresses of their own in the table, and no row that makes any. */
const addressed = [
  'Microsoft.Resources/subscriptions',
  'Microsoft.Resources/subscriptions/tagNames',
  'Microsoft.Subscriptions.Admin',
];

test('every noun has a row, and every row of a resource a noun in the same casing', () => {
  for (const noun of nouns.values()) {
    if (!addressed.includes(noun.type)) assert.equal(rowOf(noun.type)?.type, noun.type);
  }
  for (const row of rows) {
    if (row.lives === 'surface') continue;
    assert.equal(canonicalType(row.type.toLowerCase()), row.type);
    if (row.lives !== 'part') assert.equal(nouns.get(row.type.toLowerCase())?.type, row.type);
  }
});

test('a row that merges tags is one whose noun patches itself', () => {
  for (const row of rows) {
    if (row.lives === 'surface' || row.lives === 'part' || row.type === 'Microsoft.Resources/resourceGroups') continue;
    assert.equal(row.tags === 'merge', nouns.get(row.type.toLowerCase())?.patch !== undefined, row.type);
  }
});

test('api-versions are listed newest first, and one of them is no preview, where there ever was another', () => {
  for (const { type } of rows) {
    const versions = apiVersionsOf(type);
    assert.deepEqual(
      versions.map((one) => one.slice(0, 10)),
      versions
        .map((one) => one.slice(0, 10))
        .toSorted()
        .toReversed(),
      type,
    );
    // Azure's own consumption API was never released.
    assert.ok(versions.some((one) => one.length === 10) || type === 'Microsoft.Commerce/usageAggregates', type);
  }
  assert.deepEqual(apiVersionsOf('Contoso/x'), []);
});

// One row is one api-version that a real client sends (arm facts §1.3), or one just outside the window.
const asked: readonly (readonly [type: string, apiVersion: string, served: boolean])[] = [
  ['Microsoft.Network/virtualNetworks', '2018-11-01', true],
  ['Microsoft.Network/virtualNetworks', '2025-05-01', true],
  ['Microsoft.Network/networkInterfaces', '2015-06-15', true],
  ['Microsoft.Network/networkInterfaces', '2015-05-01-preview', true],
  ['Microsoft.Network/networkInterfaces', '2015-06-14', false],
  ['Microsoft.Network/networkInterfaces', '2999-01-01', false],
  ['Microsoft.Network/networkInterfaces', '2018-11-01-preview', false],
  ['Microsoft.Compute/virtualMachines', '2026-03-01', true],
  ['Microsoft.Compute/disks', '2023-04-02', true],
  ['Microsoft.Compute/skus', '2019-04-01', true],
  ['Microsoft.Authorization/roleAssignments', '2020-04-01-preview', true],
  ['Microsoft.Authorization/roleDefinitions', '2022-05-01-preview', true],
  ['Microsoft.Authorization/locks', '2016-09-01', true],
  ['Microsoft.Authorization/policyDefinitions', '2016-12-01', true],
  ['Microsoft.Resources/providers', '2016-02-01', true],
  ['Microsoft.Resources/deployments', '2025-04-01', true],
  ['Microsoft.Storage/storageAccounts', '2019-06-01', true],
];

test('what clients send is served, what lies outside is not', () => {
  for (const [type, apiVersion, served] of asked) {
    const row = rowOf(type);
    assert.ok(row !== undefined, type);
    assert.equal(serves(row, apiVersion), served, `${type} ${apiVersion}`);
  }
});

test('the roles that assignments may name are those that access knows', () => {
  assert.deepEqual([...builtInRoleIds].sort(), builtInRoles.map(({ id }) => id).sort());
});
