/** The catalog: one row per resource type, with its api-versions, where it lives, how it is listed, and its status codes. */

import { servesType, type Plane } from '#model/plans/plane.ts';
import { planRows } from '#faces/arm/plan-rows.ts';
import {
  commerceVersions,
  computeVersions,
  diskVersions,
  insightsVersions,
  isServed,
  lockVersions,
  networkVersions,
  newestFirst,
  policyExemptionVersions,
  policyInsightsVersions,
  policyVersions,
  resourcesVersions,
  roleVersions,
  securityVersions,
  storageVersions,
  type Versions,
} from '#faces/arm/versions.ts';

/** Api-versions of a type, newest first; none when the stamp does not know the type. */
export function apiVersionsOf(type: string): readonly string[] {
  const row = rowOf(type);
  return row === undefined ? [] : newestFirst(row.versions);
}

export type Verb = 'put' | 'patch' | 'delete' | 'action';

export type Row = {
  /** Full type in canonical casing. */
  readonly type: string;
  readonly versions: Versions;
  /**
   * `group`: in a resource group. `child`: below another resource. `scope`: an extension of any scope. `part`: shown inside its
   * parent only, under `within`. `surface`: no resource, only an address that is served.
   */
  readonly lives: 'group' | 'child' | 'scope' | 'part' | 'surface';
  /** Methods of the resource itself; HEAD comes with GET. */
  readonly methods: readonly string[];
  /** Is there a list over a whole subscription (for types in a group)? */
  readonly listsAll: boolean;
  /** PUT that created, PUT that updated. */
  readonly put: readonly [number, number];
  /** An action that answers a value. */
  readonly acted: number;
  /** DELETE of what was there, DELETE of what was not. */
  readonly remove: readonly [number, number];
  /** Does DELETE answer the deleted resource? */
  readonly removeShows: boolean;
  /** The verbs whose work may outlive the request; the others wait for the world. */
  readonly longRunning: readonly Verb[];
  /** For parts: the member of the parent's `properties` that lists them. */
  readonly within?: string;
  /** For surfaces: what roles allow there, after the type. */
  readonly acts?: readonly string[];
  /** How a PATCH treats tags: as the whole set, or merged (RFC 7396). */
  readonly tags: 'replace' | 'merge' | 'none';
};

const all: readonly Verb[] = ['put', 'patch', 'delete', 'action'];

// A PATCH of tags is 200 only; newer clients do not follow it as an operation.
const noPatch: readonly Verb[] = ['put', 'delete', 'action'];

const base = {
  lives: 'group',
  methods: ['GET', 'PUT', 'PATCH', 'DELETE'],
  listsAll: true,
  put: [201, 200],
  acted: 200,
  remove: [200, 204],
  removeShows: false,
  longRunning: all,
  tags: 'replace',
} as const;

type Change = Partial<Omit<Row, 'type' | 'versions'>>;

function network(name: string, change: Change = {}): Row {
  return { type: `Microsoft.Network/${name}`, versions: networkVersions, ...base, longRunning: noPatch, ...change };
}

function compute(name: string, change: Change = {}): Row {
  return { type: `Microsoft.Compute/${name}`, versions: computeVersions, ...base, tags: 'merge', ...change };
}

function surface(type: string, versions: Versions): Row {
  return { type, versions, ...base, lives: 'surface', methods: [], listsAll: false, longRunning: [], tags: 'none' };
}

const child: Change = { lives: 'child', methods: ['GET', 'PUT', 'DELETE'], listsAll: false, tags: 'none' };
const extension: Change = { lives: 'scope', methods: ['GET', 'PUT', 'DELETE'], longRunning: [], tags: 'none' };
const part = (within: string): Change => ({
  lives: 'part',
  methods: ['GET'],
  listsAll: false,
  longRunning: [],
  tags: 'none',
  within,
});

// Status codes and long-running verbs are those of the swagger (network 2018-11-01, compute 2020-06-01, locks 2016-09-01,
// authorization 2015-07-01, resources 2019-10-01): clients take an unlisted 2xx for an error.
export const rows: readonly Row[] = [
  network('applicationSecurityGroups'),
  network('connections'),
  network('loadBalancers'),
  network('loadBalancers/backendAddressPools', child),
  network('loadBalancers/inboundNatRules', child),
  network('loadBalancers/frontendIPConfigurations', part('frontendIPConfigurations')),
  network('loadBalancers/loadBalancingRules', part('loadBalancingRules')),
  network('loadBalancers/outboundRules', part('outboundRules')),
  network('loadBalancers/probes', part('probes')),
  network('localNetworkGateways'),
  network('natGateways'),
  network('networkInterfaces'),
  network('networkInterfaces/ipConfigurations', part('ipConfigurations')),
  network('networkSecurityGroups'),
  network('networkSecurityGroups/securityRules', child),
  network('networkSecurityGroups/defaultSecurityRules', part('defaultSecurityRules')),
  network('networkWatchers', { remove: [204, 204], longRunning: ['delete'] }),
  network('networkWatchers/flowLogs', { ...child, methods: base.methods, tags: 'replace', remove: [204, 204] }),
  network('publicIPAddresses'),
  network('routeTables'),
  network('routeTables/routes', child),
  network('virtualNetworkGateways'),
  network('virtualNetworks'),
  network('virtualNetworks/subnets', child),
  network('virtualNetworks/virtualNetworkPeerings', child),
  compute('availabilitySets', { put: [200, 200], longRunning: [] }),
  { ...compute('disks', { put: [200, 200] }), versions: diskVersions },
  compute('virtualMachines'),
  compute('virtualMachines/extensions', { ...child, methods: base.methods, tags: 'merge' }),
  {
    type: 'Microsoft.Storage/storageAccounts',
    versions: storageVersions,
    ...base,
    put: [200, 200],
    longRunning: ['put'],
    tags: 'merge',
  },
  {
    type: 'Microsoft.Security/locations/jitNetworkAccessPolicies',
    versions: securityVersions,
    ...base,
    methods: ['GET', 'PUT', 'DELETE'],
    put: [200, 200],
    acted: 202,
    longRunning: [],
    tags: 'none',
  },
  { type: 'Microsoft.Resources/resourceGroups', versions: resourcesVersions, ...base, longRunning: ['delete'] },
  { type: 'Microsoft.Authorization/locks', versions: lockVersions, ...base, ...extension },
  {
    type: 'Microsoft.Authorization/roleAssignments',
    versions: roleVersions,
    ...base,
    ...extension,
    put: [201, 201],
    removeShows: true,
  },
  {
    type: 'Microsoft.Authorization/roleDefinitions',
    versions: roleVersions,
    ...base,
    ...extension,
    put: [201, 201],
    removeShows: true,
  },
  {
    type: 'Microsoft.Authorization/policyAssignments',
    versions: policyVersions,
    ...base,
    ...extension,
    put: [201, 201],
    removeShows: true,
  },
  {
    type: 'Microsoft.Authorization/policyDefinitions',
    versions: policyVersions,
    ...base,
    ...extension,
    put: [201, 201],
  },
  { type: 'Microsoft.Authorization/policySetDefinitions', versions: policyVersions, ...base, ...extension },
  { type: 'Microsoft.Authorization/policyExemptions', versions: policyExemptionVersions, ...base, ...extension },
  surface('Microsoft.Resources/subscriptions', resourcesVersions),
  surface('Microsoft.Resources/tenants', resourcesVersions),
  surface('Microsoft.Resources/providers', resourcesVersions),
  surface('Microsoft.Resources/resources', resourcesVersions),
  surface('Microsoft.Resources/deployments', resourcesVersions),
  surface('Microsoft.Resources/tags', resourcesVersions),
  surface('Microsoft.Resources/tagNames', resourcesVersions),
  surface('Microsoft.Resources/checkResourceName', resourcesVersions),
  surface('Microsoft.Resources/calculateTemplateHash', resourcesVersions),
  surface('Microsoft.Resources/operations', resourcesVersions),
  surface('Microsoft.Authorization/permissions', roleVersions),
  surface('Microsoft.Authorization/providerOperations', roleVersions),
  surface('Microsoft.Authorization/elevateAccess', roleVersions),
  surface('Microsoft.Authorization/classicAdministrators', roleVersions),
  surface('Microsoft.Authorization/operations', roleVersions),
  surface('Microsoft.Network/locations', networkVersions),
  surface('Microsoft.Network/operations', networkVersions),
  surface('Microsoft.Compute/locations', computeVersions),
  surface('Microsoft.Compute/operations', computeVersions),
  surface('Microsoft.Compute/skus', computeVersions),
  surface('Microsoft.Storage/checkNameAvailability', storageVersions),
  surface('Microsoft.Storage/locations', storageVersions),
  surface('Microsoft.Storage/operations', storageVersions),
  surface('Microsoft.Insights/eventtypes', insightsVersions),
  surface('Microsoft.Commerce/usageAggregates', commerceVersions),
  surface('Microsoft.Insights/eventcategories', insightsVersions),
  surface('Microsoft.Security/jitNetworkAccessPolicies', securityVersions),
  surface('Microsoft.Security/operations', securityVersions),
  {
    ...surface('Microsoft.PolicyInsights/policyStates', policyInsightsVersions),
    acts: ['queryResults/read', 'summarize/read', 'triggerEvaluation/action'],
  },
  surface('Microsoft.PolicyInsights/operations', policyInsightsVersions),
  ...planRows(base),
];

const byType: ReadonlyMap<string, Row> = new Map(rows.map((row) => [row.type.toLowerCase(), row]));

/** The row of a full type, in any casing. */
export function rowOf(type: string): Row | undefined {
  return byType.get(type.toLowerCase());
}

/** Provider namespaces of a plane in the order of their first row. */
export function namespacesOf(plane: Plane): readonly string[] {
  return [...new Set(rows.filter(({ type }) => servesType(plane, type)).map(({ type }) => namespaceOf(type)))];
}

/** The rows of a namespace (in any casing) that a plane has. */
export function rowsOf(namespace: string, plane: Plane): readonly Row[] {
  const key = namespace.toLowerCase();
  return rows.filter(({ type }) => namespaceOf(type).toLowerCase() === key && servesType(plane, type));
}

/** Is the api-version served for the row? */
export function serves(row: Row, apiVersion: string): boolean {
  return isServed(row.versions, apiVersion);
}

/** `Microsoft.Network` of `Microsoft.Network/virtualNetworks`. */
export function namespaceOf(type: string): string {
  return type.slice(0, type.indexOf('/'));
}
