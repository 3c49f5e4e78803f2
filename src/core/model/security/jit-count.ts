/** How many openings the requests of all policies come to in each virtual network: the kernel holds a bounded number of them. */

import { isObject, type Json } from '#base/json.ts';
import { openingsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Draft, View } from '#model/resource.ts';
import {
  jitPolicyType,
  machineIn,
  machinesIn,
  portIn,
  protocolsOf,
  requestsOf,
  sourcesOf,
} from '#model/security/jit.ts';

/** Refuses a draft in which more openings stand than a router holds. */
export function checkOpenings(draft: Draft): void {
  const counts = new Map<string, number>();
  for (const policy of draft.ofType(jitPolicyType)) {
    const machines = machinesIn(policy);
    for (const { id, ports } of requestsOf(policy).flatMap(({ virtualMachines }) => virtualMachines)) {
      const open = ports.filter(({ status }) => status === 'Initiated');
      const each = open.reduce((sum, asked) => {
        const port = portIn(machineIn(machines, id), asked.number);
        return sum + (port === undefined ? 0 : protocolsOf(port).length * sourcesOf(asked).length);
      }, 0);
      for (const subnet of each === 0 ? [] : subnetsOf(draft, id)) {
        const vnet = subnet.toLowerCase().split('/subnets/')[0] ?? '';
        counts.set(vnet, (counts.get(vnet) ?? 0) + each);
      }
    }
  }
  for (const [vnet, count] of counts) {
    if (count <= openingsMax) continue;
    const says = `${count} openings would stand in the virtual network ${vnet} at once; ${openingsMax} are accepted: ask for fewer ports, sources or machines, or when others are over.`;
    throw new Refusal('JitOpeningLimitReached', says, { status: 409 });
  }
}

/** The subnets of the addresses of a machine, each as often as it has one there. */
function subnetsOf(view: View, machine: string): readonly string[] {
  const profile = view.get(machine)?.properties['networkProfile'];
  return itemsOf(isObject(profile) ? profile['networkInterfaces'] : undefined).flatMap((link) => {
    const nic = view.get(String(link['id']));
    return itemsOf(nic?.properties['ipConfigurations']).flatMap(({ properties }) => {
      const subnet = isObject(properties) ? properties['subnet'] : undefined;
      return isObject(subnet) ? [String(subnet['id'])] : [];
    });
  });
}

function itemsOf(value: Json | undefined): readonly { readonly [name: string]: Json }[] {
  return Array.isArray(value) ? (value.filter(isObject) as { readonly [name: string]: Json }[]) : [];
}
