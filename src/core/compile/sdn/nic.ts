/** Network interfaces: what the compilers need of each attached one, and its port in the router of its VNet. */

import { Alike } from '#base/alike.ts';
import type { Family } from '#base/prefix.ts';
import { assert } from '#base/wrong.ts';
import { addressAt, familyOf, idAt, idsAt, numberAt, objectAt, parentId, partsAt, textAt } from '#compile/read.ts';
import { labelAddress } from '#model/network/label.ts';
import type { Resource } from '#model/resource.ts';
import { quarantineOf } from '#model/security/quarantine.ts';
import type { Port } from '#program/program.ts';

/** One address of a NIC. All ids are lower case. */
export type AddressFacts = {
  readonly address: string;
  readonly family: Family;
  readonly label: string;
  readonly subnet: string;
  readonly isPrimary: boolean;
  readonly publicIp: string | undefined;
  readonly pools: readonly string[];
  readonly natRules: readonly string[];
  readonly groups: readonly string[];
};

/** An attached NIC. All ids but `id` are lower case. */
export type NicFacts = {
  readonly id: string;
  readonly mark: number;
  readonly mac: string;
  readonly host: string;
  readonly forwarding: boolean;
  readonly vnet: string;
  readonly subnet: string;
  readonly nsg: string | undefined;
  /** A name of its own inside the VNet, beside that of its machine. */
  readonly dnsLabel: string | undefined;
  readonly addresses: readonly AddressFacts[];
  /** The subscription's GUID. */
  readonly subscription: string;
  /** Quarantined: it reaches nothing and nothing reaches it, but for the platform. */
  readonly isApart: boolean;
};

/** NICs lie in few networks: the id of each is one text, not one per NIC. */
const networks = new Alike<string>(1 << 14);

function network(id: string): string {
  return networks.of(id, () => id);
}

/** The facts of a NIC on a host; undefined as long as it has no number or no address. */
export function nicFacts(nic: Resource, host: string, stampNumber: number): NicFacts | undefined {
  const mark = numberAt(nic.internal, 'mark');
  const mac = textAt(nic.internal, 'mac');
  const addresses = partsAt(nic, 'ipConfigurations').flatMap(({ name, properties }) => {
    const address = addressAt(properties, 'privateIPAddress');
    const label = labelOf(nic, name);
    const subnet = idAt(properties, 'subnet');
    if (address === undefined || label === undefined || subnet === undefined) return [];
    return {
      address,
      family: familyOf(address),
      label: labelAddress(stampNumber, label, familyOf(address)),
      subnet: network(subnet),
      isPrimary: properties['primary'] === true,
      publicIp: idAt(properties, 'publicIPAddress'),
      pools: idsAt(properties, 'loadBalancerBackendAddressPools'),
      natRules: idsAt(properties, 'loadBalancerInboundNatRules'),
      groups: idsAt(properties, 'applicationSecurityGroups'),
    };
  });
  const [first] = addresses;
  if (mark === undefined || mac === undefined || first === undefined) return undefined;
  return {
    id: nic.id,
    mark,
    mac,
    host,
    forwarding: nic.properties['enableIPForwarding'] === true,
    vnet: network(parentId(first.subnet)),
    subnet: first.subnet,
    nsg: idAt(nic.properties, 'networkSecurityGroup'),
    dnsLabel: textAt(objectAt(nic.properties, 'dnsSettings'), 'internalDnsNameLabel'),
    addresses,
    subscription: network(nic.id.split('/')[2]?.toLowerCase() ?? ''),
    isApart: quarantineOf(nic) !== undefined,
  };
}

function labelOf(nic: Resource, name: string): number | undefined {
  const labels = objectAt(nic.internal, 'labels');
  const exact = numberAt(labels, name);
  if (exact !== undefined) return exact;
  const key = Object.keys(labels).find((other) => other.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : numberAt(labels, key);
}

/** Ids (lower case) of the NICs of a VM, and the host that it is placed on; no host, no port. */
export function attachmentsOf(vm: Resource): { readonly host: string | undefined; readonly nics: readonly string[] } {
  return {
    host: textAt(vm.internal, 'host'),
    nics: idsAt(objectAt(vm.properties, 'networkProfile'), 'networkInterfaces'),
  };
}

/** The MTU of every guest: the underlay is wider by far, so the tunnel costs nothing (Azure guests have 1,500 as well). */
const guestMtu = 1500;

/** What a port is judged by, found out by its VNet. */
export type PortPolicy = {
  readonly table: string;
  readonly inbound: readonly string[];
  readonly outbound: readonly string[];
};

/** The port of a NIC. */
export function compilePort(nic: NicFacts, { table, inbound, outbound }: PortPolicy): Port {
  const addresses = Object.fromEntries(nic.addresses.map(({ address, label }) => [address, { label }]));
  assert(Object.keys(addresses).length === nic.addresses.length, `NIC ${nic.id} has an address twice.`);
  return {
    nic: nic.id,
    mark: nic.mark,
    mac: nic.mac,
    mtu: guestMtu,
    addresses,
    forwarding: nic.forwarding,
    table,
    outbound,
    inbound,
  };
}

/** The name of a NIC's port. */
export function portName(mark: number): string {
  return `n${mark}`;
}
