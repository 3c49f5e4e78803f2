/** Tests of allowances: rows of plans and quotas, and the number that must come out. */

import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { MemoryView } from '#model/memory.ts';
import { allowanceOf } from '#model/plans/allowance.ts';
import type { Resource } from '#model/resource.ts';

const tenant = '/subscriptions/11111111-1111-1111-1111-111111111111';
const admin = '/subscriptions/99999999-9999-9999-9999-999999999999';
const network = `${admin}/providers/Microsoft.Network.Admin/locations/local/quotas`;
const compute = `${admin}/providers/Microsoft.Compute.Admin/locations/local/quotas`;

function kept(id: string, type: string, properties: JsonObject): Resource {
  const name = id.slice(id.lastIndexOf('/') + 1);
  return { id, type, name, properties, etag: 'W/"1"', createdAt: '', changedAt: '' };
}

const quota = (id: string, properties: JsonObject) =>
  kept(
    id,
    id.startsWith(network) ? 'Microsoft.Network.Admin/locations/quotas' : 'Microsoft.Compute.Admin/locations/quotas',
    properties,
  );
const plan = (name: string, quotaIds: readonly string[]) =>
  kept(
    `${admin}/resourceGroups/r/providers/Microsoft.Subscriptions.Admin/plans/${name}`,
    'Microsoft.Subscriptions.Admin/plans',
    { quotaIds },
  );

const quotas = [
  quota(`${network}/small`, { maxNicsPerSubscription: 3, maxTargetsPerMinutePerNic: 10 }),
  quota(`${network}/large`, { maxNicsPerSubscription: 40, maxTargetsPerMinutePerNic: 70 }),
  quota(`${compute}/few`, { virtualMachineCount: 2 }),
];
const plans = [plan('base', [`${network}/small`, `${compute}/few`]), plan('more', [`${network}/large`])];
const idOf = (name: string) => plans.find((one) => one.name === name)?.id ?? '';

function allowed(held: readonly string[] | undefined) {
  const properties: JsonObject = held === undefined ? {} : { plans: held.map(idOf) };
  const view = new MemoryView([...quotas, ...plans, kept(tenant, 'Microsoft.Resources/subscriptions', properties)]);
  return allowanceOf(view, tenant.toUpperCase());
}

const rows: readonly [held: string[], field: string, number: number][] = [
  [['base'], 'maxNicsPerSubscription', 3],
  [['base', 'more'], 'maxNicsPerSubscription', 43],
  [['base', 'more'], 'maxTargetsPerMinutePerNic', 70],
  [['base'], 'maxVnetsPerSubscription', 50],
  [['base', 'more'], 'maxVnetsPerSubscription', 100],
  [['base'], 'virtualMachineCount', 2],
  [['more'], 'virtualMachineCount', 0],
  [['base'], 'numberOfStorageAccounts', 0],
  [[], 'maxNicsPerSubscription', 0],
];
for (const [held, field, number] of rows)
  test(`plans ${held.join('+') || 'none'} allow ${number} of ${field}`, () => {
    assert.equal(allowed(held)?.get(field), number);
  });

test('a subscription of the operator without plans has no allowance at all', () => {
  assert.equal(allowed(undefined), undefined);
});
