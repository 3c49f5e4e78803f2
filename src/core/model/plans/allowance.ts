/** What a subscription may use: the quotas of all plans that it holds, taken together. */

import type { Resource, View } from '#model/resource.ts';
import { quotaFields } from '#model/plans/quota-fields.ts';

/** A number for each field of each service's quotas; a field of a service that no plan of the subscription has is 0. */
export type Allowance = ReadonlyMap<string, number>;

/**
 * The allowance of a subscription, by its ARM id; undefined where none is set: the operator's own subscriptions have no
 * plans (`properties.plans` absent). The quotas of base plan and add-on plans add up (Azure Stack doc "Plan, offer, and
 * subscription overview").
 */
export function allowanceOf(view: Pick<View, 'get'>, subscriptionId: string): Allowance | undefined {
  const plans = textsOf(view.get(subscriptionId), 'plans');
  if (plans === undefined) return undefined;
  const quotas = plans.flatMap((plan) => textsOf(view.get(plan), 'quotaIds') ?? []);
  const allowance = new Map<string, number>();
  for (const [type, fields] of quotaFields) {
    const held = quotas.flatMap((id) => view.get(id) ?? []).filter((quota) => quota.type === type);
    for (const { name, standard, joins } of fields) {
      const stated = held.map(({ properties }) => {
        const value = properties[name];
        return typeof value === 'number' ? value : standard;
      });
      allowance.set(name, joins === 'sum' ? stated.reduce((sum, one) => sum + one, 0) : Math.max(0, ...stated));
    }
  }
  return allowance;
}

function textsOf(resource: Resource | undefined, name: string): readonly string[] | undefined {
  const value = resource?.properties[name];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : undefined;
}
