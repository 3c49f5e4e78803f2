/** What a client's connection proves of it: the certificate whose key it used in the handshake. */

import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const hashes = new WeakMap<Socket, { readonly hash: string | undefined }>();

/**
 * SHA-256 of the client's certificate as `x5t#S256` has it (RFC 8705 §3.1); undefined when it showed none. Its issuer is not
 * judged: what counts is that the hash is the one that was registered or bound, and TLS has made sure of the key.
 */
export function certificateHash(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = hashes.get(socket);
  if (known !== undefined) return known.hash;
  const raw = socket.getPeerX509Certificate()?.raw;
  const hash = raw === undefined ? undefined : createHash('sha256').update(raw).digest('base64url');
  hashes.set(socket, { hash });
  return hash;
}
