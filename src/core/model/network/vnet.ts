/** Virtual networks: an address space, its subnets and its peerings. */

import type { JsonObject } from '#base/json.ts';
import { addressPrefixesPerVnetMax, peeringsPerVnetMax, subnetsPerVnetMax } from '#base/limits.ts';
import { holds, overlaps, parseAddress, printAddress, printPrefix, type Prefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { childId } from '#model/arm-id.ts';
import { stampNetworks } from '#model/infra.ts';
import { isStated, keepTracked, openJob, partsOf, replaceChildren, type Job } from '#model/job.ts';
import { finish, flagOf, integerOf, missing, note, objectOf, partOf } from '#model/parse.ts';
import type { Noun, NounAction } from '#model/noun.ts';
import { idIn } from '#model/reference.ts';
import type { Draft, Resource } from '#model/resource.ts';
import { showNetwork } from '#model/show.ts';
import { addressFault, nextAddress, prefixesOf, takenIn } from '#model/network/address-use.ts';
import { dnsServersOf } from '#model/network/dns-servers.ts';
import { freeNumber, vnetKeys } from '#model/network/free-number.ts';
import { disconnect, peering, peeringType } from '#model/network/peering.ts';
import { prefixListOf } from '#model/network/space.ts';
import { checkSubnets, subnet, subnetPropertiesOf, subnetType } from '#model/network/subnet.ts';

const type = 'Microsoft.Network/virtualNetworks';

/** A VNet PUT that does not state `subnets` keeps them from this api-version on; before, it removes them. */
const keepsSubnetsFrom = '2023-09-01';

export const vnet: Noun = {
  type,

  write(write, draft, context) {
    const job = openJob(type, write, { draft, context });
    const space = spaceOf(job);
    const parts = partsOf(job.properties, 'subnets', { max: subnetsPerVnetMax, type: subnetType });
    const wanted = parts?.map((part) => ({ name: part.name, properties: subnetPropertiesOf(part, job) }));
    const properties = { addressSpace: { addressPrefixes: space.map(printPrefix) }, ...optionsOf(job) };
    const internal = job.before?.internal ?? { key: freeNumber(draft, vnetKeys), guid: context.newGuid() };
    const kept = keepTracked(job, { properties, internal });
    const keeps =
      wanted === undefined && (isStated(job.properties, 'subnets') || context.apiVersion >= keepsSubnetsFrom);
    if (!keeps) replaceChildren(kept, { type: subnetType, wanted: wanted ?? [], remove: subnet.remove }, job);
    checkSubnets(kept, draft);
    if (job.before !== undefined) checkPeers(kept, draft);
    writePeerings(job, kept);
    return draft.get(kept.id) ?? kept;
  },

  remove(resource, draft, context) {
    for (const child of draft.childrenOf(resource.id, peeringType)) peering.remove(child, draft, context);
    for (const child of draft.childrenOf(resource.id, subnetType)) subnet.remove(child, draft, context);
    draft.delete(resource.id);
    // Half a peering from the other side must not speak for a network that gets the same name later.
    for (const half of draft.referrersOf(resource.id)) {
      if (half.type === peeringType) disconnect(half, { draft, context });
    }
  },

  show(resource, view, context) {
    const { guid } = resource.internal ?? {};
    const subnets = view.childrenOf(resource.id, subnetType).map((child) => subnet.show(child, view, context));
    const peerings = view.childrenOf(resource.id, peeringType).map((child) => peering.show(child, view, context));
    const shown = { ...resource.properties, resourceGuid: guid, subnets, virtualNetworkPeerings: peerings };
    return showNetwork(resource, { ...shown, enableDdosProtection: false });
  },

  actions: { CheckIPAddressAvailability: { method: 'GET', run: checkAddress }, usages: { method: 'GET', run: usages } },
};

function spaceOf(job: Job): Prefix[] {
  const space = partOf(job.properties, 'addressSpace');
  // A VNet that held label addresses could not tell its own NICs from those of others.
  const owner = `virtual network ${job.id.slice(job.id.lastIndexOf('/') + 1)}`;
  const prefixes = prefixListOf(space, 'addressPrefixes', {
    max: addressPrefixesPerVnetMax,
    owner,
    closed: stampNetworks(job.context.stamp.number).labels,
  });
  if (prefixes === undefined && !isStated(space, 'addressPrefixes')) missing(space, 'addressPrefixes');
  else if (prefixes?.length === 0 && job.body.problems.length === 0)
    note(space, 'addressPrefixes', 'at least one address prefix is wanted');
  return prefixes ?? [];
}

function optionsOf({ properties }: Job): JsonObject {
  if (flagOf(properties, 'enableDdosProtection') === true) {
    note(properties, 'enableDdosProtection', 'this stamp offers no DDoS protection plans; false is accepted');
  }
  const dhcp = objectOf(properties, 'dhcpOptions');
  const servers = dhcp && dnsServersOf(dhcp);
  return {
    ...(servers && { dhcpOptions: { dnsServers: servers } }),
    flowTimeoutInMinutes: integerOf(properties, 'flowTimeoutInMinutes', [4, 30]),
  };
}

/** Peerings that the body states are made or changed; those it does not state stay (their own DELETE removes them). */
function writePeerings(job: Job, network: Resource): void {
  const { draft, context } = job;
  const parts = partsOf(job.properties, 'virtualNetworkPeerings', { max: peeringsPerVnetMax, type: peeringType }) ?? [];
  finish(job.body);
  for (const { name, properties } of parts) {
    const id = childId(network.id, 'virtualNetworkPeerings', name);
    const old = draft.get(id);
    const flags = ['allowVirtualNetworkAccess', 'allowForwardedTraffic', 'allowGatewayTransit', 'useRemoteGateways'];
    const isSame =
      old !== undefined &&
      flags.every((flag) => (flagOf(properties, flag) ?? old.properties[flag]) === old.properties[flag]);
    if (!isSame) peering.write({ id, body: { properties: Object.fromEntries(properties.members) } }, draft, context);
  }
}

/** A changed address space must not reach into a peered one. */
function checkPeers(resource: Resource, draft: Draft): void {
  const ours = prefixesOf(resource);
  for (const link of draft.childrenOf(resource.id, peeringType)) {
    const remote = draft.get(idIn(link.properties['remoteVirtualNetwork']) ?? '');
    const theirs = remote === undefined ? [] : prefixesOf(remote);
    const clash = ours.find((prefix) => theirs.some((other) => overlaps(prefix, other)));
    if (clash === undefined || remote === undefined) continue;
    throw new Refusal(
      'VnetAddressSpaceOverlapsWithAlreadyPeeredVnet',
      `Address space ${printPrefix(clash)} of virtual network ${resource.name} overlaps the peered virtual network ${remote.id}.`,
      { target: '/properties/addressSpace/addressPrefixes' },
    );
  }
}

type Input = Parameters<NounAction['run']>[1];

/** `CheckIPAddressAvailability`: is one address free; if not, five that are. */
function checkAddress(resource: Resource, { query }: Input, draft: Draft): JsonObject {
  const text = [...query].find(([name]) => name.toLowerCase() === 'ipaddress')?.[1] ?? '';
  const address = parseAddress(text, 'ipAddress');
  const home = draft
    .childrenOf(resource.id, subnetType)
    .find((child) => prefixesOf(child).some((prefix) => holds(prefix, address)));
  if (home === undefined) {
    throw new Refusal(
      'PrivateIPAddressNotInAnySubnet',
      `Private static IP address ${text} does not belong to the range of any subnet in the virtual network ${resource.name}.`,
      { target: 'ipAddress' },
    );
  }
  const taken = takenIn(draft, { subnet: home, family: address.family });
  if (addressFault(home, address, taken) === undefined)
    return { available: true, availableIPAddresses: [], isPlatformReserved: false };
  const free: string[] = [];
  try {
    while (free.length < 5) {
      const next = nextAddress(home, { family: address.family, taken });
      taken.set(next.value, 'offered');
      free.push(printAddress(next));
    }
  } catch (error) {
    // A full subnet has fewer than five to offer.
    if (!(error instanceof Refusal)) throw error;
  }
  const reserved = addressFault(home, address, new Map()) !== undefined;
  return { available: false, availableIPAddresses: free, isPlatformReserved: reserved };
}

/** `usages`: taken addresses of each subnet. */
function usages(resource: Resource, _input: unknown, draft: Draft): JsonObject {
  const value = draft.childrenOf(resource.id, subnetType).map((child) => {
    const prefixes = prefixesOf(child).filter(({ family }) => family === 4);
    const limit = prefixes.reduce((sum, { length }) => sum + 2 ** (32 - length) - 5, 0);
    const name = { localizedValue: 'Subnet size and usage', value: 'SubnetSpace' };
    return {
      currentValue: takenIn(draft, { subnet: child, family: 4 }).size,
      id: child.id,
      limit,
      name,
      unit: 'Count',
    };
  });
  return { value };
}
