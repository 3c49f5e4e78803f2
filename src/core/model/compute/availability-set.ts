/** Availability sets: virtual machines that are kept apart on different hosts. */

import { Refusal } from '#base/wrong.ts';
import { keepTracked, openJob, skuOf } from '#model/job.ts';
import { mergingPatch } from '#model/merge-patch.ts';
import { integerOf, note } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { links, showPlain } from '#model/show.ts';

export const availabilitySetType = 'Microsoft.Compute/availabilitySets';

export const availabilitySet: Noun = {
  type: availabilitySetType,

  write(write, draft, context) {
    const job = openJob(availabilitySetType, write, { draft, context });
    const { before, properties } = job;
    const sku = skuOf(job.body, ['Classic', 'Aligned']);
    const stated = {
      platformUpdateDomainCount:
        integerOf(properties, 'platformUpdateDomainCount', [1, 20]) ??
        before?.properties['platformUpdateDomainCount'] ??
        5,
      platformFaultDomainCount:
        integerOf(properties, 'platformFaultDomainCount', [1, 3]) ??
        before?.properties['platformFaultDomainCount'] ??
        2,
    };
    for (const name of ['platformUpdateDomainCount', 'platformFaultDomainCount'] as const) {
      if (before === undefined || before.properties[name] === stated[name]) continue;
      note(properties, name, {
        code: 'PropertyChangeNotAllowed',
        message: `Changing property '${name}' is not allowed.`,
      });
    }
    return keepTracked(job, { properties: stated, sku });
  },

  remove(resource, draft) {
    if (draft.referrersOf(resource.id).length > 0) {
      throw new Refusal(
        'OperationNotAllowed',
        `Availability Set '${resource.name}' cannot be deleted. Before deleting an Availability Set please ensure that it does not contain any VM.`,
        { status: 409, target: resource.id },
      );
    }
    draft.delete(resource.id);
  },

  show(resource, view) {
    return showPlain(resource, {
      ...resource.properties,
      virtualMachines: links(view.referrersOf(resource.id).map(({ id }) => id)),
    });
  },

  patch: mergingPatch(() => availabilitySet),
};
