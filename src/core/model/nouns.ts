/** The table of all resource types: what the faces route to and the engine writes with. */

import type { Noun } from '#model/noun.ts';
import { authorizationNouns } from '#model/authorization/nouns.ts';
import { availabilitySet } from '#model/compute/availability-set.ts';
import { disk } from '#model/compute/disk.ts';
import { extension } from '#model/compute/extension.ts';
import { vm } from '#model/compute/vm.ts';
import { asg } from '#model/network/asg.ts';
import { backendPool } from '#model/network/backend-pool.ts';
import { connection } from '#model/network/connection.ts';
import { inboundNatRule } from '#model/network/inbound-nat-rule.ts';
import { loadBalancer } from '#model/network/load-balancer.ts';
import { localNetworkGateway } from '#model/network/local-network-gateway.ts';
import { natGateway } from '#model/network/nat-gateway.ts';
import { flowLog } from '#model/network/flow-log.ts';
import { networkWatcher } from '#model/network/network-watcher.ts';
import { nic } from '#model/network/nic.ts';
import { nsg } from '#model/network/nsg.ts';
import { peering } from '#model/network/peering.ts';
import { publicIp } from '#model/network/public-ip.ts';
import { routeTable } from '#model/network/route-table.ts';
import { route } from '#model/network/route.ts';
import { securityRule } from '#model/network/security-rule.ts';
import { subnet } from '#model/network/subnet.ts';
import { virtualNetworkGateway } from '#model/network/virtual-network-gateway.ts';
import { vnet } from '#model/network/vnet.ts';
import { planNouns } from '#model/plans/nouns.ts';
import { lock } from '#model/resources/lock.ts';
import { subscription } from '#model/resources/subscription.ts';
import { tagName } from '#model/resources/tag-name.ts';
import { resourceGroup } from '#model/resources/resource-group.ts';
import { jitPolicy } from '#model/security/jit-policy.ts';
import { storageAccount } from '#model/storage/storage-account.ts';

const all: readonly Noun[] = [
  resourceGroup,
  subscription,
  tagName,
  lock,
  ...authorizationNouns,
  vnet,
  subnet,
  peering,
  nsg,
  securityRule,
  asg,
  routeTable,
  route,
  publicIp,
  nic,
  loadBalancer,
  inboundNatRule,
  backendPool,
  natGateway,
  networkWatcher,
  flowLog,
  virtualNetworkGateway,
  localNetworkGateway,
  connection,
  availabilitySet,
  disk,
  vm,
  extension,
  storageAccount,
  jitPolicy,
  ...planNouns,
];

/** Nouns by their full type in lower case. */
export const nouns: ReadonlyMap<string, Noun> = new Map(all.map((noun) => [noun.type.toLowerCase(), noun]));

/** The noun of a full type, in any casing. */
export function nounOf(type: string): Noun | undefined {
  return nouns.get(type.toLowerCase());
}
