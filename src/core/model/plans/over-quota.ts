/** The refusal of a write that wants more than the subscription's plans allow, in the words that Azure's clients know. */

import { type Detail, Refusal } from '#base/wrong.ts';

/** A field of which a write wants too much. */
export type Excess = {
  readonly field: string;
  readonly limit: number;
  readonly used: number;
  readonly wanted: number;
  readonly location: string;
  readonly subscription: string;
};

/** Network's codes are `…CountLimitReached` (400), after Azure's `PublicIPCountLimitReached`; its words name the limit. */
const networkWords: ReadonlyMap<string, readonly [code: string, what: string]> = new Map([
  ['maxVnetsPerSubscription', ['VirtualNetwork', 'virtual networks']],
  ['maxVirtualNetworkGatewaysPerSubscription', ['VirtualNetworkGateway', 'virtual network gateways']],
  ['maxVirtualNetworkGatewayConnectionsPerSubscription', ['Connection', 'virtual network gateway connections']],
  ['maxPublicIpsPerSubscription', ['PublicIP', 'public IP addresses']],
  ['maxNicsPerSubscription', ['NetworkInterface', 'network interfaces']],
  ['maxLoadBalancersPerSubscription', ['LoadBalancer', 'load balancers']],
  ['maxSecurityGroupsPerSubscription', ['NetworkSecurityGroup', 'network security groups']],
  ['maxSecurityRulesPerSubscription', ['SecurityRule', 'security rules']],
  ['maxRoutesPerSubscription', ['Route', 'routes']],
]);

/** Compute answers `OperationNotAllowed` (409) for all of its own. */
const computeWords: ReadonlyMap<string, string> = new Map([
  ['coresLimit', 'Total Regional Cores'],
  ['virtualMachineCount', 'Virtual Machines'],
  ['availabilitySetCount', 'Availability Sets'],
  ['maxAllocationStandardManagedDisksAndSnapshots', 'Standard Managed Disks in GB'],
  ['maxAllocationPremiumManagedDisksAndSnapshots', 'Premium Managed Disks in GB'],
]);

/** The refusal, with limit, use and what was wanted in its details, and the field for machines. */
export function overQuota(excess: Excess): Refusal {
  const { field, limit, used, wanted } = excess;
  const detail: Detail = {
    code: 'QuotaExceeded',
    message: `${field}: limit ${limit}, in use ${used}, wanted besides ${wanted}. Remove some first, or ask the operator for a plan that allows ${used + wanted}.`,
    target: field,
    additionalInfo: [{ type: 'QuotaUsage', info: { field, limit, used, wanted } }],
  };
  const { code, message, status } = wordsOf(excess);
  return new Refusal(code, message, { status, details: [detail] });
}

function wordsOf(excess: Excess): { readonly code: string; readonly message: string; readonly status: number } {
  const { field, limit, used, wanted, location, subscription } = excess;
  const network = networkWords.get(field);
  if (network !== undefined) {
    const [code, what] = network;
    const message = `Cannot create more than ${limit} ${what} for this subscription in this region.`;
    return { code: `${code}CountLimitReached`, message, status: 400 };
  }
  if (field === 'numberOfStorageAccounts') {
    const message = `Subscription ${subscription} already contains ${used} storage accounts in location ${location} and the maximum allowed is ${limit}.`;
    return { code: 'MaxStorageAccountsCountPerSubscriptionExceeded', message, status: 409 };
  }
  const message =
    `Operation could not be completed as it results in exceeding approved ${computeWords.get(field) ?? field} quota. ` +
    `Additional details - Deployment Model: Resource Manager, Location: ${location}, Current Limit: ${limit}, ` +
    `Current Usage: ${used}, Additional Required: ${wanted}, (Minimum) New Limit Required: ${used + wanted}.`;
  return { code: 'OperationNotAllowed', message, status: 409 };
}
