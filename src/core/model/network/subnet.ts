/** Subnets: the parts of a VNet's address space that NICs live in, with their security group, route table and NAT gateway. */

import { isObject, type JsonObject } from '#base/json.ts';
import { subnetsPerVnetMax } from '#base/limits.ts';
import { contains, printPrefix, type Prefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { nameOfId } from '#model/arm-id.ts';
import { isStated, keepChild, openJob, touchParent, type Job } from '#model/job.ts';
import { flagOf, listOf, missing, note, oneOf, prefixAt, textOf, textsOf, type Reader } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { reference, referenceOf } from '#model/reference.ts';
import { parentOf, type Draft, type Resource, type View } from '#model/resource.ts';
import { links, showNetwork } from '#model/show.ts';
import { addressFault, claimsOf, entriesOf, prefixesOf } from '#model/network/address-use.ts';
import { firstOverlap, type Owned } from '#model/network/space.ts';

export const subnetType = 'Microsoft.Network/virtualNetworks/subnets';

/** The subnet that gateways need; no NIC may be in it. */
export const gatewaySubnet = 'GatewaySubnet';

const prefixesPerSubnetMax = 16;

export const subnet: Noun = {
  type: subnetType,

  write(write, draft, context) {
    const job = openJob(subnetType, write, { draft, context });
    const part = { name: nameOfId(job.id), properties: job.properties };
    const kept = keepChild(job, { properties: subnetPropertiesOf(part, job) });
    checkOne(kept, draft);
    return kept;
  },

  remove(resource, draft, context) {
    const user = draft.referrersOf(resource.id)[0];
    if (user !== undefined) {
      const by = ipConfigurationsOf(resource, [user])[0] ?? user.id;
      throw new Refusal(
        'InUseSubnetCannotBeDeleted',
        `Subnet ${resource.name} is in use by ${by} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet.`,
        { target: resource.id },
      );
    }
    draft.delete(resource.id);
    touchParent(resource.id, { draft, context });
  },

  show(resource, view) {
    const { addressPrefixes, ...properties } = resource.properties;
    const prefixes = Array.isArray(addressPrefixes) ? addressPrefixes : [];
    const used = ipConfigurationsOf(resource, view.referrersOf(resource.id));
    return showNetwork(resource, {
      // One prefix is shown as such: clients of all ages read it, and write it back.
      ...(prefixes.length === 1 ? { addressPrefix: prefixes[0] } : { addressPrefixes: prefixes }),
      ...properties,
      ...(used.length > 0 && { ipConfigurations: links(used) }),
      delegations: resource.properties['delegations'] ?? [],
    });
  },
};

/** The ids of the parts of the referrers that lie in the subnet. */
function ipConfigurationsOf(resource: Resource, referrers: readonly Resource[]): string[] {
  const wanted = resource.id.toLowerCase();
  return referrers.flatMap((user) => {
    const inside = entriesOf(user).filter(({ properties }) => {
      const link = properties['subnet'];
      return isObject(link) && typeof link['id'] === 'string' && link['id'].toLowerCase() === wanted;
    });
    return inside.map(({ id }) => id);
  });
}

/** Reads the properties of a subnet, as a child's own body or embedded in its VNet's. */
export function subnetPropertiesOf({ name, properties }: { name: string; properties: Reader }, job: Job): JsonObject {
  const group = referenceOf(job, [properties, 'networkSecurityGroup'], {
    types: ['Microsoft.Network/networkSecurityGroups'],
  });
  const table = referenceOf(job, [properties, 'routeTable'], { types: ['Microsoft.Network/routeTables'] });
  const gateway = referenceOf(job, [properties, 'natGateway'], { types: ['Microsoft.Network/natGateways'] });
  if (gateway !== undefined && name.toLowerCase() === gatewaySubnet.toLowerCase()) {
    note(properties, 'natGateway', {
      code: 'NatGatewayNotAllowedInGatewaySubnet',
      message: 'A NAT gateway cannot serve the GatewaySubnet.',
    });
  }
  if ((listOf(properties, 'serviceEndpointPolicies', 100) ?? []).length > 0) {
    // Dropping it silently would open what the policy is meant to close.
    note(properties, 'serviceEndpointPolicies', 'this stamp has no service endpoint policies; leave the member out');
  }
  return {
    addressPrefixes: subnetPrefixes(properties, name).map(printPrefix),
    networkSecurityGroup: reference(group),
    routeTable: reference(table),
    natGateway: reference(gateway),
    serviceEndpoints: serviceEndpoints(properties, job),
    delegations: delegations(properties),
    privateEndpointNetworkPolicies: oneOf(properties, 'privateEndpointNetworkPolicies', [
      'Enabled',
      'Disabled',
      'NetworkSecurityGroupEnabled',
      'RouteTableEnabled',
    ]),
    privateLinkServiceNetworkPolicies: oneOf(properties, 'privateLinkServiceNetworkPolicies', ['Enabled', 'Disabled']),
    defaultOutboundAccess: flagOf(properties, 'defaultOutboundAccess'),
  };
}

/** `addressPrefix` and `addressPrefixes` say the same; both may be stated when they agree. */
function subnetPrefixes(properties: Reader, name: string): Prefix[] {
  const single = textOf(properties, 'addressPrefix', { lengthMax: 64 });
  const plural = textsOf(properties, 'addressPrefixes', prefixesPerSubnetMax) ?? [];
  if (single === undefined && plural.length === 0) {
    if (!isStated(properties, 'addressPrefix')) missing(properties, 'addressPrefix');
    return [];
  }
  if (single !== undefined && plural.length > 0 && !plural.includes(single)) {
    note(
      properties,
      'addressPrefix',
      `addressPrefix ${single} and addressPrefixes ${plural.join(', ')} disagree; state one of them`,
    );
    return [];
  }
  const member = plural.length > 0 ? 'addressPrefixes' : 'addressPrefix';
  const texts = plural.length > 0 ? plural : [single ?? ''];
  const prefixes = texts.flatMap((text) => prefixAt(properties, member, text.trim()) ?? []);
  for (const prefix of prefixes) {
    const fits = prefix.family === 4 ? prefix.length <= 29 : prefix.length === 64;
    if (!fits) {
      const message = `Subnet '${name}' is not valid: the prefix ${printPrefix(prefix)} must be /29 or larger in IPv4, and exactly /64 in IPv6.`;
      note(properties, member, { code: 'NetcfgInvalidSubnet', message });
    }
  }
  return prefixes;
}

function serviceEndpoints(properties: Reader, { context }: Job): JsonObject[] | undefined {
  return listOf(properties, 'serviceEndpoints', 50)?.map((entry) => {
    const service = textOf(entry, 'service', { required: true, lengthMax: 128 });
    return { service, locations: textsOf(entry, 'locations', 50) ?? [context.stamp.location] };
  });
}

function delegations(properties: Reader): JsonObject[] | undefined {
  return listOf(properties, 'delegations', 10)?.map((entry) => {
    const inner = entry.members.get('properties');
    const name = textOf(entry, 'name', { required: true, lengthMax: 80 });
    const service =
      isObject(inner) && typeof inner['serviceName'] === 'string' ? inner['serviceName'].slice(0, 128) : undefined;
    if (service === undefined) missing(entry, 'properties/serviceName');
    return { name, properties: { serviceName: service, actions: [], provisioningState: 'Succeeded' } };
  });
}

/** All subnets lie inside their VNet, apart from each other, and still hold the addresses that are in use. */
export function checkSubnets(network: Resource, draft: Draft): void {
  const subnets = draft.childrenOf(network.id, subnetType);
  const owned = subnets.flatMap((child) => prefixesOf(child).map((prefix): Owned => ({ prefix, owner: child.name })));
  for (const child of subnets) {
    checkInside(child, network);
    checkUse(child, draft);
  }
  const clash = firstOverlap(owned);
  if (clash !== undefined) throw overlapRefusal(clash[1].owner, clash[0].owner, network);
}

function checkOne(child: Resource, draft: Draft): void {
  const network = draft.get(parentOf(child.id) ?? '');
  if (network === undefined) return;
  checkInside(child, network);
  const siblings = draft.childrenOf(network.id, subnetType).filter((other) => other.id !== child.id);
  if (siblings.length >= subnetsPerVnetMax) {
    throw new Refusal('SubnetCountLimitReached', `A virtual network has at most ${subnetsPerVnetMax} subnets.`);
  }
  const owned = siblings.flatMap((other) => prefixesOf(other).map((prefix): Owned => ({ prefix, owner: other.name })));
  for (const prefix of prefixesOf(child)) {
    const other = owned.find((item) => contains(item.prefix, prefix) || contains(prefix, item.prefix));
    if (other !== undefined) throw overlapRefusal(child.name, other.owner, network);
  }
  const twice = firstOverlap(prefixesOf(child).map((prefix) => ({ prefix, owner: child.name })));
  if (twice !== undefined) throw overlapRefusal(child.name, child.name, network);
  checkUse(child, draft);
}

function overlapRefusal(name: string, other: string, network: Resource): Refusal {
  const message =
    `Subnet '${name}' is not valid because its IP address range overlaps with that of ` +
    `${name === other ? 'another prefix of its own' : `the existing subnet '${other}'`} in virtual network '${network.name}'.`;
  return new Refusal('NetcfgSubnetRangesOverlap', message, { target: '/properties/addressPrefix' });
}

function checkInside(child: Resource, network: Resource): void {
  const space = prefixesOf(network);
  const outside = prefixesOf(child).find((prefix) => !space.some((outer) => contains(outer, prefix)));
  if (outside === undefined) return;
  throw new Refusal(
    'NetcfgSubnetRangeOutsideVnet',
    `Subnet '${child.name}' is not valid because its IP address range ${printPrefix(outside)} is outside the IP address range ` +
      `of virtual network '${network.name}' (${space.map(printPrefix).join(', ')}).`,
    { target: '/properties/addressPrefix' },
  );
}

function checkUse(child: Resource, view: View): void {
  const key = child.id.toLowerCase();
  const none: ReadonlyMap<bigint, string> = new Map();
  for (const user of view.referrersOf(child.id)) {
    const lost = claimsOf(user).find((claim) => claim.subnet === key && addressFault(child, claim, none) !== undefined);
    if (lost === undefined) continue;
    throw new Refusal(
      'InUsePrefixCannotBeDeleted',
      `The prefix of subnet ${child.name} cannot change: ${lost.by} has an address outside the new one.`,
      {
        target: '/properties/addressPrefix',
      },
    );
  }
}
