/** What a resource uses of its subscription's allowance: amounts by field of the quotas, and how much a change adds. */

import { isObject } from '#base/json.ts';
import { sizeNamed } from '#model/compute/size.ts';
import type { Edit, Resource } from '#model/resource.ts';

/** An amount of one field. */
export type Amount = readonly [field: string, amount: number];

/** One of each counts as one. */
const counted: ReadonlyMap<string, string> = new Map([
  ['Microsoft.Network/virtualNetworks', 'maxVnetsPerSubscription'],
  ['Microsoft.Network/virtualNetworkGateways', 'maxVirtualNetworkGatewaysPerSubscription'],
  ['Microsoft.Network/connections', 'maxVirtualNetworkGatewayConnectionsPerSubscription'],
  ['Microsoft.Network/publicIPAddresses', 'maxPublicIpsPerSubscription'],
  ['Microsoft.Network/networkInterfaces', 'maxNicsPerSubscription'],
  ['Microsoft.Network/loadBalancers', 'maxLoadBalancersPerSubscription'],
  ['Microsoft.Network/networkSecurityGroups', 'maxSecurityGroupsPerSubscription'],
  ['Microsoft.Network/networkSecurityGroups/securityRules', 'maxSecurityRulesPerSubscription'],
  ['Microsoft.Network/routeTables/routes', 'maxRoutesPerSubscription'],
  ['Microsoft.Compute/availabilitySets', 'availabilitySetCount'],
  ['Microsoft.Storage/storageAccounts', 'numberOfStorageAccounts'],
]);

/** What the resource uses; nothing for types that no quota speaks of. */
export function amountsOf(resource: Resource): readonly Amount[] {
  const field = counted.get(resource.type);
  if (field !== undefined) return [[field, 1]];
  if (resource.type === 'Microsoft.Compute/virtualMachines') {
    return [
      ['virtualMachineCount', 1],
      ['coresLimit', coresOf(resource)],
    ];
  }
  if (resource.type === 'Microsoft.Compute/disks') return [[diskField(resource), gbOf(resource)]];
  return [];
}

/** Cores of a machine, running or not: a stopped one must be able to start again. */
function coresOf({ properties }: Resource): number {
  const hardware = properties['hardwareProfile'];
  return sizeNamed(String(isObject(hardware) ? hardware['vmSize'] : ''))?.cores ?? 0;
}

function diskField({ sku }: Resource): string {
  const kind = /^(Premium|Ultra)/.test(String(sku?.['name'])) ? 'Premium' : 'Standard';
  return `maxAllocation${kind}ManagedDisksAndSnapshots`;
}

/** A disk made from an image without a size is as large as the image; the stamp's are below a gigabyte, which counts as one. */
function gbOf({ properties }: Resource): number {
  const size = properties['diskSizeGB'];
  return typeof size === 'number' ? size : 1;
}

/** The subscription GUID of a resource, in lower case; empty for what lies in none. */
function subscriptionOfId(id: string): string {
  return /^\/subscriptions\/([^/]+)/i.exec(id)?.[1]?.toLowerCase() ?? '';
}

/** By subscription, then by field: how much. */
export type Use = Map<string, Map<string, number>>;

/** Adds what edits change, both ways, to a use. Fields that come to nothing stay as 0. */
export function addEdits(use: Use, edits: readonly Edit[]): Use {
  for (const { before, after } of edits) {
    if (before !== undefined) add(use, before, -1);
    if (after !== undefined) add(use, after, 1);
  }
  return use;
}

function add(use: Use, resource: Resource, sign: 1 | -1): void {
  for (const [field, amount] of amountsOf(resource)) {
    const subscription = subscriptionOfId(resource.id);
    const fields = use.get(subscription) ?? new Map<string, number>();
    use.set(subscription, fields.set(field, (fields.get(field) ?? 0) + sign * amount));
  }
}
