/** Source ports of shared addresses: each network interface reserves a block of them by its number, and a subscription may reserve so many. */

import { Refusal } from '#base/wrong.ts';
import { defaultBlockSize } from '#model/infra.ts';
import { allowanceOf } from '#model/plans/allowance.ts';
import type { View } from '#model/resource.ts';

const nicType = 'Microsoft.Network/networkInterfaces';

/** Ports that the interfaces of a subscription reserve, by its ARM id. */
export function snatPortsOf(view: Pick<View, 'ofType'>, subscriptionId: string): number {
  const start = `${subscriptionId.toLowerCase()}/`;
  let count = 0;
  for (const { id } of view.ofType(nicType)) if (id.toLowerCase().startsWith(start)) count += 1;
  return count * defaultBlockSize;
}

/** Refuses an interface that would reserve more than the plans of its subscription allow. */
export function checkSnatPorts(view: Pick<View, 'get' | 'ofType'>, nicId: string): void {
  const subscriptionId = nicId.split('/').slice(0, 3).join('/');
  const limit = allowanceOf(view, subscriptionId)?.get('maxSnatPortsPerSubscription');
  if (limit === undefined) return;
  const used = snatPortsOf(view, subscriptionId);
  if (used + defaultBlockSize <= limit) return;
  const message =
    `Cannot reserve more than ${limit} source ports (SNAT) for this subscription: each network interface reserves ${defaultBlockSize}, and ` +
    `${used} are reserved. Delete interfaces, or acquire a plan with a larger maxSnatPortsPerSubscription.`;
  throw new Refusal('SnatPortLimitReached', message, { target: nicId });
}
