/** The canonical casing of every resource type that an id of this stamp may name. */

/** Types with a noun of their own first, then the parts that are embedded in a parent and only named in ids. */
export const typeNames: readonly string[] = [
  'Microsoft.Resources/resourceGroups',
  'Microsoft.Resources/deployments',
  'Microsoft.Resources/subscriptions',
  'Microsoft.Resources/subscriptions/tagNames',
  'Microsoft.Authorization/locks',
  'Microsoft.Authorization/policyAssignments',
  'Microsoft.Authorization/policyDefinitions',
  'Microsoft.Authorization/policyExemptions',
  'Microsoft.Authorization/policySetDefinitions',
  'Microsoft.Authorization/roleAssignments',
  'Microsoft.Authorization/roleDefinitions',
  'Microsoft.Network/applicationSecurityGroups',
  'Microsoft.Network/connections',
  'Microsoft.Network/loadBalancers',
  'Microsoft.Network/loadBalancers/backendAddressPools',
  'Microsoft.Network/loadBalancers/inboundNatRules',
  'Microsoft.Network/localNetworkGateways',
  'Microsoft.Network/natGateways',
  'Microsoft.Network/networkInterfaces',
  'Microsoft.Network/networkSecurityGroups',
  'Microsoft.Network/networkSecurityGroups/securityRules',
  'Microsoft.Network/networkWatchers',
  'Microsoft.Network/networkWatchers/flowLogs',
  'Microsoft.Network/publicIPAddresses',
  'Microsoft.Network/routeTables',
  'Microsoft.Network/routeTables/routes',
  'Microsoft.Network/virtualNetworkGateways',
  'Microsoft.Network/virtualNetworks',
  'Microsoft.Network/virtualNetworks/subnets',
  'Microsoft.Network/virtualNetworks/virtualNetworkPeerings',
  'Microsoft.Compute/availabilitySets',
  'Microsoft.Compute/disks',
  'Microsoft.Compute/virtualMachines',
  'Microsoft.Compute/virtualMachines/extensions',
  'Microsoft.Storage/storageAccounts',
  'Microsoft.Security/locations/jitNetworkAccessPolicies',
  'Microsoft.Network/loadBalancers/frontendIPConfigurations',
  'Microsoft.Network/loadBalancers/inboundNatPools',
  'Microsoft.Network/loadBalancers/loadBalancingRules',
  'Microsoft.Network/loadBalancers/outboundRules',
  'Microsoft.Network/loadBalancers/probes',
  'Microsoft.Network/networkInterfaces/ipConfigurations',
  'Microsoft.Network/networkSecurityGroups/defaultSecurityRules',
  'Microsoft.Network/virtualNetworkGateways/ipConfigurations',
];

const canonicalTypes: ReadonlyMap<string, string> = new Map(typeNames.map((type) => [type.toLowerCase(), type]));

/** The canonical casing of a full type; a type that is not ours is answered as it was written. */
export function canonicalType(type: string): string {
  return canonicalTypes.get(type.toLowerCase()) ?? type;
}
