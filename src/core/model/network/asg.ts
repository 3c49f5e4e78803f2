/** Application security groups: names for sets of NICs that rules speak of. */

import { Refusal } from '#base/wrong.ts';
import { keepTracked, openJob } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { showNetwork } from '#model/show.ts';

export const asgType = 'Microsoft.Network/applicationSecurityGroups';

export const asg: Noun = {
  type: asgType,

  write(write, draft, context) {
    const job = openJob(asgType, write, { draft, context });
    return keepTracked(job, { properties: {}, internal: job.before?.internal ?? { guid: context.newGuid() } });
  },

  remove(resource, draft) {
    const user = draft.referrersOf(resource.id)[0];
    if (user !== undefined) {
      throw new Refusal(
        'InUseApplicationSecurityGroupCannotBeDeleted',
        `Application security group ${resource.id} cannot be deleted because it is in use by ${user.id}.`,
        {
          target: resource.id,
        },
      );
    }
    draft.delete(resource.id);
  },

  show: (resource) => showNetwork(resource, { resourceGuid: resource.internal?.['guid'] }),
};
