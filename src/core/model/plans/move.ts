/** Subscriptions that pass from one provider to another: from the operator to a delegated provider, back, or between two of them. */

import { isObject, type JsonObject } from '#base/json.ts';
import { subscriptionsPerAccountMax } from '#base/limits.ts';
import { Refusal, type Detail } from '#base/wrong.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import type { Noun, NounAction } from '#model/noun.ts';
import { finish, note, readBody, textOf, textsOf } from '#model/parse.ts';
import { isDelegatedProvider } from '#model/plans/delegated-provider.ts';
import { offerBehind, offeredBy } from '#model/plans/delegated-offer.ts';
import { storedId } from '#model/plans/ids.ts';
import { changeSubscription, tenantSubscription } from '#model/plans/subscribe.ts';
import type { Resource, View } from '#model/resource.ts';

/** The service itself, for what is asked of it as a whole: kept at the operator's own subscription. */
export const serviceType = 'Microsoft.Subscriptions.Admin';

type Run = Parameters<NounAction['run']>;

export const service: Noun = {
  type: serviceType,
  write: ({ id }) => refuse(id),
  remove: ({ id }) => refuse(id),
  show: () => ({}),
  actions: {
    moveSubscriptions: {
      method: 'POST',
      run(...[own, { body }, draft, context]: Run) {
        const { subscriptions, change } = movesOf(own, body, draft);
        for (const one of subscriptions) changeSubscription(one, change, { draft, context });
        return undefined;
      },
    },
    validateMoveSubscriptions: {
      method: 'POST',
      run(...[own, { body }, draft]: Run) {
        movesOf(own, body, draft);
        return undefined;
      },
    },
  },
};

function refuse(id: string): never {
  throw new Refusal('InvalidResourceOperation', 'The service is part of the stamp.', { status: 404, target: id });
}

type Moves = { readonly subscriptions: readonly Resource[]; readonly change: JsonObject };

/** All or none move; what stands in the way of each is told. */
function movesOf(own: Resource, body: Run[1]['body'], view: View): Moves {
  const reader = readBody(isObject(body) ? body : {});
  const target = textOf(reader, 'targetDelegatedProviderOffer', { lengthMax: 2048 });
  const ids = textsOf(reader, 'resources', subscriptionsPerAccountMax);
  if (ids === undefined || ids.length === 0)
    note(reader, 'resources', 'a list of ids of subscriptions, with at least one, is wanted');
  finish(reader);
  const offered = target === undefined || target === '' ? undefined : offeredNamed(target, view);
  const faults: Detail[] = [];
  const subscriptions = (ids ?? []).flatMap((id) => {
    const found = tenantSubscription(view, storedId(id));
    const says = found === undefined ? 'there is no such subscription' : inTheWay(found, offered, view);
    if (says !== undefined) faults.push({ code: 'SubscriptionCannotMove', message: `${id}: ${says}.`, target: id });
    return found === undefined || says !== undefined ? [] : [found];
  });
  if (faults.length > 0) {
    const says = `${faults.length} of ${ids?.length ?? 0} subscriptions cannot be moved; none was.`;
    throw new Refusal('MoveSubscriptionsFailed', says, { status: 409, details: faults });
  }
  const provider = offered === undefined ? own.name : offered.id.split('/')[2];
  return {
    subscriptions,
    change: { delegatedProviderSubscriptionId: provider, delegatedOfferId: offered?.id },
  };
}

/** `…/delegatedProviders/{provider}/offers/{offer}`. */
function offeredNamed(text: string, view: View): Resource {
  const match = /\/delegatedProviders\/([^/]+)\/offers\/([^/]+)$/i.exec(text);
  const found = match === null ? undefined : offeredBy(view, match[1] ?? '', match[2] ?? '');
  if (found !== undefined) return found;
  const says = `The offer '${text.slice(0, 300)}' of a delegated provider could not be found.`;
  throw new Refusal('OfferNotFound', says, { status: 404, target: '/targetDelegatedProviderOffer' });
}

function inTheWay(subscription: Resource, offered: Resource | undefined, view: View): string | undefined {
  const { offerId } = subscription.properties;
  if (typeof offerId !== 'string') return "it is the operator's own";
  if (offered === undefined) return undefined;
  if (sameId(nameOfId(offered.id.split('/').slice(0, 3).join('/')), subscription.name))
    return 'it is the provider itself';
  if (isDelegatedProvider(subscription, view)) return 'it is a delegated provider';
  if (!sameId(offerBehind(view, offered)?.id, offerId)) return 'it was made from another offer than is handed on there';
  return undefined;
}
