/** Network watchers: the place that diagnostics are asked of; the stamp has them per subscription. */

import { Refusal } from '#base/wrong.ts';
import { tryId } from '#model/arm-id.ts';
import { keepTracked, openJob } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { flowLog, flowLogType } from '#model/network/flow-log.ts';
import { showNetwork } from '#model/show.ts';

const networkWatcherType = 'Microsoft.Network/networkWatchers';

export const networkWatcher: Noun = {
  type: networkWatcherType,

  write(write, draft, context) {
    const job = openJob(networkWatcherType, write, { draft, context });
    const own = tryId(job.id)?.subscription?.toLowerCase();
    for (const other of draft.ofType(networkWatcherType)) {
      if (job.before !== undefined || tryId(other.id)?.subscription?.toLowerCase() !== own) continue;
      throw new Refusal(
        'NetworkWatcherCountLimitReached',
        `Cannot create more than 1 network watchers for this subscription in this region: ${other.id} exists.`,
      );
    }
    return keepTracked(job, { properties: {} });
  },

  remove(resource, draft, context) {
    for (const child of draft.childrenOf(resource.id, flowLogType)) flowLog.remove(child, draft, context);
    draft.delete(resource.id);
  },

  show: (resource) => showNetwork(resource, {}),
};
