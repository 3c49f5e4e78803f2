/** Lists of DNS servers in the bodies of VNets and NICs. */

import { addressOf, textsOf, type Reader } from '#model/parse.ts';

/** Reads a list of DNS server addresses (Azure: at most 20). */
export function dnsServersOf(reader: Reader): string[] {
  return (textsOf(reader, 'dnsServers', 20) ?? []).filter((text) => {
    // Azure's own word for "the resolver of the platform".
    if (text === 'AzureProvidedDNS') return true;
    return addressOf({ ...reader, members: new Map([['dnsservers', text]]) }, 'dnsServers') !== undefined;
  });
}
