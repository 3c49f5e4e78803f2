/** Application security groups: each becomes a named set of its members' addresses in the routers whose rules speak of it. */

import { shortKey } from '#compile/read.ts';
import type { NicFacts } from '#compile/sdn/nic.ts';
import { byAddress, printPrefix, tryPrefix } from '#base/prefix.ts';

/** The name of a group's set. */
export function groupSetKey(groupId: string): string {
  return `asg/${shortKey(groupId)}`;
}

/** The sets of all groups that have members among these NICs (Azure: all members of a group are in one VNet). */
export function compileGroups(nics: readonly NicFacts[]): { readonly [key: string]: readonly string[] } {
  const members = new Map<string, string[]>();
  for (const nic of nics) {
    for (const { address, groups } of nic.addresses) {
      for (const group of groups) {
        const key = groupSetKey(group);
        members.set(key, [...(members.get(key) ?? []), address]);
      }
    }
  }
  return Object.fromEntries([...members].map(([key, addresses]) => [key, sortedHosts(addresses)]));
}

function sortedHosts(addresses: readonly string[]): string[] {
  return [...new Set(addresses)]
    .flatMap((text) => tryPrefix(text) ?? [])
    .toSorted(byAddress)
    .map(printPrefix);
}
