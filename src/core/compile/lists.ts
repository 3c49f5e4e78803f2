/** All resources that the compilers read, as one list per type that keeps its identity as long as nothing in it changed. */

import type { CompileMemo } from '#compile/memo.ts';
import type { Resource, View } from '#model/resource.ts';

/** The types that shape the stamp. Security rules are not among them: they are read per NSG, and change only filters. */
const types = {
  vnets: 'Microsoft.Network/virtualNetworks',
  subnets: 'Microsoft.Network/virtualNetworks/subnets',
  peerings: 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings',
  nics: 'Microsoft.Network/networkInterfaces',
  vms: 'Microsoft.Compute/virtualMachines',
  routeTables: 'Microsoft.Network/routeTables',
  routes: 'Microsoft.Network/routeTables/routes',
  publicIps: 'Microsoft.Network/publicIPAddresses',
  loadBalancers: 'Microsoft.Network/loadBalancers',
  natRules: 'Microsoft.Network/loadBalancers/inboundNatRules',
  natGateways: 'Microsoft.Network/natGateways',
  flowLogs: 'Microsoft.Network/networkWatchers/flowLogs',
  jitPolicies: 'Microsoft.Security/locations/jitNetworkAccessPolicies',
  subscriptions: 'Microsoft.Resources/subscriptions',
  plans: 'Microsoft.Subscriptions.Admin/plans',
  networkQuotas: 'Microsoft.Network.Admin/locations/quotas',
} as const;

/** The same in lower case: a change of any other type changes filters at most. */
export const layoutTypes: ReadonlySet<string> = new Set(Object.values(types).map((type) => type.toLowerCase()));

/** The type of an NSG's rules. */
export const ruleType = 'Microsoft.Network/networkSecurityGroups/securityRules';

/** One list per type, in order of creation. */
export type Lists = { readonly [name in keyof typeof types]: readonly Resource[] };

/** Reads the lists of a view. */
export function listsOf(view: View, memo: CompileMemo): Lists {
  const names = Object.keys(types) as (keyof typeof types)[];
  return Object.fromEntries(
    names.map((name) => [name, memo.stable(`list/${name}`, view.ofType(types[name]))]),
  ) as Lists;
}

/** In order of their ids: what goes by the first one found must not hang on who was created, or put back, first. */
export function sortedById(resources: readonly Resource[]): readonly Resource[] {
  return resources.toSorted((left, right) => (left.id.toLowerCase() < right.id.toLowerCase() ? -1 : 1));
}

/** Resources by id in lower case. */
export function byId(resources: readonly Resource[]): ReadonlyMap<string, Resource> {
  return new Map(resources.map((resource) => [resource.id.toLowerCase(), resource]));
}

/** Children by the id of their parent in lower case. */
export function byParent(children: readonly Resource[]): ReadonlyMap<string, readonly Resource[]> {
  return Map.groupBy(children, ({ id }) => id.toLowerCase().split('/').slice(0, -2).join('/'));
}
