/** Offers: base plans and add-ons under one name that tenants sign up for; private, public, or decommissioned. */

import { isObject, type JsonObject } from '#base/json.ts';
import { planPartsMax, quotaNumberMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import { amend, keepTracked, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun, NounAction } from '#model/noun.ts';
import { finish, integerOf, listOf, note, oneOf, readBody, textOf, textsOf, type Reader } from '#model/parse.ts';
import {
  delegatedOfferType,
  isStanding,
  namedResource,
  offerDelegationType,
  offerType,
  planType,
  subscriptionIdOf,
  textsIn,
} from '#model/plans/ids.ts';
import { checkUnused } from '#model/plans/in-use.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import type { Draft, Resource, View } from '#model/resource.ts';

const states = ['Private', 'Public', 'Decommissioned'] as const;

export type AddOn = { readonly planId: string; readonly maxAcquisitionCount: number };

export const offer: Noun = {
  type: offerType,

  write(write, draft, context) {
    const job = openJob(offerType, write, { draft, context });
    const { properties, before } = job;
    checkNameFree(job);
    const held = before?.properties ?? {};
    const displayName = textOf(properties, 'displayName', { lengthMax: 256 }) ?? nameOfId(job.id);
    const description = textOf(properties, 'description', { lengthMax: 4096 });
    const externalReferenceId = textOf(properties, 'externalReferenceId', { lengthMax: 256 });
    const state = oneOf(properties, 'state', states) ?? held['state'] ?? 'Private';
    const maxSubscriptionsPerAccount = integerOf(properties, 'maxSubscriptionsPerAccount', [0, quotaNumberMax]) ?? 0;
    const basePlanIds = basesOf(job) ?? held['basePlanIds'] ?? [];
    const addonPlans = addOnsStated(job) ?? held['addonPlans'] ?? [];
    if (Array.isArray(basePlanIds) && basePlanIds.length === 0 && !properties.members.has('baseplanids'))
      note(properties, 'basePlanIds', {
        code: 'OfferWithoutBasePlan',
        message: 'An offer has at least one base plan.',
      });
    return keepTracked(job, {
      properties: {
        displayName,
        description,
        externalReferenceId,
        state,
        maxSubscriptionsPerAccount,
        basePlanIds,
        addonPlans: addonPlans as JsonObject[],
      },
    });
  },

  remove(resource, draft) {
    const handedOn = [...draft.ofType(delegatedOfferType)].filter(({ internal }) =>
      sameId(String(internal?.['offerId']), resource.id),
    );
    checkUnused(resource, [...subscribersOf(resource, draft), ...handedOn], { code: 'OfferInUse', what: 'offer' });
    for (const { id } of draft.childrenOf(resource.id, offerDelegationType)) draft.delete(id);
    draft.delete(resource.id);
  },

  show(resource, view) {
    const { id, name, type, location, tags, properties } = resource;
    const { addonPlans, ...rest } = properties;
    const hasAddOns = Array.isArray(addonPlans) && addonPlans.length > 0;
    const subscriptionCount = subscribersOf(resource, view).length;
    const shown = { name, ...rest, ...(hasAddOns ? { addonPlans } : {}), subscriptionCount };
    return tidy({ id, name, type, location, tags, properties: shown });
  },

  actions: {
    link: { method: 'POST', run: (...asked) => link(...asked) },
    unlink: { method: 'POST', run: (...asked) => unlink(...asked) },
  },
};

/** Tenants name an offer by its name alone. */
function checkNameFree({ id, before, draft }: Job): void {
  if (before !== undefined) return;
  const name = nameOfId(id).toLowerCase();
  const twin = [...draft.ofType(offerType)].find((other) => other.name.toLowerCase() === name);
  if (twin === undefined) return;
  const says = `There is an offer of the name '${twin.name}' already: ${twin.id}. Tenants ask for offers by name.`;
  throw new Refusal('OfferNameTaken', says, { status: 409, target: '/name' });
}

function basesOf(job: Job): readonly string[] | undefined {
  const stated = textsOf(job.properties, 'basePlanIds', planPartsMax);
  if (stated?.length === 0)
    note(job.properties, 'basePlanIds', {
      code: 'OfferWithoutBasePlan',
      message: 'An offer has at least one base plan.',
    });
  return stated?.flatMap((text, index) => planAt(job, text, [job.properties, `basePlanIds/${index}`]) ?? []);
}

function addOnsStated(job: Job): readonly AddOn[] | undefined {
  return listOf(job.properties, 'addonPlans', planPartsMax)?.flatMap((one) => {
    const text = textOf(one, 'planId', { required: true, lengthMax: 2048 });
    const maxAcquisitionCount = integerOf(one, 'maxAcquisitionCount', [1, quotaNumberMax]) ?? 1;
    const planId = text === undefined ? undefined : planAt(job, text, [one, 'planId']);
    return planId === undefined ? [] : [{ planId, maxAcquisitionCount }];
  });
}

function planAt({ draft, id }: Job, text: string, [reader, name]: readonly [Reader, string]): string | undefined {
  const found = namedResource(draft, text, planType);
  if (found !== undefined && sameId(subscriptionIdOf(found.id), subscriptionIdOf(id))) return found.id;
  note(reader, name, {
    code: 'PlanNotFound',
    message: `There is no plan '${text.slice(0, 300)}'. The id of a ${planType} is accepted.`,
  });
  return undefined;
}

/** The subscriptions that were made from the offer. */
export function subscribersOf({ id }: Resource, view: View): readonly Resource[] {
  return [...view.ofType(subscriptionType)].filter(
    (subscription) => isStanding(subscription) && sameId(String(subscription.properties['offerId']), id),
  );
}

/** The add-ons of an offer. */
export function addOnsOf({ properties }: Resource): readonly AddOn[] {
  const held = properties['addonPlans'];
  return Array.isArray(held) ? (held as readonly AddOn[]) : [];
}

type Run = Parameters<NounAction['run']>;

/** POST `link`: puts a plan into the offer, as base or as add-on. */
function link(...[resource, { body }, draft, context]: Run): JsonObject {
  const { found, kind, count } = linkOf(resource, body, draft);
  const bases = textsIn(resource, 'basePlanIds').filter((id) => !sameId(id, found.id));
  const addOns = addOnsOf(resource).filter(({ planId }) => !sameId(planId, found.id));
  const isBase = kind === 'Base';
  const properties = {
    ...resource.properties,
    basePlanIds: isBase ? [...bases, found.id] : bases,
    addonPlans: isBase ? addOns : [...addOns, { planId: found.id, maxAcquisitionCount: count }],
  };
  return offer.show(changed(resource, properties, { draft, context }), draft, context);
}

/** POST `unlink`: takes a plan out of the offer; who has it keeps it. */
function unlink(...[resource, { body }, draft, context]: Run): JsonObject {
  const { found } = linkOf(resource, body, draft);
  const properties = {
    ...resource.properties,
    basePlanIds: textsIn(resource, 'basePlanIds').filter((id) => !sameId(id, found.id)),
    addonPlans: addOnsOf(resource).filter(({ planId }) => !sameId(planId, found.id)),
  };
  return offer.show(changed(resource, properties, { draft, context }), draft, context);
}

function changed(resource: Resource, properties: JsonObject, world: { draft: Draft; context: Run[3] }): Resource {
  if (textsIn({ properties }, 'basePlanIds').length > 0) return amend(resource, { properties }, world);
  const says = `An offer has at least one base plan; link another one to '${resource.name}' first.`;
  throw new Refusal('OfferWithoutBasePlan', says, { status: 409, target: '/planName' });
}

/** The plan that a link names: by id, else by name, in the offer's own group first. */
function linkOf(resource: Resource, body: unknown, draft: Draft) {
  const reader = readBody(isObject(body) ? body : {});
  const name = textOf(reader, 'planName', { required: true, lengthMax: 2048 }) ?? '';
  const kind = oneOf(reader, 'planLinkType', ['None', 'Base', 'Addon']) ?? 'Base';
  const count = integerOf(reader, 'maxAcquisitionCount', [1, quotaNumberMax]) ?? 1;
  finish(reader);
  const all = [...draft.ofType(planType)].filter(
    (one) => sameId(one.id, name) || one.name.toLowerCase() === name.toLowerCase(),
  );
  const group = resource.id.split('/').slice(0, 5).join('/').toLowerCase();
  const near = all.filter(({ id }) => id.toLowerCase().startsWith(`${group}/`));
  const [found, ...others] = near.length > 0 ? near : all;
  if (found !== undefined && others.length === 0) return { found, kind, count };
  const says =
    found === undefined
      ? `There is no plan '${name.slice(0, 300)}'.`
      : `There are ${others.length + 1} plans of the name '${name.slice(0, 300)}'; give the id of one.`;
  throw new Refusal(found === undefined ? 'PlanNotFound' : 'PlanNameNotUnique', says, {
    status: 404,
    target: '/planName',
  });
}
