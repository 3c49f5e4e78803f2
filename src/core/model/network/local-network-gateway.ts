/** Local network gateways: the other end of a site-to-site VPN, kept as resources; no tunnel is set up for them yet. */

import { printAddress, printPrefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { keepTracked, openJob } from '#model/job.ts';
import { addressOf, missing, objectOf, textOf } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { showNetwork } from '#model/show.ts';
import { prefixListOf } from '#model/network/space.ts';
import { bgpSettingsOf } from '#model/network/virtual-network-gateway.ts';

export const localNetworkGatewayType = 'Microsoft.Network/localNetworkGateways';

export const localNetworkGateway: Noun = {
  type: localNetworkGatewayType,

  write(write, draft, context) {
    const job = openJob(localNetworkGatewayType, write, { draft, context });
    const space = objectOf(job.properties, 'localNetworkAddressSpace');
    const prefixes = (space && prefixListOf(space, 'addressPrefixes', { max: 600, owner: 'the local network' })) ?? [];
    const address = addressOf(job.properties, 'gatewayIpAddress');
    const fqdn = textOf(job.properties, 'fqdn', { lengthMax: 255, pattern: /^[a-z0-9.-]+$/i, wants: 'a DNS name' });
    if (!job.properties.members.has('gatewayipaddress') && fqdn === undefined)
      missing(job.properties, 'gatewayIpAddress');
    const properties = {
      localNetworkAddressSpace: { addressPrefixes: prefixes.map(printPrefix) },
      gatewayIpAddress: address && printAddress(address),
      fqdn,
      bgpSettings: bgpSettingsOf(job.properties),
    };
    return keepTracked(job, { properties, internal: job.before?.internal ?? { guid: context.newGuid() } });
  },

  remove(resource, draft) {
    const user = draft.referrersOf(resource.id)[0];
    if (user !== undefined) {
      throw new Refusal(
        'LocalNetworkGatewayCannotBeDeleted',
        `Local network gateway ${resource.id} cannot be deleted: ${user.id} uses it.`,
        { target: resource.id },
      );
    }
    draft.delete(resource.id);
  },

  show: (resource) => showNetwork(resource, { ...resource.properties, resourceGuid: resource.internal?.['guid'] }),
};
