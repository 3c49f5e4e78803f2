/** The kernel's keeper as the source of flows: the FlowSource port over the local socket of `netd`. */

import type { FlowSource } from '#engine/flow-logs/flow.ts';
import type { LinkClient } from '#adapters/link/client.ts';

/** Binds the FlowSource port to a link. */
export function flowLink(link: LinkClient): FlowSource {
  return { flows: () => link.call('flows', []) };
}
