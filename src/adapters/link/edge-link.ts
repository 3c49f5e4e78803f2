/** `edged` as the engine sees it: the EdgeLink port over a local socket. */

import type { EdgeLink } from '#engine/ports.ts';
import type { LinkClient } from '#adapters/link/client.ts';

/** Binds the EdgeLink port to a link. */
export function edgeLink(link: LinkClient): EdgeLink {
  return { resolve: (signed, program, digests) => link.call('resolve', [signed, program, digests]) };
}
