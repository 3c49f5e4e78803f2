/** The network that a client is in, as tokens name it: a /24 of IPv4, a /64 of IPv6. */

import { prefixOf, printPrefix, tryAddress } from '#base/prefix.ts';
import type { Resource, View } from '#model/resource.ts';

/** The network of an address, or of a prefix that stands for one; a text that is neither is a network of its own. */
export function networkOf(from: string): string {
  const address = tryAddress(from.replace(/^::ffff:(?=\d+\.)/i, '').replace(/[%/].*$/, ''));
  return address === undefined ? 'unknown' : printPrefix(prefixOf(address, address.family === 4 ? 24 : 64));
}

/**
 * Do a principal's tokens stay in the network that they were issued to? They do where a plan or the offer of one of its
 * subscriptions, or of its directory's, has `bindsTokensToNetwork`.
 */
export function isNetworkBound(view: View, { tid, oid }: { readonly tid: string; readonly oid: string }): boolean {
  for (const { properties } of view.ofType('Microsoft.Resources/subscriptions')) {
    const isTheirs = properties['ownerId'] === oid || properties['tenantId'] === tid;
    if (isTheirs && plansOf(properties).some((id) => view.get(id)?.properties['bindsTokensToNetwork'] === true))
      return true;
  }
  return false;
}

function plansOf({ offerId, plans }: Resource['properties']): string[] {
  const ids = [offerId, ...(Array.isArray(plans) ? plans : [])];
  return ids.filter((id): id is string => typeof id === 'string');
}
