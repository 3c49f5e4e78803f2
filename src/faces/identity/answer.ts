/** Answers of the identity provider: JSON, pages and redirects, all with headers that keep them uncached and unframed. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Refusal } from '#base/wrong.ts';

/** A whole answer, as data; only `send` touches the connection. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** A JSON answer, never cached (RFC 6749 §5.1). */
export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}

/** A redirect that turns a POST into a GET, so that no password is sent on. */
export function redirectAnswer(location: string): Answer {
  return { status: 303, headers: { location }, body: '' };
}

// The words of the engine in the words of OAuth (RFC 6749 §5.2).
const oauthCodes: Readonly<Record<string, string>> = {
  InvalidCredentials: 'invalid_grant',
  InvalidRefreshToken: 'invalid_grant',
  PasswordPolicyViolated: 'invalid_grant',
  InvalidClient: 'invalid_client',
  TooManySignIns: 'temporarily_unavailable',
  SignInBusy: 'temporarily_unavailable',
  TooManyProofs: 'temporarily_unavailable',
  InvalidDpopProof: 'invalid_dpop_proof',
  UseDpopNonce: 'use_dpop_nonce',
};

const badRequests = new Set(['invalid_grant', 'invalid_dpop_proof', 'use_dpop_nonce']);

/** A refusal as OAuth says it: `error` and `error_description`; MSAL and az show the latter. */
export function refusalAnswer(refusal: Refusal): Answer {
  const isOauth = /^[a-z_]+$/.test(refusal.code);
  const error = isOauth ? refusal.code : (oauthCodes[refusal.code] ?? 'invalid_request');
  // RFC 6749 §5.2, RFC 9449 §8: a wrong grant or proof is a 400; only a client that failed to prove itself gets a 401.
  const status = badRequests.has(error) ? 400 : refusal.status;
  const headers: Record<string, string> = {};
  if (refusal.retryAfterS !== undefined) headers['retry-after'] = String(refusal.retryAfterS);
  if (status === 401) headers['www-authenticate'] = 'Basic realm="adfs"';
  return jsonAnswer(status, { error, error_description: refusal.message }, headers);
}

/** Writes the answer. When the body was not read to its end the connection is closed, so that it cannot be misread as a request. */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const isHead = request.method === 'HEAD';
  response.writeHead(answer.status, {
    'cache-control': 'no-store',
    pragma: 'no-cache',
    'strict-transport-security': 'max-age=31536000',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'content-length': String(Buffer.byteLength(answer.body)),
    ...answer.headers,
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(isHead ? undefined : answer.body);
}
