/** Tenants' subscriptions and their plans, as the operator asks for them on the plane of administration. */

import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { nameOfId } from '#model/arm-id.ts';
import {
  acquiredPlanType,
  isStanding,
  subscriptionIdOf,
  userSubscriptionId,
  userSubscriptionType,
} from '#model/plans/ids.ts';
import { planeOfSubscription, subscriptionType } from '#model/plans/plane.ts';
import { noSubscription, tenantSubscription } from '#model/plans/subscribe.ts';
import { showUserSubscription } from '#model/plans/user-subscription.ts';
import type { Resource, View } from '#model/resource.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, partOf, subscriptionId, type Call } from '#faces/arm/call.ts';
import { rowOf, type Row } from '#faces/arm/catalog.ts';
import { outcomeAnswer } from '#faces/arm/long-running.ts';
import { pageAnswer } from '#faces/arm/page.ts';
import { deleteResource, putResource } from '#faces/arm/resource.ts';

/** The resources of both planes: what is told of tenants to their operator is named here, one by one. */
export function wholeView({ options }: Call): View {
  return options.engine.view();
}

/** The operator's own subscription of the route: its GUID. */
export function providerOf(call: Call): string {
  return nameOfId(subscriptionId(call));
}

/** GET of all. */
export function listUserSubscriptions(call: Call): Answer {
  const provider = authorized(call, 'read');
  return pageAnswer(call, tenantSubscriptions(call), (one) => showUserSubscription(one, provider));
}

/** All subscriptions of tenants. */
export function tenantSubscriptions(call: Call): readonly Resource[] {
  return [...wholeView(call).ofType(subscriptionType)].filter(
    (one) => isStanding(one) && planeOfSubscription(one) === 'tenant',
  );
}

/** GET of one. */
export function getUserSubscription(call: Call): Answer {
  const provider = authorized(call, 'read');
  return shown(showUserSubscription(found(call), provider));
}

/** PUT: makes one for a user, or changes one. */
export async function putUserSubscription(call: Call): Promise<Answer> {
  const provider = providerOf(call);
  const request = { kind: 'put', id: idOf(call), type: userSubscriptionType, body: bodyObject(call) } as const;
  const outcome = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  const answer = await outcomeAnswer(outcome, call, { row, verb: 'put' });
  const { resource } = outcome;
  return resource === undefined ? answer : { ...answer, body: showUserSubscription(resource, provider), headers: {} };
}

/** DELETE: with all that is in it. */
export async function deleteUserSubscription(call: Call): Promise<Answer> {
  const request = { kind: 'delete', id: idOf(call), type: userSubscriptionType } as const;
  const outcome = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  return await outcomeAnswer(outcome, call, { row, verb: 'delete' });
}

const row = rowOf(userSubscriptionType) as Row;

function idOf(call: Call): string {
  return userSubscriptionId(providerOf(call), partOf(call, 'target'));
}

function authorized(call: Call, act: string): string {
  const provider = providerOf(call);
  const target = call.parts['target'];
  const scope = target === undefined ? `/subscriptions/${provider}` : userSubscriptionId(provider, target);
  call.engine.authorize(call.caller, `${userSubscriptionType}/${act}`, scope);
  return provider;
}

function found(call: Call): Resource {
  const name = partOf(call, 'target');
  const subscription = tenantSubscription(wholeView(call), `/subscriptions/${name}`);
  if (subscription === undefined) throw noSubscription(name);
  return subscription;
}

/** GET of the plans of a subscription. */
export function listAcquiredPlans(call: Call): Answer {
  authorizedPlans(call);
  const { name } = found(call);
  const scope = userSubscriptionId(providerOf(call), name);
  const held = wholeView(call).childrenOf(scope, acquiredPlanType);
  return pageAnswer(call, held, (one) => call.engine.show(one, call.apiVersion));
}

/** GET of one of them. */
export function getAcquiredPlan(call: Call): Answer {
  authorizedPlans(call);
  found(call);
  const held = wholeView(call).get(acquiredId(call));
  if (held !== undefined) return shown(call.engine.show(held, call.apiVersion));
  const says = `The plan acquisition with identifier '${partOf(call, 'acquisition').slice(0, 100)}' could not be found.`;
  throw new Refusal('PlanAcquisitionNotFound', says, { status: 404 });
}

function authorizedPlans(call: Call): void {
  const scope = userSubscriptionId(providerOf(call), partOf(call, 'target'));
  call.engine.authorize(call.caller, `${acquiredPlanType}/read`, scope);
}

/** PUT: gives the subscription a plan. */
export function putAcquiredPlan(call: Call): Promise<Answer> {
  return putResource(withResource(call));
}

/** DELETE: takes it away again. */
export function deleteAcquiredPlan(call: Call): Promise<Answer> {
  return deleteResource(withResource(call));
}

function withResource(call: Call): Call {
  return { ...call, parts: { ...call.parts, id: acquiredId(call), type: acquiredPlanType } };
}

function acquiredId(call: Call): string {
  const scope = userSubscriptionId(providerOf(call), partOf(call, 'target'));
  return `${scope}/acquiredPlans/${partOf(call, 'acquisition')}`;
}

/** The subscription that an id of a resource lies in, and the resource, as the operator's lists of tenants' resources tell them. */
export function tenantResource({ id }: Resource): JsonObject {
  return { subscriptionId: nameOfId(subscriptionIdOf(id)), tenantResourceUri: id };
}
