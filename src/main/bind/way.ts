/** The way in that `ringwall bind` opens on loopback: unmodified clients in front, the stamp and its demand for a key behind. */

import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bindRequestsMax } from '#base/identity-limits.ts';
import { bodyBytesMax, bodyWaitMs } from '#base/limits.ts';
import type { Json } from '#base/json.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { ProofKey } from '#engine/identity/proof-maker.ts';
import {
  ownAddresses,
  ownDiscovery,
  ownHeader,
  ownLinks,
  ownMetadata,
  plainToken,
  wantedOf,
  type Addresses,
  type Wanted,
} from '#main/bind/addresses.ts';
import { StampLine, type StampAnswer, type StampCall } from '#main/bind/stamp-call.ts';
import { createAuthority, issueCertificate } from '#main/boot/certificates.ts';

export type WayOptions = {
  readonly stamp: Addresses['stamp'];
  readonly key: ProofKey;
  /** The stamp's authority as PEM; without it that of the machine. */
  readonly ca?: string | undefined;
  /** 0 takes any. */
  readonly port: number;
  readonly secret: string;
};

/** An open way: what clients are told, and the authority that they must trust. */
export type Way = {
  readonly own: Addresses['own'];
  readonly port: number;
  readonly caPem: string;
  readonly close: () => Promise<void>;
};

/** 128 random bits, in lower case because az makes addresses so. */
export function freshSecret(): string {
  return randomBytes(16).toString('hex');
}

/** Opens it. The certificate is made now; its authority's key is forgotten at once and can sign nothing else. */
export async function openWay(options: WayOptions): Promise<Way> {
  const now = Date.now();
  const authority = await createAuthority('ringwall bind', now);
  const subject = { names: ['localhost'], addresses: ['127.0.0.1'], now };
  const { certificatePem, keyPem } = await issueCertificate(authority, subject);
  const server = createServer({ key: keyPem, cert: certificatePem, minVersion: 'TLSv1.2', requestTimeout: bodyWaitMs });
  server.maxConnections = bindRequestsMax * 2;
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await listen(server, options.port);
  const addresses = { stamp: options.stamp, own: ownAddresses(port, options.secret) };
  const line = new StampLine(options.key, options.ca);
  const way = { ...options, port, addresses, line, atWork: 0 };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => void serve(way, request, response));
  return {
    own: addresses.own,
    port,
    caPem: authority.certificatePem,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      line.close();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

type OpenWay = WayOptions & { readonly addresses: Addresses; readonly line: StampLine; atWork: number };

async function serve(way: OpenWay, request: IncomingMessage, response: ServerResponse): Promise<void> {
  way.atWork += 1;
  try {
    if (way.atWork > bindRequestsMax) throw new Refusal('Busy', 'Too many requests are at work.', { status: 503 });
    const wanted = admitted(way, request);
    const answer = await way.line.call(callOf(way, wanted, { request, body: await readBody(request) }));
    reply(request, response, changed(way, wanted, answer));
  } catch (error) {
    reply(request, response, failure(error));
  } finally {
    way.atWork -= 1;
  }
}

/**
 * A page in the operator's browser must not get in: its requests name their origin, or a name that was pointed here. Whoever
 * does not know the secret learns nothing, not even that there is one.
 */
function admitted({ port, secret }: OpenWay, request: IncomingMessage): Wanted {
  const hosts = request.headersDistinct['host'] ?? [];
  const isOurs = hosts.length === 1 && [`127.0.0.1:${port}`, `localhost:${port}`].includes(hosts[0] ?? '');
  const isOfPage = ['origin', 'sec-fetch-site', 'sec-fetch-mode'].some((name) => request.headers[name] !== undefined);
  const wanted = isOurs && !isOfPage ? wantedOf(request.url ?? '/', secret) : undefined;
  if (wanted === undefined) throw new Refusal('NotFound', 'Nothing is served here.', { status: 404 });
  return wanted;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > bodyBytesMax) {
      throw new Refusal('RequestEntityTooLarge', `The body is larger than ${bodyBytesMax} bytes.`, { status: 413 });
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** What concerns one connection only (RFC 9110 §7.6.1), what we say ourselves, and what would be believed of us. */
const leftOut = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'host', 'content-length', 'expect', 'accept-encoding', 'dpop', 'dpop-nonce'],
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'cookie', 'set-cookie'],
]);

function passed(headers: IncomingMessage['headers']): Record<string, string> {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    leftOut.has(name) || named.has(name) || typeof value !== 'string' ? [] : [[name, value] as const],
  );
  return Object.fromEntries(kept);
}

function callOf(
  { addresses: { stamp }, key }: OpenWay,
  { kind, path }: Wanted,
  { request, body }: { readonly request: IncomingMessage; readonly body: Buffer },
): StampCall {
  const { authorization, ...rest } = passed(request.headers);
  const headers = { ...rest, 'content-length': String(body.length) };
  const method = request.method ?? 'GET';
  if (kind !== 'arm') {
    // What the client says to the sign-in goes as it is; the stamp's own pages are for browsers and not served here.
    const url = `${new URL(stamp.login).origin}${path}`;
    const said = authorization === undefined ? headers : { ...headers, authorization };
    return { method, url, headers: said, body, ...(kind === 'token' ? { proof: {} } : {}) };
  }
  const url = `${stamp.management}${path}`;
  if (authorization === undefined) return { method, url, headers, body };
  const token = ownToken(authorization, key.jkt);
  if (token === undefined) return { method, url, headers: { ...headers, authorization }, body };
  return { method, url, headers: { ...headers, authorization: `DPoP ${token}` }, body, proof: { token } };
}

/** The token of the header, when it is bound to our key; whether it is good is the stamp's to say. */
function ownToken(authorization: string, jkt: string): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  const body = parsed(Buffer.from(token?.split('.')[1] ?? '', 'base64url')) as { cnf?: { jkt?: unknown } } | undefined;
  return body?.cnf?.jkt === jkt ? token : undefined;
}

function parsed(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

function changed({ addresses }: OpenWay, wanted: Wanted, { status, headers, body }: StampAnswer): StampAnswer {
  const own = Object.fromEntries(
    Object.entries(passed(headers)).map(([name, value]) => [name, ownHeader(name, value, addresses)]),
  );
  const isJson = /^application\/json\b/i.test(headers['content-type'] ?? '');
  const document = isJson ? parsed(body) : undefined;
  if (document === undefined) return { status, headers: own, body };
  const changedDocument = documentFor(wanted, document, addresses);
  return {
    status,
    headers: own,
    body: changedDocument === document ? body : Buffer.from(JSON.stringify(changedDocument)),
  };
}

function documentFor({ kind, path }: Wanted, document: Json, addresses: Addresses): Json {
  if (kind === 'token') return plainToken(document);
  if (kind === 'discovery') return ownDiscovery(document, addresses);
  if (kind !== 'arm') return document;
  return /^\/+metadata\/endpoints(?:\?|$)/i.test(path)
    ? ownMetadata(document, addresses)
    : ownLinks(document, addresses);
}

function failure(error: unknown): StampAnswer {
  const isKnown = error instanceof Refusal || error instanceof Fault;
  const status = error instanceof Refusal ? error.status : 502;
  const [code, message] = isKnown ? [error.code, error.message] : ['BindFailed', 'The request was cut off.'];
  const body = Buffer.from(JSON.stringify({ error: { code, message } }));
  return { status, headers: { 'content-type': 'application/json' }, body };
}

function reply(request: IncomingMessage, response: ServerResponse, { status, headers, body }: StampAnswer): void {
  if (response.headersSent || response.destroyed) return;
  const length = request.method === 'HEAD' || status === 204 || status === 304 ? {} : { 'content-length': body.length };
  const ending = request.complete ? {} : { connection: 'close' };
  response.writeHead(status, { ...headers, ...length, ...ending });
  response.end(request.method === 'HEAD' ? undefined : body);
}
