/** A host's program: whom it tunnels with, and which router each label address belongs to. */

import type { NicFacts } from '#compile/sdn/nic.ts';
import { underlayAddress } from '#model/infra.ts';
import type { StampFacts } from '#model/resource.ts';
import type { HostProgram } from '#program/program.ts';

/** The program of one host. `keys` gives the short key of a VNet by its id in lower case. */
export function compileHost(
  host: string,
  stamp: StampFacts,
  { nics, keys }: { readonly nics: readonly NicFacts[]; readonly keys: ReadonlyMap<string, string> },
): HostProgram {
  const underlays = stamp.hosts.map((name, index) => [name, underlayAddress(stamp.number, index)] as const);
  const routes: { [label: string]: string } = {};
  for (const nic of nics) {
    if (nic.host !== host) continue;
    const router = `router/${keys.get(nic.vnet) ?? ''}/${host}`;
    for (const { label } of nic.addresses) routes[label] = router;
  }
  return {
    kind: 'host',
    host,
    underlay: underlays.find(([name]) => name === host)?.[1] ?? '',
    others: Object.fromEntries(underlays.filter(([name]) => name !== host)),
    routes,
  };
}
