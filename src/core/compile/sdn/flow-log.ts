/** Flow logs: which filters' verdicts are logged for which NICs, from the targets that enabled flow logs name. */

import { idAt } from '#compile/read.ts';
import type { NicFacts } from '#compile/sdn/nic.ts';
import { filterKey } from '#compile/sdn/nsg.ts';
import { typeOfId } from '#model/arm-id.ts';
import type { Resource } from '#model/resource.ts';

/** Ids (lower case) of NICs, subnets and virtual networks that are logged, and the keys of filters of NSGs that are. */
export type Logged = { readonly places: ReadonlySet<string>; readonly filters: ReadonlySet<string> };

/** What the enabled flow logs name. */
export function loggedOf(flowLogs: readonly Resource[]): Logged {
  const places = new Set<string>();
  const filters = new Set<string>();
  for (const { properties } of flowLogs) {
    const target = idAt({ target: { id: properties['targetResourceId'] ?? '' } }, 'target');
    if (properties['enabled'] === false || target === undefined) continue;
    if (typeOfId(target)?.toLowerCase() === 'microsoft.network/networksecuritygroups') {
      filters.add(filterKey(target, 'inbound')).add(filterKey(target, 'outbound'));
    } else places.add(target);
  }
  return { places, filters };
}

/** Is the filter's verdict on the NIC logged? */
export function isLogged({ places, filters }: Logged, { id, subnet, vnet }: NicFacts, filter: string): boolean {
  return filters.has(filter) || [id.toLowerCase(), subnet, vnet].some((place) => places.has(place));
}
