/** Replays the official examples of the operator's providers and of sign-up, on a stamp with a plan, an offer and a tenant of its own. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { createUser } from '#engine/identity/users.ts';
import { Secret } from '#base/secret.ts';
import type { ModelStamp } from '#main/boot/model.ts';
import { Wire, type Reply } from '#test/quota/wire.ts';
import { faultsOf, type Example, type Operation } from '#test/conformance/swagger.ts';

/** The folders of the corpus that are replayed here. */
export const planSpecs: readonly string[] = [
  'admin-subscriptions-2015-11-01',
  'admin-network-2015-06-15',
  'admin-compute-2021-01-01',
  'user-subscriptions-2015-11-01',
];

/** Which examples are not replayed, and why. */
const skipped: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^Manifests_/, 'providers of a stamp are part of it: none is registered by a manifest'],
  [
    /^Subscriptions_(RestoreData|UpdateEncryption)$/,
    'what is kept is encrypted by the store itself, which renews its keys',
  ],
];

/** Why an operation is not replayed; undefined when it is. */
export function planSkipReason({ operationId }: Operation): string | undefined {
  return skipped.find(([pattern]) => pattern.test(operationId))?.[1];
}

const azId = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const version = 'api-version=2015-11-01';

export type PlanStamp = {
  readonly operator: Wire;
  readonly user: Wire;
  readonly provider: string;
  readonly location: string;
  readonly upn: string;
  readonly tenantId: string;
};

/** Clients of both planes, and what examples speak of. */
export async function openPlanStamp(model: ModelStamp, location: string): Promise<PlanStamp> {
  const { endpoints, prepared, operator, assembly } = model;
  const provider = `/subscriptions/${prepared.providerSubscriptionId}`;
  const { appId, secret = '' } = await operator.createServicePrincipal({
    name: 'conformance-admin',
    role: 'Owner',
    scope: provider,
  });
  const at = { login: `${endpoints.adfs}/adfs/oauth2/token`, caFile: prepared.places.certificateAuthority };
  const form = { grant_type: 'client_credentials', client_id: appId, client_secret: secret };
  const { directory } = assembly;
  const upn = `conformance@${directory.domain}`;
  const password = `Aa1-${crypto.randomUUID()}`;
  await createUser(directory, { upn, displayName: 'conformance', password: new Secret(password) });
  const signIn = { grant_type: 'password', client_id: azId, username: upn, password };
  const { tenantId } = directory;
  const stamp: PlanStamp = {
    operator: await Wire.open({ ...at, base: endpoints.adminManagement, form }, true),
    user: await Wire.open({ ...at, base: endpoints.management, form: signIn }, false),
    provider,
    location,
    upn,
    tenantId,
  };
  await furnish(stamp);
  return stamp;
}

const guid = (digit: string): string => `${digit.repeat(8)}-1111-4111-8111-${digit.repeat(12)}`;
/** Names of what stands before the first example. */
const names = {
  group: 'conformance',
  plan: 'base',
  more: 'more',
  offer: 'sample',
  subscription: guid('a'),
  acquired: guid('b'),
  delegation: 'given',
  handedOn: 'del1',
  moved: guid('c'),
  ended: guid('d'),
};

function adminIn({ provider }: PlanStamp): string {
  return `${provider}/resourceGroups/${names.group}/providers/Microsoft.Subscriptions.Admin`;
}

async function furnish(stamp: PlanStamp): Promise<void> {
  const { operator, provider, location, upn } = stamp;
  const admin = adminIn(stamp);
  await operator.want('PUT', `${provider}/resourceGroups/${names.group}?api-version=2019-10-01`, { location });
  const quotaIds = quotasOf(stamp);
  // Who has the second plan may hand offers on.
  for (const [name, count] of [
    [names.plan, 3],
    [names.more, 4],
  ] as const)
    await operator.want('PUT', `${admin}/plans/${name}?${version}`, {
      location,
      properties: { quotaIds: quotaIds.slice(0, count) },
    });
  const properties = {
    state: 'Public',
    basePlanIds: [`${admin}/plans/${names.plan}`],
    addonPlans: [{ planId: `${admin}/plans/${names.more}`, maxAcquisitionCount: 10 }],
  };
  await operator.want('PUT', `${admin}/offers/${names.offer}?${version}`, { location, properties });
  const held = `${provider}/providers/Microsoft.Subscriptions.Admin/subscriptions/${names.subscription}`;
  const offerId = `${admin}/offers/${names.offer}`;
  await operator.want('PUT', `${held}?${version}`, { owner: upn, offerId, displayName: 'Held', state: 'Enabled' });
  const planId = `${admin}/plans/${names.more}`;
  await operator.want('PUT', `${held}/acquiredPlans/${names.acquired}?${version}`, { planId });
  for (const id of [names.moved, names.ended])
    await stamp.user.want('PUT', `/subscriptions/${id}?${version}`, {
      offerId: `/delegatedProviders/default/offers/${names.offer}`,
      displayName: 'Mine',
    });
  const delegation = { properties: { subscriptionId: names.subscription } };
  await operator.want('PUT', `${offerId}/offerDelegations/${names.delegation}?${version}`, delegation);
  const own = `/subscriptions/${names.subscription}/providers/Microsoft.Subscriptions`;
  await stamp.user.want('PUT', `${own}/offers/${names.handedOn}?${version}`, {
    properties: { delegatedOfferId: `${own}/delegatedOffers/${names.offer}`, accessibilityState: 'Public' },
  });
}

function quotasOf({ provider, location }: PlanStamp): string[] {
  return ['Network', 'Compute', 'Storage', 'Subscriptions'].map((service) => {
    const name = service === 'Subscriptions' ? 'delegatedProviderQuota' : 'Default Quota';
    return `${provider}/providers/Microsoft.${service}.Admin/locations/${location}/quotas/${name}`;
  });
}

/** The reason why it failed; undefined when it passed. */
export async function replayPlan(
  operation: Operation,
  example: Example,
  at: PlanStamp & { readonly number: number },
): Promise<string | undefined> {
  const filled = fill(operation, at);
  const query = `api-version=${operation.apiVersion}`;
  const isAdmin = /\.Admin/.test(operation.path);
  const wire = isAdmin ? at.operator : at.user;
  const body = bodyOf(operation, example, at);
  const reply: Reply = await wire.send(operation.method, `${filled}?${query}`, body);
  const codes = Object.keys(example.responses);
  const code = isObject(reply.body['error']) ? String(reply.body['error']['code']) : '';
  if (!codes.includes(String(reply.status)))
    return `${codes.join(' or ')} is wanted, answered was ${reply.status} ${code}`;
  const shown = isObject(example.responses[String(reply.status)]) ? example.responses[String(reply.status)] : {};
  const wanted = isObject(shown) && isObject(shown['body']) ? shown['body'] : undefined;
  if (wanted === undefined) return undefined;
  const faults = faultsOf(reply.body, operation.responses[String(reply.status)], operation.file);
  if (faults.length > 0) return `schema: ${faults.slice(0, 3).join('; ')}`;
  return membersLost(wanted, reply.body, operation.operationId);
}

/** The path with names that mean something here: a PUT makes what is new, all else speaks of what stands. */
function fill({ path, method, operationId }: Operation, at: PlanStamp & { number: number }): string {
  const fresh = method === 'PUT' || (method === 'DELETE' && operationId !== 'Quotas_List');
  const made = `made${at.number}`;
  const freshGuid = `${String(at.number).padStart(8, '0')}-2222-4222-8222-222222222222`;
  const quota = fresh ? made : 'Default Quota';
  const values: { readonly [name: string]: string } = {
    subscriptionId: /^\/subscriptions\/\{subscriptionId\}$/.test(path)
      ? fresh
        ? method === 'DELETE'
          ? names.ended
          : freshGuid
        : names.subscription
      : nameOf(at.provider),
    location: at.location,
    resourceGroupName: /directoryTenants/.test(path) ? `System.${at.location}` : names.group,
    plan: fresh ? made : names.plan,
    offer: /delegatedProviders/.test(path)
      ? names.handedOn
      : /offerDelegations/.test(path) || !fresh
        ? names.offer
        : made,
    offerDelegationName: fresh ? made : names.delegation,
    targetSubscriptionId: /acquiredPlans/.test(path) || !fresh ? names.subscription : freshGuid,
    planAcquisitionId: fresh ? freshGuid : names.acquired,
    delegatedProvider: names.subscription,
    delegatedProviderSubscriptionId: names.subscription,
    delegatedProviderId: 'default',
    offerName: names.offer,
    tenant: method === 'DELETE' ? 'nowhere.example' : at.upn.slice(at.upn.indexOf('@') + 1),
    quota: 'delegatedProviderQuota',
    quotaName: quota,
    resourceName: quota,
    operationsStatusName: 'none',
  };
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? name));
}

function nameOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** The body of the example, with ids and people of ours where it names its own. */
function bodyOf(operation: Operation, example: Example, at: PlanStamp & { number: number }): Json | undefined {
  const parameter = operation.parameters.find(({ in: place }) => place === 'body');
  const stated = parameter === undefined ? undefined : example.parameters[String(parameter['name'])];
  const admin = adminIn(at);
  const ours: { readonly [operationId: string]: JsonObject } = {
    Plans_CreateOrUpdate: { properties: { quotaIds: quotasOf(at) } },
    Offers_CreateOrUpdate: { properties: { basePlanIds: [`${admin}/plans/${names.plan}`] } },
    Offers_Link: { planName: names.more },
    Offers_Unlink: { planName: names.more },
    OfferDelegations_CreateOrUpdate: { properties: { subscriptionId: names.subscription } },
    DirectoryTenants_CreateOrUpdate: { properties: { tenantId: at.tenantId } },
    Subscriptions_MoveSubscriptions: moveOf(stated, at),
    Subscriptions_ValidateMoveSubscriptions: moveOf(stated, at),
    AcquiredPlans_Create: { planId: `${admin}/plans/${names.more}` },
    Subscriptions_CreateOrUpdate: /\.Admin/.test(operation.path)
      ? { owner: at.upn, offerId: `${admin}/offers/${names.offer}`, subscriptionId: '' }
      : { offerId: `/delegatedProviders/default/offers/${names.offer}`, subscriptionId: '' },
  };
  const mine = ours[operation.operationId];
  if (operation.method !== 'PUT' && operation.method !== 'POST') return undefined;
  const whole = isObject(stated) ? stated : {};
  return mine === undefined ? whole : merged(whole, mine);
}

function moveOf(stated: Json | undefined, { provider }: PlanStamp): JsonObject {
  const admin = `${provider}/providers/Microsoft.Subscriptions.Admin`;
  const target = `${admin}/delegatedProviders/${names.subscription}/offers/${names.handedOn}`;
  const isBack = isObject(stated) && stated['targetDelegatedProviderOffer'] === null;
  return {
    targetDelegatedProviderOffer: isBack ? null : target,
    resources: [`${admin}/subscriptions/${names.moved}`],
  };
}

function merged(base: JsonObject, change: JsonObject): JsonObject {
  const entries = Object.entries(change).map(([name, value]) => {
    const old = base[name];
    return [name, isObject(value) && isObject(old) ? merged(old, value) : value] as const;
  });
  return { ...base, ...Object.fromEntries(entries) };
}

/** Members that the example's answer has and ours lacks, one level deep in `properties` and in the items of a list. */
function membersLost(wanted: JsonObject, shown: JsonObject, operationId: string): string | undefined {
  const list = (body: JsonObject): JsonObject[] => (Array.isArray(body['value']) ? body['value'].filter(isObject) : []);
  const isList = Array.isArray(wanted['value']);
  const left = isList ? list(wanted)[0] : wanted;
  const shownOnes = isList ? list(shown) : [shown];
  // The operator's own subscription has no offer, so that the fullest of a list counts.
  const right = shownOnes.toSorted(
    (one, other) => missing(left ?? {}, one).length - missing(left ?? {}, other).length,
  )[0];
  if (left === undefined || (right === undefined && mayBeEmpty.test(operationId))) return undefined;
  if (right === undefined) return 'the list is empty';
  const lost = missing(left, right);
  return lost.length === 0 ? undefined : `lost: ${lost.join(', ')}`;
}

// Nothing of the kind stands on the stamp of the suite.
const mayBeEmpty = /^(LoadBalancers|PublicIPAddresses|VirtualNetworks)_List$/;

// Left out where they are nothing: a client reads an absent member as null.
const optional = new Set(['tags', 'externalReferenceId', 'description', 'nextLink', 'addonPlans', 'skuIds']);

function missing(wanted: JsonObject, shown: JsonObject): string[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    if (optional.has(name) || value === null) return [];
    const own = shown[name];
    if (own === undefined) return [name];
    return name === 'properties' && isObject(value) && isObject(own) ? missing(value, own) : [];
  });
}
