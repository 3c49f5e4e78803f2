/** The kernel's keeper as the teller of what went over budgets: the SpentSource port over the local socket of `netd`. */

import type { SpentSource } from '#engine/containment/spent.ts';
import type { LinkClient } from '#adapters/link/client.ts';

/** Binds the SpentSource port to a link. */
export function spentLink(link: LinkClient): SpentSource {
  return { spent: () => link.call('spent', []), held: () => link.call('held', []) };
}
