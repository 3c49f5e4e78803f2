/** Service principals: programs that sign in with a generated secret or with a certificate's key. */

import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { credentialsPerApplicationMax, signInFailuresPairMax, signInFailuresSourceMax } from '#base/identity-limits.ts';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import { attempt, type AttemptKey } from '#engine/identity/attempts.ts';
import {
  change,
  checkDisplayName,
  directoryHolding,
  nextSecond,
  refuseFull,
  type Directory,
} from '#engine/identity/directory.ts';
import type {
  Application,
  CertificateCredential,
  SecretCredential,
  ServicePrincipal,
} from '#engine/identity/records.ts';

/** Creates a service principal without credentials; it cannot sign in until it is given one. */
export async function createServicePrincipal(
  directory: Directory,
  wanted: { readonly displayName: string; readonly appId?: string },
): Promise<ServicePrincipal> {
  checkDisplayName(wanted.displayName);
  const appId = (wanted.appId ?? randomUUID()).toLowerCase();
  if (!guid.test(appId)) throw new Refusal('Request_BadRequest', 'The appId must be a GUID.', { target: 'appId' });
  return await change(directory, () => {
    refuseFull(directory);
    if (directory.directories.oidByAppId.has(appId)) throw takenAppId(appId);
    const application: ServicePrincipal = {
      kind: 'servicePrincipal',
      id: randomUUID(),
      appId,
      displayName: wanted.displayName,
      isEnabled: true,
      secrets: [],
      certificates: [],
      tokensValidFromS: 0,
      createdMs: directory.now(),
    };
    return { changes: [{ put: application }], result: application };
  });
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function takenAppId(appId: string): Refusal {
  return new Refusal('Request_ResourceExists', `The appId ${appId} is taken.`, { status: 409, target: 'appId' });
}

/** Generates a secret. It is given out here once and never kept: callers cannot choose one, so none is weak. */
export async function addSecret(
  directory: Directory,
  oid: string,
  wanted: { readonly displayName: string; readonly lifeMs: number },
): Promise<{ readonly keyId: string; readonly secret: Secret; readonly endMs: number }> {
  checkDisplayName(wanted.displayName);
  const secret = randomBytes(32).toString('base64url');
  const credential: SecretCredential = {
    keyId: randomUUID(),
    displayName: wanted.displayName,
    sha256: sha256(secret).toString('base64url'),
    startMs: directory.now(),
    endMs: directory.now() + wanted.lifeMs,
  };
  await change(directory, () => {
    const application = holderOf(directory, oid);
    refuseManyCredentials(application);
    const put = { ...application, secrets: [...application.secrets, credential] };
    return { changes: [{ put }], result: undefined };
  });
  return { keyId: credential.keyId, secret: new Secret(secret), endMs: credential.endMs };
}

/** Registers a certificate (read by `readCertificate`) whose key then signs the assertions of RFC 7523 §2.2. */
export async function addCertificate(
  directory: Directory,
  oid: string,
  certificate: Omit<CertificateCredential, 'keyId'>,
): Promise<{ readonly keyId: string }> {
  checkDisplayName(certificate.displayName);
  const credential: CertificateCredential = { ...certificate, keyId: randomUUID() };
  return await change(directory, () => {
    const application = holderOf(directory, oid);
    refuseManyCredentials(application);
    if (application.certificates.some((known) => known.x5tS256 === credential.x5tS256)) {
      throw new Refusal('Request_ResourceExists', 'This certificate is registered already.', { status: 409 });
    }
    const put = { ...application, certificates: [...application.certificates, credential] };
    return { changes: [{ put }], result: { keyId: credential.keyId } };
  });
}

/** Removes a secret or certificate; the tokens of the service principal that it was good for end with it. */
export async function removeCredential(directory: Directory, oid: string, keyId: string): Promise<void> {
  await change(directory, () => {
    const application = holderOf(directory, oid);
    const secrets = application.secrets.filter((known) => known.keyId !== keyId);
    const certificates = application.certificates.filter((known) => known.keyId !== keyId);
    if (secrets.length + certificates.length === application.secrets.length + application.certificates.length) {
      throw new Refusal('Request_ResourceNotFound', 'The service principal has no credential with this keyId.', {
        status: 404,
      });
    }
    const tokensValidFromS = nextSecond(directory);
    if (application.kind === 'servicePrincipal')
      return { changes: [{ put: { ...application, secrets, certificates, tokensValidFromS } }], result: undefined };
    const principals = [...directory.servicePrincipals.values()].filter(({ appId }) => appId === application.appId);
    const ended = principals.map((principal) => ({ put: { ...principal, tokensValidFromS } }));
    return { changes: [{ put: { ...application, secrets, certificates } }, ...ended], result: undefined };
  });
}

/** What has credentials: a service principal, or the application that it is registered as. */
function holderOf(directory: Directory, oid: string): ServicePrincipal | Application {
  const id = oid.toLowerCase();
  const holder = directory.servicePrincipals.get(id) ?? directory.applications.get(id);
  if (holder !== undefined) return holder;
  throw new Refusal(
    'Request_ResourceNotFound',
    `No service principal or application has the object id "${oid.slice(0, 64)}".`,
    { status: 404 },
  );
}

function refuseManyCredentials({ secrets, certificates }: ServicePrincipal | Application): void {
  if (secrets.length + certificates.length < credentialsPerApplicationMax) return;
  throw new Refusal(
    'CredentialQuotaExceeded',
    `A program has at most ${credentialsPerApplicationMax} credentials; remove one first.`,
    { status: 409 },
  );
}

/** A sign-in of a program: who it says it is, from where, and the proof that the caller of this function checks. */
export type ApplicationSignIn = {
  readonly appId: string;
  readonly source: string;
  readonly prove: (application: ServicePrincipal) => Promise<boolean>;
};

/** Signs a program in by whatever proof; unknown, switched off and unproved give one and the same answer. */
export async function signInApplication(
  directory: Directory,
  { appId, source, prove }: ApplicationSignIn,
): Promise<ServicePrincipal> {
  const { directories } = directory;
  const id = appId.toLowerCase().slice(0, 64);
  // No count by application alone: its secrets cannot be guessed, and anyone could lock it out by naming it.
  const keys: AttemptKey[] = [
    { name: `pair ${source} ${id}`, failuresMax: signInFailuresPairMax },
    { name: `source ${source}`, failuresMax: signInFailuresSourceMax },
  ];
  return await attempt(directory.attempts, keys, async () => {
    const oid = directories.oidByAppId.get(id) ?? '';
    const holder = directoryHolding(directories, oid);
    const application = holder?.servicePrincipals.get(oid);
    const isProved =
      holder !== undefined && application?.isEnabled === true && (await prove(withRegistered(holder, application)));
    if (application !== undefined && isProved) return application;
    throw new Refusal(
      'InvalidClient',
      `The client "${id}" is unknown, or its secret or certificate is wrong or has expired.`,
      { status: 401 },
    );
  });
}

/** The credentials of its registration are good for a service principal too. */
function withRegistered({ applications }: Directory, principal: ServicePrincipal): ServicePrincipal {
  for (const { appId, secrets, certificates } of applications.values()) {
    if (appId !== principal.appId) continue;
    return {
      ...principal,
      secrets: [...principal.secrets, ...secrets],
      certificates: [...principal.certificates, ...certificates],
    };
  }
  return principal;
}

/** Is the text one of the application's secrets that are valid now? All are compared, in constant time. */
export function secretIsValid(application: ServicePrincipal, secret: Secret, nowMs: number): boolean {
  const seen = sha256(secret.reveal());
  let isValid = false;
  for (const { sha256: kept, startMs, endMs } of application.secrets) {
    const isSame = timingSafeEqual(seen, Buffer.from(kept, 'base64url'));
    if (isSame && startMs <= nowMs && nowMs < endMs) isValid = true;
  }
  return isValid;
}

/** The certificate that a JWS header names by either thumbprint, when it is valid now. */
export function certificateNamed(
  application: ServicePrincipal,
  thumbprints: { readonly x5t?: string | undefined; readonly x5tS256?: string | undefined },
  nowMs: number,
): CertificateCredential | undefined {
  return application.certificates.find(
    (known) =>
      (known.x5tS256 === thumbprints.x5tS256 || (thumbprints.x5tS256 === undefined && known.x5t === thumbprints.x5t)) &&
      known.startMs <= nowMs &&
      nowMs < known.endMs,
  );
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
