/** The kinds of resources that are raced for, and how many of each the plan allows. */

import type { JsonObject } from '#base/json.ts';

export type Kind = {
  readonly type: string;
  readonly service: 'Network' | 'Compute' | 'Storage';
  readonly field: string;
  readonly limit: number;
  readonly version: string;
  readonly body: (location: string, index: number) => JsonObject;
  /** The resource below which these lie: `Microsoft.Network/networkSecurityGroups/race`. */
  readonly parent?: string;
};

const network = { service: 'Network', version: '2018-11-01', body: (location: string) => ({ location }) } as const;

export const kinds: readonly Kind[] = [
  { ...network, type: 'Microsoft.Network/networkSecurityGroups', field: 'maxSecurityGroupsPerSubscription', limit: 25 },
  {
    ...network,
    type: 'Microsoft.Network/networkSecurityGroups/securityRules',
    field: 'maxSecurityRulesPerSubscription',
    limit: 40,
    parent: 'Microsoft.Network/networkSecurityGroups/race',
    body: (_, index) => ({
      properties: {
        protocol: 'Tcp',
        sourcePortRange: '*',
        destinationPortRange: '443',
        sourceAddressPrefix: '10.0.0.0/8',
        destinationAddressPrefix: '*',
        access: 'Allow',
        direction: 'Inbound',
        priority: 100 + index,
      },
    }),
  },
  {
    ...network,
    type: 'Microsoft.Network/routeTables/routes',
    field: 'maxRoutesPerSubscription',
    limit: 30,
    parent: 'Microsoft.Network/routeTables/race',
    body: (_, index) => ({ properties: { addressPrefix: `10.${index}.0.0/16`, nextHopType: 'None' } }),
  },
  {
    ...network,
    type: 'Microsoft.Network/publicIPAddresses',
    field: 'maxPublicIpsPerSubscription',
    limit: 35,
    body: (location) => ({ location, sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Static' } }),
  },
  {
    ...network,
    type: 'Microsoft.Network/virtualNetworks',
    field: 'maxVnetsPerSubscription',
    limit: 20,
    body: (location) => ({ location, properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } } }),
  },
  {
    type: 'Microsoft.Compute/availabilitySets',
    service: 'Compute',
    field: 'availabilitySetCount',
    limit: 10,
    version: '2020-06-01',
    body: (location) => ({ location, sku: { name: 'Aligned' } }),
  },
  {
    type: 'Microsoft.Storage/storageAccounts',
    service: 'Storage',
    field: 'numberOfStorageAccounts',
    limit: 15,
    version: '2019-06-01',
    body: (location) => ({ location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } }),
  },
];
