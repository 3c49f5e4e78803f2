/** What must be done in time with nobody asking: exemptions that run out end, as changes that pass the gate. */

import { exemptionLookMs } from '#base/limits.ts';
import { endExemptions } from '#engine/reconcile/exemption-follower.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';
import { clock } from '#main/boot/process.ts';

/** Begins; the answer stops it. A turn that fails is told and tried again at the next. */
export function keepHouse(engine: StampEngine, onTrouble: (what: string, error: unknown) => void): () => void {
  let isBusy = false;
  const turn = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    try {
      await endExemptions({ view: () => engine.view(), gate: engine.gate, clock });
    } catch (error) {
      onTrouble('ending exemptions', error);
    } finally {
      isBusy = false;
    }
  };
  const timer = setInterval(() => void turn(), exemptionLookMs);
  return () => clearInterval(timer);
}
