/** Services as sets. */

import type { Half } from '#verify/halves.ts';
import type { Service } from '#verify/invariant/invariant.ts';
import type { Judged } from '#verify/proof/world.ts';

/** All packets of one of the services. */
export function servicesOf({ reach }: Judged, services: readonly Service[]): Half {
  return reach.parts.halves.services(services);
}
