/** The proof record: what `proofd` signs and `netd` demands before it touches the kernel (decision D1). */

import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { canonical } from '#base/json.ts';

/**
 * Binds a revision to the programs it allows. `base` and `root` are digests (`digestOf`) of all programs before and after;
 * `invariants` is the digest of the invariant set in force.
 */
export type ProofRecord = {
  readonly stamp: number;
  readonly revision: number;
  readonly base: string;
  readonly root: string;
  readonly invariants: string;
};

/** Signs a record with the prover's Ed25519 key; base64. */
export function signRecord(record: ProofRecord, key: KeyObject): string {
  return sign(null, Buffer.from(canonical(record)), key).toString('base64');
}

/** Longer than any member of a record, or than a signature in base64. */
const memberMax = 200;

/** Has it the members of a record and no others, and a signature's length? Asked before anything else is done with what somebody sent. */
export function isRecordLike(record: ProofRecord, signature: string): boolean {
  const isShort = (value: unknown): boolean => typeof value === 'string' && value.length <= memberMax;
  if (typeof record !== 'object' || record === null || !isShort(signature)) return false;
  const { stamp, revision, base, root, invariants, ...rest } = record;
  const areNumbers = typeof stamp === 'number' && typeof revision === 'number';
  return areNumbers && [base, root, invariants].every(isShort) && Object.keys(rest).length === 0;
}

/** Is this the prover's signature on this record? */
export function isSigned(record: ProofRecord, signature: string, key: KeyObject): boolean {
  if (!isRecordLike(record, signature)) return false;
  return verify(null, Buffer.from(canonical(record)), key, Buffer.from(signature, 'base64'));
}

/** A fresh pair of PEM texts for the prover and its pin. */
export function generateProverKeys(): { privatePem: string; publicPem: string } {
  const pair = generateKeyPairSync('ed25519');
  return {
    privatePem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** Reads the private PEM. */
export function readPrivateKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}

/** Reads the public PEM. */
export function readPublicKey(pem: string): KeyObject {
  return createPublicKey(pem);
}
