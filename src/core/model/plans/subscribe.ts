/** How somebody comes to a subscription: made from an offer for a user who then owns it, within what the offer and the stamp allow. */

import { deepFreeze, type JsonObject } from '#base/json.ts';
import { subscriptionsMax, subscriptionsPerAccountMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { nameOfId } from '#model/arm-id.ts';
import { guidPattern, roleAssignmentType } from '#model/authorization/role-definition.ts';
import { amend, newEtag, tidy } from '#model/job.ts';
import { acquiredPlanType, isStanding, subscriptionIdOf, textsIn, userSubscriptionId } from '#model/plans/ids.ts';
import { subscribersOf } from '#model/plans/offer.ts';
import type { Person } from '#model/plans/person.ts';
import { planeOfSubscription, subscriptionType } from '#model/plans/plane.ts';
import type { Context, Draft, Resource } from '#model/resource.ts';

/** Azure's id of the role. */
export const ownerRoleId = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';

export type World = { readonly draft: Draft; readonly context: Context };

/** A subscription as it is wanted: `properties` are what the maker states besides. */
export type Subscribing = {
  /** `/subscriptions/x`. */
  readonly id: string;
  readonly offer: Resource;
  readonly owner: Person;
  readonly properties: JsonObject;
};

/** Makes the subscription with the offer's base plans, and its owner's right to it, in one change. */
export function subscribe({ id, offer, owner, properties }: Subscribing, world: World): Resource {
  const { draft, context } = world;
  const name = nameOfId(id);
  checkId(id, draft);
  checkRoom(offer, owner, draft);
  const provider = nameOfId(subscriptionIdOf(offer.id));
  const plans = textsIn(offer, 'basePlanIds');
  const made: Resource = deepFreeze({
    id,
    type: subscriptionType,
    name,
    properties: tidy({
      delegatedProviderSubscriptionId: provider,
      routingResourceManagerType: 'Default',
      state: 'Enabled',
      ...properties,
      tenantId: owner.tenantId,
      owner: owner.upn,
      ownerId: owner.oid,
      offerId: offer.id,
      plans,
    }),
    etag: newEtag(context),
    createdAt: context.now,
    changedAt: context.now,
  });
  draft.put(made);
  for (const planId of plans) acquire({ subscription: made, provider, planId }, world);
  giveOwnership(id, owner, world);
  return made;
}

/** An id is a GUID that was never a subscription's: what was written under it stays its former owner's. */
function checkId(id: string, draft: Draft): void {
  const name = nameOfId(id);
  if (!guidPattern.test(name)) {
    const says = `The provided subscription identifier '${name.slice(0, 100)}' is malformed or invalid: a GUID is wanted.`;
    throw new Refusal('InvalidSubscriptionId', says, { target: 'subscriptionId' });
  }
  if (draft.get(id) === undefined) return;
  const says = `The subscription id '${name}' was used before; take a new GUID.`;
  throw new Refusal('SubscriptionIdUsed', says, { status: 409, target: 'subscriptionId' });
}

function checkRoom(offer: Resource, { oid, upn }: Person, draft: Draft): void {
  const isOwn = ({ properties }: Resource): boolean => properties['ownerId'] === oid;
  const allowed = Number(offer.properties['maxSubscriptionsPerAccount'] ?? 0);
  const ofOffer = subscribersOf(offer, draft).filter(isOwn).length;
  if (allowed > 0 && ofOffer >= allowed) {
    const says = `The offer '${offer.name}' allows ${allowed} subscriptions to an account; ${upn} has ${ofOffer}.`;
    throw new Refusal('MaxSubscriptionsPerAccountExceeded', says, { status: 409, target: '/offerId' });
  }
  const all = [...draft.ofType(subscriptionType)];
  const own = all.filter((one) => isStanding(one) && isOwn(one)).length;
  if (own >= subscriptionsPerAccountMax || all.length >= subscriptionsMax) {
    const says =
      own >= subscriptionsPerAccountMax
        ? `An account has at most ${subscriptionsPerAccountMax} subscriptions; ${upn} has ${own}.`
        : `The stamp has had ${all.length} subscriptions, as many as it can keep apart.`;
    throw new Refusal('SubscriptionCountLimitReached', says, { status: 409 });
  }
}

/** The acquisition of a plan, as a resource of the operator's. */
export function acquire(
  wanted: {
    readonly subscription: Resource;
    readonly provider: string;
    readonly planId: string;
    readonly id?: string;
    readonly externalReferenceId?: string | undefined;
  },
  { draft, context }: World,
): Resource {
  const { subscription, provider, planId, externalReferenceId } = wanted;
  const name = wanted.id ?? context.newGuid();
  const made: Resource = deepFreeze({
    id: `${userSubscriptionId(provider, subscription.name)}/acquiredPlans/${name}`,
    type: acquiredPlanType,
    name,
    properties: tidy({ planId, externalReferenceId, acquisitionTime: context.now }),
    etag: newEtag(context),
    createdAt: context.now,
    changedAt: context.now,
  });
  draft.put(made);
  return made;
}

/** Makes the user an owner of the subscription. */
export function giveOwnership(scope: string, { oid }: Person, { draft, context }: World): void {
  const name = context.newGuid();
  draft.put(
    deepFreeze({
      id: `${scope}/providers/${roleAssignmentType}/${name}`,
      type: roleAssignmentType,
      name,
      properties: {
        roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${ownerRoleId}`,
        principalId: oid,
        principalType: 'User',
        scope,
      },
      etag: newEtag(context),
      createdAt: context.now,
      changedAt: context.now,
    }),
  );
}

/** Another billing owner: the one before him is no owner any more, others that were made owners stay. */
export function changeOwner(subscription: Resource, next: Person, world: World): void {
  const { draft } = world;
  const { ownerId } = subscription.properties;
  const own = `${subscription.id}/providers/${roleAssignmentType}/`.toLowerCase();
  const atScope = [...draft.under(subscription.id)].filter(
    ({ id, type, properties }) =>
      type === roleAssignmentType &&
      id.toLowerCase().startsWith(own) &&
      nameOfId(String(properties['roleDefinitionId'])).toLowerCase() === ownerRoleId,
  );
  for (const { id, properties } of atScope) if (properties['principalId'] === ownerId) draft.delete(id);
  if (!atScope.some(({ properties }) => properties['principalId'] === next.oid))
    giveOwnership(subscription.id, next, world);
}

/** Writes other properties of a subscription. */
export function changeSubscription(subscription: Resource, change: JsonObject, world: World): Resource {
  return amend(subscription, { properties: tidy({ ...subscription.properties, ...change }) }, world);
}

/** The subscription of an id, when it is a tenant's and not gone. */
export function tenantSubscription(draft: Pick<Draft, 'get'>, id: string): Resource | undefined {
  const found = draft.get(id);
  if (found?.type !== subscriptionType || !isStanding(found)) return undefined;
  return planeOfSubscription(found) === 'tenant' ? found : undefined;
}

/** 404 as Azure words it. */
export function noSubscription(name: string): Refusal {
  const says = `The subscription '${name.slice(0, 100)}' could not be found.`;
  return new Refusal('SubscriptionNotFound', says, { status: 404 });
}
