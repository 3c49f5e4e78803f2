/** Virtual machines: size, image, credentials, NICs and disks; where they run and whether they run. */

import { isObject, type JsonObject } from '#base/json.ts';
import { nicsPerVmMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Context, Draft, Resource } from '#model/resource.ts';
import { amend, keepTracked, openJob, zonesOf, type Job } from '#model/job.ts';
import { mergingPatch } from '#model/merge-patch.ts';
import type { Noun } from '#model/noun.ts';
import {
  finish,
  flagOf,
  listOf,
  member,
  missing,
  note,
  objectOf,
  oneOf,
  partOf,
  textOf,
  type Reader,
} from '#model/parse.ts';
import { idIn, reference, referenceOf, resolve } from '#model/reference.ts';
import { showPlain } from '#model/show.ts';
import { freeNumber, vmSlots } from '#model/network/free-number.ts';
import { machineOf, nic, vnetOf } from '#model/network/nic.ts';
import { availabilitySetType } from '#model/compute/availability-set.ts';
import { disk } from '#model/compute/disk.ts';
import { extension, extensionType } from '#model/compute/extension.ts';
import { isWindows } from '#model/compute/image.ts';
import { cannotChange, osProfileOf } from '#model/compute/os-profile.ts';
import { powerActions } from '#model/compute/power.ts';
import { hostFor, localHosts } from '#model/compute/placement.ts';
import { sizeNamed, sizes, showSizes, type Size } from '#model/compute/size.ts';
import { imageIn, storageProfileOf } from '#model/compute/storage-profile.ts';

const vmType = 'Microsoft.Compute/virtualMachines';

/** What a machine shall be; the engine starts and stops guests to match it. */
export type Power = 'running' | 'stopped' | 'deallocated';

export const vm: Noun = {
  type: vmType,

  write(write, draft, context) {
    const job = openJob(vmType, write, { draft, context });
    const size = sizeOf(job);
    const image = imageIn(job);
    const os = osProfileOf(job, { isWindows: image !== undefined && isWindows(image) });
    const set = availabilitySetOf(job);
    const interfaces = interfacesOf(job, size);
    const rest = restOf(job);
    finish(job.body);
    checkInterfaces(job, interfaces);
    const storageProfile = storageProfileOf(job, image, size?.disks ?? 0);
    const properties = {
      hardwareProfile: { vmSize: size?.name },
      storageProfile,
      osProfile: os.shown,
      networkProfile: { networkInterfaces: interfaces.map(({ link }) => link) },
      availabilitySet: reference(set),
      ...rest,
    };
    const zones = zonesOf(job.body);
    const placed = job.before?.internal ?? placementOf(job, set);
    const internal = { ...placed, ...(image && { image: image.guest, imageNote: image.note }), ...os.secrets };
    return keepTracked(job, { properties, internal, ...(zones && { zones }) });
  },

  remove(resource, draft, context) {
    for (const child of draft.childrenOf(resource.id, extensionType)) extension.remove(child, draft, context);
    draft.delete(resource.id);
    removeWith(resource, draft, context);
  },

  show(resource, view, context) {
    const extensions = view.childrenOf(resource.id, extensionType).map((child) => extension.show(child, view, context));
    return {
      ...showPlain(resource, {
        ...resource.properties,
        vmId: resource.internal?.['guid'],
        timeCreated: resource.createdAt,
      }),
      ...(extensions.length > 0 && { resources: extensions }),
    };
  },

  patch: mergingPatch(() => vm),

  actions: {
    ...powerActions,
    instanceView: { method: 'GET', run: (resource) => instanceView(resource) },
    vmSizes: { method: 'GET', run: () => ({ value: showSizes() }) },
  },
};

function sizeOf(job: Job): Size | undefined {
  const hardware = partOf(job.properties, 'hardwareProfile');
  const stated = textOf(hardware, 'vmSize', { lengthMax: 64 });
  // Azure's default when none is stated.
  const name =
    stated ??
    ((job.before?.properties['hardwareProfile'] as JsonObject | undefined)?.['vmSize'] as string | undefined) ??
    'Standard_A1_v2';
  const size = sizeNamed(name);
  if (size === undefined) {
    note(hardware, 'vmSize', {
      code: 'InvalidParameter',
      message: `The value ${name} provided for the VM size is not valid. The valid sizes in the current region are: ${sizes.map((one) => one.name).join(',')}.`,
    });
  }
  return size;
}

function availabilitySetOf(job: Job): Resource | undefined {
  const set = referenceOf(job, [job.properties, 'availabilitySet'], { types: [availabilitySetType] });
  const old = idIn(job.before?.properties['availabilitySet']);
  if (job.before !== undefined && set !== undefined && set.id.toLowerCase() !== old?.toLowerCase())
    note(job.properties, 'availabilitySet', cannotChange('availabilitySet.id'));
  return set ?? (old === undefined ? undefined : job.draft.get(old));
}

function restOf({ properties, body }: Job): JsonObject {
  for (const name of ['virtualMachineScaleSet', 'host', 'hostGroup', 'capacityReservation']) {
    if (member(properties, name) !== undefined)
      note(properties, name, 'this stamp does not offer it; leave the member out');
  }
  const identity = objectOf(body, 'identity');
  if (
    identity !== undefined &&
    oneOf(identity, 'type', ['None', 'SystemAssigned', 'UserAssigned', 'SystemAssigned, UserAssigned']) !== 'None'
  ) {
    note(body, 'identity', 'guests have no managed identity on this stamp; leave the member out');
  }
  checkSecurity(properties);
  const boot = objectOf(partOf(properties, 'diagnosticsProfile'), 'bootDiagnostics');
  return {
    ...(boot && {
      diagnosticsProfile: {
        bootDiagnostics: {
          enabled: flagOf(boot, 'enabled') ?? true,
          storageUri: textOf(boot, 'storageUri', { lengthMax: 1024 }),
        },
      },
    }),
    licenseType: textOf(properties, 'licenseType', { lengthMax: 64 }),
    priority: oneOf(properties, 'priority', ['Regular', 'Low', 'Spot']),
  };
}

/** What a guest would be promised and not get is refused; dropping it silently would be a lie. */
function checkSecurity(properties: Reader): void {
  const profile = partOf(properties, 'securityProfile');
  const kind = oneOf(profile, 'securityType', ['Standard', 'TrustedLaunch', 'ConfidentialVM']) ?? 'Standard';
  if (kind !== 'Standard')
    note(profile, 'securityType', `${kind} is not offered: guests have no firmware of their own; Standard is accepted`);
  if (flagOf(profile, 'encryptionAtHost') === true)
    note(profile, 'encryptionAtHost', 'encryption is a setting of the whole stamp here; leave the member out');
}

type Interface = { readonly nic: Resource; readonly link: JsonObject; readonly isPrimary: boolean };

function interfacesOf(job: Job, size: Size | undefined): Interface[] {
  const network = partOf(job.properties, 'networkProfile');
  if (member(network, 'networkInterfaceConfigurations') !== undefined)
    note(
      network,
      'networkInterfaceConfigurations',
      'make the network interface first and refer to it in networkInterfaces',
    );
  const stated = listOf(network, 'networkInterfaces', nicsPerVmMax);
  if (stated === undefined && job.before !== undefined && !job.properties.members.has('networkprofile'))
    return interfacesIn(job.before, job.draft);
  if (stated === undefined || stated.length === 0) {
    missing(network, 'networkInterfaces');
    return [];
  }
  const found = stated.flatMap((reader): Interface[] => {
    const target = resolve(job, reader, { types: ['Microsoft.Network/networkInterfaces'] });
    const properties = partOf(reader, 'properties');
    const isPrimary = flagOf(properties, 'primary') ?? flagOf(reader, 'primary') ?? false;
    const deleteOption = oneOf(properties, 'deleteOption', ['Delete', 'Detach']);
    if (target === undefined) return [];
    const isMain = stated.length === 1 || isPrimary;
    return [
      {
        nic: target,
        isPrimary: isMain,
        link: { id: target.id, properties: { primary: isMain, ...(deleteOption && { deleteOption }) } },
      },
    ];
  });
  if (size !== undefined && found.length > size.nics) {
    note(network, 'networkInterfaces', {
      code: 'NetworkInterfaceCountExceeded',
      message: `The number of network interfaces for virtual machine ${job.id.slice(job.id.lastIndexOf('/') + 1)} exceeds the maximum allowed for the virtual machine size ${size.name}. The number of network interfaces is ${found.length} and the maximum allowed is ${size.nics}.`,
    });
  }
  if (found.length > 1 && found.filter(({ isPrimary }) => isPrimary).length !== 1) {
    note(network, 'networkInterfaces', {
      code: 'VirtualMachineMustHaveOneNetworkInterfaceAsPrimary',
      message: 'Virtual machine must have one network interface set as the primary.',
    });
  }
  return found;
}

function interfacesIn(machine: Resource, draft: Draft): Interface[] {
  return linksIn(machine).flatMap((link) => {
    const target = draft.get(idIn(link) ?? '');
    return target === undefined
      ? []
      : [{ nic: target, link, isPrimary: (link['properties'] as JsonObject | undefined)?.['primary'] === true }];
  });
}

function linksIn(machine: Resource): JsonObject[] {
  const list = (machine.properties['networkProfile'] as JsonObject | undefined)?.['networkInterfaces'];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** NICs are free, of one VNet, each stated once, and do not change under a running machine. */
function checkInterfaces({ id, before, draft }: Job, interfaces: readonly Interface[]): void {
  const target = '/properties/networkProfile/networkInterfaces';
  const ids = new Set<string>();
  const networks = new Set<string | undefined>();
  for (const { nic: one } of interfaces) {
    const holder = machineOf(one, draft);
    if (holder !== undefined && holder.id.toLowerCase() !== id.toLowerCase()) {
      throw new Refusal('NicInUse', `Network Interface ${one.id} is used by existing resource ${holder.id}.`, {
        target,
      });
    }
    if (ids.has(one.id.toLowerCase()))
      throw new Refusal('InvalidParameter', `Network interface ${one.id} is stated twice.`, { target });
    ids.add(one.id.toLowerCase());
    networks.add(vnetOf(one));
  }
  if (networks.size > 1) {
    throw new Refusal(
      'NetworkInterfacesNotInSameVirtualNetwork',
      `All network interfaces of a virtual machine must be in one virtual network; they are in ${[...networks].join(' and ')}.`,
      { target },
    );
  }
  const old = before === undefined ? undefined : new Set(linksIn(before).map((link) => idIn(link)?.toLowerCase()));
  const changed = old !== undefined && (old.size !== ids.size || [...ids].some((one) => !old.has(one)));
  if (changed && before?.internal?.['power'] !== 'deallocated') {
    throw new Refusal(
      'AddingOrDeletingNetworkInterfacesOnARunningVirtualMachineNotSupported',
      `The network interfaces of ${id} change only while it is deallocated.`,
      { status: 409, target },
    );
  }
}

function placementOf({ draft, context }: Job, set: Resource | undefined): JsonObject {
  const slot = freeNumber(draft, vmSlots);
  const host = hostFor(draft, localHosts(context.stamp), set);
  if (host === undefined) {
    throw new Refusal(
      'AllocationFailed',
      'No host takes a virtual machine: each was tampered with and is not trusted until its operator says so.',
      { status: 409 },
    );
  }
  return {
    guid: context.newGuid(),
    host,
    slot,
    key: `g${slot}`,
    power: 'running',
  };
}

/** Disks and NICs that were made to go with their machine. */
function removeWith(resource: Resource, draft: Draft, context: Context): void {
  for (const link of linksIn(resource)) {
    const target = draft.get(idIn(link) ?? '');
    if (target !== undefined && (link['properties'] as JsonObject | undefined)?.['deleteOption'] === 'Delete')
      nic.remove(target, draft, context);
  }
  const storage = resource.properties['storageProfile'] as JsonObject | undefined;
  const data = storage?.['dataDisks'];
  for (const one of [storage?.['osDisk'], ...(Array.isArray(data) ? data : [])]) {
    const target =
      isObject(one) && one['deleteOption'] === 'Delete' ? draft.get(idIn(one['managedDisk']) ?? '') : undefined;
    if (target !== undefined) disk.remove(target, draft, context);
  }
}

/** Sets what a machine shall be: the pure part of `start`, `powerOff` and `deallocate`. */
export function setPower(machine: Resource, power: Power, world: { draft: Draft; context: Context }): Resource {
  if (machine.internal?.['power'] === power) return machine;
  return amend(machine, { internal: { ...machine.internal, power } }, world);
}

/** The instance view: `actual` is what the guest does now, where the caller knows it. */
export function instanceView({ internal, changedAt, properties }: Resource, actual?: Power): JsonObject {
  const power = actual ?? (internal?.['power'] as Power | undefined) ?? 'running';
  const note = internal?.['imageNote'];
  const statuses = [
    { code: 'ProvisioningState/succeeded', level: 'Info', displayStatus: 'Provisioning succeeded', time: changedAt },
    { code: `PowerState/${power}`, level: 'Info', displayStatus: `VM ${power}` },
    ...(typeof note === 'string'
      ? [{ code: 'ImageState/substituted', level: 'Warning', displayStatus: 'Another image runs', message: note }]
      : []),
  ];
  const os = properties['osProfile'] as JsonObject | undefined;
  return { computerName: os?.['computerName'], osName: internal?.['image'], disks: [], statuses };
}
