/** The audit entry of a write: who submitted what from where, by which role, and how it ended. */

import { bounded } from '#engine/audit/audit.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { Caller, Submission } from '#engine/engine.ts';
import type { AccessIndex } from '#engine/gate/access-index.ts';
import { actionOf } from '#engine/gate/draw.ts';
import { isStampCaller } from '#engine/gate/own-caller.ts';

/** How it ended, and the stamp's time. */
export type Ending = Pick<AuditEntry, 'at' | 'outcome' | 'code' | 'says'>;

/** The entry, with texts cut to their limits. What was allowed tells the role and the scope that allowed it. */
export function submitted(
  submission: Submission,
  caller: Caller,
  { access, ...ending }: Ending & { readonly access: AccessIndex },
): AuditEntry {
  const operation = actionOf(submission);
  const resource = submission.request.id;
  return bounded({
    who: {
      oid: caller.oid,
      ...(caller.upn === undefined ? {} : { upn: caller.upn }),
      ...(caller.appId === undefined ? {} : { appid: caller.appId }),
      tenant: caller.tenantId,
    },
    from: caller.from,
    operation,
    resource,
    correlationId: caller.correlationId,
    requestId: caller.requestId,
    ...ending,
    ...(ending.outcome === 'Succeeded' ? allowedBy(access, caller, { operation, resource }) : {}),
  });
}

function allowedBy(
  access: AccessIndex,
  caller: Caller,
  { operation, resource }: { readonly operation: string; readonly resource: string },
): Pick<AuditEntry, 'allowed'> {
  if (isStampCaller(caller)) return {};
  const decision = access.decide(caller, operation, resource);
  if (decision.verdict !== 'allow') return {};
  return { allowed: { role: decision.role.roleName, scope: decision.assignment.scope } };
}
