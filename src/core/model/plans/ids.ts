/** Types of the operator's providers, and the ids under which a subscription is spoken of on each plane. */

import { canonicalId, sameId } from '#model/arm-id.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import type { Resource, View } from '#model/resource.ts';

export const planType = 'Microsoft.Subscriptions.Admin/plans';
export const offerType = 'Microsoft.Subscriptions.Admin/offers';
export const offerDelegationType = 'Microsoft.Subscriptions.Admin/offers/offerDelegations';
export const userSubscriptionType = 'Microsoft.Subscriptions.Admin/subscriptions';
export const acquiredPlanType = 'Microsoft.Subscriptions.Admin/subscriptions/acquiredPlans';
/** What a delegated provider offers, in a subscription of his. */
export const delegatedOfferType = 'Microsoft.Subscriptions/offers';
export const signUpType = 'Microsoft.Subscriptions/subscriptions';

const alias = /^\/subscriptions\/[^/]+\/providers\/Microsoft\.Subscriptions\.Admin\/subscriptions\/([^/]+)$/i;

/** The id under which what a request names is kept: the operator speaks of a tenant's subscription as one of his own. */
export function storedId(id: string): string {
  const subscription = alias.exec(id)?.[1];
  return subscription === undefined ? id : `/subscriptions/${subscription}`;
}

/** The id under which the operator speaks of a tenant's subscription. */
export function userSubscriptionId(provider: string, subscription: string): string {
  return `/subscriptions/${provider}/providers/${userSubscriptionType}/${subscription}`;
}

/** `/subscriptions/x` of an id. */
export function subscriptionIdOf(id: string): string {
  return /^\/subscriptions\/[^/]+/i.exec(id)?.[0] ?? '';
}

/** What an ARM id names, when it is there and of the type; a client may write the `.Admin` of the provider or leave it out. */
export function namedResource(view: Pick<View, 'get'>, stated: string, type: string): Resource | undefined {
  const id = canonicalId(stated.replace(/\/Microsoft\.Subscriptions\//i, '/Microsoft.Subscriptions.Admin/'));
  const found = view.get(id);
  return found !== undefined && found.type === type && sameId(found.id, id) ? found : undefined;
}

/** The texts of a list in a resource's properties. */
export function textsIn({ properties }: Pick<Resource, 'properties'>, name: string): readonly string[] {
  const value = properties[name];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

/** Is it still there, or a subscription of which only the note is kept that its id was used? */
export function isStanding({ type, properties }: Pick<Resource, 'type' | 'properties'>): boolean {
  return type !== subscriptionType || properties['state'] !== 'Deleted';
}
