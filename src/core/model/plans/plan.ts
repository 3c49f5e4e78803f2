/** Plans: quotas of the services put together, one of each; what a subscription holds. */

import { planPartsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { sameId, typeOfId } from '#model/arm-id.ts';
import { keepTracked, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { note, textOf, textsOf } from '#model/parse.ts';
import { isStanding, namedResource, offerType, planType, subscriptionIdOf, textsIn } from '#model/plans/ids.ts';
import { checkUnused } from '#model/plans/in-use.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import { quotaTypes } from '#model/plans/quota.ts';
import type { Resource, View } from '#model/resource.ts';

export const plan: Noun = {
  type: planType,

  write(write, draft, context) {
    const job = openJob(planType, write, { draft, context });
    const displayName = textOf(job.properties, 'displayName', { lengthMax: 256 });
    const description = textOf(job.properties, 'description', { lengthMax: 4096 });
    const externalReferenceId = textOf(job.properties, 'externalReferenceId', { lengthMax: 256 });
    const quotaIds = quotasOf(job) ?? job.before?.properties['quotaIds'] ?? [];
    const skuIds = textsOf(job.properties, 'skuIds', planPartsMax);
    const kept = { displayName: displayName ?? nameOf(job.id), description, externalReferenceId, quotaIds, skuIds };
    const resource = keepTracked(job, { properties: kept });
    checkSources(resource, job);
    return resource;
  },

  remove(resource, draft) {
    const offers = [...draft.ofType(offerType)].filter((offer) =>
      plansOfOffer(offer).some((id) => sameId(id, resource.id)),
    );
    checkUnused(resource, [...offers, ...holdersOf(resource, draft)], { code: 'PlanInUse', what: 'plan' });
    draft.delete(resource.id);
  },

  show(resource, view) {
    const { id, name, type, location, tags, properties } = resource;
    const subscriptionCount = holdersOf(resource, view).length;
    return tidy({ id, name, type, location, tags, properties: { name, ...properties, subscriptionCount } });
  },
};

function nameOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** Ids of quotas that are there, in the operator's own subscription, at most one of each service. */
function quotasOf(job: Job): readonly string[] | undefined {
  const stated = textsOf(job.properties, 'quotaIds', planPartsMax);
  const services = new Set<string>();
  return stated?.flatMap((text, index) => {
    const at = `quotaIds/${index}`;
    const type = quotaTypes.find((one) => one === typeOfId(text));
    const found = type === undefined ? undefined : namedResource(job.draft, text, type);
    if (found === undefined || !sameId(subscriptionIdOf(found.id), subscriptionIdOf(job.id))) {
      const message = `There is no quota '${text.slice(0, 300)}'. Ids of ${quotaTypes.join(', ')} are accepted.`;
      note(job.properties, at, { code: 'QuotaNotFound', message });
      return [];
    }
    if (services.has(found.type)) {
      const message = `The plan has a quota of ${found.type} already; a plan holds one of each service.`;
      note(job.properties, at, { code: 'QuotaServiceNotUnique', message });
    }
    services.add(found.type);
    return [found.id];
  });
}

/** Who holds the plan goes on having each of its services from somewhere: else what is there could not be told from what is too much. */
function checkSources(after: Resource, { before, draft }: Job): void {
  const kept = new Set(textsIn(after, 'quotaIds').map((id) => typeOfId(id)));
  const lost = before === undefined ? [] : textsIn(before, 'quotaIds').filter((id) => !kept.has(typeOfId(id)));
  if (lost.length === 0) return;
  const stranded = holdersOf(after, draft).filter((holder) => {
    const had = servicesOf(textsIn(holder, 'plans'), draft);
    return lost.some((id) => !had.has(typeOfId(id) ?? ''));
  });
  if (stranded.length === 0) return;
  const says = `The plan '${after.name}' is the only source of ${lost.map((id) => typeOfId(id)).join(', ')} for ${stranded.length} subscriptions. Put another quota of the service in its place.`;
  throw new Refusal('PlanIsOnlySourceOfQuota', says, { status: 409, target: '/properties/quotaIds' });
}

/** The services (types of quotas) that plans give. */
export function servicesOf(plans: readonly string[], view: Pick<View, 'get'>): ReadonlySet<string> {
  const quotas = plans.flatMap((id) => {
    const held = view.get(id);
    return held === undefined ? [] : textsIn(held, 'quotaIds');
  });
  return new Set(quotas.flatMap((id) => typeOfId(id) ?? []));
}

/** The subscriptions that hold the plan. */
export function holdersOf({ id }: Resource, view: View): readonly Resource[] {
  return [...view.ofType(subscriptionType)].filter(
    (subscription) => isStanding(subscription) && textsIn(subscription, 'plans').some((held) => sameId(held, id)),
  );
}

/** Base plans and add-ons of an offer. */
export function plansOfOffer(offer: Resource): readonly string[] {
  const addOns = offer.properties['addonPlans'];
  const ids = Array.isArray(addOns) ? addOns.map((one) => String((one as { planId?: unknown }).planId)) : [];
  return [...textsIn(offer, 'basePlanIds'), ...ids];
}
