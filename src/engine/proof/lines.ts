/** What an audit entry keeps of a proof: which watched invariants the change broke, and what it made possible or impossible. */

import { auditTextMax } from '#base/limits.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { Judged } from '#engine/ports.ts';

/** The members for the entry; none when the change has no effect on any packet. */
export function proofLines({ noted, notedMore, blast }: Judged): Pick<AuditEntry, 'noted' | 'blast'> {
  const { gained, lost } = blast;
  return {
    ...(noted.length === 0
      ? {}
      : {
          noted: [
            ...noted.map(({ says, invariant }) => `${invariant.id}: ${says}`.slice(0, auditTextMax)),
            ...(notedMore === 0 ? [] : [`and ${notedMore} more`]),
          ],
        }),
    ...(gained.length === 0 && lost.length === 0 ? {} : { blast }),
  };
}
