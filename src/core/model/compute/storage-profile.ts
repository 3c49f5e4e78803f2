/** The disks of a VM's body: the image it starts from, its operating-system disk and its data disks. */

import type { JsonObject } from '#base/json.ts';
import { tryId } from '#model/arm-id.ts';
import type { Job } from '#model/job.ts';
import { tidy } from '#model/job.ts';
import { nameFault } from '#model/names.ts';
import {
  finish,
  flagOf,
  integerOf,
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
import { resolve } from '#model/reference.ts';
import type { Resource } from '#model/resource.ts';
import { attached, diskGbMax, diskSkus, diskType, holderOf, makeDisk } from '#model/compute/disk.ts';
import { imageOf, isWindows, type Image } from '#model/compute/image.ts';
import { cannotChange } from '#model/compute/os-profile.ts';

const cachings = ['None', 'ReadOnly', 'ReadWrite'] as const;

/** Keys of the tenant's own would be promised and not used. */
function skuIn(managed: Reader | undefined): string {
  if (managed === undefined) return 'Standard_LRS';
  if (member(managed, 'diskEncryptionSet') !== undefined)
    note(managed, 'diskEncryptionSet', 'disk encryption sets are not offered; leave the member out');
  return oneOf(managed, 'storageAccountType', diskSkus) ?? 'Standard_LRS';
}

/** The image that the body names; undefined when it is none of the stamp's (then noted). */
export function imageIn(job: Job): Image | undefined {
  const profile = partOf(job.properties, 'storageProfile');
  const reference = objectOf(profile, 'imageReference');
  const old = (job.before?.properties['storageProfile'] as JsonObject | undefined)?.['imageReference'] as
    | JsonObject
    | undefined;
  if (reference === undefined && old !== undefined) return imageOf(namedIn(old), job.context.stamp);
  if (reference === undefined) {
    missing(profile, 'imageReference');
    return undefined;
  }
  if (member(reference, 'id') !== undefined && member(reference, 'publisher') === undefined) {
    note(reference, 'id', 'images of your own are not offered; state publisher, offer, sku and version');
    return undefined;
  }
  const named = {
    publisher: textOf(reference, 'publisher', { required: true, lengthMax: 128 }) ?? '',
    offer: textOf(reference, 'offer', { required: true, lengthMax: 128 }) ?? '',
    sku: textOf(reference, 'sku', { required: true, lengthMax: 128 }) ?? '',
    version: textOf(reference, 'version', { lengthMax: 64 }) ?? 'latest',
  };
  const image = imageOf(named, job.context.stamp);
  if (image === undefined) {
    const words = `${named.publisher}:${named.offer}:${named.sku}:${named.version}`;
    note(profile, 'imageReference', {
      code: 'PlatformImageNotFound',
      message: `The platform image '${words}' is not available. Verify that all fields in the storage profile are correct; for example Debian:debian-12:12:latest is available.`,
    });
  }
  const changed =
    old !== undefined &&
    ['publisher', 'offer', 'sku'].some(
      (name) => String(old[name]).toLowerCase() !== named[name as 'offer'].toLowerCase(),
    );
  if (changed) note(profile, 'imageReference', cannotChange('imageReference'));
  return image;
}

function namedIn(old: JsonObject): { publisher: string; offer: string; sku: string; version: string } {
  const text = (name: string) => String(old[name] ?? '');
  return {
    publisher: text('publisher'),
    offer: text('offer'),
    sku: text('sku'),
    version: text('exactVersion') || text('version'),
  };
}

/** Reads and keeps the storage profile; disks that the body asks for are made. Throws what was collected as wrong. */
export function storageProfileOf(job: Job, image: Image | undefined, disksMax: number): JsonObject {
  const profile = partOf(job.properties, 'storageProfile');
  const os = osDiskOf(job, partOf(profile, 'osDisk'), image);
  const data = dataDisksOf(job, profile, disksMax);
  finish(job.body);
  const old = job.before?.properties['storageProfile'] as JsonObject | undefined;
  const stated = objectOf(profile, 'imageReference');
  const version = (stated && textOf(stated, 'version')) ?? 'latest';
  const named = image && {
    publisher: image.publisher,
    offer: image.offer,
    sku: image.sku,
    version,
    exactVersion: image.version,
  };
  return {
    imageReference: stated === undefined ? old?.['imageReference'] : named,
    osDisk: kept(job, os),
    dataDisks: data.map((one) => kept(job, one)),
  };
}

type Disk = {
  readonly shown: JsonObject;
  readonly make?: { id: string; properties: JsonObject; sku: string };
  readonly uses?: Resource;
};

function kept(job: Job, { shown, make }: Disk): JsonObject {
  if (make === undefined) return tidy(shown);
  const made = makeDisk(make, job);
  return tidy({ ...shown, managedDisk: { id: made.id, storageAccountType: make.sku } });
}

function diskId(job: Job, name: string): string {
  return `${tryId(job.id)?.scope ?? ''}/providers/Microsoft.Compute/disks/${name}`;
}

function osDiskOf(job: Job, reader: Reader, image: Image | undefined): Disk {
  const old = (job.before?.properties['storageProfile'] as JsonObject | undefined)?.['osDisk'] as
    | JsonObject
    | undefined;
  const option = oneOf(reader, 'createOption', ['FromImage', 'Attach', 'Empty']) ?? 'FromImage';
  if (option !== 'FromImage') note(reader, 'createOption', 'a machine starts from an image: FromImage is accepted');
  const name = diskNameOf(reader);
  if (old !== undefined) {
    if (name !== undefined && name !== old['name']) note(reader, 'name', cannotChange('osDisk.name'));
    return {
      shown: { ...old, ...tidy({ caching: oneOf(reader, 'caching', cachings), deleteOption: deleteOptionOf(reader) }) },
    };
  }
  const suffix = job.context.newGuid().replaceAll('-', '');
  const machine = job.id.slice(job.id.lastIndexOf('/') + 1);
  const vhd = objectOf(reader, 'vhd');
  const uri = vhd && textOf(vhd, 'uri', { required: true, lengthMax: 1024 });
  const managed = objectOf(reader, 'managedDisk');
  const sku = skuIn(managed);
  const osType = image !== undefined && isWindows(image) ? 'Windows' : 'Linux';
  const size = integerOf(reader, 'diskSizeGB', [1, diskGbMax]);
  const chosen = name ?? `${machine}_OsDisk_1_${suffix}`.slice(0, 80);
  const shown = {
    osType,
    name: chosen,
    createOption: 'FromImage',
    caching: oneOf(reader, 'caching', cachings) ?? 'ReadWrite',
    deleteOption: deleteOptionOf(reader),
    diskSizeGB: size,
  };
  if (uri !== undefined) return { shown: { ...shown, vhd: { uri } } };
  const id = diskId(job, chosen);
  if (job.draft.get(id) !== undefined) {
    note(reader, 'name', {
      code: 'ConflictingUserInput',
      message: `Disk '${chosen}' already exists in the resource group. Only CreateOption.Attach is supported for it; choose another name.`,
    });
  }
  return {
    shown,
    make: { id, sku, properties: { osType, creationData: { createOption: 'FromImage' }, diskSizeGB: size ?? 30 } },
  };
}

function deleteOptionOf(reader: Reader): string | undefined {
  return oneOf(reader, 'deleteOption', ['Delete', 'Detach']);
}

function diskNameOf(reader: Reader): string | undefined {
  const name = textOf(reader, 'name', { lengthMax: 80 });
  const fault = name === undefined || name === '' ? undefined : nameFault(diskType, name);
  if (fault !== undefined) note(reader, 'name', fault);
  return name === '' ? undefined : name;
}

function dataDisksOf(job: Job, profile: Reader, disksMax: number): Disk[] {
  const seen = new Set<number>();
  return (listOf(profile, 'dataDisks', disksMax) ?? []).map((reader) => {
    if (reader.members.has('lun') === false) missing(reader, 'lun');
    const lun = integerOf(reader, 'lun', [0, 63]) ?? -1;
    if (seen.has(lun))
      note(reader, 'lun', { code: 'InvalidParameter', message: `A disk at LUN ${lun} already exists.` });
    seen.add(lun);
    return dataDiskOf(job, reader, lun);
  });
}

function dataDiskOf(job: Job, reader: Reader, lun: number): Disk {
  const option = oneOf(reader, 'createOption', ['Empty', 'Attach', 'FromImage']) ?? 'Empty';
  const managed = objectOf(reader, 'managedDisk');
  const size = integerOf(reader, 'diskSizeGB', [1, diskGbMax]);
  const named = diskNameOf(reader);
  const common = {
    lun,
    caching: oneOf(reader, 'caching', cachings) ?? 'None',
    deleteOption: deleteOptionOf(reader),
    toBeDetached: flagOf(reader, 'toBeDetached') ?? false,
  };
  if (managed !== undefined && member(managed, 'id') !== undefined) {
    const found = resolve(job, managed, { types: [diskType] });
    const holder = found && holderOf(found, { view: job.draft, id: job.id });
    if (found !== undefined && holder !== undefined) throw attached(found, holder);
    return {
      shown: {
        ...common,
        name: found?.name,
        createOption: option,
        diskSizeGB: found?.properties['diskSizeGB'],
        managedDisk: { id: found?.id, storageAccountType: found?.sku?.['name'] },
      },
    };
  }
  if (option === 'Attach') missing(reader, 'managedDisk');
  const machine = job.id.slice(job.id.lastIndexOf('/') + 1);
  const name = named ?? `${machine}_disk${lun + 2}_${job.context.newGuid().replaceAll('-', '')}`.slice(0, 80);
  const vhd = objectOf(reader, 'vhd');
  const uri = vhd && textOf(vhd, 'uri', { required: true, lengthMax: 1024 });
  if (size === undefined && !reader.members.has('disksizegb')) missing(reader, 'diskSizeGB');
  const shown = { ...common, name, createOption: option, diskSizeGB: size };
  if (uri !== undefined) return { shown: { ...shown, vhd: { uri } } };
  const sku = skuIn(managed);
  return {
    shown,
    make: { id: diskId(job, name), sku, properties: { creationData: { createOption: 'Empty' }, diskSizeGB: size } },
  };
}
