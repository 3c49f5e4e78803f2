/** Lets exemptions from policies end: one that has run out is marked, and the mark passes the gate like any change (decision D2.1). */

import type { Gate } from '#engine/gate/gate.ts';
import type { Clock } from '#engine/ports.ts';
import { subscriptionOf } from '#engine/subscription.ts';
import { exemptionEnd, isSpent, spent } from '#model/authorization/policy-exemption.ts';
import { policyExemptionType } from '#model/authorization/policy-types.ts';
import type { View } from '#model/resource.ts';

/** Marks all exemptions whose time is over; answers how many. What they exempted counts from then on, as a finding where it is broken. */
export async function endExemptions({
  view,
  gate,
  clock,
}: {
  readonly view: () => View;
  readonly gate: Pick<Gate, 'change'>;
  readonly clock: Pick<Clock, 'now'>;
}): Promise<number> {
  const isOver = (end: number | undefined): boolean => end !== undefined && end <= clock.now();
  const over = [...view().ofType(policyExemptionType)].filter((one) => !isSpent(one) && isOver(exemptionEnd(one)));
  for (const { id } of over) {
    await gate.change((draft) => {
      const exemption = draft.get(id);
      if (exemption !== undefined) draft.put({ ...exemption, ...spent(exemption) });
      return { value: undefined, about: { subscription: subscriptionOf(id) } };
    });
  }
  return over.length;
}
