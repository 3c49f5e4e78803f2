/** What a subscription uses at the location, beside what its plans allow: GET `usages` of the network, compute and storage providers. */

import type { JsonObject } from '#base/json.ts';
import type { Allowance } from '#model/plans/allowance.ts';
import { amountsOf } from '#model/plans/use.ts';
import type { Answer } from '#faces/arm/answer.ts';
import type { Call } from '#faces/arm/call.ts';
import { lies } from '#faces/arm/list.ts';
import { listAnswer } from '#faces/arm/page.ts';
import { atLocation } from '#faces/arm/place.ts';

/**
 * One line: Azure's name, how it is said, the type that is looked at, Azure's limit for who has no plan (Azure doc "Azure
 * subscription and service limits"), and the quota's field that limits who has one.
 */
type Line = readonly [name: string, says: string, type: string, standard: number, field?: string];

const networkLines: readonly Line[] = [
  ['VirtualNetworks', 'Virtual Networks', 'virtualNetworks', 1000, 'maxVnetsPerSubscription'],
  ['PublicIPAddresses', 'Public IP Addresses', 'publicIPAddresses', 224, 'maxPublicIpsPerSubscription'],
  ['NetworkInterfaces', 'Network Interfaces', 'networkInterfaces', 65_535, 'maxNicsPerSubscription'],
  [
    'NetworkSecurityGroups',
    'Network Security Groups',
    'networkSecurityGroups',
    5000,
    'maxSecurityGroupsPerSubscription',
  ],
  [
    'SecurityRules',
    'Security Rules',
    'networkSecurityGroups/securityRules',
    1_000_000,
    'maxSecurityRulesPerSubscription',
  ],
  ['LoadBalancers', 'Load Balancers', 'loadBalancers', 1000, 'maxLoadBalancersPerSubscription'],
  ['ApplicationSecurityGroups', 'Application Security Groups', 'applicationSecurityGroups', 3000],
  ['RouteTables', 'Route Tables', 'routeTables', 200],
  ['Routes', 'Routes', 'routeTables/routes', 80_000, 'maxRoutesPerSubscription'],
  ['NatGateways', 'NAT Gateways', 'natGateways', 100],
  ['NetworkWatchers', 'Network Watchers', 'networkWatchers', 1],
];

const computeLines: readonly Line[] = [
  ['availabilitySets', 'Availability Sets', 'availabilitySets', 2500, 'availabilitySetCount'],
  ['cores', 'Total Regional vCPUs', 'virtualMachines', 10_000, 'coresLimit'],
  ['virtualMachines', 'Virtual Machines', 'virtualMachines', 25_000, 'virtualMachineCount'],
  [
    'StandardDiskSizeInGB',
    'Standard Managed Disks in GB',
    'disks',
    1_000_000,
    'maxAllocationStandardManagedDisksAndSnapshots',
  ],
  [
    'PremiumDiskSizeInGB',
    'Premium Managed Disks in GB',
    'disks',
    1_000_000,
    'maxAllocationPremiumManagedDisksAndSnapshots',
  ],
];

const storageLines: readonly Line[] = [
  ['StorageAccounts', 'Storage Accounts', 'storageAccounts', 250, 'numberOfStorageAccounts'],
];

/** GET `Microsoft.Network/locations/{location}/usages`. */
export function listNetworkUsages(call: Call): Answer {
  const scope = countedAt(call, 'Microsoft.Network');
  const id = `${scope}/providers/Microsoft.Network/locations/${call.options.location}/usages`;
  const shown = usages(call, scope, { provider: 'Microsoft.Network', lines: networkLines });
  return listAnswer(
    call,
    shown.map((one, index) => ({ id: `${id}/${networkLines[index]?.[0]}`, ...one })),
  );
}

/** GET `Microsoft.Compute/locations/{location}/usages`. */
export function listComputeUsages(call: Call): Answer {
  return listAnswer(
    call,
    usages(call, countedAt(call, 'Microsoft.Compute'), { provider: 'Microsoft.Compute', lines: computeLines }),
  );
}

/** GET `Microsoft.Storage/locations/{location}/usages`. */
export function listStorageUsages(call: Call): Answer {
  return listAnswer(
    call,
    usages(call, countedAt(call, 'Microsoft.Storage'), { provider: 'Microsoft.Storage', lines: storageLines }),
  );
}

/** How much there is in a whole subscription is for who may read that of the whole. */
function countedAt(call: Call, namespace: string): string {
  const scope = atLocation(call);
  call.engine.authorize(call.caller, `${namespace}/locations/usages/read`, scope);
  return scope;
}

type Lines = { readonly provider: string; readonly lines: readonly Line[] };

function usages(call: Call, scope: string, { provider, lines }: Lines): JsonObject[] {
  const allowance = call.engine.use.allowance(scope);
  return lines.map(([value, localizedValue, type, standard, field]) => ({
    unit: 'Count',
    currentValue: usedOf(call, { scope, type: `${provider}/${type}`, field }),
    limit: limitOf(allowance, standard, field),
    name: { value, localizedValue },
  }));
}

function limitOf(allowance: Allowance | undefined, standard: number, field: string | undefined): number {
  return field === undefined ? standard : (allowance?.get(field) ?? standard);
}

function usedOf(
  call: Call,
  at: { readonly scope: string; readonly type: string; readonly field: string | undefined },
): number {
  let used = 0;
  for (const resource of call.engine.view().ofType(at.type)) {
    if (!lies(resource.id, at.scope)) continue;
    used += at.field === undefined ? 1 : (amountsOf(resource).find(([field]) => field === at.field)?.[1] ?? 0);
  }
  return used;
}
