/** What may be open at once: no two sources of one port that overlap, and no more in a virtual network than one router's kernel set holds. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { openingsMax } from '#base/limits.ts';
import { overlaps, type Prefix, printPrefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import type { Draft, Resource, View } from '#model/resource.ts';
import {
  jitPolicyType,
  machineIn,
  machinesIn,
  portIn,
  prefixOfSource,
  protocolsOf,
  requestsOf,
  sourcesOf,
} from '#model/security/jit.ts';

/** One source at one port of one machine (id in lower case), for each address of the machine. */
type Open = {
  readonly machine: string;
  readonly service: string;
  readonly source: Prefix;
  readonly end: string;
};

/**
 * Refuses a draft in which the policy opens more than can be held. Others' policies count where they open the same machines and networks; what
 * stands in other networks is not looked at. The kernel would hold a source within another in many pieces: so they may not overlap.
 */
export function checkOpenings(policy: Resource, draft: Draft, now: string): void {
  const own = openIn(policy, now);
  const others = [...draft.ofType(jitPolicyType)].flatMap((one) => (one.id === policy.id ? [] : openIn(one, now)));
  const all = [...own, ...others];
  for (const one of own) checkApart(one, all);
  const networks = new Set(own.flatMap(({ machine }) => networksOf(draft, machine)));
  const counts = new Map<string, number>();
  for (const { machine } of all) {
    for (const network of networksOf(draft, machine))
      if (networks.has(network)) counts.set(network, (counts.get(network) ?? 0) + 1);
  }
  for (const [network, count] of counts) {
    if (count <= openingsMax) continue;
    const says = `${count} openings would stand in the virtual network ${network} at once; ${openingsMax} are accepted: ask for fewer ports, sources or machines, or when others are over.`;
    throw new Refusal('JitOpeningLimitReached', says, { status: 409 });
  }
}

function checkApart(one: Open, all: readonly Open[]): void {
  const other = all.find(
    (each) =>
      each !== one && each.machine === one.machine && each.service === one.service && overlaps(each.source, one.source),
  );
  if (other === undefined) return;
  const says = `The source ${printPrefix(one.source)} overlaps one for which ${one.service} of ${one.machine} is open until ${other.end}: a source apart from that is accepted, or this one afterwards.`;
  throw new Refusal('JitOpeningOverlaps', says, { status: 409 });
}

function openIn(policy: Resource, now: string): readonly Open[] {
  const machines = machinesIn(policy);
  return requestsOf(policy).flatMap(({ virtualMachines }) =>
    virtualMachines.flatMap(({ id, ports }) =>
      ports.flatMap((asked) => {
        const port = portIn(machineIn(machines, id), asked.number);
        if (port === undefined || asked.status !== 'Initiated' || asked.endTimeUtc <= now) return [];
        return protocolsOf(port).flatMap((protocol) =>
          sourcesOf(asked).flatMap((text): Open[] => {
            const source = prefixOfSource(text);
            const service = `${protocol}/${asked.number}`;
            return source === undefined ? [] : [{ machine: id.toLowerCase(), service, source, end: asked.endTimeUtc }];
          }),
        );
      }),
    ),
  );
}

/** The virtual networks (lower case) of the addresses of a machine, each as often as it has one there. */
function networksOf(view: View, machine: string): readonly string[] {
  const profile = view.get(machine)?.properties['networkProfile'];
  return itemsOf(isObject(profile) ? profile['networkInterfaces'] : undefined).flatMap((link) =>
    itemsOf(view.get(String(link['id']))?.properties['ipConfigurations']).flatMap(({ properties }) => {
      const subnet = isObject(properties) ? properties['subnet'] : undefined;
      return isObject(subnet) ? [String(subnet['id']).toLowerCase().split('/subnets/')[0] ?? ''] : [];
    }),
  );
}

function itemsOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
