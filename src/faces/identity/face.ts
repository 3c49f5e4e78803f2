/** The identity provider's way in: OpenID Connect in the shape of AD FS, which unmodified Azure clients speak offline. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { identityRequestsMax } from '#base/limits.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import { startCodes } from '#engine/identity/codes.ts';
import { startProofs } from '#engine/identity/dpop.ts';
import { jsonAnswer, refusalAnswer, send, type Answer } from '#faces/identity/answer.ts';
import { answerAuthorize } from '#faces/identity/authorize.ts';
import { answerDeviceCode, answerDevicePage } from '#faces/identity/device.ts';
import { discoveryDocument } from '#faces/identity/discovery.ts';
import type { Identity, IdentityOptions } from '#faces/identity/identity.ts';
import { signedOutPage } from '#faces/identity/pages.ts';
import { readAsked, type Asked } from '#faces/identity/request.ts';
import { answerToken } from '#faces/identity/token.ts';

/** Makes the request handler; the caller mounts it on the host name `adfs.<zone>` of its TLS server. */
export function identityFace(options: IdentityOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const identity: Identity = {
    ...options,
    issuer: issuerOf(options.base),
    codes: startCodes(options.now),
    proofs: startProofs(options.now),
  };
  let atWork = 0;
  return (request, response) => {
    if (atWork >= identityRequestsMax) return send(request, response, refusalAnswer(overloaded()));
    atWork++;
    void handle(identity, request, response).finally(() => {
      atWork--;
    });
  };
}

/** The issuer's name under a base URL: also what token checks want as `iss`. */
export function issuerOf(base: string): string {
  return `${base}/adfs`;
}

async function handle(identity: Identity, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    send(request, response, await answer(identity, await readAsked(request)));
  } catch (error) {
    if (error instanceof Refusal) return send(request, response, refusalAnswer(error));
    if (error instanceof Fault) return send(request, response, refusalAnswer(unavailable()));
    send(request, response, jsonAnswer(500, { error: 'server_error', error_description: 'This is our mistake.' }));
    identity.onBug(error);
  }
}

function overloaded(): Refusal {
  return new Refusal('temporarily_unavailable', 'Too many requests are at work.', { status: 503, retryAfterS: 2 });
}

function unavailable(): Refusal {
  return new Refusal('temporarily_unavailable', 'The directory cannot be written now; try again.', {
    status: 503,
    retryAfterS: 5,
  });
}

type Handler = (identity: Identity, asked: Asked) => Promise<Answer> | Answer;

// One row per endpoint: its path below /adfs, the methods it knows, and who answers.
const endpoints: Readonly<Record<string, { readonly methods: readonly string[]; readonly handler: Handler }>> = {
  '/adfs/.well-known/openid-configuration': {
    methods: ['GET'],
    handler: ({ base }) => jsonAnswer(200, discoveryDocument(base)),
  },
  // az resolves `--tenant adfs` at this address before it signs a program in, and reads only `issuer`.
  '/adfs/adfs/v2.0/.well-known/openid-configuration': {
    methods: ['GET'],
    handler: ({ base }) => jsonAnswer(200, discoveryDocument(base)),
  },
  '/adfs/discovery/keys': { methods: ['GET'], handler: ({ keys }) => jsonAnswer(200, keys.published) },
  '/adfs/oauth2/token': { methods: ['POST'], handler: answerToken },
  '/adfs/oauth2/devicecode': { methods: ['POST'], handler: answerDeviceCode },
  '/adfs/oauth2/deviceauth': { methods: ['GET', 'POST'], handler: answerDevicePage },
  '/adfs/oauth2/authorize': { methods: ['GET', 'POST'], handler: answerAuthorize },
  '/adfs/oauth2/logout': { methods: ['GET', 'POST'], handler: () => signedOutPage() },
};

async function answer(identity: Identity, asked: Asked): Promise<Answer> {
  const endpoint = Object.hasOwn(endpoints, asked.path) ? endpoints[asked.path] : undefined;
  if (endpoint === undefined) {
    return jsonAnswer(404, { error: 'not_found', error_description: 'Nothing is served at this path.' });
  }
  const method = asked.method === 'HEAD' ? 'GET' : asked.method;
  if (!endpoint.methods.includes(method)) {
    const refusal = { error: 'invalid_request', error_description: `Wanted is ${endpoint.methods.join(' or ')}.` };
    return jsonAnswer(405, refusal, { allow: endpoint.methods.join(', ') });
  }
  return await endpoint.handler(identity, asked);
}
