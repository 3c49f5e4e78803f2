/** Plans at the gate: who signs up is in the audit, each plane's types stay on it, what is suspended is not written, and what is removed is gone whole. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { owner } from '#access/roles.ts';
import type { JsonObject } from '#base/json.ts';
import type { Caller, Outcome, Request } from '#engine/engine.ts';
import { offerType, planType, signUpType, userSubscriptionId, userSubscriptionType } from '#model/plans/ids.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import { defaultQuotas } from '#model/plans/quota.ts';
import {
  assignment,
  base,
  callerOf,
  location,
  net,
  ownerOid,
  place,
  stamps,
  strangerOid,
  testEngine,
  vnetBody,
  type TestEngine,
} from '#test/sim/engine.ts';

const provider = '99999999-9999-4999-8999-999999999999';
const tenant = '55555555-5555-4555-8555-555555555555';
const admin = `/subscriptions/${provider}`;
const group = `${admin}/resourceGroups/plans`;
const plan = `${group}/providers/${planType}/p`;
const offer = `${group}/providers/${offerType}/o`;
const operator: Caller = { ...callerOf(ownerOid), plane: 'admin', upn: 'ada@stamp.test' };
const ann: Caller = { ...callerOf(strangerOid), upn: 'ann@stamp.test' };

async function furnished(): Promise<TestEngine> {
  const stamp = await testEngine();
  await place(
    stamp,
    {
      id: admin,
      type: subscriptionType,
      name: provider,
      properties: { routingResourceManagerType: 'Admin' },
      ...stamps,
    },
    assignment(admin, ownerOid, owner.id),
    { id: group, type: 'Microsoft.Resources/resourceGroups', name: 'plans', location, properties: {}, ...stamps },
    ...defaultQuotas(provider, location).map((quota) => ({ ...quota, ...stamps })),
  );
  const quotaIds = defaultQuotas(provider, location).map(({ id }) => id);
  await put(stamp, operator, [planType, plan, { location, properties: { quotaIds } }]);
  await put(stamp, operator, [offerType, offer, { location, properties: { state: 'Public', basePlanIds: [plan] } }]);
  return stamp;
}

type Written = readonly [type: string, id: string, body: JsonObject];

async function send({ engine, settle }: TestEngine, caller: Caller, request: Request): Promise<Outcome> {
  return await settle(engine.submit({ request, apiVersion: '2021-04-01' }, caller));
}

async function put(stamp: TestEngine, caller: Caller, [type, id, body]: Written): Promise<Outcome> {
  return await send(stamp, caller, { kind: 'put', id, type, body });
}

const signUp = (stamp: TestEngine) =>
  put(stamp, ann, [signUpType, `/subscriptions/${tenant}`, { offerId: '/delegatedProviders/default/offers/o' }]);

test('signing up is one durable change with the right of who signed up, and an entry of the audit', async () => {
  const stamp = await furnished();
  const before = stamp.engine.gate.revision;
  await signUp(stamp);
  assert.equal(stamp.engine.gate.revision, before + 1);
  const last = stamp.entries().at(-1);
  assert.deepEqual(
    [last?.audit?.operation, last?.audit?.resource, last?.audit?.who.upn, last?.audit?.outcome],
    [`${signUpType}/write`, `/subscriptions/${tenant}`, 'ann@stamp.test', 'Succeeded'],
  );
  assert.equal(stamp.engine.may(ann, 'Microsoft.Network/virtualNetworks/write', `/subscriptions/${tenant}`), true);
  assert.equal(stamp.engine.may(operator, 'Microsoft.Network/virtualNetworks/read', `/subscriptions/${tenant}`), false);
  const plans = stamp.entries().flatMap(({ audit }) => (audit === undefined ? [] : [audit.operation]));
  assert.ok(plans.includes(`${planType}/write`) && plans.includes(`${offerType}/write`));
});

// One row: who writes what where, although the role there is Owner, and the refusal.
const rows: readonly (readonly [says: string, caller: Caller, target: readonly [string, string], code: string])[] = [
  [
    'a tenant makes a plan in a subscription of his own',
    callerOf(ownerOid),
    [planType, `${base}/resourceGroups/red/providers/${planType}/mine`],
    'InvalidResourceType',
  ],
  [
    'an operator makes a network in the subscription of administration',
    operator,
    ['Microsoft.Network/virtualNetworks', `${group}/providers/Microsoft.Network/virtualNetworks/v1`],
    'InvalidResourceType',
  ],
  [
    'an operator writes with a token of the tenants’ plane',
    callerOf(ownerOid),
    [planType, plan],
    'AuthorizationFailed',
  ],
  [
    'an operator writes to a tenant with a token of administration',
    operator,
    ['Microsoft.Network/virtualNetworks', net('red', 'virtualNetworks/v')],
    'AuthorizationFailed',
  ],
];
for (const [says, caller, target, code] of rows)
  test(`${says}: ${code}`, async () => {
    const stamp = await furnished();
    await assert.rejects(put(stamp, caller, [...target, vnetBody]), { code });
  });

test('a template of a tenant makes nothing that is the operator’s', async () => {
  const stamp = await furnished();
  const template = {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    resources: [
      {
        type: planType,
        apiVersion: '2015-11-01',
        name: 'mine',
        location,
        properties: { quotaIds: [defaultQuotas(provider, location)[0]?.id ?? ''] },
      },
    ],
  };
  const scope = `${base}/resourceGroups/red`;
  const input = {
    id: `${scope}/providers/Microsoft.Resources/deployments/d`,
    name: 'd',
    scope,
    properties: { template, mode: 'Incremental' },
  };
  const { error } = await stamp.settle(stamp.engine.deployments.validate(input, callerOf(ownerOid)));
  assert.match(JSON.stringify(error), /InvalidResourceType/);
});

test('what is suspended is read, and neither written nor deployed to, and goes on once it is resumed', async () => {
  const stamp = await furnished();
  await signUp(stamp);
  const [alias, scope] = [userSubscriptionId(provider, tenant), `/subscriptions/${tenant}`];
  const red = ['Microsoft.Resources/resourceGroups', `${scope}/resourceGroups/red`] as const;
  await put(stamp, ann, [...red, { location }]);
  await put(stamp, operator, [userSubscriptionType, alias, { state: 'Disabled' }]);
  const code = 'ReadOnlyDisabledSubscription';
  await assert.rejects(put(stamp, ann, [...red, { location, tags: { a: 'b' } }]), { code });
  await assert.rejects(send(stamp, ann, { kind: 'delete', id: red[1], type: red[0] }), { code });
  const id = `${scope}/resourceGroups/red/providers/Microsoft.Resources/deployments/d`;
  const input = { id, name: 'd', scope: red[1], properties: { template: {}, mode: 'Incremental' } };
  await assert.rejects(stamp.settle(stamp.engine.deployments.start(input, ann)), { code });
  assert.ok(stamp.engine.view().get(red[1]));
  await put(stamp, operator, [userSubscriptionType, alias, { state: 'Enabled' }]);
  await put(stamp, ann, [...red, { location, tags: { a: 'b' } }]);
});

test('a subscription goes with all that is in it, its locks hold it, and its quota is free again', async () => {
  const stamp = await furnished();
  await signUp(stamp);
  const scope = `/subscriptions/${tenant}`;
  const red = `${scope}/resourceGroups/red`;
  await put(stamp, ann, ['Microsoft.Resources/resourceGroups', red, { location }]);
  const vnet = `${red}/providers/Microsoft.Network/virtualNetworks/v1`;
  await put(stamp, ann, ['Microsoft.Network/virtualNetworks', vnet, vnetBody]);
  const subnet = { id: `${vnet}/subnets/web` };
  const nic = `${red}/providers/Microsoft.Network/networkInterfaces/n`;
  await put(stamp, ann, [
    'Microsoft.Network/networkInterfaces',
    nic,
    { location, properties: { ipConfigurations: [{ name: 'one', properties: { subnet } }] } },
  ]);
  assert.equal(stamp.engine.use.used(tenant, 'maxNicsPerSubscription'), 1);
  const lock = `${red}/providers/Microsoft.Authorization/locks/l`;
  await put(stamp, ann, ['Microsoft.Authorization/locks', lock, { properties: { level: 'CanNotDelete' } }]);
  const gone: Request = { kind: 'delete', id: userSubscriptionId(provider, tenant), type: userSubscriptionType };
  await assert.rejects(send(stamp, operator, gone), { code: 'ScopeLocked' });
  await send(stamp, ann, { kind: 'delete', id: lock, type: 'Microsoft.Authorization/locks' });
  await send(stamp, operator, gone);
  assert.deepEqual([...stamp.engine.view().under(scope)], []);
  assert.equal(stamp.engine.use.used(tenant, 'maxNicsPerSubscription'), 0);
  assert.equal(stamp.engine.may(ann, 'Microsoft.Network/virtualNetworks/write', scope), false);
  await assert.rejects(signUp(stamp), { code: 'SubscriptionIdUsed' });
});
