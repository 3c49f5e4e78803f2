/** Tenants' subscriptions as the operator writes them: made for a user, suspended and resumed, given to another owner, removed with all that is in them. */

import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import { tidy } from '#model/job.ts';
import type { Noun, Write } from '#model/noun.ts';
import { finish, note, oneOf, readBody, textOf, type Reader } from '#model/parse.ts';
import {
  acquiredPlanType,
  namedResource,
  offerDelegationType,
  offerType,
  storedId,
  subscriptionIdOf,
  userSubscriptionId,
  userSubscriptionType,
} from '#model/plans/ids.ts';
import type { Person } from '#model/plans/person.ts';
import {
  changeOwner,
  changeSubscription,
  noSubscription,
  subscribe,
  tenantSubscription,
  type World,
} from '#model/plans/subscribe.ts';
import type { Resource, View } from '#model/resource.ts';

const states = ['Enabled', 'Disabled', 'Warned', 'PastDue'] as const;

export const userSubscription: Noun = {
  type: userSubscriptionType,

  write(write, draft, context) {
    const id = storedId(write.id);
    const reader = readBody(write.body);
    checkMembers(reader, nameOfId(id));
    const before = tenantSubscription(draft, id);
    const world = { draft, context };
    return before === undefined ? made(write, reader, world) : changed(before, reader, world);
  },

  // What is in it is emptied by the gate, noun by noun.
  remove({ id, properties }, draft) {
    if (properties['offerId'] === undefined) {
      const says = `The subscription '${nameOfId(id)}' is the operator's own and stays.`;
      throw new Refusal('OperatorSubscriptionNotRemovable', says, { status: 409, target: id });
    }
    const { ownerId, owner, tenantId, offerId, displayName } = properties;
    const found = draft.get(id);
    if (found === undefined) return;
    const alias = userSubscriptionId(nameOfId(subscriptionIdOf(String(offerId))), found.name);
    for (const held of draft.childrenOf(alias, acquiredPlanType)) draft.delete(held.id);
    for (const given of draft.ofType(offerDelegationType))
      if (String(given.properties['subscriptionId']) === found.name) draft.delete(given.id);
    // The id is never given to somebody else: what the audit tells of it stays its owner's.
    const rest = tidy({ ownerId, owner, tenantId, offerId, displayName, state: 'Deleted' });
    draft.put(Object.freeze({ ...found, properties: Object.freeze(rest) }));
  },

  show: (resource, view) => showUserSubscription(resource, providerOf(view, resource)),
};

/** As Azure Stack shows one: flat, under the operator's own subscription. */
export function showUserSubscription({ name, properties }: Resource, provider: string): JsonObject {
  const { displayName, owner, tenantId, offerId, state, externalReferenceId } = properties;
  const routing = properties['routingResourceManagerType'] ?? 'Default';
  const delegated = properties['delegatedProviderSubscriptionId'] ?? provider;
  return tidy({
    id: userSubscriptionId(provider, name),
    subscriptionId: name,
    delegatedProviderSubscriptionId: delegated,
    displayName,
    externalReferenceId,
    owner,
    tenantId,
    routingResourceManagerType: routing,
    offerId,
    state: state ?? 'Enabled',
  });
}

function providerOf(view: View, { properties }: Resource): string {
  const offer = view.get(String(properties['offerId'] ?? ''));
  return offer === undefined ? '' : nameOfId(subscriptionIdOf(offer.id));
}

function checkMembers(reader: Reader, name: string): void {
  const stated = textOf(reader, 'subscriptionId', { lengthMax: 64 });
  if (stated !== undefined && stated !== '' && stated.toLowerCase() !== name.toLowerCase())
    note(reader, 'subscriptionId', `the path names '${name}'`);
  if (oneOf(reader, 'routingResourceManagerType', ['Default', 'Admin']) === 'Admin')
    note(
      reader,
      'routingResourceManagerType',
      'the plane of administration has the one subscription that the stamp made',
    );
}

function statedOf(reader: Reader): JsonObject {
  return {
    displayName: textOf(reader, 'displayName', { lengthMax: 256 }),
    externalReferenceId: textOf(reader, 'externalReferenceId', { lengthMax: 256 }),
    state: oneOf(reader, 'state', states),
  };
}

function made(write: Write, reader: Reader, world: World): Resource {
  const text = textOf(reader, 'offerId', { required: true, lengthMax: 2048 }) ?? '';
  const owner = personAt(reader, world, true);
  const stated = statedOf(reader);
  finish(reader);
  const provider = subscriptionIdOf(write.id);
  const offer = namedResource(world.draft, text, offerType);
  if (offer === undefined || !sameId(subscriptionIdOf(offer.id), provider) || owner === undefined) {
    throw new Refusal('OfferNotFound', `The offer '${text.slice(0, 300)}' could not be found.`, {
      status: 404,
      target: '/offerId',
    });
  }
  if (offer.properties['state'] === 'Decommissioned') throw decommissioned(offer);
  const properties = { displayName: stated['displayName'] ?? nameOfId(write.id), ...stated };
  return subscribe({ id: storedId(write.id), offer, owner, properties: tidy(properties) }, world);
}

function changed(before: Resource, reader: Reader, world: World): Resource {
  const text = textOf(reader, 'offerId', { lengthMax: 2048 });
  const owner = personAt(reader, world, false);
  const stated = statedOf(reader);
  finish(reader);
  const held = String(before.properties['offerId'] ?? '');
  if (text !== undefined && text !== '' && !sameId(namedResource(world.draft, text, offerType)?.id, held)) {
    const says = `A subscription stays with the offer that it was made from: '${held}'. Add-on plans can be added to it.`;
    throw new Refusal('SubscriptionOfferCannotChange', says, { status: 409, target: '/offerId' });
  }
  const isOther = owner !== undefined && owner.oid !== before.properties['ownerId'];
  if (isOther) {
    if (owner.tenantId.toLowerCase() !== String(before.properties['tenantId'] ?? '').toLowerCase()) {
      const says = `The new owner must be in the directory of the subscription, ${String(before.properties['tenantId'])}.`;
      throw new Refusal('OwnerInOtherDirectory', says, { status: 409, target: '/owner' });
    }
    changeOwner(before, owner, world);
  }
  const own = isOther ? { owner: owner.upn, ownerId: owner.oid } : {};
  return changeSubscription(before, { ...tidy(stated), ...own }, world);
}

/** The user that the body names as owner, and in whose directory. */
function personAt(reader: Reader, { context }: World, isRequired: boolean): Person | undefined {
  const name = textOf(reader, 'owner', { required: isRequired, lengthMax: 256 });
  const tenantId = textOf(reader, 'tenantId', { lengthMax: 64 });
  if (name === undefined || name === '') return undefined;
  const found = context.userNamed?.(name);
  if (found === undefined) {
    const message = `There is no user '${name.slice(0, 256)}' in any directory of the stamp.`;
    note(reader, 'owner', { code: 'OwnerNotFound', message });
  } else if (tenantId !== undefined && tenantId !== '' && tenantId.toLowerCase() !== found.tenantId.toLowerCase()) {
    note(reader, 'tenantId', `the directory of ${found.upn} is ${found.tenantId}`);
  }
  return found;
}

/** Who has a decommissioned offer keeps it; nobody new comes to it. */
export function decommissioned({ name }: Resource): Refusal {
  const says = `The offer '${name}' is decommissioned: nothing new is made from it.`;
  return new Refusal('OfferDecommissioned', says, { status: 409, target: '/offerId' });
}

/** The tenant's subscription that the operator's id names. */
export function subscriptionNamed(draft: Parameters<typeof tenantSubscription>[0], id: string): Resource {
  const found = tenantSubscription(draft, storedId(id));
  if (found === undefined) throw noSubscription(nameOfId(id));
  return found;
}
