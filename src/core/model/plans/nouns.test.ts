/** The nouns of plans, offers and subscriptions: what is shown can be written back, and whatever the body, it is taken or refused. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { MemoryDraft, MemoryView } from '#model/memory.ts';
import { nouns } from '#model/nouns.ts';
import { refusalOf, testStamp } from '#model/test-world.ts';
import type { Context, Resource } from '#model/resource.ts';
import { acquiredPlanType, delegatedOfferType, signUpType, storedId, userSubscriptionType } from '#model/plans/ids.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import { defaultQuotas } from '#model/plans/quota.ts';

const guid = (digit: string) => `${digit.repeat(8)}-1111-4111-8111-${digit.repeat(12)}`;
const own = guid('9');
const group = `/subscriptions/${own}/resourceGroups/plans`;
const admin = `providers/Microsoft.Subscriptions.Admin`;
const user = `/subscriptions/${own}/${admin}/subscriptions/${guid('1')}`;
const at = (namespace: string) => `/subscriptions/${own}/providers/${namespace}/locations/local/quotas`;
const common = { etag: 'W/"1"', createdAt: '2026-01-01T00:00:00.000Z', changedAt: '2026-01-01T00:00:00.000Z' };
const ann = { oid: guid('a'), upn: 'ann@one.test', tenantId: guid('b') };
const bob = { oid: guid('c'), upn: 'bob@one.test', tenantId: guid('b') };

// Each row: the type, an id of it, and a body that it takes; in the order in which they need each other.
const bodies: readonly (readonly [type: string, id: string, body: JsonObject])[] = [
  [
    'Microsoft.Network.Admin/locations/quotas',
    `${at('Microsoft.Network.Admin')}/q`,
    { properties: { maxNicsPerSubscription: 5 } },
  ],
  ['Microsoft.Compute.Admin/locations/quotas', `${at('Microsoft.Compute.Admin')}/q`, { properties: { coresLimit: 5 } }],
  ['Microsoft.Storage.Admin/locations/quotas', `${at('Microsoft.Storage.Admin')}/q`, { properties: {} }],
  [
    'Microsoft.Subscriptions.Admin/plans',
    `${group}/${admin}/plans/p`,
    {
      properties: {
        displayName: 'P',
        quotaIds: [
          `${at('Microsoft.Network.Admin')}/q`,
          `${at('Microsoft.Subscriptions.Admin')}/delegatedProviderQuota`,
        ],
      },
    },
  ],
  [
    'Microsoft.Subscriptions.Admin/plans',
    `${group}/${admin}/plans/more`,
    { properties: { quotaIds: [`${at('Microsoft.Network.Admin')}/q`] } },
  ],
  [
    'Microsoft.Subscriptions.Admin/offers',
    `${group}/${admin}/offers/o`,
    {
      properties: {
        state: 'Public',
        basePlanIds: [`${group}/${admin}/plans/p`],
        addonPlans: [{ planId: `${group}/${admin}/plans/more`, maxAcquisitionCount: 2 }],
      },
    },
  ],
  [
    userSubscriptionType,
    user,
    { owner: 'ann@one.test', offerId: `${group}/${admin}/offers/o`, displayName: 'A', state: 'Enabled' },
  ],
  [acquiredPlanType, `${user}/acquiredPlans/${guid('d')}`, { planId: `${group}/${admin}/plans/more` }],
  [
    'Microsoft.Subscriptions.Admin/offers/offerDelegations',
    `${group}/${admin}/offers/o/offerDelegations/d`,
    { properties: { subscriptionId: guid('1') } },
  ],
  [
    delegatedOfferType,
    `/subscriptions/${guid('1')}/providers/Microsoft.Subscriptions/offers/mine`,
    {
      properties: {
        delegatedOfferId: `/subscriptions/${guid('1')}/providers/Microsoft.Subscriptions/delegatedOffers/o`,
        accessibilityState: 'Public',
      },
    },
  ],
  [signUpType, `/subscriptions/${guid('2')}`, { offerId: '/delegatedProviders/default/offers/o', displayName: 'B' }],
];

function world(view?: MemoryView) {
  const first: Resource[] = [
    {
      id: `/subscriptions/${own}`,
      type: subscriptionType,
      name: own,
      properties: { routingResourceManagerType: 'Admin' },
      ...common,
    },
    { id: group, type: 'Microsoft.Resources/resourceGroups', name: 'plans', properties: {}, ...common },
    ...defaultQuotas(own, 'local').map((quota) => ({ ...quota, ...common })),
  ];
  const draft = new MemoryDraft(view ?? new MemoryView(first));
  let count = draft.nextOrder * 100;
  const context: Context = {
    now: common.createdAt,
    newGuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`,
    apiVersion: '2021-01-01',
    stamp: testStamp,
    asker: ann,
    userNamed: (name) => [ann, bob].find(({ upn }) => upn === name),
  };
  const nounFor = (type: string) => {
    const noun = nouns.get(type.toLowerCase());
    if (noun === undefined) throw new Error(type);
    return noun;
  };
  return {
    draft,
    put: (type: string, id: string, body: JsonObject) => nounFor(type).write({ id, body }, draft, context),
    show: (type: string, id: string) => {
      const found = draft.get(storedId(id));
      if (found === undefined) throw new Error(id);
      return nounFor(type).show(found, draft, context);
    },
    remove(type: string, id: string) {
      const found = draft.get(storedId(id));
      if (found !== undefined) nounFor(type).remove(found, draft, context);
    },
  };
}

function furnished(): MemoryView {
  const view = new MemoryView();
  const made = world();
  view.commit([...made.draft.under('/')].map((after) => ({ id: after.id, after })));
  for (const [type, id, body] of bodies) {
    const { draft, put } = world(view);
    put(type, id, body);
    view.commit(draft.edits());
  }
  return view;
}

test('what is shown can be written back and means the same', () => {
  const view = furnished();
  for (const [type, id] of bodies) {
    const { put, show } = world(view);
    const before = show(type, id);
    put(type, id, before);
    deepEqual({ ...show(type, id), etag: 0 }, { ...before, etag: 0 }, id);
  }
});

function mutate(value: Json, place: { left: number }, by: Json | undefined): Json | undefined {
  place.left -= 1;
  if (place.left === 0) return by;
  if (Array.isArray(value)) return value.flatMap((item) => mutate(item, place, by) ?? []);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [name, held === undefined ? held : mutate(held, place, by)]),
  );
}

const leaves: Json[] = [
  null,
  0,
  -1,
  1e300,
  0.5,
  true,
  '',
  'x'.repeat(3000),
  '__proto__',
  'Admin',
  'Disabled',
  'Decommissioned',
  'bob@one.test',
  guid('1'),
  guid('f'),
  `${group}/${admin}/plans/more`,
  `${group}/${admin}/offers/o`,
  `${at('Microsoft.Network.Admin')}/Default Quota`,
  [],
  {},
  [{}],
  [[]],
];

test('with up to three places of a body changed it is taken or refused, no more, and an offer keeps a base plan', () => {
  const view = furnished();
  const seen = { ok: 0, refused: 0 };
  const change = fc.tuple(fc.integer({ min: 2, max: 20 }), fc.option(fc.constantFrom(...leaves), { nil: undefined }));
  fc.assert(
    fc.property(
      fc.constantFrom(...bodies),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('', '', 'n', guid('e').slice(1)),
      ([type, id, start], changes, more) => {
        const { draft, put, show, remove } = world(view);
        const body = changes.reduce<Json>((held, [place, by]) => mutate(held, { left: place }, by) ?? {}, start);
        const refused = refusalOf(() => put(type, `${id}${more}`, isObject(body) ? body : {}));
        seen[refused === undefined ? 'ok' : 'refused'] += 1;
        if (refused !== undefined) {
          ok(refused.status >= 400 && refused.status < 500 && refused.message.length < 3000, refused.message);
          return;
        }
        ok(JSON.stringify(show(type, `${id}${more}`)).length > 0);
        for (const offer of draft.ofType('Microsoft.Subscriptions.Admin/offers'))
          ok((offer.properties['basePlanIds'] as string[]).length > 0);
        for (const { properties } of draft.ofType(subscriptionType))
          for (const plan of (properties['plans'] as string[] | undefined) ?? []) ok(draft.get(plan), plan);
        refusalOf(() => remove(type, `${id}${more}`));
      },
    ),
    { numRuns: 1500 },
  );
  ok(seen.ok > 100 && seen.refused > 100, JSON.stringify(seen));
});

test('a subscription that is removed leaves its id, its owner and nothing of its plans', () => {
  const { draft, remove } = world(furnished());
  remove(userSubscriptionType, user);
  const left = draft.get(storedId(user));
  deepEqual(
    [left?.properties['state'], left?.properties['ownerId'], left?.properties['plans']],
    ['Deleted', ann.oid, undefined],
  );
  equal([...draft.ofType(acquiredPlanType)].filter(({ id }) => id.startsWith(user)).length, 0);
});
