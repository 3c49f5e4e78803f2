/** Microsoft Graph's way in, as far as az and the portals need a directory: each caller sees the one directory that its token is of. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { graphRequestsMax } from '#base/identity-limits.ts';
import type { JsonObject } from '#base/json.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import { startProofs, type Proofs } from '#engine/identity/dpop.ts';
import { readAsked, readBody, type Asked } from '#faces/graph/asked.ts';
import { checkRight, type Answer, type Call, type GraphOptions } from '#faces/graph/call.ts';
import { callerOf } from '#faces/graph/identified.ts';
import { match, routes, type Route } from '#faces/graph/routes.ts';

export type { GraphEvent, GraphOptions } from '#faces/graph/call.ts';

/** Makes the request handler; the caller mounts it on `graph.<zone>` of its TLS server. */
export function graphFace(options: GraphOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const proofs = startProofs(options.now);
  let atWork = 0;
  return (request, response) => {
    const id = options.newGuid();
    if (atWork >= graphRequestsMax) return send(request, response, refused(busy(), { id, now: options.now() }));
    atWork++;
    void answer({ options, proofs, id }, request)
      .catch((error: unknown) => refused(refusalOf(error, options), { id, now: options.now() }))
      .then((ready) => {
        // RFC 9449 §8.2: who brings proofs is told the next nonce with every answer, and at first with the refusal.
        const brings = request.headersDistinct['dpop'] !== undefined;
        const nonce: Record<string, string> = brings ? { 'dpop-nonce': proofs.nonce() } : {};
        send(request, response, { ...ready, headers: { 'request-id': id, ...nonce, ...ready.headers } });
      })
      .finally(() => {
        atWork--;
      });
  };
}

function busy(): Refusal {
  return new Refusal('TooManyRequests', 'Too many requests are at work.', { status: 429, retryAfterS: 2 });
}

/** Refusals are the caller's, a fault may pass; all else is ours and says nothing of its inner workings. */
function refusalOf(error: unknown, { onBug }: GraphOptions): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof Fault) {
    return new Refusal('ServiceNotAvailable', 'The directory cannot be written now; try again.', {
      status: 503,
      retryAfterS: 5,
    });
  }
  onBug(error);
  return new Refusal('InternalServerError', 'The stamp met a bug of its own; it has been noted.', { status: 500 });
}

type Ground = { readonly options: GraphOptions; readonly proofs: Proofs; readonly id: string };

async function answer({ options, proofs, id }: Ground, request: IncomingMessage): Promise<Answer> {
  const asked = readAsked(request);
  const caller = await callerOf({ options, proofs, request, asked, id });
  const directory = options.directoryOf(caller.tid);
  if (directory === undefined)
    throw new Refusal('InvalidAuthenticationToken', 'The directory is gone.', { status: 401 });
  const { route, parts } = routeOf(asked);
  const call: Call = { options, asked, caller, directory, parts, body: {} };
  const isWrite = route.right === 'write' || asked.method !== 'GET';
  try {
    checkRight(call, route.right);
    const answered = await route.handler({ ...call, body: await readBody(request) });
    if (route.right !== 'read' && isWrite) note(call, route, { outcome: 'Succeeded', says: '' });
    return answered;
  } catch (error) {
    if (error instanceof Refusal && route.right !== 'read' && isWrite)
      note(call, route, { outcome: 'Refused', says: error.message });
    throw error;
  }
}

function routeOf(asked: Asked): { readonly route: Route; readonly parts: readonly string[] } {
  const method = asked.method === 'HEAD' ? 'GET' : asked.method;
  const methods: string[] = [];
  for (const route of routes) {
    const parts = match(route, asked.segments);
    if (parts !== undefined && route.method === method) return { route, parts };
    if (parts !== undefined) methods.push(route.method);
  }
  if (methods.length > 0) {
    throw new Refusal('Request_BadRequest', `The method is not allowed here; wanted is ${methods.join(' or ')}.`, {
      status: 405,
    });
  }
  const says = `Resource not found for the segment '${(asked.segments[0] ?? '').slice(0, 100)}'.`;
  throw new Refusal('ResourceNotFound', says, { status: 404 });
}

type Outcome = { readonly outcome: 'Succeeded' | 'Refused'; readonly says: string };

function note({ options, caller, asked }: Call, { method, pattern }: Route, { outcome, says }: Outcome): void {
  const name = pattern.filter((part) => !part.startsWith('{')).join('/');
  const verb = { POST: 'write', PATCH: 'write', DELETE: 'delete' }[method] ?? 'action';
  options.note({
    caller,
    source: asked.source,
    operation: `Microsoft.Graph/${name}/${verb}`,
    resource: `/tenants/${caller.tid}/${asked.segments.join('/')}`.slice(0, 500),
    outcome,
    says,
  });
}

/** Graph's envelope of errors (Graph doc "Microsoft Graph error responses"). */
function refused(refusal: Refusal, { id, now }: { readonly id: string; readonly now: number }): Answer {
  const { code, message, status, retryAfterS, details, target } = refusal;
  const innerError: JsonObject = { date: new Date(now).toISOString().slice(0, 19), 'request-id': id };
  const error: JsonObject = {
    code,
    message,
    ...(target === undefined ? {} : { target }),
    ...(details.length === 0 ? {} : { details: details.map((one) => ({ code: one.code, message: one.message })) }),
    innerError,
  };
  const headers: Record<string, string> = {};
  if (retryAfterS !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterS)));
  if (status === 401) headers['www-authenticate'] = 'Bearer error="invalid_token"';
  return { status, body: { error }, headers };
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'cache-control': 'no-store',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'odata-version': '4.0',
    ...(text === '' ? {} : { 'content-type': 'application/json;odata.metadata=minimal;charset=utf-8' }),
    ...(status === 204 ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
    ...headers,
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
