/** What root on the host may ask about budgets and quarantines, and how the control plane follows what goes over budgets. */

import { Refusal } from '#base/wrong.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { lastFlows } from '#engine/containment/evidence.ts';
import { ContainmentFollower, quarantinedNic, quarantines, releaseNic } from '#engine/containment/follower.ts';
import type { SpentSource } from '#engine/containment/spent.ts';
import { budgetUse } from '#engine/containment/use.ts';
import type { FlowFiles } from '#engine/flow-logs/files.ts';
import { subscriptionOf } from '#engine/subscription.ts';
import { clock, dice } from '#main/boot/process.ts';
import type { Assembly } from '#main/boot/assembly.ts';

/** Where it comes from; absent in model mode, where no packet flows. */
export type ContainmentSource = { readonly source: SpentSource; readonly flowFiles: FlowFiles };

const action = 'Microsoft.Network/networkInterfaces/quarantine/action';

type By = { readonly tenant: string; readonly upn: string; readonly from: string };

function auditBy({ tenant, upn, from }: By): (nic: string, says: string) => AuditEntry {
  return (nic, says) => ({
    at: clock.now(),
    who: { tenant, upn },
    from,
    operation: action,
    resource: nic,
    outcome: 'Succeeded',
    says,
    correlationId: dice.guid(),
  });
}

/** Begins to follow; the answer stops it. */
export function containAbuse(
  { engine, store }: Assembly,
  { source, flowFiles }: ContainmentSource,
  onTrouble: (what: string, error: unknown) => void,
): () => void {
  const { tenantId } = engine.context('').stamp;
  const follower = new ContainmentFollower({
    source,
    view: () => engine.view(),
    gate: engine.gate,
    store,
    clock,
    flowsOf: (nic) => lastFlows(nic, { view: engine.view(), files: flowFiles, now: clock.now() }),
    auditOf: auditBy({ tenant: tenantId, upn: 'the stamp', from: 'stamp' }),
    onTrouble,
  });
  follower.start();
  return () => follower.stop();
}

/** The operator's methods. */
export function containmentMethods({ engine, store }: Assembly, held: ContainmentSource | undefined) {
  const { tenantId } = engine.context('').stamp;
  return {
    quarantines: () => ({ quarantines: quarantines(engine.view()) }),
    quarantine: (nic: string) => {
      const id = quarantinedNic(engine.view(), nic);
      return quarantines(engine.view()).find((one) => one.nic === id) ?? null;
    },
    release: async (nic: string) => {
      const parts = { view: () => engine.view(), gate: engine.gate, store, clock };
      const audit = auditBy({ tenant: tenantId, upn: 'root on the host', from: 'operator socket' });
      return { released: await releaseNic(nic, parts, audit) };
    },
    budgets: async (wanted?: string) => {
      const view = engine.view();
      const known = [...view.ofType('Microsoft.Resources/subscriptions')].map(({ id }) => subscriptionOf(id));
      if (wanted !== undefined && !known.includes(wanted.toLowerCase()))
        throw new Refusal('SubscriptionNotFound', `There is no subscription ${wanted.slice(0, 64)}.`, { status: 404 });
      const parts = { view, programs: await engine.programs(), held: (await held?.source.held()) ?? [] };
      const chosen = wanted === undefined ? known : [wanted.toLowerCase()];
      return {
        subscriptions: chosen.map((subscription) => ({ subscription, budgets: budgetUse(subscription, parts) })),
      };
    },
  };
}
