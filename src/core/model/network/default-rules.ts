/** The six rules that every network security group ends with; nobody can change them. */

import type { JsonObject } from '#base/json.ts';

/** Azure doc "Network security groups", default security rules: name, direction, priority, access, source, target, words. */
const rows = [
  [
    'AllowVnetInBound',
    'Inbound',
    65_000,
    'Allow',
    'VirtualNetwork',
    'VirtualNetwork',
    'Allow inbound traffic from all VMs in VNET',
  ],
  [
    'AllowAzureLoadBalancerInBound',
    'Inbound',
    65_001,
    'Allow',
    'AzureLoadBalancer',
    '*',
    'Allow inbound traffic from azure load balancer',
  ],
  ['DenyAllInBound', 'Inbound', 65_500, 'Deny', '*', '*', 'Deny all inbound traffic'],
  [
    'AllowVnetOutBound',
    'Outbound',
    65_000,
    'Allow',
    'VirtualNetwork',
    'VirtualNetwork',
    'Allow outbound traffic from all VMs to all VMs in VNET',
  ],
  [
    'AllowInternetOutBound',
    'Outbound',
    65_001,
    'Allow',
    '*',
    'Internet',
    'Allow outbound traffic from all VMs to Internet',
  ],
  ['DenyAllOutBound', 'Outbound', 65_500, 'Deny', '*', '*', 'Deny all outbound traffic'],
] as const;

/** The default rules in the same shape as stored security rules. */
const defaultRules: readonly { readonly name: string; readonly properties: JsonObject }[] = rows.map(
  ([name, direction, priority, access, source, target, description]) => ({
    name,
    properties: {
      description,
      protocol: '*',
      sourcePortRange: '*',
      destinationPortRange: '*',
      sourceAddressPrefix: source,
      destinationAddressPrefix: target,
      access,
      priority,
      direction,
    },
  }),
);

/** The default rules of one group as ARM shows them. */
export function showDefaultRules(group: { readonly id: string; readonly etag: string }): JsonObject[] {
  return defaultRules.map(({ name, properties }) => ({
    name,
    id: `${group.id}/defaultSecurityRules/${name}`,
    etag: group.etag,
    type: 'Microsoft.Network/networkSecurityGroups/defaultSecurityRules',
    properties: {
      provisioningState: 'Succeeded',
      ...properties,
      sourcePortRanges: [],
      destinationPortRanges: [],
      sourceAddressPrefixes: [],
      destinationAddressPrefixes: [],
    },
  }));
}
