/** The audit as faces read it: newest first, by subscription and time. */

import type { AuditTrail } from '#engine/engine.ts';
import { pageAudit } from '#engine/audit/audit.ts';
import type { Store } from '#engine/store/store.ts';

/** Binds the trail to the store. */
export function auditTrail(store: Pick<Store, 'auditsIn'>): AuditTrail {
  return { page: (span, wish) => pageAudit(store, span, wish) };
}
