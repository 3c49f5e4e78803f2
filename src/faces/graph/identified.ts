/** Who asks Graph: the token's principal, when whoever presents the token may. */

import type { IncomingMessage } from 'node:http';
import { certificateHash } from '#engine/identity/connection.ts';
import type { Proofs } from '#engine/identity/dpop.ts';
import { presented } from '#engine/identity/presented.ts';
import { TokenRefusal, type Principal } from '#engine/identity/verify-token.ts';
import type { Asked } from '#faces/graph/asked.ts';
import type { GraphOptions } from '#faces/graph/call.ts';

/** A request whose caller is looked for. `id`: how the answer calls it. */
export type Identifying = {
  readonly options: GraphOptions;
  readonly proofs: Proofs;
  readonly request: IncomingMessage;
  readonly asked: Asked;
  readonly id: string;
};

/** The caller, or a 401; what is refused is told, never the token. A token that is bound is held to its key, certificate or network. */
export async function callerOf(identifying: Identifying): Promise<Principal> {
  const { options, proofs, request, asked, id } = identifying;
  const path = (request.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '').replace(/[?#].*$/s, '');
  const demand = {
    authorization: asked.authorization,
    proofs: request.headersDistinct['dpop'] ?? [],
    method: asked.method,
    url: `${options.base}${path.startsWith('/') ? path : `/${path}`}`,
    certificate: certificateHash(request.socket),
    from: asked.source,
  };
  try {
    return await presented(demand, { verify: options.verify, proofs, wantsBound: false });
  } catch (error) {
    if (error instanceof TokenRefusal && error.code !== 'UseDpopNonce') {
      const { who, code, message: because } = error;
      const about = { method: asked.method, path, correlationId: asked.clientRequestId ?? id, requestId: id };
      options.noteRefused?.({ who, from: asked.source, code, because, ...about });
    }
    throw error;
  }
}
