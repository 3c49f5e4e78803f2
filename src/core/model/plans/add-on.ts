/** Add-on plans as tenants take them: those of the offer that their subscription was made from, as often as it says. */

import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import { tidy } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { finish, readBody, textOf } from '#model/parse.ts';
import { acquiredPlan } from '#model/plans/acquired-plan.ts';
import { keptId, subscriptionIdOf, takenPlanType, textsIn } from '#model/plans/ids.ts';
import { addOnsOf } from '#model/plans/offer.ts';
import { noSubscription, tenantSubscription } from '#model/plans/subscribe.ts';
import type { Resource, View } from '#model/resource.ts';

export const takenPlan: Noun = {
  type: takenPlanType,

  write(write, draft, context) {
    const subscription = holderOf(write.id, draft);
    const reader = readBody(write.body);
    const text = textOf(reader, 'planId', { required: true, lengthMax: 2048 }) ?? '';
    finish(reader);
    const wanted = addOnsFor(subscription, draft).find(({ plan }) => sameId(addOnId(subscription, plan), text));
    if (wanted === undefined) {
      const says = `The add-on plan '${text.slice(0, 300)}' could not be found. GET …/providers/Microsoft.Subscriptions/addonPlans lists those that can be had.`;
      throw new Refusal('PlanNotFound', says, { status: 404, target: '/planId' });
    }
    return acquiredPlan.write({ id: keptId(draft, write.id), body: { planId: wanted.plan.id } }, draft, context);
  },

  remove(resource, draft, context) {
    const name = resource.id.split('/').at(-3) ?? '';
    const subscription = holderOf(`/subscriptions/${name}`, draft);
    const { planId } = resource.properties;
    if (!addOnsFor(subscription, draft).some(({ plan }) => sameId(plan.id, String(planId)))) {
      const says = `The plan '${nameOfId(String(planId))}' belongs to the subscription, and is no add-on that could be given back.`;
      throw new Refusal('PlanIsNoAddOn', says, { status: 409, target: resource.id });
    }
    acquiredPlan.remove(resource, draft, context);
  },

  show: (resource) => showTaken(resource),
};

/** A plan that a subscription holds, as its tenant is shown it. */
export function showTaken({ id, name, properties }: Resource): JsonObject {
  const subscription = `/subscriptions/${id.split('/').at(-3) ?? ''}`;
  const { planId, acquisitionTime } = properties;
  return tidy({
    id: `${subscription}/providers/${takenPlanType}/${name}`,
    acquisitionId: name,
    planId: `${subscription}/providers/Microsoft.Subscriptions/addonPlans/${nameOfId(String(planId))}`,
    provisioningState: 'Succeeded',
    acquisitionTime,
  });
}

/** An add-on as a tenant may take it. */
export type AddOnFor = { readonly plan: Resource; readonly most: number; readonly held: number };

/** The add-ons that a subscription may take, and how often it has. */
export function addOnsFor(subscription: Resource, view: Pick<View, 'get'>): readonly AddOnFor[] {
  const offer = view.get(String(subscription.properties['offerId'] ?? ''));
  if (offer === undefined) return [];
  const plans = textsIn(subscription, 'plans');
  return addOnsOf(offer).flatMap(({ planId, maxAcquisitionCount: most }) => {
    const plan = view.get(planId);
    return plan === undefined ? [] : [{ plan, most, held: plans.filter((id) => sameId(id, planId)).length }];
  });
}

/** An add-on as it is listed: its name and words, nothing of its quotas' ids. */
export function showAddOn(subscription: Resource, { plan, most, held }: AddOnFor): JsonObject {
  const { displayName, description } = plan.properties;
  const properties = tidy({ displayName, description, maxAcquisitionCount: most, acquisitionCount: held });
  return { id: addOnId(subscription, plan), name: plan.name, type: 'Microsoft.Subscriptions/addonPlans', properties };
}

function addOnId(subscription: Resource, plan: Resource): string {
  return `${subscription.id}/providers/Microsoft.Subscriptions/addonPlans/${plan.name}`;
}

function holderOf(id: string, view: Pick<View, 'get'>): Resource {
  const scope = subscriptionIdOf(id);
  const found = tenantSubscription(view, scope);
  if (found === undefined) throw noSubscription(nameOfId(scope));
  return found;
}
