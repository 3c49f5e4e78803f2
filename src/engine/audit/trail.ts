/** The audit as faces read it: newest first, by scope. */

import type { AuditTrail } from '#engine/engine.ts';
import { listAudit } from '#engine/audit/audit.ts';
import type { Store } from '#engine/store/store.ts';

/** Binds the trail to the store. */
export function auditTrail(store: Store): AuditTrail {
  return {
    list({ scope, limit }) {
      const { lines } = listAudit(store, scope === undefined ? {} : { resource: scope }, { limit });
      return lines
        .filter(({ entry }) => scope === undefined || lies(entry.resource, scope))
        .map(({ entry, sequence }) => ({ ...entry, sequence }));
    },
  };
}

/** Is the resource the scope or below it? `listAudit` matches from the start, also in the middle of a name. */
function lies(resource: string, scope: string): boolean {
  const [inner, outer] = [resource.toLowerCase(), scope.toLowerCase()];
  return inner === outer || inner.startsWith(`${outer}/`);
}
