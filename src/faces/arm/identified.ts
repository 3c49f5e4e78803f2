/** Who asks: the token and how it is presented, judged; what is refused is noted for the audit and answered with what would be taken. */

import type { IncomingMessage } from 'node:http';
import type { Refusal } from '#base/wrong.ts';
import type { Caller } from '#engine/engine.ts';
import { certificateHash } from '#engine/identity/connection.ts';
import { proofAlgorithms, type Proofs } from '#engine/identity/dpop.ts';
import { presented } from '#engine/identity/presented.ts';
import { TokenRefusal, type Principal } from '#engine/identity/verify-token.ts';
import type { Asked } from '#faces/arm/asked.ts';
import type { ArmOptions } from '#faces/arm/call.ts';

type Identifying = {
  readonly options: ArmOptions;
  readonly proofs: Proofs;
  readonly request: IncomingMessage;
  readonly asked: Asked;
};

/** Does this face take only tokens that are bound? The operator's plane does unless a test says otherwise (decision D4.4). */
export function boundWanted({ plane, wantsBound }: Pick<ArmOptions, 'plane' | 'wantsBound'>): boolean {
  return wantsBound ?? plane === 'admin';
}

/** The caller of a request, or a 401. */
export async function callerOf(identifying: Identifying): Promise<Caller> {
  try {
    return asCaller(await principalOf(identifying), identifying);
  } catch (error) {
    if (error instanceof TokenRefusal && error.code !== 'UseDpopNonce') noteRefused(identifying, error);
    throw error;
  }
}

async function principalOf({ options, proofs, request, asked }: Identifying): Promise<Principal> {
  const { endpoints, verify } = options;
  return await presented(
    {
      authorization: asked.header('authorization'),
      proofs: request.headersDistinct['dpop'] ?? [],
      method: asked.method,
      url: `${endpoints.resourceManager}${sentPath(request.url ?? '/')}`,
      certificate: certificateHash(request.socket),
      from: asked.from,
    },
    { verify, proofs, wantsBound: boundWanted(options) },
  );
}

function sentPath(url: string): string {
  const path = url.replace(/^https?:\/\/[^/?]*/i, '').replace(/[?#].*$/s, '');
  return path.startsWith('/') ? path : `/${path}`;
}

function noteRefused({ options, asked }: Identifying, { who, code, message }: TokenRefusal): void {
  const { from, method, path, correlationId, requestId } = asked;
  options.noteRefused?.({ who, from, code, because: message, method, path, correlationId, requestId });
}

function asCaller(principal: Principal, { asked, options }: Identifying): Caller {
  const command = [asked.header('commandname'), asked.header('parametersetname')]
    .filter((text) => text !== undefined)
    .join(' ');
  const { oid, kind, upn, appid: appId, tid: tenantId, groups, bound } = principal;
  return {
    ...{ oid, kind, appId, tenantId, groups, plane: options.plane },
    ...(upn === undefined ? {} : { upn }),
    from: asked.from,
    correlationId: asked.correlationId,
    requestId: asked.requestId,
    ...(bound === undefined ? {} : { tokenIssuedS: bound.issuedS }),
    ...(command === '' ? {} : { command: command.slice(0, 500) }),
  };
}

/**
 * What a 401 asks for, as AAD-style clients read it (RFC 6750 §3) and as clients with a key do (RFC 9449 §7.1). A client that
 * said it can is asked for a newer token by a claims challenge (Entra, "Claims challenges"): it then gets one without being told
 * of an error.
 */
export function challenges(refusal: Refusal, options: ArmOptions, nonce: string): Readonly<Record<string, string>> {
  if (refusal.status !== 401) return {};
  const { endpoints } = options;
  const says = refusal.message.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ');
  const dpopError = dpopErrors.get(refusal.code);
  const isPlainMiss = refusal.code === 'AuthenticationFailed' && dpopError === undefined;
  const renewFromS = refusal instanceof TokenRefusal ? refusal.renewFromS : undefined;
  const error = isPlainMiss ? '' : `, error="invalid_token", error_description="${says}"`;
  const renewed = renewFromS === undefined ? error : `, error="insufficient_claims", claims="${newerThan(renewFromS)}"`;
  const where = `authorization_uri="${endpoints.login}", resource_id="${endpoints.audience}"`;
  const bearer = `Bearer ${where}${renewed}`;
  const dpop = `DPoP algs="${proofAlgorithms.join(' ')}"${dpopError === undefined ? error : `, error="${dpopError}", error_description="${says}"`}`;
  // A face that takes no plain token does not ask for one; the address of the sign-in is told all the same.
  const isBound = boundWanted(options);
  const asks = isBound ? `${dpop}, ${where}` : dpopError === undefined ? `${bearer}, ${dpop}` : dpop;
  return { 'www-authenticate': asks, ...(dpopError === undefined && !isBound ? {} : { 'dpop-nonce': nonce }) };
}

const dpopErrors: ReadonlyMap<string, string> = new Map([
  ['UseDpopNonce', 'use_dpop_nonce'],
  ['InvalidDpopProof', 'invalid_dpop_proof'],
]);

/** The claims that a newer token must have, in base64 as azure-core and MSAL read them. */
function newerThan(seconds: number): string {
  const claims = { access_token: { nbf: { essential: true, value: String(seconds) } } };
  return Buffer.from(JSON.stringify(claims)).toString('base64');
}
