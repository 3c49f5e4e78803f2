/** The catalog's rows of plans, offers, quotas and subscriptions: the operator's providers, and what tenants see of them. */

import type { Row } from '#faces/arm/catalog.ts';
import {
  computeAdminVersions,
  networkAdminVersions,
  storageAdminVersions,
  subscriptionsVersions,
  type Versions,
} from '#faces/arm/versions.ts';

type Base = Omit<Row, 'type' | 'versions'>;
type Codes = Pick<Row, 'put' | 'remove'>;

const methods = ['GET', 'PUT', 'DELETE'];
const admin = 'Microsoft.Subscriptions.Admin';

// Status codes are those of the swagger (network 2015-06-15, compute 2021-01-01, storage 2019-08-08-preview, subscriptions
// 2015-11-01): clients take an unlisted 2xx for an error.
const quotas: readonly (readonly [namespace: string, versions: Versions, codes: Codes])[] = [
  ['Microsoft.Network.Admin', networkAdminVersions, { put: [201, 200], remove: [200, 204] }],
  ['Microsoft.Compute.Admin', computeAdminVersions, { put: [200, 200], remove: [200, 200] }],
  ['Microsoft.Storage.Admin', storageAdminVersions, { put: [200, 200], remove: [200, 200] }],
];

const surfaces: readonly (readonly [type: string, versions: Versions, acts: readonly string[]])[] = [
  [`${admin}/subscriptions`, subscriptionsVersions, ['read', 'write', 'delete']],
  [`${admin}/delegatedProviders`, subscriptionsVersions, ['read']],
  [`${admin}/delegatedProviders/offers`, subscriptionsVersions, ['read']],
  [`${admin}/directoryTenants`, subscriptionsVersions, ['read', 'write', 'delete']],
  [`${admin}/locations`, subscriptionsVersions, ['read', 'write']],
  [`${admin}/checkNameAvailability`, subscriptionsVersions, ['action']],
  [`${admin}/checkIdentityHealth`, subscriptionsVersions, ['action']],
  [`${admin}/moveSubscriptions`, subscriptionsVersions, ['action']],
  [`${admin}/validateMoveSubscriptions`, subscriptionsVersions, ['action']],
  [`${admin}/operations`, subscriptionsVersions, []],
  ['Microsoft.Network.Admin/locations', networkAdminVersions, ['read']],
  ['Microsoft.Network.Admin/adminOverview', networkAdminVersions, ['read']],
  ['Microsoft.Network.Admin/adminPublicIPAddresses', networkAdminVersions, ['read']],
  ['Microsoft.Network.Admin/adminVirtualNetworks', networkAdminVersions, ['read']],
  ['Microsoft.Network.Admin/adminLoadBalancers', networkAdminVersions, ['read']],
  ['Microsoft.Network.Admin/operations', networkAdminVersions, []],
  ['Microsoft.Compute.Admin/operations', computeAdminVersions, []],
  ['Microsoft.Storage.Admin/operations', storageAdminVersions, []],
  ['Microsoft.Subscriptions/subscriptions', subscriptionsVersions, ['write', 'delete']],
  ['Microsoft.Subscriptions/delegatedOffers', subscriptionsVersions, ['read']],
  ['Microsoft.Subscriptions/operations', subscriptionsVersions, []],
];

/** The rows, on what all rows have. */
export function planRows(base: Base): Row[] {
  const child = { lives: 'child', methods, listsAll: false, longRunning: [], tags: 'none' } as const;
  const placed = quotas.map(
    ([namespace, versions, codes]): Row => ({
      ...base,
      ...child,
      ...codes,
      type: `${namespace}/locations/quotas`,
      versions,
    }),
  );
  const own = { ...base, versions: subscriptionsVersions };
  return [
    ...placed,
    { ...own, ...child, methods: ['GET'], type: `${admin}/locations/quotas` },
    { ...own, methods, longRunning: [], type: `${admin}/plans` },
    { ...own, methods, longRunning: [], type: `${admin}/offers` },
    { ...own, ...child, type: `${admin}/offers/offerDelegations` },
    { ...own, ...child, type: `${admin}/subscriptions/acquiredPlans` },
    { ...own, ...child, type: 'Microsoft.Subscriptions/offers' },
    ...surfaces.map(
      ([type, versions, acts]): Row => ({ ...base, ...child, lives: 'surface', methods: [], type, versions, acts }),
    ),
  ];
}
