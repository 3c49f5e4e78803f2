/** NAT gateways: outbound internet for the subnets that refer to them, from static public addresses. */

import { Refusal } from '#base/wrong.ts';
import { keepTracked, openJob, skuOf, zonesOf, type Job } from '#model/job.ts';
import { integerOf, listOf, missing, note } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { resolve } from '#model/reference.ts';
import { links, showNetwork } from '#model/show.ts';
import { publicIpFault } from '#model/network/public-ip.ts';

const natGatewayType = 'Microsoft.Network/natGateways';

/** Azure: at most 16 public addresses per NAT gateway. */
const addressesMax = 16;

export const natGateway: Noun = {
  type: natGatewayType,

  write(write, draft, context) {
    const job = openJob(natGatewayType, write, { draft, context });
    const sku = job.body.members.has('sku') ? skuOf(job.body, ['Standard']) : { name: 'Standard' };
    if ((listOf(job.properties, 'publicIpPrefixes', addressesMax) ?? []).length > 0) {
      note(job.properties, 'publicIpPrefixes', 'public IP prefixes are not offered; use publicIpAddresses');
    }
    const properties = {
      idleTimeoutInMinutes: integerOf(job.properties, 'idleTimeoutInMinutes', [4, 120]) ?? 4,
      publicIpAddresses: addressesOf(job),
    };
    const zones = zonesOf(job.body);
    const internal = job.before?.internal ?? { guid: context.newGuid() };
    return keepTracked(job, { properties, sku, internal, ...(zones && { zones }) });
  },

  remove(resource, draft) {
    const user = draft.referrersOf(resource.id)[0];
    if (user !== undefined) {
      throw new Refusal(
        'InUseNatGatewayCannotBeDeleted',
        `NAT gateway ${resource.id} cannot be deleted because it is in use by subnet ${user.id}.`,
        { target: resource.id },
      );
    }
    draft.delete(resource.id);
  },

  show(resource, view) {
    const subnets = view.referrersOf(resource.id).map(({ id }) => id);
    return showNetwork(resource, {
      ...resource.properties,
      resourceGuid: resource.internal?.['guid'],
      ...(subnets.length > 0 && { subnets: links(subnets) }),
    });
  },
};

function addressesOf(job: Job): { id: string }[] {
  const stated = listOf(job.properties, 'publicIpAddresses', addressesMax);
  if (stated === undefined || stated.length === 0) {
    missing(job.properties, 'publicIpAddresses');
    return [];
  }
  const found = stated.flatMap((object) => {
    const address = resolve(job, object, { types: ['Microsoft.Network/publicIPAddresses'] });
    if (address === undefined) return [];
    const fault = publicIpFault(address, { view: job.draft, id: job.id });
    if (fault !== undefined) note(object, 'id', fault);
    if (address.sku?.['name'] !== 'Standard' || address.properties['publicIPAddressVersion'] !== 'IPv4') {
      const message = `The public IP address ${address.id} of a NAT gateway must be of sku Standard and version IPv4.`;
      note(object, 'id', { code: 'NatGatewayPublicIPAddressInvalid', message });
    }
    return [{ id: address.id }];
  });
  return [...new Map(found.map((link) => [link.id, link])).values()];
}
