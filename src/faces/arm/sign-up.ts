/** What tenants see of offers, and how they come to subscriptions and end them (Microsoft.Subscriptions 2015-11-01). */

import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { givenOfferId, givenOffers, subscribersThrough } from '#model/plans/delegated-offer.ts';
import { delegatedOfferType, signUpType } from '#model/plans/ids.ts';
import { offeredTo, offersFor, showOffer, showTenantSubscription } from '#model/plans/sign-up.ts';
import type { Resource } from '#model/resource.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, partOf, subscriptionId, type Call } from '#faces/arm/call.ts';
import { rowOf, type Row } from '#faces/arm/catalog.ts';
import { lies, readable } from '#faces/arm/list.ts';
import { outcomeAnswer } from '#faces/arm/long-running.ts';
import { pageAnswer } from '#faces/arm/page.ts';
import { wholeView } from '#faces/arm/user-subscription.ts';

/** GET `/offers`: those that the caller may see. */
export function listOffers(call: Call): Answer {
  return pageAnswer(call, visible(call), (offer) => showOffer(offer));
}

/** GET of the offers of a provider. */
export function listProviderOffers(call: Call): Answer {
  const provider = partOf(call, 'provider');
  return pageAnswer(call, visible(call), (offer) => showOffer(offer, provider));
}

/** GET of one of them. */
export function getProviderOffer(call: Call): Answer {
  const provider = partOf(call, 'provider');
  const name = partOf(call, 'offer');
  const offer = visible(call).find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (offer !== undefined) return shown(showOffer(offer, provider));
  throw new Refusal('OfferNotFound', `The offer '${name.slice(0, 200)}' could not be found.`, { status: 404 });
}

/** The operator is the provider `default`; a provider that is none offers nothing. */
function visible(call: Call): readonly Resource[] {
  const { provider = 'default' } = call.parts;
  const { oid } = call.caller;
  return provider.toLowerCase() === 'default'
    ? offersFor(wholeView(call), oid)
    : offeredTo(wholeView(call), provider, oid);
}

/** GET `delegatedOffers` of a subscription: the offers that its owner may hand on. */
export function listGivenOffers(call: Call): Answer {
  const id = subscriptionId(call);
  const type = 'Microsoft.Subscriptions/delegatedOffers';
  call.engine.authorize(call.caller, `${type}/read`, id);
  const subscription = call.engine.view().get(id);
  const given = subscription === undefined ? [] : givenOffers(subscription, wholeView(call));
  return pageAnswer(call, given, (offer) => {
    const { displayName, description } = offer.properties;
    return { id: givenOfferId(id, offer), name: offer.name, type, properties: { displayName, description } };
  });
}

/** GET of what a subscription offers itself. */
export function listOwnOffers(call: Call): Answer {
  const scope = subscriptionId(call);
  const own = [...call.engine.view().ofType(delegatedOfferType)].filter(({ id }) => lies(id, scope));
  return pageAnswer(call, readable(call, own), (one) => showOwn(call, one));
}

function showOwn(call: Call, one: Resource): JsonObject {
  const subscriptionCount = subscribersThrough(one, wholeView(call)).length;
  const { id, name, type, properties } = one;
  return { id, name, type, properties: { ...properties, subscriptionCount } };
}

/** PUT `/subscriptions/{id}`: signs up for an offer, or gives a subscription of one's own another name. */
export async function putSubscription(call: Call): Promise<Answer> {
  const request = { kind: 'put', id: idOf(call), type: signUpType, body: bodyObject(call) } as const;
  const outcome = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  const answer = await outcomeAnswer(outcome, call, { row, verb: 'put' });
  const { resource } = outcome;
  return resource === undefined
    ? answer
    : { ...answer, body: showTenantSubscription(resource, wholeView(call)), headers: {} };
}

/** DELETE `/subscriptions/{id}`: ends a subscription of one's own, with all that is in it. */
export async function deleteSubscription(call: Call): Promise<Answer> {
  const request = { kind: 'delete', id: idOf(call), type: signUpType } as const;
  const outcome = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  return await outcomeAnswer(outcome, call, { row, verb: 'delete' });
}

const row = rowOf(signUpType) as Row;

function idOf(call: Call): string {
  return `/subscriptions/${partOf(call, 'subscription')}`;
}
