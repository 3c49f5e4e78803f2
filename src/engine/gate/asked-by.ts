/** Who asks, as the nouns are told. */

import type { Caller } from '#engine/engine.ts';
import type { Context } from '#model/resource.ts';

/** A name for records; a user also as one who can own something. */
export function askedBy({ oid, upn, appId, kind, tenantId }: Caller): Pick<Context, 'caller' | 'asker'> {
  const caller = upn ?? appId ?? oid;
  return kind === 'user' ? { caller, asker: { oid, upn: upn ?? oid, tenantId } } : { caller };
}
