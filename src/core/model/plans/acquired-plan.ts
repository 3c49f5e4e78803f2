/** The plans that a subscription holds, each with when it came to it: the offer's base plans, and add-ons. */

import { Refusal } from '#base/wrong.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import { guidPattern } from '#model/authorization/role-definition.ts';
import { tidy } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { finish, readBody, textOf } from '#model/parse.ts';
import { acquiredPlanType, namedResource, planType, subscriptionIdOf, textsIn } from '#model/plans/ids.ts';
import { addOnsOf } from '#model/plans/offer.ts';
import { servicesOf } from '#model/plans/plan.ts';
import { acquire, changeSubscription } from '#model/plans/subscribe.ts';
import { subscriptionNamed } from '#model/plans/user-subscription.ts';
import type { Resource, View } from '#model/resource.ts';

export const acquiredPlan: Noun = {
  type: acquiredPlanType,

  write(write, draft, context) {
    const subscription = subscriptionNamed(draft, holderIdOf(write.id));
    const name = nameOfId(write.id);
    if (!guidPattern.test(name)) {
      const says = `The plan acquisition '${name.slice(0, 100)}' is malformed: a GUID is wanted.`;
      throw new Refusal('InvalidPlanAcquisitionId', says, { target: 'acquisitionId' });
    }
    const reader = readBody(write.body);
    const text = textOf(reader, 'planId', { required: true, lengthMax: 2048 }) ?? '';
    const externalReferenceId = textOf(reader, 'externalReferenceId', { lengthMax: 256 });
    finish(reader);
    const provider = subscriptionIdOf(write.id);
    const plan = namedResource(draft, text, planType);
    if (plan === undefined || !sameId(subscriptionIdOf(plan.id), provider)) {
      throw new Refusal('PlanNotFound', `The plan '${text.slice(0, 300)}' could not be found.`, {
        status: 404,
        target: '/planId',
      });
    }
    const before = draft.get(write.id);
    if (before !== undefined) return same(before, plan);
    checkCount(plan, subscription, draft);
    const plans = [...textsIn(subscription, 'plans'), plan.id];
    changeSubscription(subscription, { plans }, { draft, context });
    const about = { subscription, provider: nameOfId(provider), planId: plan.id, id: name, externalReferenceId };
    return acquire(about, { draft, context });
  },

  remove(resource, draft, context) {
    const subscription = subscriptionNamed(draft, holderIdOf(resource.id));
    const planId = String(resource.properties['planId']);
    const plans = [...textsIn(subscription, 'plans')];
    const at = plans.findIndex((id) => sameId(id, planId));
    if (at >= 0) plans.splice(at, 1);
    checkSources(planId, { before: textsIn(subscription, 'plans'), after: plans }, draft);
    changeSubscription(subscription, { plans }, { draft, context });
    draft.delete(resource.id);
  },

  show({ id, name, properties }) {
    const { planId, externalReferenceId, acquisitionTime } = properties;
    return tidy({
      id,
      acquisitionId: name,
      planId,
      externalReferenceId,
      provisioningState: 'Succeeded',
      acquisitionTime,
    });
  },
};

/** `…/subscriptions/x` of `…/subscriptions/x/acquiredPlans/y`. */
function holderIdOf(id: string): string {
  return id.split('/').slice(0, -2).join('/');
}

function same(before: Resource, plan: Resource): Resource {
  if (sameId(String(before.properties['planId']), plan.id)) return before;
  const says = `The plan acquisition '${before.name}' is of another plan; an acquisition is removed, not changed.`;
  throw new Refusal('PlanAcquisitionCannotChange', says, { status: 409, target: '/planId' });
}

/** Only a subscription from an offer has plans; an add-on of its offer as often as that says, any other plan once. */
function checkCount(plan: Resource, subscription: Resource, view: View): void {
  const offer = view.get(String(subscription.properties['offerId'] ?? ''));
  if (offer === undefined) {
    const says = `The subscription '${subscription.name}' is the operator's own: it has no plans, and no limits by them.`;
    throw new Refusal('SubscriptionWithoutOffer', says, { status: 409 });
  }
  const most = addOnsOf(offer).find(({ planId }) => sameId(planId, plan.id))?.maxAcquisitionCount ?? 1;
  const held = textsIn(subscription, 'plans').filter((id) => sameId(id, plan.id)).length;
  if (held < most) return;
  const says = `The subscription '${subscription.name}' has the plan '${plan.name}' ${held} times, as often as its offer allows.`;
  throw new Refusal('MaxAcquisitionCountExceeded', says, { status: 409, target: '/planId' });
}

/** A plan that alone gives a service stays (Azure doc "Plan, offer, and subscription overview"); what is left may be less than what is used. */
function checkSources(
  planId: string,
  { before, after }: { readonly before: readonly string[]; readonly after: readonly string[] },
  view: View,
): void {
  const left = servicesOf(after, view);
  const lost = [...servicesOf(before, view)].filter((service) => !left.has(service));
  if (lost.length === 0) return;
  const says = `The plan '${nameOfId(planId)}' is the only source of ${lost.join(', ')} for the subscription. Add another plan with it first.`;
  throw new Refusal('PlanIsOnlySourceOfQuota', says, { status: 409, target: planId });
}
