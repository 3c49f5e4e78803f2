/** Where a NIC stands in the programs in force: its router, its port, and the NSGs behind the filters that judge it. */

import { idAt, partsAt } from '#compile/read.ts';
import { closedFilterKey, filterKey } from '#compile/sdn/nsg.ts';
import { idKey } from '#model/arm-id.ts';
import type { Resource, View } from '#model/resource.ts';
import type { Port, Programs, RouterProgram } from '#program/program.ts';

/** A NIC's port and the router that has it. */
export type Placed = { readonly router: RouterProgram; readonly port: Port };

/** The port of a NIC; undefined when no program has it: it is not attached to a placed machine. */
export function portOfNic(programs: Programs, nic: string): Placed | undefined {
  const key = idKey(nic);
  for (const router of Object.values(programs)) {
    const port = router.kind === 'router' ? portsOf(router).get(key) : undefined;
    if (port !== undefined && router.kind === 'router') return { router, port };
  }
  return undefined;
}

// Asked again and again about routers of which a write changes one: each is looked through once as long as it stands.
const known = new WeakMap<RouterProgram, ReadonlyMap<string, Port>>();

function portsOf(router: RouterProgram): ReadonlyMap<string, Port> {
  const before = known.get(router);
  if (before !== undefined) return before;
  const ports = new Map(Object.values(router.ports).map((port) => [idKey(port.nic), port]));
  if (Object.isFrozen(router)) known.set(router, ports);
  return ports;
}

/**
 * What judges a NIC: an NSG at the NIC itself, at its subnet (the subnet's id), or both; or, without an NSG, the filter that
 * keeps Standard addresses closed. `inbound` and `outbound` name the filters of the router.
 */
export type Layer = {
  readonly nsg: Resource | undefined;
  readonly nic: string | undefined;
  readonly subnet: string | undefined;
  readonly inbound: string | undefined;
  readonly outbound: string | undefined;
};

/** The layers whose filters the port names, the NIC's own first. */
export function layersOf(view: View, port: Port): readonly Layer[] {
  const nic = view.get(port.nic);
  const subnet = nic === undefined ? undefined : subnetOf(view, nic);
  const [own, shared] = [nic, subnet].map((each) => idAt(each?.properties, 'networkSecurityGroup'));
  const groups = [...new Set([own, shared])].flatMap((id): Layer | readonly [] => {
    const nsg = id === undefined ? undefined : view.get(id);
    if (nsg === undefined || id === undefined) return [];
    const [inbound, outbound] = [filterKey(id, 'inbound'), filterKey(id, 'outbound')];
    if (!port.inbound.includes(inbound) || !port.outbound.includes(outbound)) return [];
    return {
      nsg,
      nic: id === own ? nic?.id : undefined,
      subnet: id === shared ? subnet?.id : undefined,
      inbound,
      outbound,
    };
  });
  if (!port.inbound.includes(closedFilterKey)) return groups;
  return [
    ...groups,
    { nsg: undefined, nic: port.nic, subnet: undefined, inbound: closedFilterKey, outbound: undefined },
  ];
}

/** The subnet of a NIC; all its configurations are in one VNet, and the first one's subnet judges it. */
export function subnetOf(view: View, nic: Resource): Resource | undefined {
  const [first] = partsAt(nic, 'ipConfigurations');
  const id = idAt(first?.properties, 'subnet');
  return id === undefined ? undefined : view.get(id);
}
