/** Peerings: which VNets see each other. A peering counts only when both sides have one (`Connected`) and both allow access. */

import { idAt, parentId } from '#compile/read.ts';
import type { Resource } from '#model/resource.ts';

/** One side of a connected peering. Ids are lower case. */
export type Peering = {
  readonly name: string;
  readonly vnet: string;
  readonly remote: string;
  readonly forwarded: boolean;
};

/**
 * The connected peerings of all VNets, by VNet. Access must be allowed on both sides: a side that forbids it has no route
 * for the replies, so half a permission carries no flow.
 */
export function connectedPeerings(peerings: readonly Resource[]): ReadonlyMap<string, readonly Peering[]> {
  const sides = new Map<string, Peering>();
  for (const peering of peerings) {
    const remote = idAt(peering.properties, 'remoteVirtualNetwork');
    if (remote === undefined || peering.properties['allowVirtualNetworkAccess'] === false) continue;
    // The model marks the half that is left over when the other side was deleted.
    if (peering.internal?.['disconnected'] === true) continue;
    const vnet = parentId(peering.id).toLowerCase();
    const forwarded = peering.properties['allowForwardedTraffic'] === true;
    sides.set(`${vnet} ${remote}`, { name: peering.name, vnet, remote, forwarded });
  }
  const connected = new Map<string, Peering[]>();
  for (const side of sides.values()) {
    if (!sides.has(`${side.remote} ${side.vnet}`)) continue;
    connected.set(side.vnet, [...(connected.get(side.vnet) ?? []), side]);
  }
  return connected;
}
