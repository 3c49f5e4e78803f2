/** What a quarantine leaves behind in connection trackers, and how many states each of them holds. */

import { cutFlows } from '#adapters/linux/flows.ts';
import { readSysctls } from '#adapters/linux/netns.ts';
import type { Held } from '#engine/containment/spent.ts';
import { apartFilterKey, type Port, type Programs } from '#program/program.ts';

type NamespaceOf = (point: string) => string;

/**
 * Forgets the flows of ports that are newly set apart, in their router and at the boundary. Their rules drop every packet already:
 * this gives back what the flows held, and nothing waits for it.
 */
export function cutApart(before: Programs, after: Programs, namespaceOf: NamespaceOf): void {
  for (const [point, program] of Object.entries(after)) {
    const old = before[point];
    if (program.kind !== 'router' || old?.kind !== 'router' || old.ports === program.ports) continue;
    for (const [name, port] of Object.entries(program.ports)) {
      const known = Object.hasOwn(old.ports, name) ? old.ports[name] : undefined;
      if (isApart(port) && known !== undefined && !isApart(known))
        void forget(port, namespaceOf(point), namespaceOf('edge'));
    }
  }
}

function isApart({ outbound }: Port): boolean {
  return outbound.includes(apartFilterKey);
}

async function forget({ addresses }: Port, router: string, edge: string): Promise<void> {
  for (const [address, { label }] of Object.entries(addresses)) {
    // What cannot be forgotten now ends by its own time.
    for (const [namespace, end] of [
      [edge, label],
      [router, address],
    ] as const)
      for (const side of ['source', 'target'] as const)
        await cutFlows(namespace, { point: '', [side]: end }).catch(() => undefined);
  }
}

/** The states of every router and of the boundary. A point that is not made yet is left out. */
export function heldIn(programs: Programs, namespaceOf: NamespaceOf): readonly Held[] {
  return Object.entries(programs).flatMap(([point, { kind }]): Held[] => {
    if (kind !== 'router' && kind !== 'edge') return [];
    try {
      const [count] = readSysctls(namespaceOf(point), ['net/netfilter/nf_conntrack_count']);
      return [{ point, connections: Number(count) }];
    } catch {
      return [];
    }
  });
}
