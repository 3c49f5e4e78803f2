/** Delegated providers: who may be given offers to hand on. */

import { typeOfId } from '#model/arm-id.ts';
import { textsIn } from '#model/plans/ids.ts';
import { delegationQuotaType } from '#model/plans/quota.ts';
import type { Resource, View } from '#model/resource.ts';

/** Does a plan of the subscription have the quota of the subscriptions service? */
export function isDelegatedProvider(subscription: Resource, view: Pick<View, 'get'>): boolean {
  return textsIn(subscription, 'plans').some((id) => {
    const plan = view.get(id);
    return plan !== undefined && textsIn(plan, 'quotaIds').some((quota) => typeOfId(quota) === delegationQuotaType);
  });
}
