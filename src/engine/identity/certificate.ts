/** Reads an application's certificate from PEM into the few facts that the directory keeps. */

import { createHash, X509Certificate } from 'node:crypto';
import { Refusal } from '#base/wrong.ts';
import type { CertificateCredential } from '#engine/identity/records.ts';

/** Longest PEM looked at: one certificate with a large key is well under it. */
const pemBytesMax = 16_384;

/**
 * Takes one PEM certificate with an RSA key of at least 2048 bits, the only kind that the clients' RS256 and PS256
 * assertions use. Names, issuer and chain are not judged: registering the certificate is what makes its key trusted, as
 * with Azure's application credentials. It stands alone in this file so that it can run in a process that is thrown away.
 */
export function readCertificate(pem: string, displayName: string): Omit<CertificateCredential, 'keyId'> {
  const wrong = (reason: string) =>
    new Refusal(
      'InvalidCertificate',
      `Cannot take the certificate: ${reason}; one PEM certificate with an RSA key is wanted.`,
      {
        target: 'certificate',
      },
    );
  if (pem.length > pemBytesMax) throw wrong(`it is larger than ${pemBytesMax} characters`);
  if (/PRIVATE KEY/.test(pem)) throw wrong('the text holds a private key, which must stay with its owner');
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw wrong('it is not a PEM certificate');
  }
  const key = certificate.publicKey;
  if (key.asymmetricKeyType !== 'rsa') throw wrong(`its key is of type ${key.asymmetricKeyType}`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < 2048) throw wrong(`its key has ${bits} bits, less than 2048`);
  if (bits > 8192) throw wrong(`its key has ${bits} bits, more than 8192`);
  const thumbprint = (hash: 'sha1' | 'sha256') => createHash(hash).update(certificate.raw).digest('base64url');
  return {
    displayName,
    x5t: thumbprint('sha1'),
    x5tS256: thumbprint('sha256'),
    publicKey: key.export({ type: 'spki', format: 'pem' }).toString(),
    startMs: certificate.validFromDate.getTime(),
    endMs: certificate.validToDate.getTime(),
  };
}
