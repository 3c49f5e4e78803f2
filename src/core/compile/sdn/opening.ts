/** Just-in-time openings: what open requests let in at the addresses of the NICs of their machines (decision D3.6). */

import { openingsMax } from '#base/limits.ts';
import { printPrefix } from '#base/prefix.ts';
import { attachmentsOf, type NicFacts } from '#compile/sdn/nic.ts';
import type { Resource } from '#model/resource.ts';
import {
  machineIn,
  machinesIn,
  portIn,
  prefixOfSource,
  protocolsOf,
  requestsOf,
  sourcesOf,
  type AskedPort,
  type JitPort,
} from '#model/security/jit.ts';
import type { Opening } from '#program/program.ts';

/** Openings by key, of each NIC by its id in lower case. Which of them are over is not looked at here: time is no part of the model. */
export type Openings = ReadonlyMap<string, readonly OpenedPort[]>;

/** A port that is open for a source, at whichever address of the NIC is of the source's family. */
type OpenedPort = Pick<Opening, 'protocol' | 'port' | 'source' | 'until' | 'because'> & {
  readonly key: string;
  readonly family: 4 | 6;
};

/** What the policies' requests hold open. */
export function openingsOf(policies: readonly Resource[], machines: ReadonlyMap<string, Resource>): Openings {
  const byNic = new Map<string, OpenedPort[]>();
  for (const policy of policies) {
    for (const { machine, asked, port } of openPorts(policy)) {
      const resource = machines.get(machine.toLowerCase());
      if (resource === undefined) continue;
      const opened = openedBy(policy, { machine: resource, asked, port });
      for (const nic of attachmentsOf(resource).nics) byNic.set(nic, [...(byNic.get(nic) ?? []), ...opened]);
    }
  }
  return byNic;
}

type OpenPort = { readonly machine: string; readonly asked: AskedPort; readonly port: JitPort };

function openPorts(policy: Resource): readonly OpenPort[] {
  const machines = machinesIn(policy);
  return requestsOf(policy).flatMap(({ virtualMachines }) =>
    virtualMachines.flatMap(({ id, ports }) =>
      ports.flatMap((asked): OpenPort[] => {
        const port = portIn(machineIn(machines, id), asked.number);
        return port === undefined || asked.status !== 'Initiated' ? [] : [{ machine: id, asked, port }];
      }),
    ),
  );
}

function openedBy(
  policy: Resource,
  { machine, asked, port }: { readonly machine: Resource; readonly asked: AskedPort; readonly port: JitPort },
): readonly OpenedPort[] {
  const protocols = protocolsOf(port);
  const because = `jit/${policy.name}/${machine.name}`;
  return sourcesOf(asked).flatMap((text) => {
    const prefix = prefixOfSource(text);
    if (prefix === undefined) return [];
    const source = printPrefix(prefix);
    return protocols.map((protocol) => ({
      key: `${policy.id.toLowerCase()} ${machine.id.toLowerCase()} ${protocol} ${asked.number} ${source}`,
      family: prefix.family,
      protocol,
      port: asked.number,
      source,
      until: Date.parse(asked.endTimeUtc),
      because,
    }));
  });
}

/**
 * The openings of the NICs of one router: of each family no more than the kernel holds, the first by key. Requests that come to more are
 * refused; a machine that was given addresses since leaves the rest closed.
 */
export function routerOpenings(nics: readonly NicFacts[], openings: Openings): { readonly [key: string]: Opening } {
  const entries = nics.flatMap((nic) =>
    (openings.get(nic.id.toLowerCase()) ?? []).flatMap(({ key, family, ...opened }) =>
      nic.addresses
        .filter((address) => address.family === family)
        .map(({ address }) => ({
          family,
          entry: [`${key} ${address}`, { mark: nic.mark, address, ...opened }] as const,
        })),
    ),
  );
  const held = ([4, 6] as const).flatMap((family) =>
    entries
      .flatMap((one) => (one.family === family ? [one.entry] : []))
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .slice(0, openingsMax),
  );
  return Object.fromEntries(held);
}
