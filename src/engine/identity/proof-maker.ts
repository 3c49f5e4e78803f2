/** The client's side of DPoP: a key pair, and a proof of it for one request (RFC 9449 §4.2). */

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, SignJWT, type JWK } from 'jose';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import { hashOfToken } from '#engine/identity/dpop.ts';

/** A key that proofs are made with: P-256, for ES256. */
export type ProofKey = { readonly key: KeyObject; readonly jwk: JWK; readonly jkt: string };

/** A fresh private key as PEM (PKCS #8). */
export function generateProofKey(): Secret {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

/** Reads a private key that `generateProofKey` made. */
export async function readProofKey(pem: Secret): Promise<ProofKey> {
  const key = privateKeyOf(pem);
  if (key?.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Refusal('InvalidKeyFile', 'The key file must hold one private P-256 key as PEM (PKCS #8).', {
      target: '--key',
    });
  }
  const jwk = await exportJWK(createPublicKey(key));
  return { key, jwk, jkt: await calculateJwkThumbprint(jwk, 'sha256') };
}

function privateKeyOf(pem: Secret): KeyObject | undefined {
  try {
    return createPrivateKey(pem.reveal());
  } catch {
    return undefined;
  }
}

/** What a proof is made for. */
export type ProofWish = {
  readonly method: string;
  readonly url: string;
  readonly nonce?: string | undefined;
  /** The access token that goes with it. */
  readonly token?: string | undefined;
  readonly nowMs: number;
};

/** Signs a proof for one request. */
export async function makeProof({ key, jwk }: ProofKey, wish: ProofWish): Promise<string> {
  const { method, url, nonce, token, nowMs } = wish;
  const claims = {
    jti: randomUUID(),
    htm: method,
    htu: url.replace(/[?#].*$/s, ''),
    iat: Math.floor(nowMs / 1000),
    ...(nonce === undefined ? {} : { nonce }),
    ...(token === undefined ? {} : { ath: hashOfToken(token) }),
  };
  return await new SignJWT(claims).setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk }).sign(key);
}
