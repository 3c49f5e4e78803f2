/** A public key in the one-line form of OpenSSH, for guests that nobody will sign in to. */

import { generateKeyPairSync } from 'node:crypto';

/** An RSA key, the kind that every az takes (RFC 4253 §6.6). */
export function sshKey(): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), field(number(e)), field(number(n))]);
  return `ssh-rsa ${blob.toString('base64')} peers`;
}

/** A positive number: a leading zero keeps its sign bit clear (RFC 4251 §5, mpint). */
function number(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  return (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}

function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
