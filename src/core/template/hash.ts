/** Deterministic names: uniqueString, guid (RFC 9562 version 5), and the hash of a template. */

import { createHash } from 'node:crypto';
import { canonical, type Json } from '#base/json.ts';

// Letters and digits that no one confuses; the first character of a host name may be any of them.
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Thirteen characters that depend on all of the texts (65 bits of their SHA-512). Not the characters that Azure gives. */
export function uniqueString(texts: readonly string[]): string {
  const digest = createHash('sha512').update(canonical(texts)).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 9)) bits = (bits << 8n) | BigInt(byte);
  return Array.from({ length: 13 }, (_, index) => alphabet[Number((bits >> BigInt(index * 5)) & 31n)] ?? '').join('');
}

// A namespace of our own: the same names give the same UUID on every stamp, and need not equal Azure's.
const namespace = Buffer.from('5c1f0d7e3b9a5e4c8d2a7f60b1e4c935', 'hex');

/** A name-based UUID (RFC 9562, version 5) of the texts joined by a hyphen, as ARM joins them. */
export function guidOf(texts: readonly string[]): string {
  const hash = createHash('sha1').update(namespace).update(texts.join('-')).digest().subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** What `calculateTemplateHash` answers (resources 2019-10-01): the template without blanks in capitals, and a 64-bit number. */
export function templateHash(template: Json): { readonly minifiedTemplate: string; readonly templateHash: string } {
  const minifiedTemplate = JSON.stringify(template).toUpperCase();
  const digest = createHash('sha256').update(minifiedTemplate).digest();
  return { minifiedTemplate, templateHash: digest.readBigUInt64BE(0).toString() };
}
