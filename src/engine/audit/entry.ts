/** An audit entry: who did what to which resource, from where, and how it ended. */

import type { Blast } from '#verify/proof/verdict.ts';

/** Who acted, as far as the token said. An anonymous request has none of these. */
export type AuditWho = {
  readonly oid?: string;
  readonly upn?: string;
  readonly appid?: string;
  readonly tenant?: string;
};

/** One line of the audit. It is written in the same transaction as what it speaks of. */
export type AuditEntry = {
  /** Milliseconds since 1970, by the stamp's clock. */
  readonly at: number;
  readonly who: AuditWho;
  /** The caller's address. */
  readonly from?: string;
  /** As in Azure's activity log: `Microsoft.Network/virtualNetworks/write`. */
  readonly operation: string;
  readonly resource: string;
  readonly outcome: 'Succeeded' | 'Refused' | 'Failed';
  /** The error code, when refused or failed. */
  readonly code?: string;
  readonly says?: string;
  readonly correlationId: string;
  readonly requestId?: string;
  /** The role that allowed it, and the scope where that is assigned. */
  readonly allowed?: { readonly role: string; readonly scope: string };
  /** What the proof said: invariants that are only watched and were newly broken, one line each. */
  readonly noted?: readonly string[];
  /** What the change made possible or impossible, by name of resource: whoever shows it filters it by the reader's right. */
  readonly blast?: Blast;
};
