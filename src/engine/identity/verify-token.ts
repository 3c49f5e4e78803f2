/** Checks an access token at a face: signature, issuer, audience, time, and that its principal still stands. */

import { hash as hashOf } from 'node:crypto';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { tokenBytesMax, tokenCachedMax, tokenCachedMs } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { PrincipalRecord } from '#engine/identity/directory.ts';
import { tokenAlgorithm, type TokenKeys } from '#engine/identity/token-keys.ts';
import { accessTokenType } from '#engine/identity/tokens.ts';

/** Who calls: the principal, and the client through which it does. Groups are those of now, not of the token. */
export type Principal = {
  readonly oid: string;
  readonly tid: string;
  readonly kind: 'user' | 'servicePrincipal';
  readonly groups: readonly string[];
  readonly displayName: string;
  readonly appid: string;
  readonly upn?: string;
};

/** What a face accepts. `principalOf` is asked at every call, so that a revoked principal is out at once. */
export type TokenRules = {
  readonly issuer: string;
  readonly tenantId: string;
  readonly audiences: readonly string[];
  readonly keys: TokenKeys;
  readonly now: () => number;
  readonly principalOf: (oid: string) => PrincipalRecord | undefined;
};

type Seen = { readonly claims: JWTPayload; readonly untilMs: number };

/** Clock difference allowed between issuer and face: they are one stamp, so it is short. */
const toleranceS = 5;

/** A verifier that remembers signatures it has checked, by hash of the token, for a minute at most. */
export function tokenVerifier(rules: TokenRules): (token: string) => Promise<Principal> {
  const cache = new Map<string, Seen>();
  return async (token) => {
    const hash = hashOf('sha256', token, 'base64url');
    const known = cache.get(hash);
    if (known !== undefined && rules.now() < known.untilMs) return standing(known.claims, rules);
    cache.delete(hash);
    const claims = await checkToken(token, rules);
    if (cache.size >= tokenCachedMax) {
      const oldest = cache.keys().next();
      if (!oldest.done) cache.delete(oldest.value);
    }
    cache.set(hash, { claims, untilMs: Math.min(rules.now() + tokenCachedMs, (claims.exp ?? 0) * 1000) });
    return standing(claims, rules);
  };
}

/** Checks one token afresh (RFC 9068 §4). Every failure is a 401 with the code that ARM clients know. */
export async function verifyAccessToken(token: string, rules: TokenRules): Promise<Principal> {
  return standing(await checkToken(token, rules), rules);
}

async function checkToken(token: string, rules: TokenRules): Promise<JWTPayload> {
  if (token.length > tokenBytesMax) throw refused('InvalidAuthenticationToken', 'The access token is too long.');
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = rules.keys.verifying.get(kid ?? '');
        if (key === undefined)
          throw refused('InvalidAuthenticationToken', 'The access token is signed by an unknown key.');
        return key;
      },
      {
        algorithms: [tokenAlgorithm],
        typ: accessTokenType,
        issuer: rules.issuer,
        audience: [...rules.audiences],
        clockTolerance: toleranceS,
        currentDate: new Date(rules.now()),
        requiredClaims: ['exp', 'iat', 'sub', 'oid', 'tid', 'appid'],
      },
    );
    return payload;
  } catch (error) {
    throw error instanceof Refusal ? error : whyRefused(error, rules);
  }
}

function whyRefused(error: unknown, rules: TokenRules): Refusal {
  if (error instanceof errors.JWTExpired) {
    return refused('ExpiredAuthenticationToken', 'The access token has expired; sign in again or refresh it.');
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
    return refused(
      'InvalidAuthenticationTokenAudience',
      `The access token has been obtained for the wrong audience; wanted is one of: ${rules.audiences.join(', ')}.`,
    );
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss') {
    return refused(
      'InvalidAuthenticationTokenTenant',
      `The access token is from the wrong issuer; wanted is ${rules.issuer}.`,
    );
  }
  if (error instanceof errors.JOSEError) return refused('InvalidAuthenticationToken', 'The access token is invalid.');
  throw error;
}

function standing(claims: JWTPayload, rules: TokenRules): Principal {
  const { oid, tid, appid } = claims;
  if (typeof oid !== 'string' || typeof tid !== 'string' || typeof appid !== 'string' || tid !== rules.tenantId) {
    throw refused('InvalidAuthenticationTokenTenant', 'The access token is from the wrong tenant.');
  }
  const record = rules.principalOf(oid);
  if (record === undefined || !record.isEnabled || (claims.iat ?? 0) < record.tokensValidFromS) {
    throw refused('AuthenticationFailed', 'The access token has been revoked; sign in again.');
  }
  const { kind, groups, displayName, upn } = record;
  return { oid, tid, kind, groups, displayName, appid, ...(upn === undefined ? {} : { upn }) };
}

/** The token of an `Authorization` header (RFC 6750 §2.1), or the 401 that ARM clients know. */
export function bearerToken(header: string | undefined): string {
  if (header === undefined || header === '') {
    throw refused('AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
  }
  const match = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header);
  if (match?.[1] !== undefined) return match[1];
  throw refused('AuthenticationFailed', "Authentication failed. The 'Authorization' header is not a bearer token.");
}

function refused(code: string, message: string): Refusal {
  return new Refusal(code, message, { status: 401 });
}
