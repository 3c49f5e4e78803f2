/** Tests of quotas: rows of what is in use and what a write wants, and the code that must refuse it. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { MemoryDraft, MemoryView } from '#model/memory.ts';
import { excessOf, useOf } from '#model/plans/enforce.ts';
import { overQuota } from '#model/plans/over-quota.ts';
import { amountsOf } from '#model/plans/use.ts';
import type { Resource } from '#model/resource.ts';

const guid = 'aaaaaaaa-0000-4000-8000-000000000001';
const subscription = `/subscriptions/${guid}`;
const plan = '/subscriptions/admin/resourceGroups/r/providers/Microsoft.Subscriptions.Admin/plans/p';
const quotaId = (service: string) =>
  `/subscriptions/admin/providers/Microsoft.${service}.Admin/locations/local/quotas/q`;

function kept(id: string, type: string, more: { properties?: JsonObject; sku?: JsonObject } = {}): Resource {
  const common = { etag: 'W/"1"', createdAt: '', changedAt: '' };
  return { id, type, name: id.slice(id.lastIndexOf('/') + 1), properties: {}, ...more, ...common };
}

const at = (path: string) => `${subscription}/resourceGroups/g/providers/${path}`;
const thing = (type: string, name: string, more = {}) => kept(at(`${type}/${name}`), type, more);
const machine = (name: string, vmSize: string) =>
  thing('Microsoft.Compute/virtualMachines', name, { properties: { hardwareProfile: { vmSize } } });
const disk = (name: string, diskSizeGB: number, sku = 'Standard_LRS') =>
  thing('Microsoft.Compute/disks', name, { properties: { diskSizeGB }, sku: { name: sku } });
const publicIp = (name: string) => thing('Microsoft.Network/publicIPAddresses', name);
const account = (name: string) => thing('Microsoft.Storage/storageAccounts', name);
const rule = (name: string) =>
  kept(
    at(`Microsoft.Network/networkSecurityGroups/n/securityRules/${name}`),
    'Microsoft.Network/networkSecurityGroups/securityRules',
  );

const limits = {
  Network: { maxPublicIpsPerSubscription: 2, maxSecurityRulesPerSubscription: 1 },
  Compute: { coresLimit: 4, virtualMachineCount: 3, maxAllocationPremiumManagedDisksAndSnapshots: 100 },
  Storage: { numberOfStorageAccounts: 1 },
};
const ground = [
  ...Object.entries(limits).map(([service, properties]) =>
    kept(quotaId(service), `Microsoft.${service}.Admin/locations/quotas`, { properties }),
  ),
  kept(plan, 'Microsoft.Subscriptions.Admin/plans', { properties: { quotaIds: Object.keys(limits).map(quotaId) } }),
];
const held = kept(subscription, 'Microsoft.Resources/subscriptions', { properties: { plans: [plan] } });

/** `ok`, or the refusal's code and the field with limit, use and want. */
function outcome(before: readonly Resource[], draw: (draft: MemoryDraft) => void, owner = held): string {
  const view = new MemoryView([...ground, owner, ...before]);
  const draft = new MemoryDraft(view);
  draw(draft);
  const use = useOf(view.all());
  const used = (of: string, field: string) => use.get(of)?.get(field) ?? 0;
  const excess = excessOf(draft, draft.edits(), { used, location: 'local' });
  if (excess === undefined) return 'ok';
  const refusal = overQuota(excess);
  return `${refusal.status} ${refusal.code} ${excess.field} ${excess.limit} ${excess.used} ${excess.wanted}`;
}

const put =
  (...resources: readonly Resource[]) =>
  (draft: MemoryDraft) => {
    for (const resource of resources) draft.put(resource);
  };

const rows: readonly [says: string, before: Resource[], draw: (draft: MemoryDraft) => void, wanted: string][] = [
  ['the second of two addresses', [publicIp('a')], put(publicIp('b')), 'ok'],
  [
    'the third of two addresses',
    [publicIp('a'), publicIp('b')],
    put(publicIp('c')),
    '400 PublicIPCountLimitReached maxPublicIpsPerSubscription 2 2 1',
  ],
  ['an address that is there is written again', [publicIp('a'), publicIp('b')], put(publicIp('b')), 'ok'],
  [
    'one goes and one comes in the same write',
    [publicIp('a'), publicIp('b')],
    (draft) => {
      draft.delete(publicIp('a').id);
      draft.put(publicIp('c'));
    },
    'ok',
  ],
  [
    'three in one write',
    [],
    put(publicIp('a'), publicIp('b'), publicIp('c')),
    '400 PublicIPCountLimitReached maxPublicIpsPerSubscription 2 0 3',
  ],
  ['a machine of four cores', [], put(machine('a', 'Standard_A4_v2')), 'ok'],
  [
    'two cores more than four',
    [machine('a', 'Standard_A4_v2')],
    put(machine('b', 'Standard_D2_v2')),
    '409 OperationNotAllowed coresLimit 4 4 2',
  ],
  [
    'a machine grows by three cores',
    [machine('a', 'Standard_A1'), machine('b', 'Standard_A1')],
    put(machine('a', 'Standard_A4_v2')),
    '409 OperationNotAllowed coresLimit 4 2 3',
  ],
  ['who is over may shrink', [machine('a', 'Standard_A4')], put(machine('a', 'Standard_D2_v2')), 'ok'],
  [
    'who is over may not grow',
    [publicIp('a'), publicIp('b'), publicIp('c')],
    put(publicIp('d')),
    '400 PublicIPCountLimitReached maxPublicIpsPerSubscription 2 3 1',
  ],
  [
    'gigabytes of the better disks',
    [disk('a', 60, 'Premium_LRS')],
    put(disk('b', 41, 'Premium_LRS')),
    '409 OperationNotAllowed maxAllocationPremiumManagedDisksAndSnapshots 100 60 41',
  ],
  ['the other disks count apart', [disk('a', 60, 'Premium_LRS')], put(disk('b', 41)), 'ok'],
  [
    'storage accounts',
    [account('a')],
    put(account('b')),
    '409 MaxStorageAccountsCountPerSubscriptionExceeded numberOfStorageAccounts 1 1 1',
  ],
  ['rules', [rule('a')], put(rule('b')), '400 SecurityRuleCountLimitReached maxSecurityRulesPerSubscription 1 1 1'],
  ['what no quota speaks of', [], put(thing('Microsoft.Network/applicationSecurityGroups', 'a')), 'ok'],
];
for (const [says, before, draw, wanted] of rows)
  test(`${says}: ${wanted}`, () => assert.equal(outcome(before, draw), wanted));

test('a subscription without plans has no limits; one whose plans are gone may have nothing', () => {
  const three = put(publicIp('a'), publicIp('b'), publicIp('c'));
  assert.equal(outcome([], three, { ...held, properties: {} }), 'ok');
  assert.match(outcome([], three, { ...held, properties: { plans: [] } }), / 0 0 3$/);
});

test('a write that takes the plan away and adds is judged by what it leaves', () => {
  const draw = (draft: MemoryDraft) => {
    draft.put({ ...held, properties: { plans: [] } });
    draft.put(publicIp('a'));
  };
  assert.match(outcome([], draw), /PublicIPCountLimitReached/);
});

test('a dry run is told of each field once', () => {
  const view = new MemoryView([...ground, held]);
  const draft = new MemoryDraft(view);
  put(publicIp('a'), publicIp('b'), publicIp('c'), account('a'), account('b'))(draft);
  const judging = { used: () => 0, location: 'local' };
  const first = excessOf(draft, draft.edits(), judging)?.field ?? '';
  const told = new Set([`${guid}/${first}`]);
  const second = excessOf(draft, draft.edits(), { ...judging, told })?.field ?? '';
  assert.deepEqual([first, second].sort(), ['maxPublicIpsPerSubscription', 'numberOfStorageAccounts']);
  told.add(`${guid}/${second}`);
  assert.equal(excessOf(draft, draft.edits(), { ...judging, told }), undefined);
});

test('the refusal carries limit, use and want for people and for machines', () => {
  const refusal = overQuota({
    field: 'coresLimit',
    limit: 4,
    used: 3,
    wanted: 2,
    location: 'local',
    subscription: guid,
  });
  assert.ok(refusal instanceof Refusal);
  assert.match(
    refusal.message,
    /Current Limit: 4, Current Usage: 3, Additional Required: 2, \(Minimum\) New Limit Required: 5\./,
  );
  assert.deepEqual(refusal.details[0]?.additionalInfo?.[0]?.info, {
    field: 'coresLimit',
    limit: 4,
    used: 3,
    wanted: 2,
  });
});

test('a machine counts its cores, whether it runs or not; an unknown size counts none', () => {
  assert.deepEqual(amountsOf(machine('a', 'Standard_D4_v2')), [
    ['virtualMachineCount', 1],
    ['coresLimit', 8],
  ]);
  assert.deepEqual(amountsOf(machine('a', 'Standard_None'))[1], ['coresLimit', 0]);
});
