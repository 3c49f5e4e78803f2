/** Reads a request to the identity provider: path, query and form, each bounded and each parameter at most once. */

import type { IncomingMessage } from 'node:http';
import { identityBodyBytesMax, identityBodyWaitMs, identityParametersMax } from '#base/identity-limits.ts';
import { prefixOf, printPrefix, tryAddress } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { certificateHash } from '#engine/identity/connection.ts';

/** Parameters of a query or form; absent and empty are the same (RFC 6749 §3.1). */
export type Parameters = ReadonlyMap<string, string>;

/** A request as the endpoints see it. */
export type Asked = {
  readonly method: string;
  /** Lower case, single slashes, none at the end. */
  readonly path: string;
  readonly query: Parameters;
  readonly form: Parameters;
  readonly authorization: string | undefined;
  /** The path as it was sent: a proof is made for it (RFC 9449 §4.2). */
  readonly sentPath: string;
  /** All `DPoP` headers; more than one is refused by whoever reads them. */
  readonly proofs: readonly string[];
  /** SHA-256 of the certificate of the client's connection, base64url; its key was used in the handshake. */
  readonly certificate: string | undefined;
  /** Where it comes from, as failures are counted: an IPv4 address, or the /64 of an IPv6 one. */
  readonly source: string;
};

/** Reads the request; refuses what is too large, too slow, no form, or sent by another site's page. */
export async function readAsked(request: IncomingMessage): Promise<Asked> {
  const url = request.url ?? '/';
  const cut = url.indexOf('?');
  const path = cut < 0 ? url : url.slice(0, cut);
  const method = request.method ?? 'GET';
  return {
    method,
    path: path
      .toLowerCase()
      .replace(/\/{2,}/g, '/')
      .replace(/\/$/, ''),
    query: parseParameters(cut < 0 ? '' : url.slice(cut + 1)),
    form: method === 'POST' ? await readForm(request) : new Map(),
    sentPath: path,
    proofs: request.headersDistinct['dpop'] ?? [],
    certificate: certificateHash(request.socket),
    authorization: request.headers.authorization,
    source: sourceOf(request.socket.remoteAddress),
  };
}

/** Parses `application/x-www-form-urlencoded` text. A parameter that comes twice is refused (RFC 6749 §3.1). */
function parseParameters(text: string): Parameters {
  const parameters = new Map<string, string>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > identityParametersMax) throw invalid(`There are more than ${identityParametersMax} parameters`);
    if (value === '') continue;
    if (parameters.has(name)) throw invalid(`The parameter "${printable(name)}" comes more than once`);
    parameters.set(name, value);
  }
  return parameters;
}

/** Text as a description may show it: short, and of the signs that RFC 6749 §5.2 allows. */
export function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}

function invalid(reason: string, status = 400): Refusal {
  return new Refusal('invalid_request', `${reason}.`, { status });
}

async function readForm(request: IncomingMessage): Promise<Parameters> {
  // A browser says where a form was posted from; another site's page has no business here. Programs send neither header.
  if (request.headers['sec-fetch-site'] === 'cross-site') throw invalid('Forms of other sites are not taken', 403);
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const body = await readBody(request);
  if (body.length === 0) return new Map();
  if (type !== 'application/x-www-form-urlencoded') {
    throw invalid('The body must be of type application/x-www-form-urlencoded', 415);
  }
  return parseParameters(body.toString('utf8'));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => invalid(`The body is larger than ${identityBodyBytesMax} bytes`, 413);
  if (Number(request.headers['content-length'] ?? 0) > identityBodyBytesMax) throw tooLarge();
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => stop(invalid('The body did not come in time', 408)), identityBodyWaitMs);
    const stop = (refusal: Refusal) => {
      clearTimeout(timer);
      request.removeListener('data', take);
      request.resume();
      reject(refusal);
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > identityBodyBytesMax) stop(tooLarge());
      else chunks.push(chunk);
    };
    request.on('data', take);
    request.once('end', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    request.once('error', () => stop(invalid('The body was cut off')));
    request.once('close', () => stop(invalid('The body was cut off')));
  });
}

function sourceOf(remote: string | undefined): string {
  const text = (remote ?? '').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const address = tryAddress(text);
  if (address === undefined) return 'unknown';
  // One subscriber has a whole /64 of IPv6 addresses: counting single ones would count nothing.
  return address.family === 4 ? text : printPrefix(prefixOf(address, 64));
}
