/** The ipConfigurations of a NIC: parsed, checked against what they refer to, and given addresses. */

import type { JsonObject } from '#base/json.ts';
import { backendPoolMembersMax } from '#base/limits.ts';
import { printAddress, tryAddress, type Address, type Family } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { sameId } from '#model/arm-id.ts';
import { tidy, type Job, type Part } from '#model/job.ts';
import { addressOf, flagOf, listOf, note, oneOf, type Reader } from '#model/parse.ts';
import { idIn, reference, referenceOf, resolve } from '#model/reference.ts';
import { parentOf, type Resource } from '#model/resource.ts';
import { addressFault, entriesOf, nextAddress, prefixesOf, takenIn } from '#model/network/address-use.ts';
import { asgType } from '#model/network/asg.ts';
import { publicIpFault } from '#model/network/public-ip.ts';
import { gatewaySubnet, subnetType } from '#model/network/subnet.ts';

/** An ipConfiguration (or a load balancer's private frontend) before it has its address. */
export type IpConfiguration = {
  readonly name: string;
  readonly family: Family;
  readonly subnet: Resource | undefined;
  readonly isStatic: boolean;
  readonly stated: Address | undefined;
  readonly primary: boolean | undefined;
  readonly pointer: string;
  /** All other members, as they will be kept. */
  readonly properties: JsonObject;
};

const poolType = 'Microsoft.Network/loadBalancers/backendAddressPools';
const natRuleType = 'Microsoft.Network/loadBalancers/inboundNatRules';
const nicType = 'Microsoft.Network/networkInterfaces';

/** Reads one ipConfiguration of a NIC. */
export function ipConfigurationOf(part: Part, job: Job): IpConfiguration {
  const { properties } = part;
  const base = addressPartOf(part, job);
  const publicIp = publicIpOf(properties, job, base.family);
  const pools = linksOf(job, [properties, 'loadBalancerBackendAddressPools'], poolType);
  const natRules = linksOf(job, [properties, 'loadBalancerInboundNatRules'], natRuleType);
  const groups = linksOf(job, [properties, 'applicationSecurityGroups'], asgType);
  checkBalancers(part, [...pools, ...natRules], { job, subnet: base.subnet });
  for (const rule of natRules) checkNatRule(part, rule, job);
  for (const group of groups) checkGroup(part, group, { job, subnet: base.subnet });
  return {
    ...base,
    primary: flagOf(properties, 'primary'),
    properties: {
      publicIPAddress: reference(publicIp),
      ...(pools.length > 0 && { loadBalancerBackendAddressPools: pools.map(({ id }) => ({ id })) }),
      ...(natRules.length > 0 && { loadBalancerInboundNatRules: natRules.map(({ id }) => ({ id })) }),
      ...(groups.length > 0 && { applicationSecurityGroups: groups.map(({ id }) => ({ id })) }),
    },
  };
}

/** Reads subnet, version and method of a private address; shared with load balancer frontends. */
export function addressPartOf({ name, reader, properties }: Part, job: Job, isRequired = true): IpConfiguration {
  const subnet = referenceOf(job, [properties, 'subnet'], { types: [subnetType], required: isRequired });
  const family: Family = oneOf(properties, 'privateIPAddressVersion', ['IPv4', 'IPv6']) === 'IPv6' ? 6 : 4;
  const isStatic = oneOf(properties, 'privateIPAllocationMethod', ['Dynamic', 'Static']) === 'Static';
  // With dynamic allocation Azure ignores a stated address: clients write back what they read. Some send "".
  const hasText = properties.members.get('privateipaddress') !== '';
  const stated = isStatic && hasText ? addressOf(properties, 'privateIPAddress') : undefined;
  if (isStatic && stated === undefined && subnet !== undefined && !properties.members.has('privateipaddress')) {
    note(properties, 'privateIPAddress', {
      code: 'PrivateIPAddressMissing',
      message: 'Static allocation needs privateIPAddress, an address of the subnet.',
    });
  }
  if (stated !== undefined && stated.family !== family)
    note(properties, 'privateIPAddress', `an IPv${family} address is wanted, as privateIPAddressVersion says`);
  if (subnet !== undefined && subnet.name.toLowerCase() === gatewaySubnet.toLowerCase()) {
    note(properties, 'subnet', {
      code: 'GatewaySubnetReserved',
      message: 'Only virtual network gateways may be in GatewaySubnet.',
    });
  }
  if (subnet !== undefined && !prefixesOf(subnet).some((prefix) => prefix.family === family)) {
    note(properties, 'subnet', {
      code: 'SubnetHasNoPrefixOfFamily',
      message: `Subnet ${subnet.id} has no IPv${family} prefix.`,
    });
  }
  return { name, family, subnet, isStatic, stated, primary: undefined, pointer: reader.pointer, properties: {} };
}

function publicIpOf(properties: Reader, job: Job, family: Family): Resource | undefined {
  const found = referenceOf(job, [properties, 'publicIPAddress'], { types: ['Microsoft.Network/publicIPAddresses'] });
  if (found === undefined) return undefined;
  const fault = publicIpFault(found, { view: job.draft, id: job.id });
  if (fault !== undefined) note(properties, 'publicIPAddress', fault);
  const version = found.properties['publicIPAddressVersion'] === 'IPv6' ? 6 : 4;
  if (version !== family) {
    note(properties, 'publicIPAddress', {
      code: 'IPConfigurationAndPublicIPAddressVersionMismatch',
      message: `The public IP address ${found.id} is IPv${version}, the ipConfiguration IPv${family}.`,
    });
  }
  return found;
}

function linksOf(job: Job, [properties, name]: readonly [Reader, string], type: string): Resource[] {
  const found = (listOf(properties, name, backendPoolMembersMax) ?? []).flatMap(
    (object) => resolve(job, object, { types: [type] }) ?? [],
  );
  return [...new Map(found.map((resource) => [resource.id, resource])).values()];
}

type Place = { readonly job: Job; readonly subnet: Resource | undefined };

/**
 * A load balancer with a private frontend balances only to its own VNet, one with a public frontend to that of the first
 * member (Azure doc "Load Balancer SKUs", backend pool endpoints): probes tell members apart by their addresses.
 */
function checkBalancers({ properties }: Part, parts: readonly Resource[], { job, subnet }: Place): void {
  for (const part of parts) {
    const balancer = job.draft.get(parentOf(part.id) ?? '');
    if (balancer === undefined || subnet === undefined) continue;
    const home = entriesOf(balancer)
      .map((entry) => idIn(entry.properties['subnet']))
      .find((id) => id !== undefined);
    if (home === undefined) {
      checkMembers(properties, balancer, { job, subnet });
      continue;
    }
    if (sameId(parentOf(home), parentOf(subnet.id))) continue;
    note(properties, 'subnet', {
      code: 'InternalLoadBalancerReferenceCrossVnet',
      message: `The internal load balancer ${balancer.id} lies in another virtual network than subnet ${subnet.id}.`,
    });
  }
}

/** One other member stands for all: each was judged by those before it. */
function checkMembers(properties: Reader, balancer: Resource, { job, subnet }: Place): void {
  for (const type of [poolType, natRuleType]) {
    for (const part of job.draft.childrenOf(balancer.id, type)) {
      const member = job.draft.referrersOf(part.id).find((user) => user.type === nicType && !sameId(user.id, job.id));
      if (member === undefined) continue;
      const home = parentOf(idIn(entriesOf(member)[0]?.properties['subnet']) ?? '');
      if (sameId(home, parentOf(subnet?.id ?? ''))) return;
      note(properties, 'subnet', {
        code: 'LoadBalancerMembersInDifferentVnets',
        message: `Network interface ${job.id} uses load balancer ${balancer.id} but does not lie in the virtual network ${home ?? ''} of its other members.`,
      });
      return;
    }
  }
}

/** An inbound NAT rule leads to one ipConfiguration only. */
function checkNatRule({ properties, name }: Part, rule: Resource, job: Job): void {
  const own = properties.pointer;
  const stated = new Set<string>();
  for (const other of job.draft.referrersOf(rule.id)) if (!sameId(other.id, job.id)) stated.add(other.id);
  const [other] = stated;
  if (other === undefined) return;
  note(properties, 'loadBalancerInboundNatRules', {
    code: 'LoadBalancerInboundNatRuleInUse',
    message: `The inbound NAT rule ${rule.id} already leads to ${other}; ${name} at ${own} cannot use it too.`,
  });
}

/** All NICs of an application security group lie in one VNet. */
function checkGroup({ properties }: Part, group: Resource, { job, subnet }: Place): void {
  const other = job.draft.referrersOf(group.id).find(({ type, id }) => type === nicType && !sameId(id, job.id));
  if (other === undefined || subnet === undefined) return;
  const home = idIn(entriesOf(other)[0]?.properties['subnet']);
  if (home === undefined || sameId(parentOf(home), parentOf(subnet.id))) return;
  note(properties, 'applicationSecurityGroups', {
    code: 'ApplicationSecurityGroupMembersInDifferentVnets',
    message: `Application security group ${group.id} has members in ${parentOf(home) ?? 'another virtual network'}; all of its network interfaces must be in one virtual network.`,
  });
}

/** Gives every configuration its address: stated ones first, then those it had, then the lowest free ones. */
export function allocateAddresses(job: Job, configurations: readonly IpConfiguration[]): JsonObject[] {
  const taken = new Map<string, Map<bigint, string>>();
  const takenOf = ({ subnet, family }: IpConfiguration): Map<bigint, string> => {
    const key = `${family} ${subnet?.id.toLowerCase() ?? ''}`;
    const known = taken.get(key);
    if (known !== undefined || subnet === undefined) return known ?? new Map<bigint, string>();
    const fresh = takenIn(job.draft, { subnet, family, except: job.id });
    taken.set(key, fresh);
    return fresh;
  };
  const had = hadAddresses(job.before);
  const given = new Map<IpConfiguration, Address>();
  const give = (one: IpConfiguration, address: Address | undefined): void => {
    if (address === undefined) return;
    takenOf(one).set(address.value, `${job.id} (${one.name})`);
    given.set(one, address);
  };
  for (const one of configurations)
    if (one.stated !== undefined && one.subnet !== undefined) give(one, checkStated(one, takenOf(one)));
  const dynamic = configurations.filter((one) => one.subnet !== undefined && !given.has(one));
  for (const one of dynamic) give(one, keptAddress(one, { had, taken: takenOf(one) }));
  for (const one of dynamic) {
    if (one.subnet !== undefined && !given.has(one))
      give(one, nextAddress(one.subnet, { family: one.family, taken: takenOf(one) }));
  }
  return configurations.map((one) => withAddress(one, given.get(one)));
}

function checkStated(one: IpConfiguration, taken: ReadonlyMap<bigint, string>): Address | undefined {
  const { subnet, stated, pointer } = one;
  const fault = subnet && stated && addressFault(subnet, stated, taken);
  if (fault === undefined) return stated;
  throw new Refusal(fault.code, fault.message, { target: `${pointer}/properties/privateIPAddress` });
}

type Had = ReadonlyMap<string, { readonly subnet: string | undefined; readonly text: unknown }>;

function hadAddresses(before: Resource | undefined): Had {
  const entries = before === undefined ? [] : entriesOf(before);
  return new Map(
    entries.map(({ name, properties }) => [
      name.toLowerCase(),
      { subnet: idIn(properties['subnet']), text: properties['privateIPAddress'] },
    ]),
  );
}

function keptAddress(
  one: IpConfiguration,
  { had, taken }: { had: Had; taken: ReadonlyMap<bigint, string> },
): Address | undefined {
  const old = had.get(one.name.toLowerCase());
  if (
    old === undefined ||
    !sameId(old.subnet, one.subnet?.id) ||
    typeof old.text !== 'string' ||
    one.subnet === undefined
  )
    return undefined;
  const address = tryAddress(old.text);
  return address?.family === one.family && addressFault(one.subnet, address, taken) === undefined ? address : undefined;
}

function withAddress(one: IpConfiguration, address: Address | undefined): JsonObject {
  const place = one.subnet && {
    privateIPAddress: address && printAddress(address),
    privateIPAllocationMethod: one.isStatic ? 'Static' : 'Dynamic',
    privateIPAddressVersion: one.family === 6 ? 'IPv6' : 'IPv4',
    subnet: { id: one.subnet.id },
  };
  return {
    name: one.name,
    properties: tidy({ ...place, ...(one.primary !== undefined && { primary: one.primary }), ...one.properties }),
  };
}
