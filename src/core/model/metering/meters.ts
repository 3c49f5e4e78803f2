/** What is metered of a resource, by Azure Stack's meters (Azure Stack Hub docs, "Usage API FAQ"): so much for each hour that it stands as it is. */

import type { JsonObject } from '#base/json.ts';
import type { Resource } from '#model/resource.ts';
import { sizeNamed } from '#model/compute/size.ts';

/** A month of the disks' meters, in hours: a twelfth of a year. */
const monthHours = 730;
const hourMs = 3_600_000;

/** How many hours of one thing make one unit of each meter; ids as clients know them. */
const hoursPerUnit: ReadonlyMap<string, number> = new Map([
  ['F271A8A388C44D93956A063E1D2FA80B', 1],
  ['9E2739BA86744796B465F64674B822BA', 1],
  ['6DAB500F-A4FD-49C4-956D-229BB9C8C793', 1],
  ['FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5', 1],
  ['7BA084EC-EF9C-4D64-A179-7732C6CB5E28', monthHours],
  ['DAEF389A-06E5-4684-A7F7-8813D9F792D5', monthHours],
]);

const [staticAddress, dynamicAddress, machineHours, coreHours, standardDisk, premiumDisk] = [
  ...hoursPerUnit.keys(),
] as [string, string, string, string, string, string];

/** One meter's count of a resource: `count` things run on it (addresses, cores, gigabytes). */
type Count = { readonly meter: string; readonly count: number };

/** What a record tells of a resource besides its counts. */
export type Instance = {
  readonly resourceUri: string;
  readonly location: string;
  readonly tags: JsonObject | null;
  readonly additionalInfo: string | null;
};

export type Metered = { readonly instance: Instance; readonly counts: readonly Count[] };

/** What counts of a resource as it stands; nothing for most. */
export function meteredOf(resource: Resource | undefined): Metered | undefined {
  const counts = resource === undefined ? [] : countsOf(resource);
  if (resource === undefined || counts.length === 0) return undefined;
  const size = resource.properties['hardwareProfile'] as { readonly vmSize?: string } | undefined;
  return {
    instance: {
      resourceUri: resource.id,
      location: resource.location ?? '',
      tags: resource.tags === undefined ? null : { ...resource.tags },
      additionalInfo: size?.vmSize === undefined ? null : JSON.stringify({ ServiceType: size.vmSize }),
    },
    counts,
  };
}

function countsOf({ type, properties, internal, sku }: Resource): readonly Count[] {
  switch (type) {
    case 'Microsoft.Network/publicIPAddresses': {
      if (properties['ipAddress'] === undefined) return [];
      return [
        { meter: properties['publicIPAllocationMethod'] === 'Static' ? staticAddress : dynamicAddress, count: 1 },
      ];
    }
    case 'Microsoft.Compute/virtualMachines': {
      // A machine that is only stopped holds its cores (Azure Stack Hub docs, "Usage API FAQ").
      if (internal?.['power'] === 'deallocated') return [];
      const name = (properties['hardwareProfile'] as { readonly vmSize?: string } | undefined)?.vmSize ?? '';
      const cores = sizeNamed(name)?.cores ?? 0;
      return [{ meter: machineHours, count: 1 }, ...(cores === 0 ? [] : [{ meter: coreHours, count: cores }])];
    }
    case 'Microsoft.Compute/disks': {
      const count = Number(properties['diskSizeGB'] ?? 0);
      if (!(count > 0)) return [];
      return [{ meter: /^premium/i.test(String(sku?.['name'])) ? premiumDisk : standardDisk, count }];
    }
    default:
      return [];
  }
}

/** A time through which a resource stood as it is told, in milliseconds since 1970; `to` is left out while it lasts. */
export type Interval = { readonly metered: Metered; readonly from: number; readonly to?: number };

/** One meter of one resource over one period. */
export type Aggregate = { readonly instance: Instance; readonly meter: string; readonly quantity: number };

/**
 * What intervals come to between two times, sorted by resource and meter. Counts are whole and so are milliseconds: sums over the parts of a time
 * are exactly the sum over the whole. Open intervals last until `now`.
 */
export function aggregate(
  intervals: Iterable<Interval>,
  { from, to, now }: { readonly from: number; readonly to: number; readonly now: number },
): readonly Aggregate[] {
  const sums = new Map<string, { readonly instance: Instance; readonly meter: string; amount: number }>();
  for (const { metered, from: since, to: until = now } of intervals) {
    const ms = Math.min(until, to) - Math.max(since, from);
    if (!(ms > 0)) continue;
    for (const { meter, count } of metered.counts) {
      const key = `${metered.instance.resourceUri.toLowerCase()} ${meter}`;
      const sum = sums.get(key);
      // The newest words (tags, size) are told of the whole period.
      if (sum === undefined) sums.set(key, { instance: metered.instance, meter, amount: ms * count });
      else sums.set(key, { instance: metered.instance, meter, amount: sum.amount + ms * count });
    }
  }
  return [...sums.entries()]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([, { instance, meter, amount }]) => ({
      instance,
      meter,
      quantity: amount / hourMs / (hoursPerUnit.get(meter) ?? 1),
    }));
}
