/** What the quota race writes: two subscriptions with plans, things that count, and a count of its own that shares nothing with the engine's. */

import type { JsonObject } from '#base/json.ts';
import { owner } from '#access/roles.ts';
import type { Resource } from '#model/resource.ts';
import type { Random } from '#test/generate/random.ts';
import { assignment, location, ownerOid, ruleBody, stamps } from '#test/sim/engine.ts';

export const racing = ['aaaaaaaa-1111-4111-8111-111111111111', 'bbbbbbbb-1111-4111-8111-111111111111'] as const;
const admin = '/subscriptions/99999999-1111-4111-8111-111111111111';
const quotaType = (provider: string) => `Microsoft.${provider}.Admin/locations/quotas`;
const planType = 'Microsoft.Subscriptions.Admin/plans';

/** One kind of thing: its path below the group, how it is put, and the field that counts it. */
type Kind = {
  readonly type: string;
  readonly path: (name: string) => string;
  readonly body: (random: Random) => JsonObject;
  readonly field: string;
  readonly amount: (body: JsonObject) => number;
};

const one = (): number => 1;
const gb = ({ properties }: JsonObject): number => Number((properties as JsonObject)['diskSizeGB']);
const plain = (field: string, type: string, body: JsonObject = {}): Kind => {
  const path = (name: string): string => `${type}/${name}`;
  return { type, path, body: () => ({ location, ...body }), field, amount: one };
};
const space: JsonObject = { properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } } };

export const kinds: readonly Kind[] = [
  plain('maxPublicIpsPerSubscription', 'Microsoft.Network/publicIPAddresses'),
  plain('maxSecurityGroupsPerSubscription', 'Microsoft.Network/networkSecurityGroups'),
  plain('maxVnetsPerSubscription', 'Microsoft.Network/virtualNetworks', space),
  plain('availabilitySetCount', 'Microsoft.Compute/availabilitySets'),
  {
    type: 'Microsoft.Network/networkSecurityGroups/securityRules',
    path: (name) => `Microsoft.Network/networkSecurityGroups/kept/securityRules/${name}`,
    // By the name's own number, so that no two rules want one priority.
    body: () => ruleBody(100),
    field: 'maxSecurityRulesPerSubscription',
    amount: one,
  },
  {
    type: 'Microsoft.Compute/disks',
    path: (name) => `Microsoft.Compute/disks/${name}`,
    body: (random) => ({
      location,
      sku: { name: 'Standard_LRS' },
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 + random.below(9) },
    }),
    field: 'maxAllocationStandardManagedDisksAndSnapshots',
    amount: gb,
  },
];

/** Limits of the small plan and of the one that is added to it, by field. */
const limits: { readonly [plan: string]: { readonly [field: string]: number } } = {
  small: {
    maxPublicIpsPerSubscription: 3,
    maxSecurityGroupsPerSubscription: 3,
    maxVnetsPerSubscription: 2,
    maxSecurityRulesPerSubscription: 4,
    availabilitySetCount: 2,
    maxAllocationStandardManagedDisksAndSnapshots: 20,
  },
  more: {
    maxPublicIpsPerSubscription: 1,
    maxSecurityGroupsPerSubscription: 2,
    maxVnetsPerSubscription: 1,
    maxSecurityRulesPerSubscription: 2,
    availabilitySetCount: 3,
    maxAllocationStandardManagedDisksAndSnapshots: 11,
  },
};

export const groupOf = (subscription: string): string => `/subscriptions/${subscription}/resourceGroups/race`;

const planIdOf = (name: string): string => `${admin}/resourceGroups/plans/providers/${planType}/${name}`;
const quotaIdOf = (provider: string, name: string): string =>
  `${admin}/providers/Microsoft.${provider}.Admin/locations/${location}/quotas/${name}`;

/** Quotas with their limits widened or narrowed by `shift`, at least 0. */
export function quotasOf(name: string, shift = 0): Resource[] {
  const fields = Object.entries(limits[name] ?? {}).map(
    ([field, limit]) => [field, Math.max(0, limit + shift)] as const,
  );
  return ['Network', 'Compute'].map((provider) => {
    const own = fields.filter(([field]) => /Per/.test(field) === (provider === 'Network'));
    const properties: JsonObject = Object.fromEntries(own);
    return { id: quotaIdOf(provider, name), type: quotaType(provider), name, properties, ...stamps };
  });
}

/** The subscription with its plans. */
export function subscriptionWith(subscription: string, plans: readonly string[]): Resource {
  const type = 'Microsoft.Resources/subscriptions';
  const properties = { state: 'Enabled', plans: plans.map(planIdOf) };
  return { id: `/subscriptions/${subscription}`, type, name: subscription, properties, ...stamps };
}

/** All that stands before the race. */
export function ground(): Resource[] {
  const plans = Object.keys(limits).map((name): Resource => {
    const quotaIds = ['Network', 'Compute'].map((provider) => quotaIdOf(provider, name));
    return { id: planIdOf(name), type: planType, name, properties: { quotaIds }, ...stamps };
  });
  const held = racing.flatMap((subscription, index): Resource[] => {
    const group = groupOf(subscription);
    const type = 'Microsoft.Network/networkSecurityGroups';
    const kept = { id: `${group}/providers/${type}/kept`, type, name: 'kept', location, properties: {} };
    return [
      subscriptionWith(subscription, index === 0 ? ['small'] : ['small', 'more']),
      assignment(`/subscriptions/${subscription}`, ownerOid, owner.id),
      { id: group, type: 'Microsoft.Resources/resourceGroups', name: 'race', location, properties: {}, ...stamps },
      { ...kept, ...stamps },
    ];
  });
  return [...Object.keys(limits).flatMap((name) => quotasOf(name)), ...plans, ...held];
}

/** What a subscription may have of a field: the plans' limits as they lie in the rows. */
export function limitOf(rows: Iterable<Resource>, subscription: string, field: string): number {
  const byId = new Map([...rows].map((row) => [row.id, row]));
  const textsOf = (id: string, name: string) => (byId.get(id)?.properties[name] ?? []) as readonly string[];
  let limit = 0;
  for (const plan of textsOf(`/subscriptions/${subscription}`, 'plans'))
    for (const quota of textsOf(plan, 'quotaIds')) limit += Number(byId.get(quota)?.properties[field] ?? 0);
  return limit;
}

/** What a subscription has of a kind, counted one by one. */
export function countOf(rows: Iterable<Resource>, subscription: string, kind: Kind): number {
  let count = 0;
  for (const row of rows)
    if (row.type === kind.type && row.id.includes(subscription)) count += kind.amount(row as unknown as JsonObject);
  return count;
}
