/** The fields of the quotas of each service: Azure Stack's own, and ours for what the data plane carries. */

/** One field of a quota: its name, and what it is where a quota does not state it. */
export type QuotaField = {
  readonly name: string;
  readonly standard: number;
  /**
   * How the quotas of several plans make one allowance: counts add up; a budget of each interface is the widest that any
   * plan grants.
   */
  readonly joins: 'sum' | 'widest';
};

function counts(fields: { readonly [name: string]: number }): readonly QuotaField[] {
  return Object.entries(fields).map(([name, standard]) => ({ name, standard, joins: 'sum' }));
}

function perNic(fields: { readonly [name: string]: number }): readonly QuotaField[] {
  return Object.entries(fields).map(([name, standard]) => ({ name, standard, joins: 'widest' }));
}

/** Microsoft.Network.Admin 2015-06-15 with its documented defaults, then ours: Azure Stack has none for these. */
export const networkQuotaFields: readonly QuotaField[] = [
  ...counts({
    maxVnetsPerSubscription: 50,
    maxVirtualNetworkGatewaysPerSubscription: 1,
    maxVirtualNetworkGatewayConnectionsPerSubscription: 2,
    maxPublicIpsPerSubscription: 50,
    maxNicsPerSubscription: 100,
    maxLoadBalancersPerSubscription: 50,
    maxSecurityGroupsPerSubscription: 50,
    maxSecurityRulesPerSubscription: 5000,
    maxRoutesPerSubscription: 1000,
    // What the kernel holds and carries for all interfaces of the subscription together.
    maxConnectionsPerSubscription: 50_000,
    maxSnatPortsPerSubscription: 16_384,
    maxMegabitsPerSecondPerSubscription: 1000,
    maxPacketsPerSecondPerSubscription: 200_000,
    maxNewConnectionsPerSecondPerSubscription: 2000,
  }),
  // What one interface may send before it is held back, and soon after set apart (claim S1.21).
  ...perNic({
    maxNewConnectionsPerSecondPerNic: 500,
    maxMailConnectionsPerMinutePerNic: 10,
    maxTargetsPerMinutePerNic: 1000,
    maxPacketsPerSecondPerNic: 100_000,
    maxForgedPacketsPerMinutePerNic: 100,
  }),
];

/** Microsoft.Compute.Admin 2021-01-01. */
export const computeQuotaFields: readonly QuotaField[] = counts({
  virtualMachineCount: 50,
  coresLimit: 100,
  availabilitySetCount: 10,
  vmScaleSetCount: 100,
  maxAllocationStandardManagedDisksAndSnapshots: 2048,
  maxAllocationPremiumManagedDisksAndSnapshots: 2048,
});

/** Microsoft.Storage.Admin 2019-08-08-preview. */
export const storageQuotaFields: readonly QuotaField[] = counts({ capacityInGb: 2048, numberOfStorageAccounts: 20 });

/** The types of quotas, and the fields of each. */
export const quotaFields: ReadonlyMap<string, readonly QuotaField[]> = new Map([
  ['Microsoft.Network.Admin/locations/quotas', networkQuotaFields],
  ['Microsoft.Compute.Admin/locations/quotas', computeQuotaFields],
  ['Microsoft.Storage.Admin/locations/quotas', storageQuotaFields],
]);
