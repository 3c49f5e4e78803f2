/** Resource groups: a name, a location and tags. What lies in one goes before it (remove-group.ts). */

import { Refusal } from '#base/wrong.ts';
import { keepTracked, openJob, tidy } from '#model/job.ts';
import { mergingPatch } from '#model/merge-patch.ts';
import { textOf } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';

const resourceGroupType = 'Microsoft.Resources/resourceGroups';

export const resourceGroup: Noun = {
  type: resourceGroupType,

  write(write, draft, context) {
    const job = openJob(resourceGroupType, write, { draft, context });
    const managedBy = textOf(job.body, 'managedBy', { lengthMax: 2048 });
    if (job.before !== undefined && job.before.managedBy !== managedBy && managedBy !== undefined) {
      throw new Refusal(
        'ResourceGroupManagedByMismatch',
        `The managedBy of resource group ${job.before.name} cannot be changed.`,
        { status: 409, target: '/managedBy' },
      );
    }
    const manager = managedBy ?? job.before?.managedBy;
    return keepTracked(job, { properties: {}, ...(manager !== undefined && { managedBy: manager }) });
  },

  remove(resource, draft) {
    for (const { id } of draft.under(resource.id)) {
      if (id.toLowerCase() === resource.id.toLowerCase()) continue;
      throw new Refusal('ResourceGroupNotEmpty', `Resource group ${resource.name} still holds ${id}.`, {
        status: 409,
        target: id,
      });
    }
    draft.delete(resource.id);
  },

  show: ({ id, name, type, location, tags, managedBy }) =>
    tidy({ id, name, type, location, tags, managedBy, properties: { provisioningState: 'Succeeded' } }),

  patch: mergingPatch(() => resourceGroup, 'replaced'),
};
