/** Services as sets. */

import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import type { Service } from '#verify/invariant/invariant.ts';
import type { Judged } from '#verify/proof/world.ts';

/** All packets of one of the services. */
export function servicesOf({ reach }: Judged, services: readonly Service[]): Half {
  const { store, halves } = reach.parts;
  return services.reduce((sum, { protocol, ports }) => store.union(sum, halves.service(protocol, ports)), nothing);
}
