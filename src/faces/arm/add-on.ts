/** Add-on plans over the tenants' face: which can be had, which are held, taken and given back. */

import { Refusal } from '#base/wrong.ts';
import { addOnsFor, showAddOn, showTaken } from '#model/plans/add-on.ts';
import { acquiredPlanType, keptId, takenPlanType } from '#model/plans/ids.ts';
import type { Resource } from '#model/resource.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, partOf, subscriptionId, type Call } from '#faces/arm/call.ts';
import { rowOf } from '#faces/arm/catalog.ts';
import { outcomeAnswer } from '#faces/arm/long-running.ts';
import { pageAnswer } from '#faces/arm/page.ts';
import { wholeView } from '#faces/arm/user-subscription.ts';

/** GET `addonPlans`: those that the subscription may take. */
export function listAddOns(call: Call): Answer {
  const subscription = held(call, 'Microsoft.Subscriptions/addonPlans/read');
  return pageAnswer(call, offered(call, subscription), (one) => showAddOn(subscription, one));
}

function offered(call: Call, subscription: Resource) {
  return addOnsFor(subscription, wholeView(call)).map((one) => ({ ...one, id: one.plan.id }));
}

/** GET `acquiredPlans`: those that it holds. */
export function listTaken(call: Call): Answer {
  const subscription = held(call, `${takenPlanType}/read`);
  // Any name does: the plans of a subscription lie in one place.
  const place = keptId(wholeView(call), `${subscription.id}/providers/${takenPlanType}/x`).split('/').slice(0, -2);
  return pageAnswer(call, wholeView(call).childrenOf(place.join('/'), acquiredPlanType), showTaken);
}

/** GET of one. */
export function getTaken(call: Call): Answer {
  held(call, `${takenPlanType}/read`);
  const found = wholeView(call).get(keptId(wholeView(call), idOf(call)));
  if (found?.type === acquiredPlanType) return shown(showTaken(found));
  const says = `The plan acquisition with identifier '${partOf(call, 'acquisition').slice(0, 100)}' could not be found.`;
  throw new Refusal('PlanAcquisitionNotFound', says, { status: 404 });
}

/** PUT: takes an add-on. */
export async function putTaken(call: Call): Promise<Answer> {
  const request = { kind: 'put', id: idOf(call), type: takenPlanType, body: bodyObject(call) } as const;
  const outcome = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  const answer = await outcomeAnswer(outcome, call, { row: row(), verb: 'put' });
  return outcome.resource === undefined ? answer : { ...answer, body: showTaken(outcome.resource), headers: {} };
}

/** DELETE: gives it back. */
export async function deleteTaken(call: Call): Promise<Answer> {
  const request = { kind: 'delete', id: idOf(call), type: takenPlanType } as const;
  const outcome = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  return await outcomeAnswer(outcome, call, { row: row(), verb: 'delete' });
}

function row() {
  const found = rowOf(takenPlanType);
  if (found === undefined) throw new TypeError(`The catalog has no type ${takenPlanType}.`);
  return found;
}

function idOf(call: Call): string {
  return `${subscriptionId(call)}/providers/${takenPlanType}/${partOf(call, 'acquisition')}`;
}

function held(call: Call, action: string): Resource {
  const id = subscriptionId(call);
  call.engine.authorize(call.caller, action, id);
  const subscription = call.engine.view().get(id);
  if (subscription === undefined) throw new TypeError(`${id} went away.`);
  return subscription;
}
