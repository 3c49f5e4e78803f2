/** The smallest valid bodies of types that refer to nothing else. */

import type { JsonObject } from '#base/json.ts';

const rule = {
  protocol: '*',
  sourcePortRange: '*',
  destinationPortRange: '80',
  sourceAddressPrefix: '*',
  destinationAddressPrefix: '*',
  access: 'Allow',
  priority: 130,
  direction: 'Inbound',
};
const principalId = 'd93a38bc-d029-4160-bfb0-fbda779ac214';
const reader = '/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7';

/** Types that have a location; those of the network provider without its name, all in lower case. */
const placed: { readonly [type: string]: JsonObject } = {
  applicationsecuritygroups: {},
  networksecuritygroups: {},
  routetables: {},
  natgateways: {},
  networkwatchers: {},
  loadbalancers: { sku: { name: 'Standard' } },
  publicipaddresses: { sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Static' } },
  localnetworkgateways: {
    properties: { gatewayIpAddress: '203.0.113.9', localNetworkAddressSpace: { addressPrefixes: ['10.251.0.0/16'] } },
  },
  'microsoft.storage/storageaccounts': { sku: { name: 'Standard_LRS' }, kind: 'StorageV2' },
};

const unplaced: { readonly [type: string]: JsonObject } = {
  'loadbalancers/backendaddresspools': { properties: {} },
  'networksecuritygroups/securityrules': { properties: rule },
  'routetables/routes': { properties: { addressPrefix: '10.0.3.0/24', nextHopType: 'VnetLocal' } },
  'microsoft.authorization/locks': { properties: { level: 'ReadOnly' } },
  'microsoft.authorization/roleassignments': { properties: { principalId, roleDefinitionId: reader } },
  'microsoft.authorization/roledefinitions': {
    properties: { roleName: 'Made before', permissions: [{ actions: ['*/read'], notActions: [] }] },
  },
};

/** The body; undefined when the type needs others, or is none of ours. */
export function leastBody(type: string, location: string): JsonObject | undefined {
  const body = placed[type];
  return body === undefined ? unplaced[type] : { location, ...body };
}
