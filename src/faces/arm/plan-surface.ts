/** The table's lines for plans, offers, quotas and subscriptions, on both planes. */

import { offerType, planType } from '#model/plans/ids.ts';
import * as network from '#faces/arm/network-admin.ts';
import * as plan from '#faces/arm/plan.ts';
import type { Line } from '#faces/arm/route.ts';
import * as signUp from '#faces/arm/sign-up.ts';
import * as user from '#faces/arm/user-subscription.ts';

const s = '/subscriptions/{subscription}';
const rg = `${s}/resourceGroups/{group}`;
const admin = 'Microsoft.Subscriptions.Admin';
const at = `${s}/providers/${admin}`;

const quotas: readonly Line[] = plan.quotaNamespaces.map((namespace) => ({
  pattern: `${s}/providers/${namespace}/locations/{location}/quotas`,
  type: `${namespace}/locations/quotas`,
  methods: { GET: (call) => plan.listQuotas(call, namespace) },
}));

const metrics: readonly Line[] = [planType, offerType].flatMap((type) =>
  ['metrics', 'metricDefinitions'].map(
    (name): Line => ({
      pattern: `${rg}/providers/${type}/{name}/${name}`,
      type,
      methods: { GET: (call) => plan.listNoMetrics(call, type) },
    }),
  ),
);

const held = `${at}/subscriptions/{target}/acquiredPlans`;
const subscriptions: readonly Line[] = [
  { pattern: `${at}/subscriptions`, type: `${admin}/subscriptions`, methods: { GET: user.listUserSubscriptions } },
  {
    pattern: `${at}/subscriptions/{target}`,
    type: `${admin}/subscriptions`,
    methods: {
      GET: user.getUserSubscription,
      PUT: user.putUserSubscription,
      DELETE: user.deleteUserSubscription,
    },
  },
  { pattern: held, type: `${admin}/subscriptions/acquiredPlans`, methods: { GET: user.listAcquiredPlans } },
  {
    pattern: `${held}/{acquisition}`,
    type: `${admin}/subscriptions/acquiredPlans`,
    methods: { GET: user.getAcquiredPlan, PUT: user.putAcquiredPlan, DELETE: user.deleteAcquiredPlan },
  },
];

const directory = `${rg}/providers/${admin}/directoryTenants`;
const delegated = `${at}/delegatedProviders`;
const service: readonly Line[] = [
  { pattern: directory, type: `${admin}/directoryTenants`, methods: { GET: plan.listDirectoryTenants } },
  {
    pattern: `${directory}/{tenant}`,
    type: `${admin}/directoryTenants`,
    methods: {
      GET: plan.getDirectoryTenant,
      PUT: plan.putDirectoryTenant,
      DELETE: plan.deleteDirectoryTenant,
    },
  },
  { pattern: delegated, type: `${admin}/delegatedProviders`, methods: { GET: plan.listDelegatedProviders } },
  {
    pattern: `${delegated}/{delegated}`,
    type: `${admin}/delegatedProviders`,
    methods: { GET: plan.getDelegatedProvider },
  },
  {
    pattern: `${delegated}/{delegated}/offers`,
    type: `${admin}/delegatedProviders/offers`,
    methods: { GET: plan.listDelegatedOffers },
  },
  {
    pattern: `${delegated}/{delegated}/offers/{offer}`,
    type: `${admin}/delegatedProviders/offers`,
    methods: { GET: plan.getDelegatedOffer },
  },
  { pattern: `${at}/locations`, type: `${admin}/locations`, methods: { GET: plan.listAdminLocations } },
  {
    pattern: `${at}/locations/{location}`,
    type: `${admin}/locations`,
    methods: { GET: plan.getAdminLocation, PUT: plan.getAdminLocation },
  },
  {
    pattern: `${at}/locations/{location}/operationsStatus/{operation}`,
    type: `${admin}/locations`,
    methods: { GET: plan.getLocationOperation },
  },
  ...['moveSubscriptions', 'validateMoveSubscriptions'].map(
    (name): Line => ({
      pattern: `${at}/${name}`,
      type: `${admin}/${name}`,
      methods: { POST: (call) => plan.moveSubscriptions(call, name) },
    }),
  ),
  {
    pattern: `${at}/checkNameAvailability`,
    type: `${admin}/checkNameAvailability`,
    methods: { POST: plan.checkPlanName },
  },
  {
    pattern: `${at}/checkIdentityHealth`,
    type: `${admin}/checkIdentityHealth`,
    methods: { POST: [plan.checkIdentityHealth, 'none'] },
  },
];

const networks: readonly Line[] = [
  ...(
    [
      ['adminOverview', network.getOverview],
      ['adminPublicIPAddresses', network.listPublicAddresses],
      ['adminVirtualNetworks', network.listVirtualNetworks],
      ['adminLoadBalancers', network.listLoadBalancers],
    ] as const
  ).map(
    ([name, handler]): Line => ({
      pattern: `${s}/providers/Microsoft.Network.Admin/${name}`,
      type: `Microsoft.Network.Admin/${name}`,
      methods: { GET: handler },
    }),
  ),
  ...['', '/{location}/operationResults', '/{location}/operations'].map(
    (rest): Line => ({
      pattern: `/providers/Microsoft.Network.Admin/locations${rest}`,
      type: 'Microsoft.Network.Admin/locations',
      methods: { GET: network.listNone },
    }),
  ),
];

const offers = 'Microsoft.Subscriptions/offers';
const tenants: readonly Line[] = [
  { pattern: '/offers', type: offers, methods: { GET: signUp.listOffers } },
  { pattern: '/delegatedProviders/{provider}/offers', type: offers, methods: { GET: signUp.listProviderOffers } },
  { pattern: '/delegatedProviders/{provider}/offers/{offer}', type: offers, methods: { GET: signUp.getProviderOffer } },
  {
    pattern: `${s}/providers/Microsoft.Subscriptions/delegatedOffers`,
    type: 'Microsoft.Subscriptions/delegatedOffers',
    methods: { GET: signUp.listGivenOffers },
  },
  { pattern: `${s}/providers/${offers}`, type: offers, methods: { GET: signUp.listOwnOffers } },
  {
    pattern: s,
    type: 'Microsoft.Subscriptions/subscriptions',
    methods: { PUT: signUp.putSubscription, DELETE: signUp.deleteSubscription },
  },
];

export const planSurfaces: readonly Line[] = [
  ...quotas,
  ...metrics,
  ...subscriptions,
  ...service,
  ...networks,
  ...tenants,
];
