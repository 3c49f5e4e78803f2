/** What hangs on what in a resource group, a virtual network or a subnet (Azure: network watcher, topology). */

import { isObject, type Json } from '#base/json.ts';
import { topologyResourcesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { idAt, parentId } from '#compile/read.ts';
import { subnetOf } from '#compile/answer/port.ts';
import { idKey, sameId } from '#model/arm-id.ts';
import type { Resource, View } from '#model/resource.ts';

/** A resource with what it has in it (`Contains`) or refers to (`Associated`). */
export type TopologyEntry = {
  readonly resource: Resource;
  readonly links: readonly { readonly to: Resource; readonly kind: 'Associated' | 'Contains' }[];
};

const types = [
  'Microsoft.Network/virtualNetworks',
  'Microsoft.Network/virtualNetworks/subnets',
  'Microsoft.Network/networkInterfaces',
  'Microsoft.Network/networkSecurityGroups',
  'Microsoft.Network/networkSecurityGroups/securityRules',
  'Microsoft.Network/routeTables',
  'Microsoft.Network/publicIPAddresses',
  'Microsoft.Network/loadBalancers',
  'Microsoft.Network/natGateways',
  'Microsoft.Compute/virtualMachines',
];

/** The scope: a group, or a VNet or subnet, of which the NICs count that are in it, with what they are tied to. */
export type TopologyScope = { readonly kind: 'group' | 'network' | 'subnet'; readonly id: string };

/** The topology of a scope, of the resources that `mayRead` lets through. */
export function topologyOf(
  view: View,
  scope: TopologyScope,
  mayRead: (resource: Resource) => boolean,
): readonly TopologyEntry[] {
  const found = resourcesIn(view, scope).filter((resource) => types.includes(resource.type) && mayRead(resource));
  if (found.length > topologyResourcesMax) {
    const says = `The topology has ${found.length} resources; at most ${topologyResourcesMax} are told at once. Ask for a virtual network or a subnet.`;
    throw new Refusal('TopologyTooLarge', says, { target: '/targetResourceGroupName' });
  }
  const shown = new Map(found.map((resource) => [idKey(resource.id), resource]));
  const children = Map.groupBy(found, ({ id }) => parentId(idKey(id)));
  return found.map((resource) => {
    const below = children.get(idKey(resource.id)) ?? [];
    return {
      resource,
      links: [...linksOf(resource, shown), ...below.map((to) => ({ to, kind: 'Contains' as const }))],
    };
  });
}

function resourcesIn(view: View, { kind, id }: TopologyScope): readonly Resource[] {
  if (kind === 'group') return [...view.under(id)];
  const own = view.get(id);
  const nics = [...view.ofType('Microsoft.Network/networkInterfaces')].filter((nic) => {
    const subnet = subnetOf(view, nic)?.id;
    return subnet !== undefined && (kind === 'subnet' ? sameId(subnet, id) : idKey(subnet).startsWith(`${idKey(id)}/`));
  });
  const inside = [...(own === undefined ? [] : [own]), ...view.under(id), ...nics];
  const tied = inside.flatMap((resource) => [
    ...idsIn(resource.properties).flatMap((link) => view.get(link) ?? view.get(parentId(link)) ?? []),
    ...(resource.type === 'Microsoft.Network/networkInterfaces' ? view.referrersOf(resource.id) : []),
  ]);
  return [...new Map([...inside, ...tied].map((resource) => [idKey(resource.id), resource])).values()];
}

function linksOf(resource: Resource, shown: ReadonlyMap<string, Resource>): TopologyEntry['links'] {
  const kind = resource.type === 'Microsoft.Compute/virtualMachines' ? 'Contains' : 'Associated';
  // An id of a part (a pool, a probe) stands for the resource that has it.
  const linked = idsIn(resource.properties).flatMap((id) => shown.get(id) ?? shown.get(parentId(id)) ?? []);
  return [...new Set(linked)].filter((to) => to !== resource).map((to) => ({ to, kind }));
}

/** Ids that properties refer to, at any depth, in lower case. */
function idsIn(value: Json | undefined): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => idsIn(item));
  if (!isObject(value)) return [];
  const own = idAt({ value }, 'value');
  const below = Object.values(value).flatMap((member) => idsIn(member));
  return own === undefined ? below : [own, ...below];
}
