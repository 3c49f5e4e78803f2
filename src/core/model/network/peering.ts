/** VNet peerings: each side states its own; traffic passes when both exist. */

import { peeringsPerVnetMax } from '#base/limits.ts';
import { overlaps, printPrefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { sameId } from '#model/arm-id.ts';
import { amend, keepChild, openJob, touchParent, type Job } from '#model/job.ts';
import { finish, flagOf, note } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { idIn, referenceOf } from '#model/reference.ts';
import { parentOf, type Context, type Draft, type Resource, type View } from '#model/resource.ts';
import { showNetwork } from '#model/show.ts';
import { prefixesOf } from '#model/network/address-use.ts';

export const peeringType = 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings';
const vnetType = 'Microsoft.Network/virtualNetworks';

/** What Azure shows as `peeringState`. */
type PeeringState = 'Initiated' | 'Connected' | 'Disconnected';

export const peering: Noun = {
  type: peeringType,

  write(write, draft, context) {
    const job = openJob(peeringType, write, { draft, context });
    const link = [job.properties, 'remoteVirtualNetwork'] as const;
    const remote = referenceOf(job, link, { types: [vnetType], required: true, anySubscription: true });
    const gatewayTransit = flagOf(job.properties, 'allowGatewayTransit') ?? false;
    const useRemote = flagOf(job.properties, 'useRemoteGateways') ?? false;
    if (gatewayTransit && useRemote)
      note(job.properties, 'useRemoteGateways', 'allowGatewayTransit and useRemoteGateways exclude each other');
    const properties = {
      remoteVirtualNetwork: remote && { id: remote.id },
      allowVirtualNetworkAccess: flagOf(job.properties, 'allowVirtualNetworkAccess') ?? true,
      allowForwardedTraffic: flagOf(job.properties, 'allowForwardedTraffic') ?? false,
      allowGatewayTransit: gatewayTransit,
      useRemoteGateways: useRemote,
      doNotVerifyRemoteGateways: flagOf(job.properties, 'doNotVerifyRemoteGateways'),
    };
    finish(job.body);
    if (remote !== undefined) checkRemote(job, remote, useRemote);
    return keepChild(job, {
      properties,
      internal: { guid: job.before?.internal?.['guid'] ?? context.newGuid(), disconnected: false },
    });
  },

  remove(resource, draft, context) {
    const reverse = reverseOf(resource, draft);
    draft.delete(resource.id);
    touchParent(resource.id, { draft, context });
    if (reverse !== undefined) disconnect(reverse, { draft, context });
  },

  show(resource, view) {
    const remote = remoteOf(resource, view);
    const space = remote?.properties['addressSpace'];
    return showNetwork(resource, {
      ...resource.properties,
      peeringState: peeringStateOf(resource, view),
      peeringSyncLevel: peeringStateOf(resource, view) === 'Connected' ? 'FullyInSync' : 'LocalNotInSync',
      remoteAddressSpace: space,
      remoteVirtualNetworkAddressSpace: space,
      resourceGuid: resource.internal?.['guid'],
    });
  },
};

/** Marks a peering as half of what was: Azure wants it deleted, or written again, before both sides are made anew. */
export function disconnect(half: Resource, world: { draft: Draft; context: Context }): void {
  amend(half, { internal: { ...half.internal, disconnected: true } }, world);
}

/** Connected when the other VNet has a peering back; both must exist for any packet to pass. */
function peeringStateOf(resource: Resource, view: View): PeeringState {
  if (resource.internal?.['disconnected'] === true) return 'Disconnected';
  return reverseOf(resource, view) === undefined ? 'Initiated' : 'Connected';
}

/** The peering of the remote VNet that points back, if it is there. */
function reverseOf(resource: Resource, view: View): Resource | undefined {
  const ours = parentOf(resource.id);
  const remote = remoteOf(resource, view);
  if (remote === undefined) return undefined;
  return view.childrenOf(remote.id, peeringType).find((link) => sameId(remoteIdOf(link), ours));
}

function remoteIdOf(link: Resource): string | undefined {
  return idIn(link.properties['remoteVirtualNetwork']);
}

function remoteOf(link: Resource, view: View): Resource | undefined {
  const id = remoteIdOf(link);
  return id === undefined ? undefined : view.get(id);
}

function checkRemote({ id, before, draft }: Job, remote: Resource, useRemote: boolean): void {
  const ours = draft.get(parentOf(id) ?? '');
  if (ours === undefined) return;
  const target = '/properties/remoteVirtualNetwork';
  const refuse = (code: string, reason: string) => {
    throw new Refusal(code, `Cannot create or update peering ${id}. ${reason}`, { target });
  };
  const stated = before && remoteIdOf(before);
  if (stated !== undefined && !sameId(stated, remote.id)) {
    refuse(
      'ChangingRemoteVnetNotAllowed',
      `It refers to ${stated}; a peering cannot be moved to another virtual network.`,
    );
  }
  const siblings = draft.childrenOf(ours.id, peeringType).filter((link) => !sameId(link.id, id));
  if (siblings.length >= peeringsPerVnetMax)
    refuse('PeeringLimitReached', `A virtual network has at most ${peeringsPerVnetMax} peerings.`);
  const twin = siblings.find((link) => sameId(remoteIdOf(link), remote.id));
  if (twin !== undefined)
    refuse('AnotherPeeringAlreadyReferencesRemoteVnet', `Peering ${twin.id} already references ${remote.id}.`);
  for (const other of [remote, ...siblings.flatMap((link) => remoteOf(link, draft) ?? [])]) {
    const left = other === remote ? prefixesOf(ours) : prefixesOf(remote);
    const clash = left.find((prefix) => prefixesOf(other).some((one) => overlaps(one, prefix)));
    if (clash === undefined) continue;
    const code = other === remote ? 'VnetAddressSpacesOverlap' : 'VnetAddressSpaceOverlapsWithAlreadyPeeredVnet';
    refuse(code, `The address prefix ${printPrefix(clash)} overlaps the address space of ${other.id}.`);
  }
  const reverse = draft.childrenOf(remote.id, peeringType).find((link) => sameId(remoteIdOf(link), ours.id));
  if (before === undefined && reverse?.internal?.['disconnected'] === true) {
    refuse(
      'RemotePeeringIsDisconnected',
      `The remote peering ${reverse.id} is in Disconnected state. Delete it or write it again, then retry.`,
    );
  }
  const hasGateway = draft.referrersOf(`${remote.id}/subnets/GatewaySubnet`).length > 0;
  if (useRemote && !hasGateway)
    refuse('RemoteVnetHasNoGateways', `useRemoteGateways is true but ${remote.id} has no gateway.`);
}
