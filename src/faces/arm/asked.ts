/** A request as the handlers see it: path segments, query, ids and the client's own address of us, each bounded. */

import type { IncomingMessage } from 'node:http';
import { pathSegmentsMax, queryParametersMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';

export type Asked = {
  readonly method: string;
  /** Decoded, without empty ones: doubled and trailing slashes do not count (arm facts: SDKs send both). */
  readonly segments: readonly string[];
  /** The segments with single slashes before each. */
  readonly path: string;
  /** Keys in lower case; the first of several counts. */
  readonly query: ReadonlyMap<string, string>;
  /** Scheme and host that the client used: links back to us must have them. */
  readonly base: string;
  readonly requestId: string;
  readonly correlationId: string;
  readonly clientRequestId?: string;
  /** Client's address. */
  readonly from: string;
  readonly header: (name: string) => string | undefined;
};

/** Reads what is before the body; a malformed path is a 400. */
export function readAsked(
  request: IncomingMessage,
  own: { readonly requestId: string; readonly fallbackBase: string },
): Asked {
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const url = request.url ?? '/';
  const cut = url.indexOf('?');
  const segments = segmentsOf(cut < 0 ? url : url.slice(0, cut));
  const client = idOf(header('x-ms-client-request-id'));
  const isReturned = header('x-ms-return-client-request-id')?.toLowerCase() === 'true';
  return {
    method: request.method ?? 'GET',
    segments,
    path: segments.map((segment) => `/${segment}`).join(''),
    query: queryOf(cut < 0 ? '' : url.slice(cut + 1)),
    base: baseOf(request, own.fallbackBase),
    ...idsOf(request, own.requestId),
    ...(isReturned && client !== undefined ? { clientRequestId: client } : {}),
    from: (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, ''),
    header,
  };
}

/** The ids of a request; readable even when the rest of it is not. */
export function idsOf(request: IncomingMessage, requestId: string): { requestId: string; correlationId: string } {
  const correlation = request.headers['x-ms-correlation-request-id'];
  return { requestId, correlationId: idOf(Array.isArray(correlation) ? correlation[0] : correlation) ?? requestId };
}

/** An id that a client sent, when it is short and plain; it goes into headers and logs. */
function idOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w-]{1,64}$/.test(text) ? text : undefined;
}

function segmentsOf(path: string): readonly string[] {
  // A request line may hold a whole URL (RFC 9112 §3.2.2).
  const raw = path
    .replace(/^https?:\/\/[^/]*/i, '')
    .split('/')
    .filter((part) => part !== '');
  if (raw.length > pathSegmentsMax)
    throw badPath(`it has ${raw.length} segments; at most ${pathSegmentsMax} are accepted`);
  return raw.map((part) => {
    const text = decoded(part);
    if (/[/\u0000-\u001f\u007f]/.test(text)) throw badPath('a segment holds an encoded slash or a control character');
    if (text === '.' || text === '..') throw badPath('a segment is "." or ".."');
    return text;
  });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badPath('a percent sign must be followed by two hexadecimal digits of UTF-8 text');
  }
}

function badPath(reason: string): Refusal {
  return new Refusal('InvalidRequestUri', `The request path is malformed: ${reason}.`, { target: 'path' });
}

function queryOf(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > queryParametersMax) {
      throw new Refusal('InvalidRequestUri', `The query has more than ${queryParametersMax} parameters.`, {
        target: 'query',
      });
    }
    const key = name.toLowerCase();
    if (!query.has(key)) query.set(key, value);
  }
  return query;
}

function baseOf(request: IncomingMessage, fallback: string): string {
  const host = request.headers.host;
  if (host === undefined || !/^(?:[a-z0-9.-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i.test(host)) return fallback;
  const isTls = 'encrypted' in request.socket && request.socket.encrypted === true;
  return `${isTls ? 'https' : 'http'}://${host}`;
}
