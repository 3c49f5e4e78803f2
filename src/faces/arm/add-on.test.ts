/** What goes beyond the plans of an offer: add-ons that tenants take, and providers that hand offers on. */

import { deepEqual, equal } from 'node:assert/strict';
import { after, test } from 'node:test';
import { provider, s } from '#faces/arm/fake-engine.ts';
import {
  bothFaces,
  guid,
  networkQuota,
  ofOffer,
  ofPlan,
  ofUser,
  outcomeOf,
  plans,
  values,
} from '#faces/arm/fake-plans.ts';

const { tenant, operator, user, close } = await bothFaces();
after(close);

// The operator's offers, and a subscription of each for two tenants.
await operator('PUT', plans, { location: 'local' }, 'api-version=2019-10-01');
await operator('PUT', networkQuota, { properties: {} }, 'api-version=2015-06-15');
for (const name of ['base', 'more'])
  await operator('PUT', ofPlan(name), { location: 'local', properties: { quotaIds: [networkQuota] } });
await operator('PUT', ofOffer('gold'), {
  location: 'local',
  properties: {
    state: 'Public',
    basePlanIds: [ofPlan('base')],
    addonPlans: [{ planId: ofPlan('more'), maxAcquisitionCount: 2 }],
  },
});
await operator('PUT', ofOffer('secret'), { location: 'local', properties: { basePlanIds: [ofPlan('base')] } });
const gold = { offerId: '/delegatedProviders/default/offers/gold' };
await user('guest', 'PUT', `/subscriptions/${guid('a')}`, gold);
await user('stranger', 'PUT', `/subscriptions/${guid('3')}`, gold);

test('a tenant takes add-ons of the offer as often as it says, gives them back, and no other plan', async () => {
  const own = `/subscriptions/${guid('3')}/providers/Microsoft.Subscriptions`;
  const [more] = values(await user('stranger', 'GET', `${own}/addonPlans`));
  deepEqual(more, {
    id: `${own}/addonPlans/more`,
    name: 'more',
    type: 'Microsoft.Subscriptions/addonPlans',
    properties: { displayName: 'more', maxAcquisitionCount: 2, acquisitionCount: 0 },
  });
  const at = (digit: string) => `${own}/acquiredPlans/${guid(digit)}`;
  const wanted = { planId: more?.['id'] ?? '' };
  const taken = await user('stranger', 'PUT', at('1'), wanted);
  deepEqual([taken.status, taken.json['planId'], taken.json['id']], [201, more?.['id'], at('1')]);
  equal((await user('stranger', 'PUT', at('1'), wanted)).status, 200);
  equal((await user('stranger', 'PUT', at('2'), wanted)).status, 201);
  equal(outcomeOf(await user('stranger', 'PUT', at('4'), wanted)), '409 MaxAcquisitionCountExceeded');
  for (const planId of [ofPlan('more'), `${own}/addonPlans/base`, 'x'])
    equal(outcomeOf(await user('stranger', 'PUT', at('4'), { planId })), '404 PlanNotFound');
  equal(outcomeOf(await user('guest', 'PUT', at('4'), wanted)), '404 SubscriptionNotFound');
  const held = values(await user('stranger', 'GET', `${own}/acquiredPlans`));
  equal(held.length, 3);
  equal(JSON.stringify(held).includes(provider), false);
  const base = held.find(({ planId }) => planId === `${own}/addonPlans/base`);
  equal(outcomeOf(await user('stranger', 'DELETE', String(base?.['id']))), '409 PlanIsNoAddOn');
  for (const digit of ['1', '2']) equal((await user('stranger', 'DELETE', at(digit))).status, 200);
  equal((await user('stranger', 'DELETE', at('1'))).status, 204);
  equal(outcomeOf(await user('stranger', 'GET', at('1'))), '404 PlanAcquisitionNotFound');
});

/** The quota that makes who has it a delegated provider: a stamp has it from its start. */
function putDelegationQuota(): string {
  const type = 'Microsoft.Subscriptions.Admin/locations/quotas';
  const name = 'delegatedProviderQuota';
  const id = `${provider}/providers/Microsoft.Subscriptions.Admin/locations/local/quotas/${name}`;
  const common = { etag: 'W/"1"', createdAt: '', changedAt: '' };
  tenant.engine.memory.commit([{ id, after: { id, type, name, properties: {}, ...common } }]);
  return id;
}

test('a delegated provider hands an offer on under another name', async () => {
  const delegation = putDelegationQuota();
  await operator('PUT', ofPlan('resell'), { location: 'local', properties: { quotaIds: [delegation] } });
  const given = { properties: { subscriptionId: guid('a') } };
  const link = `${ofOffer('secret')}/offerDelegations/one`;
  equal(outcomeOf(await operator('PUT', link, given)), '400 SubscriptionNotDelegatedProvider');
  const acquired = `${ofUser(guid('a'))}/acquiredPlans/${guid('7')}`;
  equal((await operator('PUT', acquired, { planId: ofPlan('resell') })).status, 201);
  equal((await operator('PUT', link, given)).status, 201);
  const own = `/subscriptions/${guid('a')}/providers/Microsoft.Subscriptions`;
  const [offered] = values(await user('guest', 'GET', `${own}/delegatedOffers`));
  equal(offered?.['name'], 'secret');
  equal((await user('stranger', 'GET', `${own}/delegatedOffers`)).status, 404);
  const body = (state: string) => ({
    properties: { delegatedOfferId: offered?.['id'], displayName: 'Silver', accessibilityState: state },
  });
  equal(outcomeOf(await user('stranger', 'PUT', `${own}/offers/silver`, body('Public'))), '404 SubscriptionNotFound');
  const other = { properties: { delegatedOfferId: `${own}/delegatedOffers/gold` } };
  equal(outcomeOf(await user('guest', 'PUT', `${own}/offers/silver`, other)), '404 DelegatedOfferNotFound');
  equal((await user('guest', 'PUT', `${own}/offers/silver`, body('Private'))).status, 201);
  const seen = `/delegatedProviders/${guid('a')}/offers`;
  equal(values(await user('stranger', 'GET', seen)).length, 0);
  const asked = { offerId: `${seen}/silver`, displayName: 'Through' };
  equal(outcomeOf(await user('stranger', 'PUT', `/subscriptions/${guid('8')}`, asked)), '404 OfferNotFound');
  equal((await user('guest', 'PUT', `${own}/offers/silver`, body('Public'))).status, 200);
  deepEqual(
    values(await user('stranger', 'GET', seen)).map(({ id }) => id),
    [`${seen}/silver`],
  );
  const through = await user('stranger', 'PUT', `/subscriptions/${guid('8')}`, asked);
  deepEqual([through.status, through.json['offerId']], [201, `${seen}/silver`]);
  const shown = await operator('GET', ofUser(guid('8')));
  deepEqual([shown.json['delegatedProviderSubscriptionId'], shown.json['offerId']], [guid('a'), ofOffer('secret')]);
  equal(outcomeOf(await user('guest', 'DELETE', `${own}/offers/silver`)), '409 OfferInUse');
  equal(outcomeOf(await operator('DELETE', link)), '409 OfferDelegationInUse');
});

test('subscriptions move from the operator to a delegated provider and back, all or none', async () => {
  const service = `${provider}/providers/Microsoft.Subscriptions.Admin`;
  const target = `${service}/delegatedProviders/${guid('a')}/offers/silver`;
  const move = (id: string, to: string | null) => ({ resources: [ofUser(id)], targetDelegatedProviderOffer: to });
  equal((await operator('POST', `${service}/moveSubscriptions`, move(guid('8'), null))).status, 204);
  equal(
    (await user('stranger', 'GET', `/subscriptions/${guid('8')}`)).json['offerId'],
    '/delegatedProviders/default/offers/secret',
  );
  equal((await operator('POST', `${service}/validateMoveSubscriptions`, move(guid('8'), target))).status, 204);
  equal((await operator('GET', ofUser(guid('8')))).json['delegatedProviderSubscriptionId'], provider.split('/')[2]);
  equal((await operator('POST', `${service}/moveSubscriptions`, move(guid('8'), target))).status, 204);
  for (const [id, to] of [
    [guid('3'), target],
    [guid('a'), target],
    [guid('9'), null],
    [s.split('/')[2] ?? '', null],
  ] as const)
    equal(
      outcomeOf(await operator('POST', `${service}/moveSubscriptions`, move(id, to))),
      '409 MoveSubscriptionsFailed',
      id,
    );
});
