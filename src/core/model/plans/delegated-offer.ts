/** What a delegated provider offers: an offer of the operator's that was given to him, under a name and a state of his own. */

import { Refusal } from '#base/wrong.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import { keepPlain, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { finish, oneOf, textOf } from '#model/parse.ts';
import { isDelegatedProvider } from '#model/plans/delegated-provider.ts';
import { delegatedOfferType, isStanding, offerDelegationType, offerType, subscriptionIdOf } from '#model/plans/ids.ts';
import { checkUnused } from '#model/plans/in-use.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import { tenantSubscription } from '#model/plans/subscribe.ts';
import type { Resource, View } from '#model/resource.ts';

export const delegatedOffer: Noun = {
  type: delegatedOfferType,

  write(write, draft, context) {
    const job = openJob(delegatedOfferType, write, { draft, context });
    const { properties, before } = job;
    const text = textOf(properties, 'delegatedOfferId', { required: before === undefined, lengthMax: 2048 });
    const displayName = textOf(properties, 'displayName', { lengthMax: 256 }) ?? nameOfId(job.id);
    const description = textOf(properties, 'description', { lengthMax: 4096 });
    const states = ['Private', 'Public', 'Decommissioned'] as const;
    const accessibilityState =
      oneOf(properties, 'accessibilityState', states) ?? before?.properties['accessibilityState'] ?? 'Private';
    finish(job.body);
    const offer = givenOffer(job, text);
    const delegatedOfferId = givenOfferId(subscriptionIdOf(job.id), offer);
    return keepPlain(job, {
      properties: { delegatedOfferId, displayName, description, accessibilityState },
      internal: { offerId: offer.id },
    });
  },

  remove(resource, draft) {
    const users = subscribersThrough(resource, draft);
    checkUnused(resource, users, { code: 'OfferInUse', what: 'offer' });
    draft.delete(resource.id);
  },

  show({ id, name, type, properties }, view) {
    const subscriptionCount = subscribersThrough({ id }, view).length;
    return tidy({ id, name, type, properties: { ...properties, subscriptionCount } });
  },
};

/** The address under which a delegated provider knows an offer that was given to him. */
export function givenOfferId(provider: string, { name }: Resource): string {
  return `${provider}/providers/Microsoft.Subscriptions/delegatedOffers/${name}`;
}

/** The offers that were given to a subscription. */
export function givenOffers(subscription: Resource, view: View): readonly Resource[] {
  if (!isDelegatedProvider(subscription, view)) return [];
  const key = subscription.name.toLowerCase();
  const given = [...view.ofType(offerDelegationType)].filter(
    ({ properties }) => String(properties['subscriptionId']).toLowerCase() === key,
  );
  const offers = new Set(given.flatMap(({ id }) => view.get(id.split('/').slice(0, -2).join('/')) ?? []));
  return [...offers].filter(({ type, properties }) => type === offerType && properties['state'] !== 'Decommissioned');
}

function givenOffer({ id, draft, before }: Job, text: string | undefined): Resource {
  const provider = tenantSubscription(draft, subscriptionIdOf(id));
  const held = String(before?.properties['delegatedOfferId'] ?? '');
  const wanted = text ?? held;
  const found = provider && givenOffers(provider, draft).find((one) => sameId(givenOfferId(provider.id, one), wanted));
  if (found === undefined) {
    const says = `No offer '${wanted.slice(0, 300)}' was given to the subscription. GET …/providers/Microsoft.Subscriptions/delegatedOffers lists those that were.`;
    throw new Refusal('DelegatedOfferNotFound', says, { status: 404, target: '/properties/delegatedOfferId' });
  }
  if (before === undefined || sameId(held, wanted)) return found;
  const says = `The offer '${before.name}' hands on '${held}'; make another one to hand on something else.`;
  throw new Refusal('DelegatedOfferCannotChange', says, { status: 409, target: '/properties/delegatedOfferId' });
}

/** The subscriptions that were made from what a provider offers. */
export function subscribersThrough({ id }: Pick<Resource, 'id'>, view: View): readonly Resource[] {
  return [...view.ofType(subscriptionType)].filter(
    (one) => isStanding(one) && sameId(String(one.properties['delegatedOfferId']), id),
  );
}

/** What a provider offers, by its name; undefined when there is no such offer or nothing is made from it any more. */
export function offeredBy(view: View, provider: string, name: string): Resource | undefined {
  const id = `/subscriptions/${provider}/providers/${delegatedOfferType}/${name}`;
  const found = view.get(id);
  const by = tenantSubscription(view, `/subscriptions/${provider}`);
  return found?.type === delegatedOfferType && by?.properties['state'] === 'Enabled' ? found : undefined;
}

/** The operator's offer behind it, while it is given to the provider. */
export function offerBehind(view: View, offered: Resource): Resource | undefined {
  const provider = tenantSubscription(view, subscriptionIdOf(offered.id));
  const offers = provider === undefined ? [] : givenOffers(provider, view);
  return offers.find(({ id }) => sameId(id, String(offered.internal?.['offerId'])));
}
