/** A subscription that its operator has suspended can be read, and what is in it goes on being enforced; nothing of it is written. */

import { Refusal } from '#base/wrong.ts';
import { isStanding, subscriptionIdOf } from '#model/plans/ids.ts';
import type { View } from '#model/resource.ts';

/** Throws 409 ReadOnlyDisabledSubscription for a scope in a subscription that is disabled, 404 for one that is gone. */
export function checkEnabled(view: Pick<View, 'get'>, scope: string): void {
  const id = subscriptionIdOf(scope);
  const found = id === '' ? undefined : view.get(id);
  if (found === undefined) return;
  if (!isStanding(found) && scope.length > id.length) {
    const says = `The subscription '${found.name}' could not be found.`;
    throw new Refusal('SubscriptionNotFound', says, { status: 404 });
  }
  if (found.properties['state'] !== 'Disabled') return;
  const says = `The subscription '${found.name}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled.`;
  throw new Refusal('ReadOnlyDisabledSubscription', says, { status: 409, target: found.id });
}
