/** Keys that sign tokens: generated here, kept by the caller, published as a JWK set. */

import { exportJWK, generateKeyPair, calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from 'jose';
import { isObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';

/**
 * Key pairs as they are stored in a root-only file, newest first. The newest signs; all verify, so that tokens outlive a
 * change of keys. RS256 because every client and library of the Azure world takes it (EdDSA and ES256 are not among
 * MSAL's own), and it is the one algorithm that OpenID Connect Core §15.1 asks of every provider.
 */
export type StoredTokenKeys = { readonly version: 1; readonly keys: readonly JWK[] };

/** Keys ready for use. */
export type TokenKeys = {
  readonly kid: string;
  readonly signing: CryptoKey;
  readonly verifying: ReadonlyMap<string, CryptoKey>;
  /** The public JWK set (RFC 7517 §5), as `/adfs/discovery/keys` gives it. */
  readonly published: { readonly keys: readonly JWK[] };
};

export const tokenAlgorithm = 'RS256';

/** A fresh RSA key pair of 3072 bits (128-bit strength by NIST SP 800-57), to be stored by the caller. */
export async function generateTokenKeys(bits = 3072): Promise<StoredTokenKeys> {
  const { privateKey } = await generateKeyPair(tokenAlgorithm, { modulusLength: bits, extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(publicPart(jwk));
  return { version: 1, keys: [{ ...jwk, kid, alg: tokenAlgorithm, use: 'sig' }] };
}

/** The stored keys with a fresh one in front; keys behind the second are dropped, their tokens have long expired. */
export async function rotateTokenKeys(stored: StoredTokenKeys): Promise<StoredTokenKeys> {
  const fresh = await generateTokenKeys();
  return { version: 1, keys: [...fresh.keys, ...stored.keys.slice(0, 1)] };
}

/** Makes stored keys ready for use. What is not a key set of ours is a Fault. */
export async function importTokenKeys(stored: StoredTokenKeys): Promise<TokenKeys> {
  const [first] = isObject(stored) && stored.version === 1 ? stored.keys : [];
  if (first?.kid === undefined) throw new Fault('TokenKeysDamaged', 'The stored token keys cannot be read.');
  const verifying = new Map<string, CryptoKey>();
  const published: JWK[] = [];
  for (const jwk of stored.keys) {
    if (jwk.kid === undefined) throw new Fault('TokenKeysDamaged', 'A stored token key has no kid.');
    const open: JWK = { ...publicPart(jwk), kid: jwk.kid, alg: tokenAlgorithm, use: 'sig' };
    verifying.set(jwk.kid, await importKey(open));
    published.push(open);
  }
  return { kid: first.kid, signing: await importKey(first), verifying, published: { keys: published } };
}

function publicPart({ kty, n, e }: JWK): JWK {
  return { kty, n, e };
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
  try {
    const key = await importJWK(jwk, tokenAlgorithm);
    if (!(key instanceof Uint8Array)) return key;
  } catch (error) {
    throw new Fault('TokenKeysDamaged', 'A stored token key cannot be read.', error);
  }
  throw new Fault('TokenKeysDamaged', 'A stored token key is not an RSA key.');
}
