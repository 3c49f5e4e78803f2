/** Where a virtual machine runs: on the host that has the fewest, and apart from the others of its availability set. */

import type { Resource, StampFacts, View } from '#model/resource.ts';

const vmType = 'Microsoft.Compute/virtualMachines';

/** The hosts that this machine carries. */
export function localHosts({ hosts, remoteHosts = [] }: StampFacts): readonly string[] {
  return hosts.filter((host) => !remoteHosts.includes(host));
}

/** Chooses a host: fewest machines of the same availability set, then fewest machines, then the order of the hosts; undefined when there is none. */
export function hostFor(view: View, hosts: readonly string[], set: Resource | undefined): string | undefined {
  const all = new Map(hosts.map((host) => [host, 0]));
  for (const machine of view.ofType(vmType)) count(all, machine);
  const near = new Map(hosts.map((host) => [host, 0]));
  if (set !== undefined) for (const machine of view.referrersOf(set.id)) count(near, machine);
  const ranked = hosts.toSorted(
    (left, right) => (near.get(left) ?? 0) - (near.get(right) ?? 0) || (all.get(left) ?? 0) - (all.get(right) ?? 0),
  );
  return ranked[0];
}

function count(byHost: Map<string, number>, machine: Resource): void {
  const host = machine.internal?.['host'];
  if (typeof host === 'string') byHost.set(host, (byHost.get(host) ?? 0) + 1);
}
