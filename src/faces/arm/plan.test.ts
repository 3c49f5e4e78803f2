/** Plans, offers and subscriptions over both faces: an operator makes an offer, tenants sign up, and each is told what is theirs. */

import { deepEqual, equal, match } from 'node:assert/strict';
import { after, test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { provider, s } from '#faces/arm/fake-engine.ts';
import {
  bothFaces,
  computeQuota,
  details,
  guid,
  networkQuota,
  ofOffer,
  ofPlan,
  ofUser,
  outcomeOf,
  plans,
  propertiesOf,
  values,
} from '#faces/arm/fake-plans.ts';

const { tenant, admin, operator, user, close } = await bothFaces();
after(close);
const version = 'api-version=2015-11-01';

test('the operator makes quotas, a plan and an offer, and each is shown as Azure Stack shows it', async () => {
  await operator('PUT', plans, { location: 'local' }, 'api-version=2019-10-01');
  const quota = await operator(
    'PUT',
    networkQuota,
    { properties: { maxNicsPerSubscription: 3 } },
    'api-version=2015-06-15',
  );
  equal(quota.status, 201);
  equal(quota.json['name'], 'local/small');
  equal(propertiesOf(quota)['maxNicsPerSubscription'], 3);
  equal(propertiesOf(quota)['maxPublicIpsPerSubscription'], 50);
  match(String(quota.json['etag']), /^W\//);
  const compute = await operator('PUT', computeQuota, { properties: { coresLimit: 4 } }, 'api-version=2018-02-09');
  deepEqual([compute.status, 'ddagpuCount' in propertiesOf(compute)], [200, false]);
  const plan = await operator('PUT', ofPlan('base'), {
    location: 'local',
    properties: { displayName: 'Base', quotaIds: [networkQuota, computeQuota] },
  });
  deepEqual([plan.status, propertiesOf(plan)['name'], propertiesOf(plan)['subscriptionCount']], [201, 'base', 0]);
  const body = {
    location: 'local',
    properties: { state: 'Public', maxSubscriptionsPerAccount: 2, basePlanIds: [ofPlan('base')] },
  };
  equal((await operator('PUT', ofOffer('gold'), body)).status, 201);
  equal((await operator('PUT', ofOffer('gold'), body)).status, 200);
  equal(values(await operator('GET', `${provider}/providers/Microsoft.Subscriptions.Admin/offers`)).length, 1);
});

// One row: a body of a plan or an offer, and how it is refused.
const refused: readonly (readonly [path: string, properties: JsonObject, outcome: string])[] = [
  [ofPlan('p'), { quotaIds: ['123'] }, '400 QuotaNotFound'],
  [ofPlan('p'), { quotaIds: [ofPlan('base')] }, '400 QuotaNotFound'],
  [ofPlan('p'), { quotaIds: [networkQuota, networkQuota] }, '400 QuotaServiceNotUnique'],
  [ofPlan('p'), { quotaIds: 'x' }, '400 InvalidParameter'],
  [ofOffer('o'), { basePlanIds: [] }, '400 OfferWithoutBasePlan'],
  [ofOffer('o'), {}, '400 OfferWithoutBasePlan'],
  [ofOffer('o'), { basePlanIds: [networkQuota] }, '400 PlanNotFound'],
  [ofOffer('o'), { basePlanIds: [ofPlan('base')], state: 'Secret' }, '400 InvalidParameter'],
  [ofOffer('o'), { basePlanIds: [ofPlan('base')], maxSubscriptionsPerAccount: -1 }, '400 InvalidParameter'],
];
test('a plan of what is not there, and an offer of nothing, are refused by name', async () => {
  for (const [path, properties, outcome] of refused)
    equal(
      outcomeOf(await operator('PUT', path, { location: 'local', properties })),
      outcome,
      JSON.stringify(properties),
    );
  const elsewhere = networkQuota.replace('/local/', '/westus/');
  const told = await operator('PUT', elsewhere, { properties: {} }, 'api-version=2015-06-15');
  equal(outcomeOf(told), '400 UnsupportedQuotaLocation');
});

test('add-ons are linked and unlinked, and the last base plan stays', async () => {
  await operator('PUT', ofPlan('more'), { location: 'local', properties: { quotaIds: [networkQuota] } });
  const linked = await operator('POST', `${ofOffer('gold')}/link`, {
    planName: 'more',
    planLinkType: 'Addon',
    maxAcquisitionCount: 2,
  });
  deepEqual(propertiesOf(linked)['addonPlans'], [{ planId: ofPlan('more'), maxAcquisitionCount: 2 }]);
  equal(
    outcomeOf(await operator('POST', `${ofOffer('gold')}/unlink`, { planName: 'base' })),
    '409 OfferWithoutBasePlan',
  );
  equal(outcomeOf(await operator('POST', `${ofOffer('gold')}/link`, { planName: 'none' })), '404 PlanNotFound');
});

test('tenants see public offers without their plans, and nothing of the operator', async () => {
  await operator('PUT', ofOffer('secret'), { location: 'local', properties: { basePlanIds: [ofPlan('base')] } });
  await operator('PUT', ofOffer('old'), {
    location: 'local',
    properties: { state: 'Decommissioned', basePlanIds: [ofPlan('base')] },
  });
  const offers = values(await user('stranger', 'GET', '/offers'));
  deepEqual(offers, [
    { id: '/delegatedProviders/default/offers/gold', name: 'gold', displayName: 'gold', description: '' },
  ]);
  equal((await user('stranger', 'GET', '/delegatedProviders/default/offers/gold')).status, 200);
  for (const hidden of ['secret', 'old', 'none'])
    equal(
      outcomeOf(await user('stranger', 'GET', `/delegatedProviders/default/offers/${hidden}`)),
      '404 OfferNotFound',
    );
  equal((await user('stranger', 'GET', ofOffer('gold'))).status, 404);
});

const wish = (offer: string, more: JsonObject = {}) => ({
  offerId: `/delegatedProviders/default/offers/${offer}`,
  displayName: 'Mine',
  ...more,
});

test('a user of any directory signs up and owns the subscription, in the directory of the user', async () => {
  const path = `/subscriptions/${guid('a')}`;
  const made = await user('guest', 'PUT', path, wish('gold'));
  deepEqual(
    [made.status, made.json],
    [
      201,
      {
        id: path,
        subscriptionId: guid('a'),
        displayName: 'Mine',
        tenantId: 'bbbbbbbb-0000-4000-8000-000000000002',
        offerId: '/delegatedProviders/default/offers/gold',
        state: 'Enabled',
      },
    ],
  );
  equal((await user('guest', 'PUT', path, wish('gold', { displayName: 'Ours' }))).status, 200);
  const listed = await tenant.send('/subscriptions?api-version=2022-12-01', {
    headers: { authorization: 'Bearer guest' },
  });
  deepEqual(
    (listed.json['value'] as JsonObject[]).map(({ id, displayName, tenantId }) => [id, displayName, tenantId]),
    [[path, 'Ours', 'bbbbbbbb-0000-4000-8000-000000000002']],
  );
  equal((await user('guest', 'PUT', `${path}/resourceGroups/one`, { location: 'local' })).status, 201);
  for (const other of ['owner', 'stranger'])
    equal(
      outcomeOf(await user(other, 'PUT', `${path}/resourceGroups/two`, { location: 'local' })),
      '404 SubscriptionNotFound',
    );
});

// One row: who asks for which id and with what, and what comes of it.
const asked: readonly (readonly [who: string, id: string, body: JsonObject, outcome: string])[] = [
  ['stranger', guid('b'), wish('secret'), '404 OfferNotFound'],
  ['stranger', guid('b'), wish('old'), '404 OfferNotFound'],
  ['stranger', guid('b'), wish('none'), '404 OfferNotFound'],
  ['stranger', guid('b'), {}, '400 InvalidRequestFormat'],
  ['stranger', guid('b'), wish('gold', { state: 'Disabled' }), '400 InvalidParameter'],
  ['stranger', guid('b'), wish('gold', { tenantId: guid('c') }), '400 InvalidParameter'],
  ['stranger', guid('b'), wish('gold', { subscriptionId: guid('c') }), '400 InvalidParameter'],
  ['stranger', 'no-guid', wish('gold'), '400 InvalidSubscriptionId'],
  ['stranger', guid('a'), wish('gold'), '404 SubscriptionNotFound'],
  ['owner', s.split('/')[2] ?? '', wish('gold'), '403 AuthorizationFailed'],
  ['owner', provider.split('/')[2] ?? '', wish('gold'), '404 SubscriptionNotFound'],
];
test('nobody signs up for what is not offered, or takes over what is there', async () => {
  for (const [who, id, body, outcome] of asked) {
    const told = await user(who, 'PUT', `/subscriptions/${id}`, body);
    equal(outcomeOf(told), outcome, `${who} ${id}`);
  }
});

test('usages of a subscription show the limits of its plans, which lie on the other plane', async () => {
  const path = `/subscriptions/${guid('a')}/providers/Microsoft.Network/locations/local/usages?api-version=2018-11-01`;
  const { json } = await tenant.send(path, { headers: { authorization: 'Bearer guest' } });
  const limits = new Map(
    values({ status: 200, json, text: '' }).map((row) => [(row['name'] as JsonObject)['value'], row['limit']]),
  );
  deepEqual([limits.get('NetworkInterfaces'), limits.get('PublicIPAddresses')], [3, 50]);
});

test('an account has as many subscriptions of an offer as it allows', async () => {
  equal((await user('stranger', 'PUT', `/subscriptions/${guid('1')}`, wish('gold'))).status, 201);
  equal((await user('stranger', 'PUT', `/subscriptions/${guid('2')}`, wish('gold'))).status, 201);
  const third = await user('stranger', 'PUT', `/subscriptions/${guid('3')}`, wish('gold'));
  equal(outcomeOf(third), '409 MaxSubscriptionsPerAccountExceeded');
  equal((await user('stranger', 'DELETE', `/subscriptions/${guid('2')}`)).status, 200);
  equal((await user('stranger', 'PUT', `/subscriptions/${guid('3')}`, wish('gold'))).status, 201);
  equal(outcomeOf(await user('guest', 'PUT', `/subscriptions/${guid('2')}`, wish('gold'))), '409 SubscriptionIdUsed');
});

test('the operator sees tenants’ subscriptions, suspends, resumes, gives and removes them', async () => {
  const shown = await operator('GET', ofUser(guid('a')));
  deepEqual(shown.json, {
    id: ofUser(guid('a')),
    subscriptionId: guid('a'),
    delegatedProviderSubscriptionId: provider.split('/')[2],
    displayName: 'Ours',
    owner: 'guest@other.test',
    tenantId: 'bbbbbbbb-0000-4000-8000-000000000002',
    routingResourceManagerType: 'Default',
    offerId: ofOffer('gold'),
    state: 'Enabled',
  });
  equal(outcomeOf(await operator('GET', ofUser(guid('9')))), '404 SubscriptionNotFound');
  const group = `/subscriptions/${guid('a')}/resourceGroups/one`;
  equal((await operator('PUT', ofUser(guid('a')), { state: 'Disabled' })).status, 200);
  for (const method of ['PUT', 'DELETE'])
    equal(
      outcomeOf(await user('guest', method, group, method === 'PUT' ? { location: 'local' } : undefined)),
      '409 ReadOnlyDisabledSubscription',
    );
  equal((await user('guest', 'GET', group)).status, 200);
  equal((await operator('PUT', ofUser(guid('a')), { state: 'Enabled' })).status, 200);
  const other = await operator('PUT', ofUser(guid('1')), { owner: 'guest@other.test' });
  equal(outcomeOf(other), '409 OwnerInOtherDirectory');
  equal((await operator('PUT', ofUser(guid('1')), { owner: 'owner@local.test' })).status, 200);
  const moved = `/subscriptions/${guid('1')}/resourceGroups/g`;
  equal(outcomeOf(await user('stranger', 'PUT', moved, { location: 'local' })), '403 AuthorizationFailed');
  equal((await user('owner', 'PUT', moved, { location: 'local' })).status, 201);
  equal((await operator('DELETE', ofUser(guid('1')))).status, 200);
  equal((await operator('DELETE', ofUser(guid('1')))).status, 204);
  equal((await user('owner', 'GET', moved)).status, 404);
  equal(tenant.engine.memory.get(moved), undefined);
  equal(outcomeOf(await operator('DELETE', ofUser(s.split('/')[2] ?? ''))), '409 OperatorSubscriptionNotRemovable');
});

test('the operator makes a subscription of a private offer for a user, and of a decommissioned one for nobody', async () => {
  const body = { owner: 'stranger@local.test', offerId: ofOffer('secret'), displayName: 'Given', state: 'Enabled' };
  equal((await operator('PUT', ofUser(guid('4')), body)).status, 201);
  equal((await user('stranger', 'GET', '/delegatedProviders/default/offers/secret')).status, 200);
  equal(
    outcomeOf(await operator('PUT', ofUser(guid('5')), { ...body, offerId: ofOffer('old') })),
    '409 OfferDecommissioned',
  );
  equal(outcomeOf(await operator('PUT', ofUser(guid('5')), { ...body, owner: 'nobody@x' })), '400 OwnerNotFound');
  equal(
    outcomeOf(await operator('PUT', ofUser(guid('5')), { ...body, routingResourceManagerType: 'Admin' })),
    '400 InvalidParameter',
  );
  equal(
    outcomeOf(await operator('PUT', ofUser(guid('4')), { offerId: ofOffer('gold') })),
    '409 SubscriptionOfferCannotChange',
  );
});

test('plans come to a subscription and go, and none that is the only source of a quota', async () => {
  const held = `${ofUser(guid('a'))}/acquiredPlans`;
  const [base] = values(await operator('GET', held));
  equal(base?.['planId'], ofPlan('base'));
  const first = `${held}/${guid('d')}`;
  equal((await operator('PUT', first, { planId: ofPlan('more') })).status, 201);
  equal((await operator('PUT', first, { planId: ofPlan('more') })).status, 200);
  equal((await operator('PUT', `${held}/${guid('e')}`, { planId: ofPlan('more') })).status, 201);
  equal(
    outcomeOf(await operator('PUT', `${held}/${guid('f')}`, { planId: ofPlan('more') })),
    '409 MaxAcquisitionCountExceeded',
  );
  deepEqual(tenant.engine.memory.get(`/subscriptions/${guid('a')}`)?.properties['plans'], [
    ofPlan('base'),
    ofPlan('more'),
    ofPlan('more'),
  ]);
  equal((await operator('DELETE', first)).status, 200);
  equal((await operator('DELETE', first)).status, 204);
  equal(outcomeOf(await operator('GET', first)), '404 PlanAcquisitionNotFound');
  equal(outcomeOf(await operator('DELETE', String(base?.['id']))), '409 PlanIsOnlySourceOfQuota');
});

test('what is in use is not deleted, and the refusal names its users', async () => {
  const quota = await operator('DELETE', networkQuota, undefined, 'api-version=2015-06-15');
  deepEqual([outcomeOf(quota), details(quota)], ['409 QuotaInUse', [ofPlan('base'), ofPlan('more')]]);
  const plan = await operator('DELETE', ofPlan('more'));
  deepEqual([outcomeOf(plan), details(plan)], ['409 PlanInUse', [ofOffer('gold'), `/subscriptions/${guid('a')}`]]);
  const offer = await operator('DELETE', ofOffer('gold'));
  deepEqual(
    [outcomeOf(offer), details(offer)],
    ['409 OfferInUse', [`/subscriptions/${guid('a')}`, `/subscriptions/${guid('3')}`]],
  );
  equal((await operator('DELETE', ofOffer('old'))).status, 200);
  equal((await operator('DELETE', ofOffer('old'))).status, 204);
});

test('a stranger at the plane of administration reads and writes nothing of it', async () => {
  const headers = { authorization: 'Bearer stranger' };
  const held = `${ofUser(guid('a'))}/acquiredPlans`;
  const paths = [
    networkQuota,
    ofPlan('base'),
    ofOffer('gold'),
    ofUser(guid('a')),
    held,
    `${held}/${guid('e')}`,
    `${provider}/providers/Microsoft.Subscriptions.Admin/subscriptions`,
    `${provider}/providers/Microsoft.Subscriptions.Admin/delegatedProviders`,
    `${plans}/providers/Microsoft.Subscriptions.Admin/directoryTenants`,
    `${provider}/providers/Microsoft.Subscriptions.Admin/locations`,
  ];
  for (const path of paths) {
    const query = path === networkQuota ? 'api-version=2015-06-15' : version;
    equal((await admin.send(`${path}?${query}`, { headers })).status, 403, path);
  }
  for (const name of ['adminOverview', 'adminPublicIPAddresses', 'adminVirtualNetworks', 'adminLoadBalancers'])
    equal(
      (await admin.send(`${provider}/providers/Microsoft.Network.Admin/${name}?api-version=2015-06-15`, { headers }))
        .status,
      403,
    );
  const written = await admin.send(`${ofUser(guid('a'))}?${version}`, {
    method: 'PUT',
    headers,
    body: { state: 'Disabled' },
  });
  equal(written.status, 403);
});
