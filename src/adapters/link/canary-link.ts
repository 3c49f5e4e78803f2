/** The kernel's keeper as the sender of canaries: the CanaryKeeper port over the local socket of `netd`. */

import type { CanaryKeeper } from '#engine/canary/canary.ts';
import type { LinkClient } from '#adapters/link/client.ts';

/** Binds the CanaryKeeper port to a link. */
export function canaryLink(link: LinkClient): CanaryKeeper {
  return { canaries: (orders) => link.call('canaries', [orders]) };
}
