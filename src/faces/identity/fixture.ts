/** A running identity provider for tests: TLS on 127.0.0.1 with a throw-away certificate, a user, a program, a client. */

import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto } from 'node:crypto';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { SignJWT } from 'jose';
import { Secret } from '#base/secret.ts';
import { readCertificate } from '#engine/identity/certificate.ts';
import { openDirectory, type Directory } from '#engine/identity/directory.ts';
import { memoryStore } from '#engine/identity/memory-store.ts';
import type { ServicePrincipal, User } from '#engine/identity/records.ts';
import { addCertificate, addSecret, createServicePrincipal } from '#engine/identity/service-principals.ts';
import { generateTokenKeys, importTokenKeys, type TokenKeys } from '#engine/identity/token-keys.ts';
import { createUser } from '#engine/identity/users.ts';
import { identityFace } from '#faces/identity/face.ts';
import type { IdentityOptions, SignInEvent } from '#faces/identity/identity.ts';

export const az = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
export const arm = 'https://management.local.ringwall.internal';
export const password = 'violet anchor rides north';

/** One answer of the provider. */
export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; empty when it is none. */
  readonly json: Readonly<Record<string, unknown>>;
};

/** What a test works with. */
export type Fixture = {
  readonly base: string;
  readonly directory: Directory;
  readonly keys: TokenKeys;
  readonly clock: { ms: number };
  readonly events: SignInEvent[];
  readonly bugs: unknown[];
  readonly user: User;
  readonly application: ServicePrincipal;
  readonly secret: string;
  readonly key: webcrypto.CryptoKey;
  readonly x5t: string;
  readonly x5tS256: string;
  ask(
    method: string,
    path: string,
    sent?: { readonly body?: string; readonly headers?: Record<string, string> },
  ): Promise<Reply>;
  post(path: string, form: Record<string, string>): Promise<Reply>;
  token(form: Record<string, string>): Promise<Reply>;
  /** Over a connection with the program's registered certificate, and with one that nobody registered. */
  tokenWithCertificate(form: Record<string, string>): Promise<Reply>;
  tokenWithStrangerCertificate(form: Record<string, string>): Promise<Reply>;
  assertion(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
};

/** Starts it. Hashes cost little here: what they cost is not what these tests are about. */
export async function startFixture(more: Pick<IdentityOptions, 'networkBound'> = {}): Promise<Fixture> {
  const clock = { ms: Date.now() };
  const now = () => clock.ms;
  const cheap = { memoryKib: 64, passes: 1, lanes: 1 };
  const domain = 'local.ringwall.internal';
  const store = memoryStore();
  const directory = await openDirectory({ tenantId: 'tenant', domain, store, now, passwordCost: cheap });
  const keys = await importTokenKeys(await generateTokenKeys(2048));
  const [client, stranger] = await Promise.all([selfSigned('RSASSA-PKCS1-v1_5'), selfSigned('ECDSA')]);
  const user = await createUser(directory, {
    upn: `ann@${domain}`,
    displayName: 'Ann',
    password: new Secret(password),
  });
  const application = await createServicePrincipal(directory, { displayName: 'ci' });
  const { secret } = await addSecret(directory, application.id, { displayName: 'one', lifeMs: 86_400_000 });
  const certificate = readCertificate(client.pem, 'key');
  await addCertificate(directory, application.id, certificate);
  const { events, bugs }: { events: SignInEvent[]; bugs: unknown[] } = { events: [], bugs: [] };
  const { server, base, ca } = await listening();
  const face = identityFace({
    base,
    directory,
    keys,
    audiences: [arm, 'https://graph.local.ringwall.internal/'],
    now,
    note: (event) => events.push(event),
    onBug: (error) => bugs.push(error),
    ...more,
  });
  server.on('request', face);
  const ask: Fixture['ask'] = async (method, path, { body = '', headers = {} } = {}) =>
    await askServer({ base, tls: { ca }, method, path, body, headers });
  const post: Fixture['post'] = (path, form) =>
    ask('POST', path, { body: String(new URLSearchParams(form)), headers: formType });
  return {
    ...{ base, directory, keys, clock, events, bugs, user, application, key: client.key, ask, post },
    secret: secret.reveal(),
    x5t: certificate.x5t,
    x5tS256: certificate.x5tS256,
    token: (form) => post('/adfs/oauth2/token/?client-request-id=1', form),
    tokenWithCertificate: tokenOver(base, ca, client),
    tokenWithStrangerCertificate: tokenOver(base, ca, stranger),
    assertion: (claims = {}, header = {}) =>
      new SignJWT({
        ...{ iss: application.appId, sub: application.appId, aud: `${base}/adfs/oauth2/token/`, jti: 'j' },
        ...{ iat: now() / 1000, exp: now() / 1000 + 600, ...claims },
      })
        .setProtectedHeader({ alg: 'RS256', x5t: certificate.x5t, ...header })
        .sign(client.key),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const formType = { 'content-type': 'application/x-www-form-urlencoded' };

/** Asks for tokens over connections that show a certificate of the client's own. */
function tokenOver(base: string, ca: string, own: { readonly pem: string; readonly keyPem: string }): Fixture['token'] {
  const tls = { ca, cert: own.pem, key: own.keyPem };
  const path = '/adfs/oauth2/token/';
  return (form) =>
    askServer({ base, tls, method: 'POST', path, body: String(new URLSearchParams(form)), headers: formType });
}

/** A server with a certificate that it made itself; clients may show one of theirs. */
async function listening(): Promise<{ readonly server: Server; readonly base: string; readonly ca: string }> {
  const own = await selfSigned('ECDSA');
  const server = createServer({ key: own.keyPem, cert: own.pem, requestCert: true, rejectUnauthorized: false });
  return { server, base: await listen(server), ca: own.pem };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function askServer(asked: {
  readonly base: string;
  readonly tls: { readonly ca: string; readonly cert?: string; readonly key?: string };
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: Record<string, string>;
}): Promise<Reply> {
  const { base, tls, method, path, body, headers } = asked;
  return await new Promise<Reply>((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    // The path goes as it is: a URL object would tidy what the server has to stand.
    const { hostname: host, port } = new URL(base);
    const call = request({ host, port, path, method, ...tls, headers: { ...length, ...headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = (answer.headers['content-type'] ?? '').startsWith('application/json');
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text,
          json: isJson && text !== '' ? (JSON.parse(text) as Reply['json']) : {},
        });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** The S256 challenge of a verifier (RFC 7636 §4.2). */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

async function selfSigned(kind: 'ECDSA' | 'RSASSA-PKCS1-v1_5') {
  const algorithm =
    kind === 'ECDSA'
      ? { name: kind, namedCurve: 'P-256', hash: 'SHA-256' }
      : { name: kind, hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 };
  const pair = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=test',
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 86_400_000),
      keys: pair,
      signingAlgorithm: algorithm,
      extensions: [
        new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
        new BasicConstraintsExtension(true, 0, true),
      ],
    },
    webcrypto,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return {
    key: pair.privateKey,
    pem: certificate.toString('pem'),
    keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}
