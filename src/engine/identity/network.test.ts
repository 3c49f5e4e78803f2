/** Whose tokens stay in their network: what plans and offers say. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNetworkBound } from '#engine/identity/network.ts';
import { MemoryView } from '#model/memory.ts';
import type { Resource } from '#model/resource.ts';

const rest = { etag: 'W/"1"', createdAt: '2026-01-01T00:00:00.000Z', changedAt: '2026-01-01T00:00:00.000Z' };
const row = (id: string, type: string, properties: Resource['properties']): Resource => ({
  ...{ id, type, name: id.split('/').at(-1) ?? '', properties },
  ...rest,
});
const subscription = (name: string, properties: Resource['properties']): Resource =>
  row(`/subscriptions/${name}`, 'Microsoft.Resources/subscriptions', properties);

test('tokens stay in their network where a plan or an offer of the principal or its directory says so', () => {
  const plans = '/subscriptions/a/resourceGroups/g/providers/Microsoft.Subscriptions.Admin';
  const view = new MemoryView([
    row(`${plans}/plans/bound`, 'Microsoft.Subscriptions.Admin/plans', { bindsTokensToNetwork: true }),
    row(`${plans}/plans/free`, 'Microsoft.Subscriptions.Admin/plans', {}),
    row(`${plans}/offers/bound`, 'Microsoft.Subscriptions.Admin/offers', { bindsTokensToNetwork: true }),
    subscription('a', {}),
    subscription('b', { ownerId: 'ann', tenantId: 't1', plans: [`${plans}/plans/free`, `${plans}/plans/bound`] }),
    subscription('c', { tenantId: 't2', offerId: `${plans}/offers/bound` }),
    subscription('d', { tenantId: 't3', plans: [`${plans}/plans/free`, `${plans}/plans/gone`] }),
  ]);
  const rows: readonly (readonly [oid: string, tid: string, isBound: boolean])[] = [
    ['ann', 'elsewhere', true],
    ['bob', 't1', true],
    ['bob', 't2', true],
    ['bob', 't3', false],
    ['bob', 'elsewhere', false],
  ];
  for (const [oid, tid, isBound] of rows) assert.equal(isNetworkBound(view, { oid, tid }), isBound, `${oid} of ${tid}`);
});
