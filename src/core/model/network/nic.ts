/** Network interfaces: addresses in one VNet, with what is attached to each. */

import type { Json, JsonObject } from '#base/json.ts';
import { ipConfigurationsPerNicMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { sameId } from '#model/arm-id.ts';
import { amend, keepTracked, openJob, partsOf, type Job } from '#model/job.ts';
import { finish, flagOf, missing, note, objectOf, textOf } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { idIn, reference, referenceOf } from '#model/reference.ts';
import { parentOf, type Context, type Draft, type Resource, type View } from '#model/resource.ts';
import { showNetwork } from '#model/show.ts';
import { entriesOf } from '#model/network/address-use.ts';
import { freeNumber, freeNumbers, nicLabels, nicMarks } from '#model/network/free-number.ts';
import { allocateAddresses, ipConfigurationOf, type IpConfiguration } from '#model/network/ip-configuration.ts';
import { macAddress } from '#model/network/label.ts';
import { settlePublicIps } from '#model/network/public-ip.ts';
import { internalDomain } from '#model/infra.ts';
import { checkSnatPorts } from '#model/plans/snat-ports.ts';
import { appeal, quarantineOf, showQuarantine } from '#model/security/quarantine.ts';
import { dnsServersOf } from '#model/network/dns-servers.ts';

const nicType = 'Microsoft.Network/networkInterfaces';
const vmType = 'Microsoft.Compute/virtualMachines';

export const nic: Noun = {
  type: nicType,

  write(write, draft, context) {
    const job = openJob(nicType, write, { draft, context });
    const configurations = configurationsOf(job);
    const group = referenceOf(job, [job.properties, 'networkSecurityGroup'], {
      types: ['Microsoft.Network/networkSecurityGroups'],
    });
    const options = {
      networkSecurityGroup: reference(group),
      enableIPForwarding: flagOf(job.properties, 'enableIPForwarding') ?? false,
      enableAcceleratedNetworking: flagOf(job.properties, 'enableAcceleratedNetworking') ?? false,
      dnsSettings: dnsOf(job),
    };
    finish(job.body);
    checkVnet(job, configurations);
    if (job.before === undefined) checkSnatPorts(draft, job.id);
    const ipConfigurations = allocateAddresses(job, configurations);
    const kept = keepTracked(job, {
      properties: { ...options, ipConfigurations },
      internal: internalOf(job, configurations),
    });
    settlePublicIps({ before: publicIpsOf(job.before), after: publicIpsOf(kept) }, job);
    return draft.get(kept.id) ?? kept;
  },

  remove(resource, draft, context) {
    const machine = machineOf(resource, draft);
    if (quarantineOf(resource) !== undefined) {
      throw new Refusal(
        'NicQuarantined',
        `Network Interface ${resource.id} is in quarantine, with its evidence. It can be deleted once the operator has released it; to ` +
          `ask for that, POST ${resource.id}/appeal with {"text": "..."}.`,
        { status: 409, target: resource.id },
      );
    }
    if (machine !== undefined) {
      throw new Refusal(
        'NicInUse',
        `Network Interface ${resource.id} is used by existing resource ${machine.id}. In order to delete the network interface, ` +
          'it must be dissociated from the resource.',
        { target: resource.id },
      );
    }
    draft.delete(resource.id);
    settlePublicIps({ before: publicIpsOf(resource), after: [] }, { draft, context });
  },

  show(resource, view, context) {
    const { guid, mac } = resource.internal ?? {};
    const { dnsSettings, ipConfigurations: _stored, ...properties } = resource.properties;
    const machine = machineOf(resource, view);
    return showNetwork(resource, {
      ...properties,
      resourceGuid: guid,
      ipConfigurations: showIpConfigurations(resource),
      dnsSettings: {
        dnsServers: [],
        appliedDnsServers: [],
        ...(dnsSettings as JsonObject),
        internalDomainNameSuffix: internalDomain(context.stamp),
      },
      macAddress: String(mac).toUpperCase().replaceAll(':', '-'),
      primary: machine === undefined ? undefined : isPrimary(resource, machine),
      hostedWorkloads: [],
      tapConfigurations: [],
      nicType: 'Standard',
      ...(machine !== undefined && { virtualMachine: { id: machine.id } }),
    });
  },

  actions: {
    ipConfigurations: { method: 'GET', run: (resource) => ({ value: showIpConfigurations(resource) }) },
    quarantine: { method: 'GET', run: (resource) => showQuarantine(resource) },
    appeal: { method: 'POST', run: appeal },
  },
};

/** The ipConfigurations of a NIC as ARM shows them. */
function showIpConfigurations(resource: Resource): JsonObject[] {
  return entriesOf(resource).map(({ id, name, properties }) => ({
    name,
    id,
    etag: resource.etag,
    type: 'Microsoft.Network/networkInterfaces/ipConfigurations',
    properties: { provisioningState: 'Succeeded', ...(properties as JsonObject) },
  }));
}

/** The VM that a NIC is attached to. */
export function machineOf(resource: Resource, view: View): Resource | undefined {
  return view.referrersOf(resource.id).find(({ type }) => type === vmType);
}

function isPrimary({ id }: Resource, machine: Resource): boolean {
  const profile = machine.properties['networkProfile'];
  const list: Json | undefined = (profile as JsonObject)['networkInterfaces'];
  if (!Array.isArray(list)) return false;
  const own = list.find((entry) => idIn(entry)?.toLowerCase() === id.toLowerCase());
  return list.length === 1 || (own?.properties?.primary ?? false) === true;
}

function configurationsOf(job: Job): IpConfiguration[] {
  const rule = { max: ipConfigurationsPerNicMax, type: 'Microsoft.Network/networkInterfaces/ipConfigurations' };
  const parts = partsOf(job.properties, 'ipConfigurations', rule);
  if (parts === undefined || parts.length === 0) {
    if (parts === undefined && !job.properties.members.has('ipconfigurations'))
      missing(job.properties, 'ipConfigurations');
    else
      note(job.properties, 'ipConfigurations', {
        code: 'NetworkInterfaceMustHaveOneIpConfiguration',
        message: 'A network interface has at least one ipConfiguration.',
      });
    return [];
  }
  const found = parts.map((part) => ipConfigurationOf(part, job));
  const primaries = found.filter(({ primary }) => primary === true);
  const [first] = found;
  if (
    primaries.length > 1 ||
    (primaries.length === 0 && found.length > 1 && found.every(({ primary }) => primary === false))
  ) {
    note(job.properties, 'ipConfigurations', {
      code: 'IpConfigurationsOnSameNicMustHaveOnePrimary',
      message: 'Exactly one ipConfiguration of a network interface is primary.',
    });
  }
  const main = primaries[0] ?? first;
  if (main?.family === 6) {
    note(job.properties, 'ipConfigurations', {
      code: 'Ipv6IpConfigurationCannotBePrimary',
      message: `The IPv6 ipConfiguration ${main.name} cannot be the primary one; state an IPv4 one first.`,
    });
  }
  checkTwice(job, found);
  return found.map((one) => ({ ...one, primary: one === main }));
}

/** A public address and an inbound NAT rule each serve one ipConfiguration. */
function checkTwice(job: Job, configurations: readonly IpConfiguration[]): void {
  const seen = new Set<string>();
  for (const { name, properties } of configurations) {
    const rules = properties['loadBalancerInboundNatRules'];
    for (const link of [properties['publicIPAddress'], ...(Array.isArray(rules) ? rules : [])]) {
      const id = idIn(link)?.toLowerCase();
      if (id === undefined) continue;
      const code = id.includes('/inboundnatrules/') ? 'LoadBalancerInboundNatRuleInUse' : 'PublicIPAddressInUse';
      if (seen.has(id))
        note(job.properties, 'ipConfigurations', {
          code,
          message: `The ipConfiguration ${name} refers to ${id}, which another one of this network interface uses.`,
        });
      seen.add(id);
    }
  }
}

/**
 * All addresses of a NIC lie in one subnet, as its port has one route table and one subnet's security group; and it stays
 * in its VNet while a VM holds it.
 */
function checkVnet(job: Job, configurations: readonly IpConfiguration[]): void {
  const networks = configurations.map(({ subnet }) => parentOf(subnet?.id ?? '')?.toLowerCase());
  const target = '/properties/ipConfigurations';
  if (networks.some((network) => network !== networks[0])) {
    throw new Refusal(
      'IpConfigurationsOnSameNicCannotUseDifferentVnets',
      `The ipConfigurations of ${job.id} lie in more than one virtual network; all subnets must be of one.`,
      { target },
    );
  }
  const [first, ...others] = configurations.map(({ subnet }) => subnet?.id);
  if (others.some((subnet) => !sameId(subnet, first))) {
    throw new Refusal(
      'IpConfigurationsOnSameNicCannotUseDifferentSubnets',
      `The ipConfigurations of ${job.id} lie in more than one subnet; a network interface has one subnet.`,
      { target },
    );
  }
  const before = job.before && vnetOf(job.before);
  if (job.before && machineOf(job.before, job.draft) && before !== networks[0]) {
    throw new Refusal(
      'SubnetVnetCannotBeChanged',
      `${job.id} is attached to a virtual machine and cannot move to another virtual network.`,
      { target },
    );
  }
}

/** The id (lower case) of the VNet that a NIC lies in. */
export function vnetOf(resource: Resource): string | undefined {
  const [first] = entriesOf(resource);
  return parentOf(idIn(first?.properties['subnet']) ?? '')?.toLowerCase();
}

function internalOf({ before, draft, context }: Job, configurations: readonly IpConfiguration[]): JsonObject {
  const old = before?.internal ?? {};
  const mark = typeof old['mark'] === 'number' ? old['mark'] : freeNumber(draft, nicMarks);
  const kept = new Map(
    Object.entries((old['labels'] as JsonObject | undefined) ?? {}).map(([name, label]) => [name.toLowerCase(), label]),
  );
  const news = configurations.filter(({ name }) => !kept.has(name.toLowerCase()));
  const numbers = freeNumbers(draft, nicLabels, news.length);
  news.forEach(({ name }, index) => kept.set(name.toLowerCase(), numbers[index]));
  return {
    guid: old['guid'] ?? context.newGuid(),
    mark,
    mac: macAddress(context.stamp.number, mark),
    labels: Object.fromEntries(configurations.map(({ name }) => [name, kept.get(name.toLowerCase())])),
    ...(old['quarantine'] !== undefined && { quarantine: old['quarantine'] }),
  };
}

function dnsOf({ properties }: Job): JsonObject | undefined {
  const settings = objectOf(properties, 'dnsSettings');
  if (settings === undefined) return undefined;
  const label = textOf(settings, 'internalDnsNameLabel', {
    lengthMax: 63,
    pattern: /^$|^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i,
    wants: 'a DNS label',
  });
  return { dnsServers: dnsServersOf(settings), ...(label && { internalDnsNameLabel: label }) };
}

/** The ids of the public addresses that a resource's entries use. */
export function publicIpsOf(resource: Resource | undefined): string[] {
  return resource === undefined
    ? []
    : entriesOf(resource).flatMap(({ properties }) => idIn(properties['publicIPAddress']) ?? []);
}

/** Takes a load balancer's part out of every NIC that refers to it, before the part goes away. */
export function dropFromNics(partId: string, { draft, context }: { draft: Draft; context: Context }): void {
  const key = partId.toLowerCase();
  for (const user of draft.referrersOf(partId)) {
    if (user.type !== nicType) continue;
    const list = user.properties['ipConfigurations'];
    const ipConfigurations = (Array.isArray(list) ? list : []).map((entry) => {
      const properties = { ...entry.properties };
      for (const name of ['loadBalancerBackendAddressPools', 'loadBalancerInboundNatRules']) {
        const links = properties[name];
        if (Array.isArray(links)) properties[name] = links.filter((link) => idIn(link)?.toLowerCase() !== key);
      }
      return { ...entry, properties };
    });
    amend(user, { properties: { ...user.properties, ipConfigurations } }, { draft, context });
  }
}
