/** Which addresses of a subnet are taken, which are free, and which Azure keeps for itself. */

import { isObject } from '#base/json.ts';
import {
  holds,
  lastOf,
  printAddress,
  printPrefix,
  tryAddress,
  tryPrefix,
  type Address,
  type Family,
  type Prefix,
} from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { childId, idKey } from '#model/arm-id.ts';
import { idIn } from '#model/reference.ts';
import type { Resource, View } from '#model/resource.ts';

/** One address held by one ipConfiguration (of a NIC) or frontend (of a load balancer). */
type Claim = Address & { readonly subnet: string; readonly by: string };

/** The embedded list whose entries hold addresses, by type. */
const holders: ReadonlyMap<string, string> = new Map([
  ['Microsoft.Network/networkInterfaces', 'ipConfigurations'],
  ['Microsoft.Network/loadBalancers', 'frontendIPConfigurations'],
  ['Microsoft.Network/virtualNetworkGateways', 'ipConfigurations'],
]);

// Resources are frozen, so what is derived from one may be kept beside it for as long as it lives.
const claimsByResource = new WeakMap<Resource, readonly Claim[]>();
const prefixesByResource = new WeakMap<Resource, readonly Prefix[]>();

/** The addresses that a resource holds in subnets. */
export function claimsOf(resource: Resource): readonly Claim[] {
  const known = claimsByResource.get(resource);
  if (known !== undefined) return known;
  const claims = entriesOf(resource).flatMap(({ id, properties }): Claim[] => {
    const text = properties['privateIPAddress'];
    const subnet = idIn(properties['subnet']);
    const address = typeof text === 'string' ? tryAddress(text) : undefined;
    return address === undefined || subnet === undefined ? [] : [{ ...address, subnet: idKey(subnet), by: id }];
  });
  claimsByResource.set(resource, claims);
  return claims;
}

/** The entries of a resource that may hold addresses, with their ids. */
export function entriesOf(
  resource: Resource,
): readonly { id: string; name: string; properties: { readonly [key: string]: unknown } }[] {
  const list = holders.get(resource.type);
  const entries = list === undefined ? undefined : resource.properties[list];
  if (list === undefined || !Array.isArray(entries)) return [];
  return entries.flatMap((entry) => {
    const properties = isObject(entry) ? entry['properties'] : undefined;
    const name = isObject(entry) ? entry['name'] : undefined;
    return isObject(properties) && typeof name === 'string'
      ? [{ id: childId(resource.id, list, name), name, properties }]
      : [];
  });
}

/** The prefixes of a VNet or subnet, parsed once. */
export function prefixesOf(resource: Resource): readonly Prefix[] {
  const known = prefixesByResource.get(resource);
  if (known !== undefined) return known;
  const space = resource.properties['addressSpace'];
  const texts = isObject(space) ? space['addressPrefixes'] : resource.properties['addressPrefixes'];
  const prefixes = Array.isArray(texts) ? texts.flatMap((text) => tryPrefix(String(text)) ?? []) : [];
  prefixesByResource.set(resource, prefixes);
  return prefixes;
}

/** First and last address that a NIC may have: Azure keeps the first four of each prefix, and the last one of IPv4. */
export function usableOf(prefix: Prefix): { first: bigint; last: bigint } {
  return { first: prefix.first + 4n, last: prefix.family === 4 ? lastOf(prefix) - 1n : lastOf(prefix) };
}

/** Taken addresses of a subnet in one family, each with the entry that holds it. `except` leaves one resource out. */
export function takenIn(
  view: View,
  { subnet, family, except }: { subnet: Resource; family: Family; except?: string },
): Map<bigint, string> {
  const taken = new Map<bigint, string>();
  const key = idKey(subnet.id);
  const skip = except === undefined ? undefined : idKey(except);
  for (const holder of view.referrersOf(subnet.id)) {
    if (skip !== undefined && idKey(holder.id) === skip) continue;
    for (const claim of claimsOf(holder)) {
      if (claim.family === family && claim.subnet === key) taken.set(claim.value, claim.by);
    }
  }
  return taken;
}

/** The lowest free address of a subnet; refuses when there is none (`SubnetIsFull`). */
export function nextAddress(
  subnet: Resource,
  { family, taken }: { family: Family; taken: ReadonlyMap<bigint, string> },
): Address {
  const prefixes = prefixesOf(subnet).filter((prefix) => prefix.family === family);
  for (const prefix of prefixes) {
    const { first, last } = usableOf(prefix);
    // At most one more step than there are taken addresses.
    for (let value = first; value <= last; value += 1n) if (!taken.has(value)) return { family, value };
  }
  const shown = prefixes.map(printPrefix).join(', ');
  if (prefixes.length === 0) {
    throw new Refusal(
      'SubnetHasNoPrefixOfFamily',
      `Subnet ${subnet.id} has no IPv${family} prefix, so no IPv${family} address can be taken from it.`,
    );
  }
  throw new Refusal(
    'SubnetIsFull',
    `Subnet ${subnet.name} with address prefix ${shown} does not have enough capacity for 1 IP addresses.`,
  );
}

/** Why a stated address cannot be taken; undefined when it can. */
export function addressFault(
  subnet: Resource,
  address: Address,
  taken: ReadonlyMap<bigint, string>,
): { code: string; message: string } | undefined {
  const text = printAddress(address);
  const prefixes = prefixesOf(subnet);
  const home = prefixes.find((prefix) => holds(prefix, address));
  if (home === undefined) {
    return {
      code: 'PrivateIPAddressNotInSubnet',
      message: `Private static IP address ${text} does not belong to the range of subnet prefix ${prefixes.map(printPrefix).join(', ')}.`,
    };
  }
  const { first, last } = usableOf(home);
  if (address.value < first || address.value > last) {
    return {
      code: 'PrivateIPAddressInReservedRange',
      message: `Private static IP address ${text} falls within reserved IP range of subnet prefix ${printPrefix(home)}: the first four addresses and the last one.`,
    };
  }
  const holder = taken.get(address.value);
  return holder === undefined
    ? undefined
    : {
        code: 'PrivateIPAddressIsAllocated',
        message: `The private IP address ${text} is already allocated to resource ${holder}.`,
      };
}
