/** An offer given to a delegated provider, who may hand it on under a name of his own. */

import { Refusal } from '#base/wrong.ts';
import { sameId } from '#model/arm-id.ts';
import { parentOf } from '#model/resource.ts';
import { guidPattern } from '#model/authorization/role-definition.ts';
import { keepChild, openJob, tidy } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { finish, textOf } from '#model/parse.ts';
import { isDelegatedProvider } from '#model/plans/delegated-provider.ts';
import { delegatedOfferType, offerDelegationType } from '#model/plans/ids.ts';
import { checkUnused } from '#model/plans/in-use.ts';
import { tenantSubscription } from '#model/plans/subscribe.ts';

export const offerDelegation: Noun = {
  type: offerDelegationType,

  write(write, draft, context) {
    const job = openJob(offerDelegationType, write, { draft, context });
    const rule = { required: true, pattern: guidPattern, wants: 'the id (a GUID) of a subscription' };
    const subscriptionId = textOf(job.properties, 'subscriptionId', rule) ?? '';
    finish(job.body);
    const subscription = tenantSubscription(draft, `/subscriptions/${subscriptionId}`);
    if (subscription === undefined || !isDelegatedProvider(subscription, draft)) {
      const says = `The subscription '${subscriptionId}' is no delegated provider: none of its plans has the quota of the subscriptions service.`;
      throw new Refusal('SubscriptionNotDelegatedProvider', says, { target: '/properties/subscriptionId' });
    }
    return keepChild(job, { properties: { subscriptionId: subscription.name } });
  },

  remove(resource, draft) {
    const offer = parentOf(resource.id);
    const provider = `/subscriptions/${String(resource.properties['subscriptionId'])}/`.toLowerCase();
    const handedOn = [...draft.ofType(delegatedOfferType)].filter(
      ({ id, internal }) => id.toLowerCase().startsWith(provider) && sameId(String(internal?.['offerId']), offer),
    );
    checkUnused(resource, handedOn, { code: 'OfferDelegationInUse', what: 'delegation' });
    draft.delete(resource.id);
  },

  show({ id, name, type, properties }, view, { stamp }) {
    const parent = view.get(parentOf(id) ?? '');
    return tidy({ id, name: `${parent?.name ?? ''}/${name}`, type, location: stamp.location, properties });
  },
};
