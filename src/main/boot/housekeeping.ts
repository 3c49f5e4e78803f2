/** What must be done in time with nobody asking: exemptions and just-in-time access that run out end, as changes that pass the gate; old usage is forgotten. */

import { exemptionLookMs, usageLookMs } from '#base/limits.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { forgetMeters } from '#engine/metering.ts';
import { endExemptions } from '#engine/reconcile/exemption-follower.ts';
import { endOpenings } from '#engine/reconcile/opening-follower.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';
import { jitPolicyType } from '#model/security/jit.ts';
import { clock, dice } from '#main/boot/process.ts';

/** Begins; the answer stops it. A turn that fails is told and tried again at the next. */
export function keepHouse(engine: StampEngine, onTrouble: (what: string, error: unknown) => void): () => void {
  let isBusy = false;
  const auditOf = (policy: string): AuditEntry => ({
    at: clock.now(),
    who: { tenant: engine.context('').stamp.tenantId, upn: 'the stamp' },
    from: 'stamp',
    operation: `${jitPolicyType}/write`,
    resource: policy,
    outcome: 'Succeeded',
    says: 'just-in-time access is over',
    correlationId: dice.guid(),
  });
  const parts = { view: () => engine.view(), gate: engine.gate, clock, auditOf };
  let forgetAt = 0;
  const forget = async (): Promise<void> => {
    if (clock.now() < forgetAt) return;
    const subscriptions = [...engine.view().ofType('Microsoft.Resources/subscriptions')].map(({ name }) =>
      name.toLowerCase(),
    );
    const isMore = await forgetMeters(engine.parts.store, subscriptions, clock.now());
    forgetAt = isMore ? 0 : clock.now() + usageLookMs;
  };
  const turn = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    await endExemptions(parts).catch((error: unknown) => onTrouble('ending exemptions', error));
    await endOpenings(parts).catch((error: unknown) => onTrouble('ending just-in-time access', error));
    await forget().catch((error: unknown) => onTrouble('forgetting old usage', error));
    isBusy = false;
  };
  const timer = setInterval(() => void turn(), exemptionLookMs);
  return () => clearInterval(timer);
}
