/** What the network of the stamp has and uses, over all tenants, as its operator sees it. */

import { tryPrefix } from '#base/prefix.ts';
import type { JsonObject } from '#base/json.ts';
import { nicLabels, nicMarks, numbersInUse } from '#model/network/free-number.ts';
import type { Resource, StampFacts, View } from '#model/resource.ts';

type Health = 'healthy' | 'error' | 'unknown';

/** `properties` of Azure Stack's `adminOverview`. `stateOf` tells the provisioning state of a resource. */
export function networkOverview(
  view: View,
  stamp: StampFacts,
  stateOf: (resource: Resource) => string | undefined,
): JsonObject {
  const all = (type: string): readonly Resource[] => [...view.ofType(`Microsoft.Network/${type}`)];
  const healthOf = (resource: Resource): Health => (stateOf(resource) === 'Failed' ? 'error' : 'healthy');
  const addresses = all('publicIPAddresses').filter(({ properties }) => typeof properties['ipAddress'] === 'string');
  return {
    provisioningState: 'Succeeded',
    virtualNetworkHealth: health(all('virtualNetworks').map(healthOf)),
    // The edge is one, and where nothing is enforced there is none to be well.
    loadBalancerMuxHealth: health([stamp.enforcing ? 'healthy' : 'unknown']),
    // A gateway is kept as it was asked for; no engine says how it does.
    virtualGatewayHealth: health(all('virtualNetworkGateways').map(() => 'unknown')),
    publicIpAddressUsage: usage(poolSize(stamp), addresses.length + stamp.publicReserved),
    backendIpUsage: usage(nicLabels.last, numbersInUse(view, nicLabels)),
    macAddressUsage: usage(nicMarks.last, numbersInUse(view, nicMarks)),
  };
}

function poolSize({ publicPools }: StampFacts): number {
  const pool = publicPools.map((text) => tryPrefix(text)).find((prefix) => prefix?.family === 4);
  return pool === undefined ? 0 : 2 ** (32 - pool.length);
}

function health(each: readonly Health[]): JsonObject {
  const count = (wanted: Health): number => each.filter((one) => one === wanted).length;
  return {
    totalResourceCount: each.length,
    healthyResourceCount: count('healthy'),
    errorResourceCount: count('error'),
    warningResourceCount: 0,
    healthUnknownCount: count('unknown'),
  };
}

function usage(totalResourceCount: number, inUseResourceCount: number): JsonObject {
  return { totalResourceCount, inUseResourceCount };
}
