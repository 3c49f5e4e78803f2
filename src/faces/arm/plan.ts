/** What else the operator asks of the subscriptions service: quotas at the location, delegated providers, directories, checks. */

import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { isDelegatedProvider } from '#model/plans/delegated-provider.ts';
import { subscribersThrough } from '#model/plans/delegated-offer.ts';
import { delegatedOfferType, offerType, planType } from '#model/plans/ids.ts';
import { serviceType } from '#model/plans/move.ts';
import { delegationQuotaType } from '#model/plans/quota.ts';
import { noSubscription } from '#model/plans/subscribe.ts';
import { showUserSubscription } from '#model/plans/user-subscription.ts';
import { nameFault } from '#model/names.ts';
import type { Resource } from '#model/resource.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, groupId, partOf, subscriptionId, type Call } from '#faces/arm/call.ts';
import { lies, readable, shower } from '#faces/arm/list.ts';
import { listAnswer, pageAnswer } from '#faces/arm/page.ts';
import { found } from '#faces/arm/resource.ts';
import { providerOf, tenantSubscriptions, wholeView } from '#faces/arm/user-subscription.ts';

const admin = 'Microsoft.Subscriptions.Admin';

/** GET `locations/{location}/quotas` of a service. */
export function listQuotas(call: Call, namespace: string): Answer {
  const scope = subscriptionId(call);
  checkLocation(call);
  const quotas = [...call.engine.view().ofType(`${namespace}/locations/quotas`)].filter(({ id }) => lies(id, scope));
  return pageAnswer(call, readable(call, quotas), shower(call));
}

function checkLocation(call: Call): void {
  const stated = partOf(call, 'location');
  const { location } = call.options;
  if (stated.toLowerCase().replaceAll(' ', '') === location.toLowerCase()) return;
  const says = `Unsupported quota location: ${stated.slice(0, 100)}. The location of this stamp is '${location}'.`;
  throw new Refusal('UnsupportedQuotaLocation', says, { target: 'location' });
}

/** GET `metrics` and `metricDefinitions` of a plan or an offer: none are kept. */
export function listNoMetrics(call: Call, type: string): Answer {
  const id = `${groupId(call)}/providers/${type}/${partOf(call, 'name')}`;
  found({ ...call, parts: { ...call.parts, type } }, id);
  return shown({ value: [] });
}

/** GET `delegatedProviders`: the operator himself, and tenants that may hand offers on. */
export function listDelegatedProviders(call: Call): Answer {
  const provider = providerOf(call);
  call.engine.authorize(call.caller, `${admin}/delegatedProviders/read`, `/subscriptions/${provider}`);
  return pageAnswer(call, delegatedProviders(call), (one) => showUserSubscription(one, provider));
}

/** GET of one of them. */
export function getDelegatedProvider(call: Call): Answer {
  const provider = providerOf(call);
  call.engine.authorize(call.caller, `${admin}/delegatedProviders/read`, `/subscriptions/${provider}`);
  const name = partOf(call, 'delegated').toLowerCase();
  const one = delegatedProviders(call).find((candidate) => candidate.name.toLowerCase() === name);
  if (one === undefined) throw noSubscription(name);
  return shown(showUserSubscription(one, provider));
}

function delegatedProviders(call: Call): readonly Resource[] {
  const view = wholeView(call);
  const own = view.get(subscriptionId(call));
  const others = tenantSubscriptions(call).filter((one) => isDelegatedProvider(one, view));
  return own === undefined ? others : [own, ...others];
}

/** GET `delegatedProviders/{id}/offers`: what one hands on. */
export function listDelegatedOffers(call: Call): Answer {
  getDelegatedProvider(call);
  return pageAnswer(call, handedOn(call), (one) => showHandedOn(call, one));
}

function handedOn(call: Call): readonly Resource[] {
  const scope = `/subscriptions/${partOf(call, 'delegated')}`;
  return [...wholeView(call).ofType(delegatedOfferType)].filter(({ id }) => lies(id, scope));
}

function showHandedOn(call: Call, one: Resource): JsonObject {
  const by = partOf(call, 'delegated');
  const type = `${admin}/delegatedProviders/offers`;
  const subscriptionCount = subscribersThrough(one, wholeView(call)).length;
  return {
    id: `/subscriptions/${providerOf(call)}/providers/${admin}/delegatedProviders/${by}/offers/${one.name}`,
    name: `${by}/${one.name}`,
    type,
    location: call.options.location,
    properties: { ...one.properties, subscriptionCount },
  };
}

/** POST `moveSubscriptions` and `validateMoveSubscriptions`. */
export async function moveSubscriptions(call: Call, action: string): Promise<Answer> {
  const id = subscriptionId(call);
  const body = bodyObject(call);
  const request = {
    kind: 'action',
    id,
    type: serviceType,
    action,
    method: 'POST',
    body,
    query: call.asked.query,
  } as const;
  await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  return bare(204);
}

/** GET of one of these. */
export function getDelegatedOffer(call: Call): Answer {
  getDelegatedProvider(call);
  const name = partOf(call, 'offer').toLowerCase();
  const found = handedOn(call).find((one) => one.name.toLowerCase() === name);
  if (found !== undefined) return shown(showHandedOn(call, found));
  const says = `The offer '${partOf(call, 'offer').slice(0, 200)}' could not be found.`;
  throw new Refusal('OfferNotFound', says, { status: 404 });
}

const directoryType = `${admin}/directoryTenants`;

/** GET `directoryTenants`: the directories whose users may sign in. */
export function listDirectoryTenants(call: Call): Answer {
  const group = directoryScope(call, 'read');
  return listAnswer(
    call,
    call.options.people.directories().map((one) => showDirectory(call, group, one)),
  );
}

/** GET of one by its name. */
export function getDirectoryTenant(call: Call): Answer {
  const group = directoryScope(call, 'read');
  return shown(showDirectory(call, group, directoryNamed(call)));
}

/** PUT: a directory that is there is registered; the stamp's operator makes one with its first administrator, who gets his password then. */
export function putDirectoryTenant(call: Call): Answer {
  const group = directoryScope(call, 'write');
  const { properties } = bodyObject(call);
  const stated = (properties as { tenantId?: unknown } | undefined)?.tenantId;
  const one = directoryNamed(call);
  if (typeof stated === 'string' && stated.toLowerCase() === one.tenantId.toLowerCase())
    return shown(showDirectory(call, group, one));
  const says = `The directory '${one.name}' has the tenant id '${one.tenantId}'; that is wanted as /properties/tenantId.`;
  throw new Refusal('InvalidDirectoryTenant', says, { target: '/properties/tenantId' });
}

/** DELETE: what is not there is gone; a directory with its people is not removed by the way. */
export function deleteDirectoryTenant(call: Call): Answer {
  directoryScope(call, 'delete');
  const name = partOf(call, 'tenant').toLowerCase();
  const one = call.options.people.directories().find((candidate) => candidate.name.toLowerCase() === name);
  if (one === undefined) return bare(204);
  const says = `The directory '${one.name}' has people in it. The stamp's operator removes a directory on the stamp itself.`;
  throw new Refusal('DirectoryTenantInUse', says, { status: 409 });
}

function directoryScope(call: Call, act: string): string {
  const group = groupId(call);
  call.engine.authorize(call.caller, `${directoryType}/${act}`, group);
  return group;
}

type Tenant = ReturnType<Call['options']['people']['directories']>[number];

function directoryNamed(call: Call): Tenant {
  const name = partOf(call, 'tenant');
  const one = call.options.people
    .directories()
    .find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  if (one !== undefined) return one;
  const says = `The directory '${name.slice(0, 200)}' is not there. The stamp's operator makes directories on the stamp itself.`;
  throw new Refusal('DirectoryTenantNotFound', says, { status: 404 });
}

function showDirectory({ options }: Call, group: string, { name, tenantId }: Tenant): JsonObject {
  const id = `${group}/providers/${directoryType}/${name}`;
  return { id, name, type: directoryType, location: options.location, properties: { tenantId } };
}

/** GET `locations` of the operator's own service. */
export function listAdminLocations(call: Call): Answer {
  return listAnswer(call, [locationOf(call, 'read')]);
}

/** GET and PUT of the one: a stamp is where it is, whatever a client says of it (recorded: Azure Stack shows its own words too). */
export function getAdminLocation(call: Call): Answer {
  const location = locationOf(call, call.asked.method === 'PUT' ? 'write' : 'read');
  const stated = partOf(call, 'location');
  if (stated.toLowerCase() === call.options.location.toLowerCase()) return shown(location);
  const says = `The location '${stated.slice(0, 100)}' could not be found. The location of this stamp is '${call.options.location}'.`;
  throw new Refusal('LocationNotFound', says, { status: 404 });
}

/** GET `operationsStatus`: no operation of a location is ever under way. */
export function getLocationOperation(call: Call): never {
  locationOf(call, 'read');
  throw new Refusal('OperationNotFound', 'There is no such operation.', { status: 404 });
}

function locationOf(call: Call, act: string): JsonObject {
  const scope = subscriptionId(call);
  const { location } = call.options;
  const id = `${scope}/providers/${admin}/locations/${location}`;
  call.engine.authorize(call.caller, `${admin}/locations/${act}`, id);
  return { id, name: location, displayName: location, latitude: '', longitude: '' };
}

/** POST `checkNameAvailability`: of plans and offers. */
export function checkPlanName(call: Call): Answer {
  const scope = subscriptionId(call);
  call.engine.authorize(call.caller, `${admin}/checkNameAvailability/action`, scope);
  const { name, resourceType } = bodyObject(call);
  if (typeof name !== 'string' || typeof resourceType !== 'string') {
    const says = 'The request content must have the texts "name" and "resourceType".';
    throw new Refusal('InvalidRequestContent', says, { target: '/name' });
  }
  const type = [planType, offerType].find((one) => one.toLowerCase().endsWith(resourceType.toLowerCase()));
  const fault = nameFault(type ?? planType, name);
  if (fault !== undefined) return shown({ nameAvailable: false, reason: 'Invalid', message: fault.message });
  const key = name.toLowerCase();
  const twin =
    type === undefined ? undefined : [...call.engine.view().ofType(type)].find((one) => one.name.toLowerCase() === key);
  if (twin === undefined) return shown({ nameAvailable: true, message: '' });
  return shown({ nameAvailable: false, reason: 'AlreadyExists', message: `${twin.id} has this name.` });
}

/** POST `checkIdentityHealth`: the stamp's own provider serves all directories, so that none of them can lag behind it. */
export function checkIdentityHealth(call: Call): Answer {
  const scope = subscriptionId(call);
  call.engine.authorize(call.caller, `${admin}/checkIdentityHealth/action`, scope);
  const { now } = call.engine.context(call.apiVersion);
  const directoryTenants = call.options.people.directories().map(({ tenantId, name }) => ({
    tenantId,
    tenantName: name,
    status: 'Healthy',
    applications: { value: [] },
  }));
  const times = { reportStartTimeUtc: now, reportEndTimeUtc: now };
  return shown({ ...times, status: 'Healthy', directoryTenants: { value: directoryTenants } });
}

/** The types whose quotas are listed at a location. */
export const quotaNamespaces: readonly string[] = [
  'Microsoft.Network.Admin',
  'Microsoft.Compute.Admin',
  'Microsoft.Storage.Admin',
  delegationQuotaType.slice(0, delegationQuotaType.indexOf('/')),
];
