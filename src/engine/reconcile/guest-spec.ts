/** What a virtual machine's guest is made of, read from the model. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { parsePrefix, printAddress } from '#base/prefix.ts';
import { Fault } from '#base/wrong.ts';
import { hostNameOf } from '#model/compute/host-name.ts';
import { imageOf } from '#model/compute/image.ts';
import { sizeNamed } from '#model/compute/size.ts';
import { internalDomain } from '#model/infra.ts';
import type { Resource, StampFacts, View } from '#model/resource.ts';
import type { GuestAddress, GuestNic, GuestSpec } from '#engine/guest-port.ts';
import { guestKeyOf, type WantedGuest } from '#engine/reconcile/guest-follower.ts';

export type GuestMakerParts = {
  readonly stamp: StampFacts;
  readonly resolver: string;
  /** The first uid of the range that a slot owns. */
  readonly uidFirst: (slot: number) => number;
};

/** The largest packet a guest may send: the underlay carries 9000 bytes, its tunnel needs 50 (RFC 7348 §4.3), guests keep to Ethernet's 1500. */
const guestMtu = 1500;

/** Answers what a machine wants of the world. A machine that the model let through but that makes no sense here is a Fault. */
export function guestMaker(parts: GuestMakerParts): (machine: Resource, view: View) => WantedGuest {
  return (machine, view) => {
    const nics = nicsOf(machine, view);
    const internal = objectOf(machine.internal);
    const power = internal['power'];
    return {
      key: guestKeyOf(machine),
      power: power === 'stopped' || power === 'deallocated' ? power : 'running',
      marks: nics.map((nic) => numberOf(nic.internal, 'mark')),
      restarts: Number(internal['restarts'] ?? 0),
      spec: specOf(machine, nics, { view, parts }),
    };
  };
}

type At = { readonly view: View; readonly parts: GuestMakerParts };

function specOf(machine: Resource, nics: readonly Resource[], { view, parts }: At): GuestSpec {
  const properties = machine.properties;
  const osProfile = objectOf(properties['osProfile']);
  const internal = objectOf(machine.internal);
  const size = sizeNamed(String(objectOf(properties['hardwareProfile'])['vmSize'] ?? ''));
  const hash = internal['adminPasswordHash'];
  const customData = internal['customData'];
  return {
    // Its own id, not its name's: a machine made anew under the same name is another one.
    id: typeof internal['guid'] === 'string' ? internal['guid'] : machine.id,
    key: guestKeyOf(machine),
    hostname: hostNameOf(String(osProfile['computerName'] ?? machine.name)),
    image: { kind: imageKindOf(objectOf(objectOf(properties['storageProfile'])['imageReference']), parts.stamp) },
    uidFirst: parts.uidFirst(numberOf(machine.internal, 'slot')),
    cpuCount: size?.cores ?? 1,
    memoryMiB: size?.memoryMb ?? 1024,
    adminUsername: String(osProfile['adminUsername'] ?? 'azureuser'),
    sshPublicKeys: sshKeysOf(osProfile),
    ...(typeof hash === 'string' ? { adminPasswordHash: hash } : {}),
    ...(typeof customData === 'string' ? { customData } : {}),
    nics: nics.map((nic, index) => guestNic(nic, index, view)),
    resolver: parts.resolver,
    searchDomain: internalDomain(parts.stamp),
    ipForwarding: nics.some((nic) => nic.properties['enableIPForwarding'] === true),
  };
}

function imageKindOf(reference: JsonObject, stamp: StampFacts): 'lab' | 'debian-12' {
  const text = (key: string): string => String(reference[key] ?? '');
  const image = imageOf(
    { publisher: text('publisher'), offer: text('offer'), sku: text('sku'), version: text('version') },
    stamp,
  );
  return image?.guest === 'debian-12' ? 'debian-12' : 'lab';
}

/** The machine's NICs, the primary one first. */
function nicsOf(machine: Resource, view: View): Resource[] {
  const listed = arrayOf(objectOf(machine.properties['networkProfile'])['networkInterfaces']);
  const rows = listed.map((entry) => ({
    id: String(entry['id'] ?? ''),
    isPrimary: objectOf(entry['properties'])['primary'] === true,
  }));
  return rows
    .toSorted((left, right) => Number(right.isPrimary) - Number(left.isPrimary))
    .map(({ id }) => {
      const nic = view.get(id);
      if (nic === undefined) throw new Fault('NicMissing', `${machine.id} names the NIC ${id}, which does not exist.`);
      return nic;
    });
}

function guestNic(nic: Resource, index: number, view: View): GuestNic {
  const mac = objectOf(nic.internal)['mac'];
  return {
    name: `eth${index}`,
    mac: String(mac ?? ''),
    mtu: guestMtu,
    addresses: arrayOf(nic.properties['ipConfigurations']).flatMap((configuration) =>
      guestAddress(objectOf(configuration['properties']), view),
    ),
  };
}

/** IPv4 guests reach the subnet's first address; IPv6 guests fe80::1 (decision D3.4). */
function guestAddress(configuration: JsonObject, view: View): GuestAddress[] {
  const address = configuration['privateIPAddress'];
  const subnet = view.get(String(objectOf(configuration['subnet'])['id'] ?? ''));
  if (typeof address !== 'string' || subnet === undefined) return [];
  const isSix = address.includes(':');
  const prefix = prefixesOf(subnet)
    .map((text) => parsePrefix(text))
    .find((candidate) => (candidate.family === 6) === isSix);
  if (prefix === undefined) return [];
  const gateway = isSix ? 'fe80::1' : printAddress({ family: 4, value: prefix.first + 1n });
  return [{ address, gateway, prefixLength: prefix.length }];
}

function prefixesOf(subnet: Resource): string[] {
  const { addressPrefix, addressPrefixes } = subnet.properties;
  return [
    ...(typeof addressPrefix === 'string' ? [addressPrefix] : []),
    ...(Array.isArray(addressPrefixes) ? addressPrefixes.map(String) : []),
  ];
}

function sshKeysOf(osProfile: JsonObject): string[] {
  const ssh = objectOf(objectOf(osProfile['linuxConfiguration'])['ssh']);
  return arrayOf(ssh['publicKeys']).flatMap((key) => (typeof key['keyData'] === 'string' ? [key['keyData']] : []));
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function arrayOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}

function numberOf(value: Json | undefined, key: string): number {
  const found = objectOf(value)[key];
  if (typeof found !== 'number') throw new Fault('ModelIncomplete', `A resource has no internal ${key}.`);
  return found;
}
