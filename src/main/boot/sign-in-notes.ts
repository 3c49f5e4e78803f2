/** What sign-ins and refused tokens leave in the log and the audit: who, from where, why; never a token, and a flood only as a number. */

import { appendAudit } from '#engine/audit/audit.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { RefusalBudget } from '#engine/gate/refusal-budget.ts';
import type { Store } from '#engine/store/store.ts';
import type { RefusedToken } from '#engine/identity/presented.ts';
import type { SignInEvent } from '#faces/identity/identity.ts';
import { clock, dice, type Frame } from '#main/boot/process.ts';

export type Noting = {
  readonly log: Frame['log'];
  readonly store: Store;
  readonly tenantId: string;
  readonly onBug: (error: unknown) => void;
};

/** Logs and audits sign-ins; a flood of failing ones from one source is counted, not written line by line. */
export function signInNote({ log, store, tenantId, onBug }: Noting): (event: SignInEvent) => void {
  const refusals = new RefusalBudget();
  return (event) => {
    const leftOut = event.outcome === 'signed-in' ? 0 : leftOutBefore(refusals, event.source);
    if (leftOut === undefined) return;
    log.info({ event }, 'sign-in');
    appendAudit(store, '', signInAudit(event, tenantId, leftOut)).catch(onBug);
  };
}

/** How many refusals before this one were not written; undefined when this one is not written either. */
function leftOutBefore(refusals: RefusalBudget, source: string): number | undefined {
  const judged = refusals.judge(source, clock.now());
  return judged.verdict === 'write' ? judged.leftOut : undefined;
}

function told(says: string, leftOut: number): string {
  return leftOut === 0 ? says : `${says} (${leftOut} refusals before this one were not written one by one)`;
}

function signInAudit(event: SignInEvent, tenant: string, leftOut: number): AuditEntry {
  return {
    at: clock.now(),
    who: {
      ...(event.oid === undefined ? {} : { oid: event.oid }),
      ...(event.name === undefined ? {} : { upn: event.name }),
      ...(event.clientId === undefined ? {} : { appid: event.clientId }),
      tenant,
    },
    from: event.source,
    operation: `Microsoft.Identity/signIns/${event.flow}/action`,
    resource: '/',
    outcome: event.outcome === 'signed-in' ? 'Succeeded' : 'Refused',
    says: told(event.because, leftOut),
    correlationId: dice.guid(),
  };
}

/** Logs and audits tokens that a face refused, within a budget of each source. */
export function refusedTokenNote({ log, store, onBug }: Noting): (event: RefusedToken) => void {
  const refusals = new RefusalBudget();
  return (event) => {
    const leftOut = leftOutBefore(refusals, event.from);
    if (leftOut === undefined) return;
    log.info({ event }, 'a token was refused');
    appendAudit(store, '', {
      at: clock.now(),
      who: event.who,
      from: event.from,
      operation: 'Microsoft.Identity/tokens/present/action',
      resource: event.path,
      outcome: 'Refused',
      code: event.code,
      says: told(`${event.method}: ${event.because}`, leftOut),
      correlationId: event.correlationId,
      requestId: event.requestId,
    }).catch(onBug);
  };
}
