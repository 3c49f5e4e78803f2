/** Answers of the ARM face as data, and the one place that writes them with the headers that every ARM answer has. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorEnvelope, type Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';

export type Answer = {
  readonly status: number;
  readonly body?: Json;
  /** The body as the bytes that are sent, where they were made before. */
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};

/** 200 with a body; its `etag` goes into the header as well (ARM RPC addendum). */
export function shown(body: Json, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  const etag = typeof body === 'object' && body !== null && 'etag' in body ? body.etag : undefined;
  return { status, body, headers: typeof etag === 'string' ? { etag, ...headers } : headers };
}

/** A status without a body. */
export function bare(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers };
}

/** A refusal in ARM's envelope. */
export function refused(refusal: Refusal, headers: Readonly<Record<string, string>> = {}): Answer {
  const retry: Readonly<Record<string, string>> =
    refusal.retryAfterS === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(refusal.retryAfterS))) };
  return { status: refusal.status, body: errorEnvelope(refusal) as unknown as Json, headers: { ...retry, ...headers } };
}

/** Ids of a request, as they go back to the client. */
export type AnswerIds = {
  readonly requestId: string;
  readonly correlationId: string;
  readonly clientRequestId?: string;
};

export type SendOptions = {
  readonly ids: AnswerIds;
  readonly location: string;
  readonly enforcing: boolean;
  readonly time: number;
};

/** Writes the answer. A request whose body was not read to its end closes the connection, so that the rest is not taken for a request. */
export function send(
  exchange: { request: IncomingMessage; response: ServerResponse },
  answer: Answer,
  options: SendOptions,
): void {
  const { request, response } = exchange;
  if (response.headersSent || response.destroyed) return;
  const { ids, location, enforcing, time } = options;
  const text = answer.bytes ?? (answer.body === undefined ? undefined : JSON.stringify(answer.body));
  const hasNoLength = answer.status === 204 || answer.status === 304;
  response.writeHead(answer.status, {
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-ms-request-id': ids.requestId,
    'x-ms-correlation-request-id': ids.correlationId,
    'x-ms-routing-request-id': `${location.toUpperCase()}:${new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')}:${ids.requestId}`,
    ...(ids.clientRequestId === undefined ? {} : { 'x-ms-client-request-id': ids.clientRequestId }),
    ...(enforcing ? {} : { 'x-ms-ringwall-enforcing': 'false' }),
    ...(text === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...(hasNoLength ? {} : { 'content-length': String(text === undefined ? 0 : Buffer.byteLength(text)) }),
    ...answer.headers,
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
