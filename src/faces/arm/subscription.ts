/** Subscriptions, tenants and locations, as every client reads them after it has signed in. */

import type { JsonObject } from '#base/json.ts';
import type { Resource } from '#model/resource.ts';
import { showTenantSubscription } from '#model/plans/sign-up.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { subscriptionId, type Call, type Tenant } from '#faces/arm/call.ts';
import { listAnswer } from '#faces/arm/page.ts';
import { wholeView } from '#faces/arm/user-subscription.ts';

/** GET `/subscriptions`: those in which the caller has a right anywhere. */
export function listSubscriptions(call: Call): Answer {
  const visible = [...call.engine.view().ofType(subscriptionType)].filter((subscription) =>
    isVisible(call, subscription),
  );
  return listAnswer(
    call,
    visible.map((subscription) => showSubscription(call, subscription)),
  );
}

/** GET `/subscriptions/{subscription}`. */
export function getSubscription(call: Call): Answer {
  const id = subscriptionId(call);
  const subscription = call.engine.view().get(id);
  if (subscription === undefined) throw new TypeError(`${id} went away.`);
  if (!isVisible(call, subscription)) call.engine.authorize(call.caller, `${subscriptionType}/read`, id);
  return shown(showSubscription(call, subscription));
}

/** A right on a group or a resource makes its subscription visible, as in Azure. */
function isVisible(call: Call, { id, properties }: Resource): boolean {
  const directory = String(properties['tenantId'] ?? call.options.tenantId).toLowerCase();
  if (call.caller.tenantId.toLowerCase() !== directory) return false;
  if (call.engine.may(call.caller, `${subscriptionType}/read`, id)) return true;
  const mine = new Set([call.caller.oid, ...call.caller.groups].map((oid) => oid.toLowerCase()));
  for (const assignment of call.engine.view().ofType('Microsoft.Authorization/roleAssignments')) {
    const holder = String(assignment.properties['principalId'] ?? '').toLowerCase();
    if (mine.has(holder) && assignment.id.toLowerCase().startsWith(`${id.toLowerCase()}/`)) return true;
  }
  return false;
}

function showSubscription(call: Call, subscription: Resource): JsonObject {
  const { options, apiVersion } = call;
  const { id, name, properties, tags } = subscription;
  const tenantId = typeof properties['tenantId'] === 'string' ? properties['tenantId'] : options.tenantId;
  return {
    id,
    subscriptionId: name,
    ...(apiVersion >= '2019-06-01' ? { tenantId, homeTenantId: tenantId } : {}),
    displayName: properties['displayName'] ?? name,
    state: properties['state'] ?? 'Enabled',
    subscriptionPolicies: {
      locationPlacementId: 'Internal_2014-09-01',
      quotaId: 'Internal_2014-09-01',
      spendingLimit: 'Off',
    },
    authorizationSource: 'RoleBased',
    ...(apiVersion >= '2019-06-01' ? { managedByTenants: [] } : {}),
    ...(tags === undefined ? {} : { tags }),
    ...(apiVersion === '2015-11-01' ? showTenantSubscription(subscription, wholeView(call)) : {}),
  };
}

/** GET `/tenants`: the directory of the caller, and those in which the caller is a guest. */
export function listTenants(call: Call): Answer {
  const { tenantId: own, endpoints, tenantsOf } = call.options;
  const tenants = tenantsOf?.(call.caller) ?? [
    { tenantId: own, displayName: endpoints.zone, domains: [endpoints.zone] },
  ];
  return listAnswer(
    call,
    tenants.map((tenant) => showTenant(call, tenant)),
  );
}

function showTenant({ apiVersion }: Call, { tenantId, displayName, domains }: Tenant): JsonObject {
  const short = { id: `/tenants/${tenantId}`, tenantId };
  if (apiVersion < '2019-06-01') return short;
  return {
    ...short,
    countryCode: null,
    displayName,
    domains,
    defaultDomain: domains[0] ?? '',
    tenantCategory: 'Home',
    tenantType: 'AAD',
  };
}

/** GET `/subscriptions/{subscription}/locations`: the stamp is one location. */
export function listLocations(call: Call): Answer {
  const id = subscriptionId(call);
  const { location } = call.options;
  const place: JsonObject = {
    id: `${id}/locations/${location}`,
    subscriptionId: id.split('/')[2],
    name: location,
    displayName: location,
    ...(call.apiVersion >= '2019-11-01'
      ? {
          type: 'Region',
          regionalDisplayName: location,
          metadata: {
            regionType: 'Physical',
            regionCategory: 'Recommended',
            longitude: '0',
            latitude: '0',
            pairedRegion: [],
          },
        }
      : { latitude: '0', longitude: '0' }),
  };
  return listAnswer(call, [place]);
}
