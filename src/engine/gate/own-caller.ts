/** The stamp as a caller of its own gate. It is known by identity: no parsed text, token or header can ever become it. */

import type { Caller } from '#engine/engine.ts';

const own = new WeakSet<Caller>();

/** The stamp as its own caller: probes, migrations, the first subscription. Only code of ours can make one. */
export function stampCaller(tenantId: string, correlationId: string): Caller {
  const caller: Caller = Object.freeze({
    oid: '00000000-0000-0000-0000-000000000000',
    kind: 'stamp',
    tenantId,
    groups: [],
    from: 'stamp',
    correlationId,
    requestId: correlationId,
  });
  own.add(caller);
  return caller;
}

/** Is this the very object that `stampCaller` made? A caller that merely says so has no rights of the stamp. */
export function isStampCaller(caller: Caller): boolean {
  return own.has(caller);
}
