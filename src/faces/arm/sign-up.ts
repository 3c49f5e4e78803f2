/** What tenants see of offers, and how they come to subscriptions and end them (Microsoft.Subscriptions 2015-11-01). */

import { Refusal } from '#base/wrong.ts';
import { signUpType } from '#model/plans/ids.ts';
import { offersFor, showOffer, showTenantSubscription } from '#model/plans/sign-up.ts';
import type { Resource } from '#model/resource.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, partOf, type Call } from '#faces/arm/call.ts';
import { rowOf, type Row } from '#faces/arm/catalog.ts';
import { outcomeAnswer } from '#faces/arm/long-running.ts';
import { pageAnswer } from '#faces/arm/page.ts';
import { wholeView } from '#faces/arm/user-subscription.ts';

/** GET `/offers`: those that the caller may see. */
export function listOffers(call: Call): Answer {
  return pageAnswer(call, visible(call), (offer) => showOffer(offer));
}

/** GET of the offers of a provider. */
export function listProviderOffers(call: Call): Answer {
  const provider = providerNamed(call);
  return pageAnswer(call, visible(call), (offer) => showOffer(offer, provider));
}

/** GET of one of them. */
export function getProviderOffer(call: Call): Answer {
  const provider = providerNamed(call);
  const name = partOf(call, 'offer');
  const offer = visible(call).find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (offer !== undefined) return shown(showOffer(offer, provider));
  throw new Refusal('OfferNotFound', `The offer '${name.slice(0, 200)}' could not be found.`, { status: 404 });
}

function visible(call: Call): readonly Resource[] {
  return offersFor(wholeView(call), call.caller.oid);
}

function providerNamed(call: Call): string {
  const stated = partOf(call, 'provider');
  if (stated.toLowerCase() === 'default') return 'default';
  const says = `The delegated provider '${stated.slice(0, 100)}' could not be found.`;
  throw new Refusal('DelegatedProviderNotFound', says, { status: 404 });
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
