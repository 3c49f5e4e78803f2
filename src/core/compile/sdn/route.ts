/** Effective routes of a subnet: Azure's system routes, peerings, and the user's own, which replace those of the same prefix. */

import { printPrefix, tryPrefix } from '#base/prefix.ts';
import { Bug } from '#base/wrong.ts';
import { addressAt, lastName, shortKey, textAt } from '#compile/read.ts';
import type { Resource } from '#model/resource.ts';
import type { NextHop, Route, RouteTable } from '#program/program.ts';

/** Where a subnet without a route table looks. */
export const systemTableKey = 'system';

/** The key of a route table; unique within a subscription, as all tables of one VNet's subnets are. */
export function tableKey(tableId: string): string {
  return `udr/${shortKey(tableId)}`;
}

/** Ranges that Azure drops unless the VNet or a peer has them (Azure doc "Virtual network traffic routing", "Default routes"). */
const droppedByDefault = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

/** What the VNet itself contributes. */
export type VnetWays = {
  readonly space: readonly string[];
  readonly peers: readonly { readonly name: string; readonly key: string; readonly prefixes: readonly string[] }[];
};

/** The routes of a subnet with this route table (none: the system's alone). */
export function compileTable(
  { space, peers }: VnetWays,
  table?: { readonly id: string; readonly routes: readonly Resource[] },
): RouteTable {
  const routes: { [prefix: string]: Route } = {};
  const add = (prefix: string, hop: NextHop, because: string) => {
    routes[prefix] = { prefix, hop, because };
  };
  for (const prefix of ['0.0.0.0/0', '::/0']) add(prefix, { kind: 'internet' }, 'system/internet');
  for (const prefix of droppedByDefault) add(prefix, { kind: 'none' }, 'system/private');
  for (const { name, key, prefixes } of peers) {
    for (const prefix of prefixes) add(prefix, { kind: 'peer', vnet: key }, `peering/${name}`);
  }
  for (const prefix of space) add(prefix, { kind: 'local' }, 'system/vnet');
  for (const route of table?.routes ?? []) {
    const prefix = routePrefix(route);
    const { hop, note } = hopOf(route);
    add(prefix, hop, `udr/${lastName(table?.id ?? '')}/${route.name}${note}`);
  }
  return { routes };
}

/** The prefix of a user's route, in canonical text. */
export function routePrefix(route: Resource): string {
  const parsed = tryPrefix(textAt(route.properties, 'addressPrefix') ?? '');
  if (parsed === undefined) throw new Bug(`Route ${route.id} has no address prefix.`);
  return printPrefix(parsed);
}

function hopOf(route: Resource): { hop: NextHop; note: string } {
  const type = textAt(route.properties, 'nextHopType')?.toLowerCase();
  switch (type) {
    case 'vnetlocal':
      return { hop: { kind: 'local' }, note: '' };
    case 'internet':
      return { hop: { kind: 'internet' }, note: '' };
    case 'none':
      return { hop: { kind: 'none' }, note: '' };
    case 'virtualnetworkgateway':
      // As in Azure: a route to a gateway that is not there drops.
      return { hop: { kind: 'none' }, note: ': the virtual network has no gateway' };
    case 'virtualappliance': {
      const address = addressAt(route.properties, 'nextHopIpAddress');
      if (address === undefined) throw new Bug(`Route ${route.id} has no next hop address.`);
      return { hop: { kind: 'appliance', address }, note: '' };
    }
    default:
      throw new Bug(`Route ${route.id} has the next hop type ${JSON.stringify(type)}.`);
  }
}
