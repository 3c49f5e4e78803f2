/** Managed disks: what a virtual machine starts from and keeps its data on. */

import { deepFreeze, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { keepTracked, newEtag, openJob, skuOf, tidy, zonesOf } from '#model/job.ts';
import { mergingPatch } from '#model/merge-patch.ts';
import { integerOf, member, missing, note, objectOf, oneOf, partOf, textOf } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import type { Context, Draft, Resource, View } from '#model/resource.ts';
import { showPlain } from '#model/show.ts';

export const diskType = 'Microsoft.Compute/disks';

/** Kinds of storage that clients name; all lie on the same disk here. */
export const diskSkus = [
  'Standard_LRS',
  'Premium_LRS',
  'StandardSSD_LRS',
  'UltraSSD_LRS',
  'Premium_ZRS',
  'StandardSSD_ZRS',
  'PremiumV2_LRS',
] as const;

export const diskGbMax = 32_767;

export const disk: Noun = {
  type: diskType,

  write(write, draft, context) {
    const job = openJob(diskType, write, { draft, context });
    const { name: sku } = skuOf(job.body, diskSkus);
    const creation = partOf(job.properties, 'creationData');
    const option = oneOf(creation, 'createOption', ['Empty', 'FromImage', 'Attach']);
    if (option === undefined && !creation.members.has('createoption')) missing(creation, 'createOption');
    const size = integerOf(job.properties, 'diskSizeGB', [1, diskGbMax]);
    const before = job.before?.properties['diskSizeGB'];
    if (size === undefined && !job.properties.members.has('disksizegb') && option === 'Empty')
      missing(job.properties, 'diskSizeGB');
    if (typeof before === 'number' && size !== undefined && size < before) {
      note(job.properties, 'diskSizeGB', {
        code: 'OperationNotAllowed',
        message: `A disk cannot become smaller: it has ${before} GB.`,
      });
    }
    const encryption = partOf(job.properties, 'encryption');
    if (member(encryption, 'diskEncryptionSetId') !== undefined)
      note(encryption, 'diskEncryptionSetId', 'disk encryption sets are not offered; leave the member out');
    const image = objectOf(creation, 'imageReference');
    const properties = {
      osType: oneOf(job.properties, 'osType', ['Linux', 'Windows']),
      creationData: {
        createOption: option,
        ...(image && { imageReference: { id: textOf(image, 'id', { lengthMax: 2048 }) } }),
      },
      diskSizeGB: size ?? before,
    };
    const zones = zonesOf(job.body);
    const internal = job.before?.internal ?? { guid: context.newGuid() };
    return keepTracked(job, { properties, sku: { name: sku }, internal, ...(zones && { zones }) });
  },

  remove(resource, draft) {
    const machine = draft.referrersOf(resource.id)[0];
    if (machine !== undefined) throw attached(resource, machine);
    draft.delete(resource.id);
  },

  show(resource, view) {
    const machine = view.referrersOf(resource.id)[0];
    const tier = String(resource.sku?.['name']).split('_')[0];
    return showPlain(
      { ...resource, sku: { ...resource.sku, tier }, ...(machine && { managedBy: machine.id }) },
      {
        ...resource.properties,
        timeCreated: resource.createdAt,
        uniqueId: resource.internal?.['guid'],
        diskState: machine === undefined ? 'Unattached' : 'Attached',
      },
    );
  },

  patch: mergingPatch(() => disk),
};

/** The refusal for a disk that another machine holds. */
export function attached(resource: Resource, machine: Resource): Refusal {
  return new Refusal('OperationNotAllowed', `Disk ${resource.name} is attached to VM ${machine.id}.`, {
    status: 409,
    target: resource.id,
  });
}

/** Makes the disk that a virtual machine's own body asks for; one that is there already is taken as it is. */
export function makeDisk(
  { id, properties, sku }: { id: string; properties: JsonObject; sku: string },
  world: { draft: Draft; context: Context },
): Resource {
  const { draft, context } = world;
  const known = draft.get(id);
  if (known !== undefined) return known;
  const made: Resource = deepFreeze({
    id,
    type: diskType,
    name: id.slice(id.lastIndexOf('/') + 1),
    location: context.stamp.location,
    sku: { name: sku },
    properties: tidy(properties),
    internal: { guid: context.newGuid() },
    etag: newEtag(context),
    createdAt: context.now,
    changedAt: context.now,
  });
  draft.put(made);
  return made;
}

/** The machine other than `id` that holds a disk. */
export function holderOf(resource: Resource, { view, id }: { view: View; id: string }): Resource | undefined {
  return view.referrersOf(resource.id).find((user) => user.id.toLowerCase() !== id.toLowerCase());
}
