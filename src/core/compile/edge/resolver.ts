/** What the resolver knows: the machines' names of each virtual network, and the public names of the stamp. */

import { addressAt, idsAt, objectAt, textAt } from '#compile/read.ts';
import type { NicFacts } from '#compile/sdn/nic.ts';
import { hostNameOf } from '#model/compute/host-name.ts';
import { internalDomain, publishedEndpoints, resolverAddress, stampNetworks } from '#model/infra.ts';
import { fqdnOf } from '#model/network/public-ip.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import type { ResolverProgram } from '#program/program.ts';

/** `keys` gives the short key of a VNet by its id in lower case. */
export type ResolverParts = {
  readonly nics: readonly NicFacts[];
  readonly vms: readonly Resource[];
  readonly publicIps: readonly Resource[];
  readonly keys: ReadonlyMap<string, string>;
  readonly stamp: StampFacts;
};

/** The resolver's program. */
export function compileResolver(parts: ResolverParts): ResolverProgram {
  const { nics, keys, stamp } = parts;
  const clients: { [label: string]: string } = {};
  for (const nic of nics) {
    const key = keys.get(nic.vnet);
    if (key === undefined) continue;
    for (const { label, family } of nic.addresses) if (family === 4) clients[label] = key;
  }
  return {
    kind: 'resolver',
    address: resolverAddress(stamp.number),
    sources: stampNetworks(stamp.number).labels.filter((text) => !text.includes(':')),
    domain: internalDomain(stamp),
    clients,
    networks: networksOf(parts),
    publics: publicsOf(parts),
  };
}

type Names = { [name: string]: readonly string[] };

/** Names that programs ask for by themselves: whoever had one would be asked for much that is not meant for it. */
const blockedNames: ReadonlySet<string> = new Set(['localhost', 'wpad', 'isatap']);

function networksOf({ nics, vms, keys }: ResolverParts): ResolverProgram['networks'] {
  const byNic = new Map(nics.map((nic) => [nic.id.toLowerCase(), nic]));
  const networks: { [vnet: string]: { names: Names } } = {};
  const put = (nic: NicFacts, name: string): void => {
    const key = keys.get(nic.vnet);
    if (key === undefined) return;
    const { names } = (networks[key] ??= { names: {} });
    // A later machine does not take over the name of an earlier one.
    if (!blockedNames.has(name) && !Object.hasOwn(names, name)) names[name] = addressesOf(nic);
  };
  for (const vm of vms.toSorted(byAge)) {
    const nic = byNic.get(primaryNicOf(vm) ?? '');
    if (nic !== undefined)
      put(nic, hostNameOf(textAt(objectAt(vm.properties, 'osProfile'), 'computerName') ?? vm.name));
  }
  for (const nic of nics.toSorted((left, right) => left.mark - right.mark))
    if (nic.dnsLabel !== undefined) put(nic, hostNameOf(nic.dnsLabel));
  return networks;
}

function byAge(left: Resource, right: Resource): number {
  const [a, b] = [left, right].map(({ createdAt, id }) => `${createdAt} ${id.toLowerCase()}`);
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

/** A machine is known by its primary NIC, which its only one always is. */
function primaryNicOf(vm: Resource): string | undefined {
  const profile = objectAt(vm.properties, 'networkProfile');
  const entries = Array.isArray(profile['networkInterfaces']) ? profile['networkInterfaces'] : [];
  const at = entries.findIndex((entry) => objectAt(entry, 'properties')['primary'] === true);
  return idsAt(profile, 'networkInterfaces')[Math.max(at, 0)];
}

/** The primary address, and the first IPv6 one. */
function addressesOf({ addresses }: NicFacts): readonly string[] {
  const four = addresses.find(({ isPrimary }) => isPrimary) ?? addresses.find(({ family }) => family === 4);
  const six = addresses.find(({ family }) => family === 6);
  return [...new Set([four, six].flatMap((one) => one?.address ?? []))];
}

/** Endpoints that guests may connect to, and the DNS labels of public addresses. */
function publicsOf({ publicIps, stamp }: ResolverParts): Names {
  const names: Names = {};
  for (const publicIp of publicIps) {
    const label = textAt(objectAt(publicIp.properties, 'dnsSettings'), 'domainNameLabel');
    const address = addressAt(publicIp.properties, 'ipAddress');
    if (label !== undefined && address !== undefined) names[fqdnOf(label, stamp)] = [address];
  }
  const operator = stampNetworks(stamp.number).operator;
  for (const { name, address, sources } of publishedEndpoints(stamp))
    if (!sources.every((prefix) => prefix === operator)) names[`${name}.${stamp.zone}`] = [address];
  return names;
}
