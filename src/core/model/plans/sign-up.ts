/** Tenants' own subscriptions: a user of any directory makes one from a public offer and owns it, names it, and removes it. */

import { Refusal } from '#base/wrong.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import { tidy } from '#model/job.ts';
import type { JsonObject } from '#base/json.ts';
import type { Noun, Write } from '#model/noun.ts';
import { finish, note, readBody, textOf, type Reader } from '#model/parse.ts';
import { offerBehind, offeredBy } from '#model/plans/delegated-offer.ts';
import { delegatedOfferType, isStanding, offerType, signUpType } from '#model/plans/ids.ts';
import type { Person } from '#model/plans/person.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import { changeSubscription, subscribe, tenantSubscription, type World } from '#model/plans/subscribe.ts';
import { userSubscription } from '#model/plans/user-subscription.ts';
import type { Context, Resource, View } from '#model/resource.ts';

export const signUp: Noun = {
  type: signUpType,
  isOpenToUsers: true,

  write(write, draft, context) {
    const person = askerOf(write.id, context);
    const reader = readBody(write.body);
    const before = tenantSubscription(draft, write.id);
    const world = { draft, context };
    return before === undefined
      ? made(write, reader, { person, ...world })
      : renamed(before, reader, { person, ...world });
  },

  remove(resource, draft, context) {
    const person = askerOf(resource.id, context);
    checkOwner(resource, person);
    userSubscription.remove(resource, draft, context);
  },

  show: (resource, view) => showTenantSubscription(resource, view),
};

type Asking = World & { readonly person: Person };

/** As Azure Stack shows one to its tenant (2015-11-01). */
export function showTenantSubscription({ id, name, properties }: Resource, view: Pick<View, 'get'>): JsonObject {
  const { displayName, tenantId, state, offerId, delegatedOfferId } = properties;
  const handedOn = view.get(String(delegatedOfferId ?? ''));
  const offer = handedOn ?? view.get(String(offerId ?? ''));
  const provider = handedOn?.id.split('/')[2];
  return tidy({
    id,
    subscriptionId: name,
    displayName,
    tenantId,
    offerId: offer === undefined ? undefined : offerAddress(offer, provider),
    state: state ?? 'Enabled',
  });
}

/** The address under which tenants know an offer. */
export function offerAddress({ name }: Resource, provider = 'default'): string {
  return `/delegatedProviders/${provider}/offers/${name}`;
}

/** An offer as tenants see it: nothing of its plans. */
export function showOffer(resource: Resource, provider?: string): JsonObject {
  const { name, properties } = resource;
  const { displayName, description } = properties;
  return { id: offerAddress(resource, provider), name, displayName, description: description ?? '' };
}

/** What a delegated provider offers to a user: what is public, and what a subscription of his was made from. */
export function offeredTo(view: View, provider: string, oid: string): readonly Resource[] {
  const own = new Set(
    [...view.ofType(subscriptionType)].flatMap(({ properties }) =>
      properties['ownerId'] === oid ? [String(properties['delegatedOfferId']).toLowerCase()] : [],
    ),
  );
  const scope = `/subscriptions/${provider}/`.toLowerCase();
  return [...view.ofType(delegatedOfferType)].filter(
    ({ id, properties }) =>
      id.toLowerCase().startsWith(scope) &&
      (properties['accessibilityState'] === 'Public' || own.has(id.toLowerCase())),
  );
}

/** The offers that a user may see: public ones, and those of subscriptions of his. */
export function offersFor(view: View, oid: string): readonly Resource[] {
  const own = [...view.ofType(subscriptionType)].filter(
    (one) => isStanding(one) && one.properties['ownerId'] === oid && typeof one.properties['offerId'] === 'string',
  );
  return [...view.ofType(offerType)].filter(
    (offer) =>
      offer.properties['state'] === 'Public' ||
      own.some(({ properties }) => sameId(String(properties['offerId']), offer.id)),
  );
}

function made({ id }: Write, reader: Reader, { person, ...world }: Asking): Resource {
  const text = textOf(reader, 'offerId', { required: true, lengthMax: 2048 }) ?? '';
  const displayName = textOf(reader, 'displayName', { lengthMax: 256 });
  checkStated(reader, { id, state: 'Enabled', tenantId: person.tenantId });
  finish(reader);
  const { offer, more } = offerAt(text, world.draft);
  // A private offer and one that is not there are the same to who may not see it.
  if (offer === undefined) {
    const says = `The offer '${text.slice(0, 300)}' could not be found. GET /offers lists those that can be had.`;
    throw new Refusal('OfferNotFound', says, { status: 404, target: '/offerId' });
  }
  const properties = tidy({ displayName: displayName ?? offer.properties['displayName'], ...more });
  return subscribe({ id, offer, owner: person, properties }, world);
}

/** The public offer at an address, and what a subscription keeps of a delegated provider who hands it on. */
function offerAt(text: string, view: View): { readonly offer?: Resource | undefined; readonly more?: JsonObject } {
  const [, provider = '', name = ''] = /^\/delegatedProviders\/([^/]+)\/offers\/([^/]+)$/i.exec(text) ?? [];
  if (provider.toLowerCase() !== 'default') {
    const offered = offeredBy(view, provider, name);
    if (offered?.properties['accessibilityState'] !== 'Public') return {};
    const more = { delegatedProviderSubscriptionId: offered.id.split('/')[2], delegatedOfferId: offered.id };
    return { offer: offerBehind(view, offered), more };
  }
  const key = name.toLowerCase();
  const offers = [...view.ofType(offerType)];
  return { offer: offers.find((one) => one.name.toLowerCase() === key && one.properties['state'] === 'Public') };
}

/** The one thing that its owner may change here; what else is stated must be as it is. */
function renamed(before: Resource, reader: Reader, { person, ...world }: Asking): Resource {
  checkOwner(before, person);
  const displayName = textOf(reader, 'displayName', { lengthMax: 256 });
  const { state, tenantId } = before.properties;
  checkStated(reader, { id: before.id, state: String(state ?? 'Enabled'), tenantId: String(tenantId ?? '') });
  const offer = textOf(reader, 'offerId', { lengthMax: 2048 });
  const held = showTenantSubscription(before, world.draft)['offerId'];
  if (offer !== undefined && offer !== '' && offer.toLowerCase() !== String(held).toLowerCase())
    note(reader, 'offerId', `a subscription stays with the offer that it was made from, ${String(held)}`);
  finish(reader);
  return changeSubscription(before, tidy({ displayName }), world);
}

function checkStated(
  reader: Reader,
  wanted: { readonly id: string; readonly state: string; readonly tenantId: string },
): void {
  const rows = [
    ['subscriptionId', nameOfId(wanted.id)],
    ['state', wanted.state],
    ['tenantId', wanted.tenantId],
  ] as const;
  for (const [member, value] of rows) {
    const stated = textOf(reader, member, { lengthMax: 64 });
    if (stated !== undefined && stated !== '' && stated.toLowerCase() !== value.toLowerCase())
      note(reader, member, `'${value}' is wanted, or nothing`);
  }
}

function askerOf(id: string, { asker }: Context): Person {
  if (asker !== undefined && /^\/subscriptions\/[^/]+$/i.test(id)) return asker;
  const says = 'Subscriptions are made and removed by users, at /subscriptions/{id}.';
  throw new Refusal('SubscriptionNotWritable', says, { status: 403, target: id });
}

/** Roles let others work in a subscription; it is its billing owner's to end or to rename. */
function checkOwner({ name, properties }: Resource, { oid, upn }: Person): void {
  if (properties['ownerId'] === oid) return;
  const says = `The subscription '${name}' is changed by its owner, and ${upn} is not.`;
  throw new Refusal('AuthorizationFailed', says, { status: 403 });
}
