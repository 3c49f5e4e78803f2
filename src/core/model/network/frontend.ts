/** The frontends of a load balancer: each has a public address, or a private one of a subnet. */

import type { JsonObject } from '#base/json.ts';
import { zonesOf, type Job, type Part } from '#model/job.ts';
import { finish, note } from '#model/parse.ts';
import { referenceOf } from '#model/reference.ts';
import { allocateAddresses, addressPartOf, type IpConfiguration } from '#model/network/ip-configuration.ts';
import { publicIpFault } from '#model/network/public-ip.ts';
import { parentOf } from '#model/resource.ts';

/** Reads the frontends and gives the private ones their addresses; throws what was collected as wrong. */
export function frontendsOf(job: Job, parts: readonly Part[], sku: JsonObject): JsonObject[] {
  const frontends = parts.map((part) => frontendOf(job, part, sku));
  const isPublic = frontends.map(({ properties }) => properties['publicIPAddress'] !== undefined);
  if (isPublic.includes(true) && isPublic.includes(false)) {
    note(job.properties, 'frontendIPConfigurations', {
      code: 'LoadBalancerFrontendsMixPublicAndPrivate',
      message: 'The frontends of one load balancer are either all public or all private.',
    });
  }
  const networks = new Set(frontends.flatMap(({ subnet }) => parentOf(subnet?.id ?? '')?.toLowerCase() ?? []));
  if (networks.size > 1) {
    note(job.properties, 'frontendIPConfigurations', {
      code: 'InternalLoadBalancerReferenceCrossVnet',
      message: 'The private frontends of one load balancer lie in one virtual network.',
    });
  }
  const twins = firstTwice(
    frontends.flatMap(
      ({ properties }) => String((properties['publicIPAddress'] as JsonObject | undefined)?.['id'] ?? '') || [],
    ),
  );
  if (twins !== undefined) {
    note(job.properties, 'frontendIPConfigurations', {
      code: 'PublicIPAddressInUse',
      message: `Two frontends use the same public IP address ${twins}.`,
    });
  }
  finish(job.body);
  const allocated = allocateAddresses(job, frontends);
  return allocated.map((entry, index) => {
    const zones = parts[index] && zonesOf(parts[index].reader);
    return zones === undefined ? entry : { ...entry, zones };
  });
}

function frontendOf(job: Job, part: Part, sku: JsonObject): IpConfiguration {
  const base = addressPartOf(part, job, false);
  const { properties, reader } = part;
  const address = referenceOf(job, [properties, 'publicIPAddress'], { types: ['Microsoft.Network/publicIPAddresses'] });
  if (properties.members.has('publicipprefix'))
    note(properties, 'publicIPPrefix', 'public IP prefixes are not offered; use publicIPAddress');
  const states = ['subnet', 'publicipaddress'].filter((name) => properties.members.has(name));
  if (states.length !== 1) {
    note(reader, 'properties', {
      code: 'LoadBalancerFrontendIPConfigurationInvalid',
      message: `Frontend ${part.name} must state either subnet or publicIPAddress, and ${states.length === 0 ? 'states none' : 'not both'}.`,
    });
  }
  if (address !== undefined) {
    const fault = publicIpFault(address, { view: job.draft, id: job.id });
    if (fault !== undefined) note(properties, 'publicIPAddress', fault);
    if (address.sku?.['name'] !== sku['name']) {
      note(properties, 'publicIPAddress', {
        code: 'PublicIPAndLBSkuDoNotMatch',
        message: `${String(sku['name'])} sku load balancer ${job.id} cannot reference ${String(address.sku?.['name'])} sku public IP address ${address.id}.`,
      });
    }
  }
  return {
    ...base,
    properties:
      address === undefined ? {} : { publicIPAddress: { id: address.id }, privateIPAllocationMethod: 'Dynamic' },
  };
}

function firstTwice(texts: readonly string[]): string | undefined {
  return texts.find((text, index) => texts.findIndex((other) => other.toLowerCase() === text.toLowerCase()) !== index);
}
