/** Lets just-in-time access end: the kernel closed it by its own clock; the model, and with it the programs, follow (decision D3.6). */

import type { AuditEntry } from '#engine/audit/entry.ts';
import type { Gate } from '#engine/gate/gate.ts';
import type { Clock } from '#engine/ports.ts';
import { subscriptionOf } from '#engine/subscription.ts';
import type { View } from '#model/resource.ts';
import { withoutExpired } from '#model/security/jit-request.ts';
import { jitPolicyType } from '#model/security/jit.ts';

/** Marks all openings whose time is over; answers of how many policies. Each is a change that passes the gate and is audited. */
export async function endOpenings({
  view,
  gate,
  clock,
  auditOf,
}: {
  readonly view: () => View;
  readonly gate: Pick<Gate, 'change'>;
  readonly clock: Pick<Clock, 'now'>;
  /** The entry that says so of a policy. */
  readonly auditOf: (policy: string) => AuditEntry;
}): Promise<number> {
  const over = [...view().ofType(jitPolicyType)].filter((policy) => withoutExpired(policy, clock.now()) !== undefined);
  for (const { id } of over) {
    await gate.change((draft) => {
      const policy = draft.get(id);
      const ended = policy === undefined ? undefined : withoutExpired(policy, clock.now());
      if (ended !== undefined) draft.put(ended);
      return { value: undefined, about: { subscription: subscriptionOf(id), audit: auditOf(id) } };
    });
  }
  return over.length;
}
