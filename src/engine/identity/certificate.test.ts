/** Tests of reading certificates: what is kept of one, and which are refused. */

import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createHash, webcrypto } from 'node:crypto';
import test from 'node:test';
import { X509CertificateGenerator } from '@peculiar/x509';
import { Refusal } from '#base/wrong.ts';
import { readCertificate } from '#engine/identity/certificate.ts';

const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength,
});

async function make(algorithm: ReturnType<typeof rsa> | { name: string; namedCurve: string; hash: string }) {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [notBefore, notAfter] = [new Date('2026-01-01T00:00:00Z'), new Date('2027-01-01T00:00:00Z')];
  const wanted = { name: 'CN=x', notBefore, notAfter, keys, signingAlgorithm: algorithm };
  return await X509CertificateGenerator.createSelfSigned(wanted, webcrypto);
}

test('of a certificate are kept its thumbprints, key and dates', async () => {
  const made = await make(rsa(2048));
  const read = readCertificate(made.toString('pem'), 'ci');
  const thumbprint = (hash: string) => createHash(hash).update(Buffer.from(made.rawData)).digest('base64url');
  assert.deepEqual([read.x5t, read.x5tS256], [thumbprint('sha1'), thumbprint('sha256')]);
  assert.deepEqual([read.startMs, read.endMs], [Date.UTC(2026, 0), Date.UTC(2027, 0)]);
  assert.match(read.publicKey, /^-----BEGIN PUBLIC KEY-----/);
});

test('what is no RSA certificate alone is refused with the reason', async () => {
  const good = (await make(rsa(2048))).toString('pem');
  const rows: [string, RegExp][] = [
    ['', /not a PEM certificate/],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /not a PEM certificate/],
    [good.repeat(20), /larger than/],
    [`${good}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----`, /private key/],
    [(await make(rsa(1024))).toString('pem'), /1024 bits, less than 2048/],
    [(await make({ name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' })).toString('pem'), /type ec/],
  ];
  for (const [pem, reason] of rows) {
    const isRight = (error: unknown) =>
      error instanceof Refusal && error.code === 'InvalidCertificate' && reason.test(error.message);
    assert.throws(() => readCertificate(pem, 'ci'), isRight, String(reason));
  }
});
