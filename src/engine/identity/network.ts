/** The network that a client is in, as tokens name it: a /24 of IPv4, a /64 of IPv6. */

import { prefixOf, printPrefix, tryAddress } from '#base/prefix.ts';

/** The network of an address, or of a prefix that stands for one; a text that is neither is a network of its own. */
export function networkOf(from: string): string {
  const address = tryAddress(from.replace(/^::ffff:(?=\d+\.)/i, '').replace(/[%/].*$/, ''));
  return address === undefined ? 'unknown' : printPrefix(prefixOf(address, address.family === 4 ? 24 : 64));
}
