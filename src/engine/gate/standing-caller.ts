/** A caller as it stands now: work that goes on after its request stops when the caller is revoked, and has the groups of now. */

import { Refusal } from '#base/wrong.ts';
import type { Caller } from '#engine/engine.ts';
import { isStampCaller } from '#engine/gate/own-caller.ts';

/** What the directory says of a principal at this moment; undefined when it is gone. */
export type PrincipalNow = (who: Pick<Caller, 'oid' | 'tenantId'>) =>
  | {
      readonly isEnabled: boolean;
      readonly tokensValidFromS: number;
      readonly groups: readonly string[];
    }
  | undefined;

/**
 * The caller with its groups of now, or a 401: switched off, removed, or its tokens ended since (a changed password). That its
 * token has run out meanwhile stops nothing: it was good when the work began, as in Azure.
 */
export function standingCaller(caller: Caller, principalNow: PrincipalNow | undefined): Caller {
  if (principalNow === undefined || isStampCaller(caller)) return caller;
  const now = principalNow(caller);
  const isEnded = caller.tokenIssuedS !== undefined && caller.tokenIssuedS < (now?.tokensValidFromS ?? 0);
  if (now?.isEnabled !== true || isEnded) {
    const says = 'The access of this principal has been revoked; what it began goes no further.';
    throw new Refusal('AuthenticationFailed', says, { status: 401 });
  }
  return { ...caller, groups: now.groups };
}
