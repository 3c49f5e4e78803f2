/** VPN gateways: kept as resources so that templates deploy; no tunnel is set up for them yet. */

import type { JsonObject } from '#base/json.ts';
import { printPrefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { keepTracked, openJob, partsOf, tidy, type Job, type Part } from '#model/job.ts';
import {
  finish,
  flagOf,
  integerOf,
  missing,
  note,
  objectOf,
  oneOf,
  partOf,
  textOf,
  textsOf,
  type Reader,
} from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { reference, referenceOf } from '#model/reference.ts';
import { showNetwork } from '#model/show.ts';
import { entriesOf } from '#model/network/address-use.ts';
import { publicIpsOf } from '#model/network/nic.ts';
import { publicIpFault, settlePublicIps } from '#model/network/public-ip.ts';
import { prefixListOf } from '#model/network/space.ts';
import { gatewaySubnet, subnetType } from '#model/network/subnet.ts';

export const gatewayType = 'Microsoft.Network/virtualNetworkGateways';

const skuNames = [
  'Basic',
  'Standard',
  'HighPerformance',
  'UltraPerformance',
  'VpnGw1',
  'VpnGw2',
  'VpnGw3',
  'VpnGw4',
  'VpnGw5',
] as const;

export const virtualNetworkGateway: Noun = {
  type: gatewayType,

  write(write, draft, context) {
    const job = openJob(gatewayType, write, { draft, context });
    const { properties } = job;
    const parts = partsOf(properties, 'ipConfigurations', { max: 3, type: `${gatewayType}/ipConfigurations` });
    if (parts === undefined || parts.length === 0) missing(properties, 'ipConfigurations');
    const stated = {
      ipConfigurations: (parts ?? []).map((part) => configurationOf(part, job)),
      gatewayType:
        oneOf(properties, 'gatewayType', ['Vpn']) ?? (properties.members.has('gatewaytype') ? undefined : 'Vpn'),
      vpnType: oneOf(properties, 'vpnType', ['RouteBased', 'PolicyBased']) ?? 'RouteBased',
      enableBgp: flagOf(properties, 'enableBgp') ?? false,
      activeActive: flagOf(properties, 'activeActive') ?? false,
      sku: gatewaySku(properties),
      gatewayDefaultSite: reference(
        referenceOf(job, [properties, 'gatewayDefaultSite'], { types: ['Microsoft.Network/localNetworkGateways'] }),
      ),
      bgpSettings: bgpSettingsOf(properties),
      vpnClientConfiguration: clientsOf(properties),
    };
    finish(job.body);
    const internal = job.before?.internal ?? { guid: context.newGuid() };
    const kept = keepTracked(job, { properties: stated, internal });
    settlePublicIps({ before: publicIpsOf(job.before), after: publicIpsOf(kept) }, job);
    return kept;
  },

  remove(resource, draft, context) {
    const user = draft.referrersOf(resource.id)[0];
    if (user !== undefined) {
      throw new Refusal(
        'VirtualNetworkGatewayCannotBeDeleted',
        `Virtual network gateway ${resource.id} cannot be deleted: connection ${user.id} uses it.`,
        { target: resource.id },
      );
    }
    draft.delete(resource.id);
    settlePublicIps({ before: publicIpsOf(resource), after: [] }, { draft, context });
  },

  show(resource) {
    const ipConfigurations = entriesOf(resource).map(({ id, name, properties }) => ({
      name,
      id,
      etag: resource.etag,
      type: `${gatewayType}/ipConfigurations`,
      properties: { provisioningState: 'Succeeded', ...(properties as JsonObject) },
    }));
    return showNetwork(resource, {
      ...resource.properties,
      ipConfigurations,
      resourceGuid: resource.internal?.['guid'],
    });
  },
};

function configurationOf({ name, properties }: Part, job: Job): JsonObject {
  const subnet = referenceOf(job, [properties, 'subnet'], { types: [subnetType], required: true });
  if (subnet !== undefined && subnet.name.toLowerCase() !== gatewaySubnet.toLowerCase()) {
    note(properties, 'subnet', {
      code: 'InvalidGatewaySubnet',
      message: `A virtual network gateway lies in a subnet with the name GatewaySubnet, not ${subnet.name}.`,
    });
  }
  const other = subnet && job.draft.referrersOf(subnet.id).find(({ id }) => id.toLowerCase() !== job.id.toLowerCase());
  if (other !== undefined)
    note(properties, 'subnet', {
      code: 'VirtualNetworkGatewayAlreadyExists',
      message: `The subnet already holds ${other.id}.`,
    });
  const address = referenceOf(job, [properties, 'publicIPAddress'], {
    types: ['Microsoft.Network/publicIPAddresses'],
    required: true,
  });
  const fault = address && publicIpFault(address, { view: job.draft, id: job.id });
  if (fault !== undefined) note(properties, 'publicIPAddress', fault);
  const method = oneOf(properties, 'privateIPAllocationMethod', ['Dynamic', 'Static']) ?? 'Dynamic';
  return tidy({
    name,
    properties: { privateIPAllocationMethod: method, subnet: reference(subnet), publicIPAddress: reference(address) },
  });
}

function gatewaySku(properties: Reader): JsonObject {
  const sku = partOf(properties, 'sku');
  const name = oneOf(sku, 'name', skuNames) ?? 'Basic';
  return { name, tier: oneOf(sku, 'tier', skuNames) ?? name, capacity: integerOf(sku, 'capacity', [1, 10]) ?? 2 };
}

/** Reads `bgpSettings`: kept, but the stamp exchanges no routes. */
export function bgpSettingsOf(properties: Reader): JsonObject | undefined {
  const settings = objectOf(properties, 'bgpSettings');
  return (
    settings && {
      asn: integerOf(settings, 'asn', [1, 2_147_483_647]),
      bgpPeeringAddress: textOf(settings, 'bgpPeeringAddress', { lengthMax: 64 }),
      peerWeight: integerOf(settings, 'peerWeight', [0, 100]),
    }
  );
}

/** Point-to-site clients: an address pool and the root certificates that their certificates chain to. */
function clientsOf(properties: Reader): JsonObject | undefined {
  const clients = objectOf(properties, 'vpnClientConfiguration');
  if (clients === undefined) return undefined;
  if (clients.members.has('radiusserversecret'))
    note(clients, 'radiusServerSecret', 'RADIUS is not offered for VPN clients; use certificates');
  const pool = objectOf(clients, 'vpnClientAddressPool');
  const prefixes = pool && prefixListOf(pool, 'addressPrefixes', { max: 50, owner: 'the VPN client pool' });
  const roots = partsOf(clients, 'vpnClientRootCertificates', { max: 20, type: 'vpnClientRootCertificates' }) ?? [];
  const revoked =
    partsOf(clients, 'vpnClientRevokedCertificates', { max: 300, type: 'vpnClientRevokedCertificates' }) ?? [];
  return {
    ...(prefixes && { vpnClientAddressPool: { addressPrefixes: prefixes.map(printPrefix) } }),
    vpnClientRootCertificates: roots.map(({ name, properties: held }) => ({
      name,
      properties: { publicCertData: textOf(held, 'publicCertData', { required: true, lengthMax: 16_384 }) ?? '' },
    })),
    vpnClientRevokedCertificates: revoked.map(({ name, properties: held }) => ({
      name,
      properties: { thumbprint: textOf(held, 'thumbprint', { lengthMax: 128 }) ?? '' },
    })),
    vpnClientProtocols: textsOf(clients, 'vpnClientProtocols', 3) ?? [],
  };
}
