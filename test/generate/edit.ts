/** Random changes of a stamp, one write each: what tenants do all day, for tests that compile step by step. */

import { isObject, type JsonObject } from '#base/json.ts';
import type { MemoryView } from '#model/memory.ts';
import type { Edit, Resource } from '#model/resource.ts';
import { addRule, newBuild, resourceOf } from '#test/generate/build.ts';
import type { Random } from '#test/generate/random.ts';
import { randomRule } from '#test/generate/stamp.ts';

/** One random change; no edits when the stamp has nothing of the chosen kind. */
export function randomEdits(random: Random, view: MemoryView): Edit[] {
  return random.pick([
    ruleEdits,
    ruleEdits,
    ruleEdits,
    ruleEdits,
    ruleEdits,
    ruleRemoval,
    nicEdits,
    attachEdits,
    moveEdits,
    memberEdits,
    groupEdits,
    routeEdits,
    peeringEdits,
    removal,
  ])(random, view);
}

function some(random: Random, view: MemoryView, type: string): Resource | undefined {
  const all = view.ofType(type);
  return all.length === 0 ? undefined : random.pick(all);
}

function changed(resource: Resource, properties: JsonObject, internal = resource.internal): Edit {
  const after = resourceOf({
    path: resource.id,
    properties,
    ...(internal ? { internal } : {}),
    ...(resource.sku ? { sku: resource.sku } : {}),
  });
  return { id: resource.id, before: resource, after };
}

function ruleEdits(random: Random, view: MemoryView): Edit[] {
  const nsg = some(random, view, 'Microsoft.Network/networkSecurityGroups');
  if (nsg === undefined) return [];
  const rules = view.childrenOf(nsg.id, `${nsg.type}/securityRules`);
  const old = random.chance(0.5) && rules.length > 0 ? random.pick(rules) : undefined;
  const priority = old === undefined ? 100 + random.below(3997) : Number(old.properties['priority']);
  const after = addRule(newBuild(), nsg.name, randomRule(random, priority));
  return [{ id: after.id, before: view.get(after.id), after }];
}

function ruleRemoval(random: Random, view: MemoryView): Edit[] {
  const rule = some(random, view, 'Microsoft.Network/networkSecurityGroups/securityRules');
  return rule === undefined ? [] : [{ id: rule.id, before: rule }];
}

function nicEdits(random: Random, view: MemoryView): Edit[] {
  const nic = some(random, view, 'Microsoft.Network/networkInterfaces');
  return nic === undefined ? [] : [changed(nic, { ...nic.properties, enableIPForwarding: random.chance(0.5) })];
}

function attachEdits(random: Random, view: MemoryView): Edit[] {
  const subnet = some(random, view, 'Microsoft.Network/virtualNetworks/subnets');
  const nsg = some(random, view, 'Microsoft.Network/networkSecurityGroups');
  if (subnet === undefined || nsg === undefined) return [];
  const { networkSecurityGroup: _, ...rest } = subnet.properties;
  return [changed(subnet, random.chance(0.7) ? { ...rest, networkSecurityGroup: { id: nsg.id } } : rest)];
}

function moveEdits(random: Random, view: MemoryView): Edit[] {
  const vm = some(random, view, 'Microsoft.Compute/virtualMachines');
  return vm === undefined ? [] : [changed(vm, vm.properties, { ...vm.internal, host: random.pick(['h1', 'h2']) })];
}

function memberEdits(random: Random, view: MemoryView): Edit[] {
  const balancer = some(random, view, 'Microsoft.Network/loadBalancers');
  if (balancer === undefined) return [];
  const health = { p: { '10.0.0.4': random.pick(['up', 'down']), '10.1.0.4': random.pick(['up', 'down']) } };
  return [changed(balancer, balancer.properties, { ...balancer.internal, health })];
}

/** A NIC joins or leaves an application group. */
function groupEdits(random: Random, view: MemoryView): Edit[] {
  const nic = some(random, view, 'Microsoft.Network/networkInterfaces');
  const group = some(random, view, 'Microsoft.Network/applicationSecurityGroups');
  const configurations = nic?.properties['ipConfigurations'];
  if (nic === undefined || group === undefined || !Array.isArray(configurations)) return [];
  const applicationSecurityGroups = random.chance(0.5) ? [{ id: group.id }] : [];
  const ipConfigurations = configurations.map((one) =>
    isObject(one) && isObject(one['properties'])
      ? { ...one, properties: { ...one['properties'], applicationSecurityGroups } }
      : one,
  );
  return [changed(nic, { ...nic.properties, ipConfigurations })];
}

/** A route is added or turned: into nothing, to the internet, or through an appliance. */
function routeEdits(random: Random, view: MemoryView): Edit[] {
  const table = some(random, view, 'Microsoft.Network/routeTables');
  if (table === undefined) return [];
  const [third, hop] = [random.below(3), random.pick(['None', 'Internet', 'VirtualAppliance', 'VnetLocal'])];
  const name = `extra${random.below(2)}`;
  const addressPrefix = random.pick(['0.0.0.0/0', `10.${third}.1.0/24`, '203.0.113.0/24', '10.9.0.0/16']);
  const after = resourceOf({
    path: `routeTables/${table.name}/routes/${name}`,
    properties: {
      addressPrefix,
      nextHopType: hop,
      ...(hop === 'VirtualAppliance' ? { nextHopIpAddress: `10.${third}.0.4` } : {}),
    },
  });
  return [{ id: after.id, before: view.get(after.id), after }];
}

/** One side of a peering says otherwise whether it lets in what others send on, or whether it gives access at all. */
function peeringEdits(random: Random, view: MemoryView): Edit[] {
  const peering = some(random, view, 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings');
  if (peering === undefined) return [];
  const allowForwardedTraffic = random.chance(0.5);
  const allowVirtualNetworkAccess = random.chance(0.7);
  return [changed(peering, { ...peering.properties, allowForwardedTraffic, allowVirtualNetworkAccess })];
}

function removal(random: Random, view: MemoryView): Edit[] {
  const kinds = [
    'Microsoft.Compute/virtualMachines',
    'Microsoft.Network/routeTables/routes',
    'Microsoft.Network/virtualNetworks/virtualNetworkPeerings',
  ];
  const resource = some(random, view, random.pick(kinds));
  return resource === undefined ? [] : [{ id: resource.id, before: resource }];
}
