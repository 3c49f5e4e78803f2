/** Which client calls the token endpoint, and its proof: none, a secret, or an assertion signed by its certificate's key. */

import { decodeProtectedHeader, errors, importSPKI, jwtVerify } from 'jose';
import { assertionLifeMaxS, tokenBytesMax } from '#base/identity-limits.ts';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import type { ServicePrincipal } from '#engine/identity/records.ts';
import { certificateNamed, secretIsValid, signInApplication } from '#engine/identity/service-principals.ts';
import type { ClientProof } from '#engine/identity/tokens.ts';
import { assertionAlgorithms, tokenEndpoint } from '#faces/identity/discovery.ts';
import type { Identity } from '#faces/identity/identity.ts';
import type { Asked } from '#faces/identity/request.ts';

/** A client that has proved what it can: a program anyone may run, or a service principal. */
export type Client =
  | { readonly kind: 'public'; readonly clientId: string; readonly displayName: string }
  | {
      readonly kind: 'confidential';
      readonly clientId: string;
      readonly application: ServicePrincipal;
      readonly proof: ClientProof;
      /** The registered certificate of the client's own connection: its tokens are bound to it (RFC 8705 §3). */
      readonly certificate: string | undefined;
    };

/** Programs that hold no secret and are known everywhere (their ids are Microsoft's own, built into the programs). */
const publicClients: ReadonlyMap<string, string> = new Map([
  ['04b07795-8ddb-461a-bbee-02f9e1bf7b46', 'Azure CLI'],
  ['1950a258-227b-4e31-a9cf-717495945fc2', 'Azure PowerShell'],
]);

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** The public client of this id, or a refusal. */
export function publicClient(clientId: string | undefined): Client & { readonly kind: 'public' } {
  const id = (clientId ?? '').toLowerCase();
  const displayName = publicClients.get(id);
  if (displayName === undefined) throw unknownClient();
  // The id is kept as sent: MSAL compares `aud` of the identity token with it to the letter.
  return { kind: 'public', clientId: clientId ?? '', displayName };
}

function unknownClient(): Refusal {
  return new Refusal('invalid_client', 'The client_id is missing or not that of a known program.', { status: 401 });
}

/** Finds out who the client is (RFC 6749 §2.3, RFC 7523 §2.2). It may prove itself in one way only. */
export async function readClient(identity: Identity, asked: Asked): Promise<Client> {
  const basic = readBasic(asked.authorization);
  const assertion = asked.form.get('client_assertion');
  const secret = asked.form.get('client_secret') ?? basic?.secret;
  const clientId = asked.form.get('client_id') ?? basic?.clientId ?? assertedClient(assertion);
  if (assertion !== undefined && secret !== undefined) {
    throw new Refusal('invalid_request', 'The client must prove itself by a secret or by an assertion, not by both.');
  }
  if (basic !== undefined && (clientId !== basic.clientId || asked.form.has('client_secret'))) {
    throw new Refusal(
      'invalid_request',
      'The Authorization header and the form name different clients or two secrets.',
    );
  }
  if (clientId === undefined) throw unknownClient();
  if (secret !== undefined) return await bySecret(identity, asked, { clientId, secret: new Secret(secret) });
  if (assertion !== undefined) return await byAssertion(identity, asked, { clientId, assertion });
  if (publicClients.has(clientId.toLowerCase())) return publicClient(clientId);
  if (asked.certificate !== undefined) return await byConnection(identity, asked, clientId);
  throw new Refusal('invalid_client', 'The client must prove itself by client_secret or client_assertion.', {
    status: 401,
  });
}

function readBasic(header: string | undefined): { clientId: string; secret: string } | undefined {
  if (header === undefined) return undefined;
  const encoded = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const cut = text.indexOf(':');
  const wrong = new Refusal(
    'invalid_request',
    'The Authorization header must be Basic with client_id and client_secret.',
  );
  if (cut < 1) throw wrong;
  try {
    const plain = (part: string) => decodeURIComponent(part.replaceAll('+', '%20'));
    return { clientId: plain(text.slice(0, cut)), secret: plain(text.slice(cut + 1)) };
  } catch {
    throw wrong;
  }
}

// RFC 7523 §3 makes client_id optional beside an assertion: the subject then names the client.
function assertedClient(assertion: string | undefined): string | undefined {
  const body = assertion?.split('.')[1] ?? '';
  try {
    const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
    const subject = typeof claims === 'object' && claims !== null && 'sub' in claims ? claims.sub : undefined;
    return typeof subject === 'string' ? subject : undefined;
  } catch {
    return undefined;
  }
}

async function bySecret(
  identity: Identity,
  { source, certificate }: Asked,
  { clientId, secret }: { readonly clientId: string; readonly secret: Secret },
): Promise<Client> {
  const application = await signInApplication(identity.directory, {
    appId: clientId,
    source,
    prove: async (candidate) => secretIsValid(candidate, secret, identity.now()),
  });
  return confidential(identity, application, { proof: 'secret', certificate });
}

function confidential(
  identity: Identity,
  application: ServicePrincipal,
  { proof, certificate }: { readonly proof: ClientProof; readonly certificate: string | undefined },
): Client {
  const isOwn = certificateIsValid(identity, application, certificate);
  const { appId: clientId } = application;
  return { kind: 'confidential', clientId, application, proof, certificate: isOwn ? certificate : undefined };
}

function certificateIsValid(identity: Identity, application: ServicePrincipal, hash: string | undefined): boolean {
  return hash !== undefined && certificateNamed(application, { x5tS256: hash }, identity.now()) !== undefined;
}

/** The client proves itself by its connection alone: `self_signed_tls_client_auth` (RFC 8705 §2.2). */
async function byConnection(identity: Identity, { source, certificate }: Asked, clientId: string): Promise<Client> {
  const application = await signInApplication(identity.directory, {
    appId: clientId,
    source,
    prove: (candidate) => Promise.resolve(certificateIsValid(identity, candidate, certificate)),
  });
  return confidential(identity, application, { proof: 'certificate', certificate });
}

async function byAssertion(
  identity: Identity,
  { source, form, certificate }: Asked,
  { clientId, assertion }: { readonly clientId: string; readonly assertion: string },
): Promise<Client> {
  if (form.get('client_assertion_type') !== assertionType) {
    throw new Refusal('invalid_request', `The client_assertion_type must be ${assertionType}.`);
  }
  const application = await signInApplication(identity.directory, {
    appId: clientId,
    source,
    prove: async (candidate) => await assertionIsValid(identity, candidate, { clientId, assertion }),
  });
  return confidential(identity, application, { proof: 'certificate', certificate });
}

/**
 * Checks an assertion: signed by the key of a registered certificate, made for this token endpoint, short-lived.
 * Its `jti` may come again within its life: both MSALs keep an assertion for minutes and send it for each audience, and
 * it travels to this endpoint alone, inside TLS (RFC 7523 §3 leaves the check to the server).
 */
async function assertionIsValid(
  identity: Identity,
  application: ServicePrincipal,
  { clientId, assertion }: { readonly clientId: string; readonly assertion: string },
): Promise<boolean> {
  if (assertion.length > tokenBytesMax) return false;
  try {
    const { alg = '', x5t, 'x5t#S256': x5tS256 } = decodeProtectedHeader(assertion);
    const thumbprints = { x5t: thumbprintOf(x5t), x5tS256: thumbprintOf(x5tS256) };
    const certificate = certificateNamed(application, thumbprints, identity.now());
    if (certificate === undefined || !assertionAlgorithms.includes(alg)) return false;
    const endpoint = tokenEndpoint(identity.base);
    const { payload } = await jwtVerify(assertion, await importSPKI(certificate.publicKey, alg), {
      algorithms: [alg],
      audience: [endpoint, endpoint.slice(0, -1)],
      issuer: clientId,
      subject: clientId,
      currentDate: new Date(identity.now()),
      clockTolerance: 60,
      requiredClaims: ['exp', 'jti'],
    });
    return (payload.exp ?? 0) <= identity.now() / 1000 + assertionLifeMaxS;
  } catch (error) {
    // What cannot be decoded or does not verify is a wrong proof; anything else is ours and must be seen.
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError) return false;
    throw error;
  }
}

// RFC 7515 §2 wants base64url without padding; MSAL for Python pads its thumbprints all the same.
function thumbprintOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.replace(/=+$/, '') : undefined;
}
