/** How many resources of each kind a subscription has, beside the limits: the `usages` answers of network and compute. */

import type { JsonObject } from '#base/json.ts';
import type { Resource, View } from '#model/resource.ts';
import { sizeNamed } from '#model/compute/size.ts';

/** Azure's own default limits per subscription and region (Azure doc "Networking limits"). */
const networkRows: readonly [name: string, words: string, type: string, limit: number][] = [
  ['VirtualNetworks', 'Virtual Networks', 'Microsoft.Network/virtualNetworks', 1000],
  ['NetworkSecurityGroups', 'Network Security Groups', 'Microsoft.Network/networkSecurityGroups', 5000],
  ['PublicIPAddresses', 'Public IP Addresses', 'Microsoft.Network/publicIPAddresses', 1000],
  ['NetworkInterfaces', 'Network Interfaces', 'Microsoft.Network/networkInterfaces', 65_536],
  ['LoadBalancers', 'Load Balancers', 'Microsoft.Network/loadBalancers', 1000],
  ['ApplicationSecurityGroups', 'Application Security Groups', 'Microsoft.Network/applicationSecurityGroups', 3000],
  ['RouteTables', 'Route Tables', 'Microsoft.Network/routeTables', 200],
  ['NatGateways', 'NAT Gateways', 'Microsoft.Network/natGateways', 100],
  ['NetworkWatchers', 'Network Watchers', 'Microsoft.Network/networkWatchers', 1],
];
const coresMax = 20_000;
const machinesMax = 25_000;

/** `Microsoft.Network/locations/{location}/usages`. */
export function networkUsages(view: View, subscription: string, location: string): JsonObject[] {
  return networkRows.map(([value, localizedValue, type, limit]) => ({
    id: `/subscriptions/${subscription}/providers/Microsoft.Network/locations/${location}/usages/${value}`,
    unit: 'Count',
    currentValue: inSubscription(view, subscription, type).length,
    limit,
    name: { value, localizedValue },
  }));
}

/** `Microsoft.Compute/locations/{location}/usages`. */
export function computeUsages(view: View, subscription: string): JsonObject[] {
  const machines = inSubscription(view, subscription, 'Microsoft.Compute/virtualMachines');
  const cores = machines.reduce((sum, { properties }) => sum + coresOf(properties), 0);
  const row = ([value, localizedValue]: readonly [string, string], currentValue: number, limit: number) => ({
    unit: 'Count',
    currentValue,
    limit,
    name: { value, localizedValue },
  });
  const sets = inSubscription(view, subscription, 'Microsoft.Compute/availabilitySets').length;
  return [
    row(['availabilitySets', 'Availability Sets'], sets, 2500),
    row(['cores', 'Total Regional vCPUs'], cores, coresMax),
    row(['virtualMachines', 'Virtual Machines'], machines.length, machinesMax),
  ];
}

function inSubscription(view: View, subscription: string, type: string): Resource[] {
  const prefix = `/subscriptions/${subscription}/`.toLowerCase();
  return [...view.ofType(type)].filter(({ id }) => id.toLowerCase().startsWith(prefix));
}

function coresOf(properties: JsonObject): number {
  const hardware = properties['hardwareProfile'];
  const name = typeof hardware === 'object' && hardware !== null && 'vmSize' in hardware ? hardware.vmSize : undefined;
  return typeof name === 'string' ? (sizeNamed(name)?.cores ?? 0) : 0;
}
