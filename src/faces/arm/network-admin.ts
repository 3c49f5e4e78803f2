/** The network over all tenants, as its operator asks for it: an overview, public addresses, networks and load balancers. */

import { isObject, type JsonObject } from '#base/json.ts';
import { networkOverview } from '#model/plans/network-overview.ts';
import { idIn } from '#model/reference.ts';
import type { Resource } from '#model/resource.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { subscriptionId, type Call } from '#faces/arm/call.ts';
import { listAnswer, pageAnswer } from '#faces/arm/page.ts';
import { tenantResource, wholeView } from '#faces/arm/user-subscription.ts';

const namespace = 'Microsoft.Network.Admin';

/** GET `adminOverview`. */
export function getOverview(call: Call): Answer {
  const id = authorized(call, 'adminOverview');
  const { stamp } = call.engine.context(call.apiVersion);
  const properties = networkOverview(wholeView(call), stamp, (resource) => stateOf(call, resource));
  return shown({ name: '', type: `${namespace}/adminOverview`, location: '', id: `${id}/`, properties });
}

function stateOf(call: Call, resource: Resource): string | undefined {
  const { properties } = call.engine.show(resource, '2018-11-01');
  return isObject(properties) ? String(properties['provisioningState'] ?? '') : undefined;
}

/** GET `adminPublicIpAddresses`. */
export function listPublicAddresses(call: Call): Answer {
  return tenants(call, ['adminPublicIPAddresses', 'publicIPAddresses'], ({ properties }) => {
    const { ipAddress, publicIPAllocationMethod, publicIPAddressVersion } = properties;
    return { ipAddress, ipPool: String(publicIPAddressVersion), allocationMethod: publicIPAllocationMethod };
  });
}

/** GET `adminVirtualNetworks`. */
export function listVirtualNetworks(call: Call): Answer {
  return tenants(call, ['adminVirtualNetworks', 'virtualNetworks'], (resource) => {
    const status = stateOf(call, resource) === 'Failed' ? 'Failure' : 'Success';
    const lastUpdatedTime = resource.changedAt;
    return {
      configurationState: { status, lastUpdatedTime, virtualNetworkInterfaceErrors: [], hostErrors: [] },
    };
  });
}

/** GET `adminLoadBalancers`. */
export function listLoadBalancers(call: Call): Answer {
  const view = wholeView(call);
  return tenants(call, ['adminLoadBalancers', 'loadBalancers'], ({ properties }) => {
    const fronts = properties['frontendIPConfigurations'];
    const ids = Array.isArray(fronts) ? fronts.flatMap((front) => frontAddressId(front) ?? []) : [];
    const publicIpAddresses = ids.flatMap((id) => view.get(id)?.properties['ipAddress'] ?? []);
    return { publicIpAddresses };
  });
}

function frontAddressId(front: unknown): string | undefined {
  const properties = isObject(front) && isObject(front['properties']) ? front['properties'] : {};
  return idIn(properties['publicIPAddress']);
}

function tenants(
  call: Call,
  [name, type]: readonly [name: string, type: string],
  show: (resource: Resource) => JsonObject,
): Answer {
  const id = authorized(call, name);
  const resources = [...wholeView(call).ofType(`Microsoft.Network/${type}`)];
  return pageAnswer(call, resources, (resource) => ({
    name: resource.name,
    type: `${namespace}/${name}`,
    location: '',
    id: `${id}/${resource.name}`,
    properties: { provisioningState: 'Succeeded', ...show(resource), ...tenantResource(resource) },
  }));
}

function authorized(call: Call, name: string): string {
  const id = `${subscriptionId(call)}/providers/${namespace}/${name}`;
  call.engine.authorize(call.caller, `${namespace}/${name}/read`, id);
  return id;
}

/** GET `locations` under no subscription, and the operations of one: none is under way (the example's answer). */
export function listNone(call: Call): Answer {
  return listAnswer(call, []);
}
