/** Checks an access token at a face: signature, issuer, audience, time, and that its principal still stands. */

import { hash as hashOf } from 'node:crypto';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { tokenBytesMax, tokenCachedMax, tokenCachedMs } from '#base/identity-limits.ts';
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
  /** What its token is bound to; see `presented.ts`, which every face asks. */
  readonly bound?: TokenBound;
};

/** What of a token says how it may be presented. */
export type TokenBound = {
  readonly jkt?: string | undefined;
  readonly certificate?: string | undefined;
  readonly network?: string | undefined;
  /** When it was issued, in seconds: whoever works on for its caller asks again whether it still stands. */
  readonly issuedS: number;
};

/** A token that is refused, with whom it names when its signature is ours: never with the token. */
export class TokenRefusal extends Refusal {
  readonly who: TokenWho;
  /** Its client can be asked for a newer token by a claims challenge, issued from this second on. */
  readonly renewFromS: number | undefined;

  constructor(
    code: string,
    message: string,
    { who = {}, renewFromS }: { readonly who?: TokenWho; readonly renewFromS?: number | undefined } = {},
  ) {
    super(code, message, { status: 401 });
    this.who = who;
    this.renewFromS = renewFromS;
  }
}

/** Whom a token names. */
export type TokenWho = {
  readonly oid?: string;
  readonly upn?: string;
  readonly appid?: string;
  readonly tenant?: string;
};

/**
 * What a face accepts. `principalOf` is asked at every call, so that a revoked principal is out at once, and only of the
 * directory that the token names: an object id of another one is unknown there.
 */
export type TokenRules = {
  readonly issuer: string;
  readonly tenantId: string;
  readonly audiences: readonly string[];
  readonly keys: TokenKeys;
  readonly now: () => number;
  readonly principalOf: (oid: string, tid: string) => PrincipalRecord | undefined;
  /** Does this directory of the stamp stand? Without it only the stamp's own, `tenantId`, is known. */
  readonly stands?: (tid: string) => boolean;
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
  // The signature is checked before the claims, so these name whom we issued the token to.
  const isOurs = error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed;
  const who = isOurs ? whoOf(error.payload) : {};
  if (error instanceof errors.JWTExpired) {
    return refused('ExpiredAuthenticationToken', 'The access token has expired; sign in again or refresh it.', who);
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
    return refused(
      'InvalidAuthenticationTokenAudience',
      `The access token has been obtained for the wrong audience; wanted is one of: ${rules.audiences.join(', ')}.`,
      who,
    );
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss') {
    return refused(
      'InvalidAuthenticationTokenTenant',
      `The access token is from the wrong issuer; wanted is ${rules.issuer}.`,
      who,
    );
  }
  if (isOurs)
    return refused('InvalidAuthenticationToken', `The access token's claim "${error.claim}" is not accepted.`, who);
  if (error instanceof errors.JOSEError) return refused('InvalidAuthenticationToken', 'The access token is invalid.');
  throw error;
}

function standing(claims: JWTPayload, rules: TokenRules): Principal {
  const { oid, tid, appid, iat: issuedS = 0 } = claims;
  const who = whoOf(claims);
  const stands = rules.stands ?? ((asked) => asked === rules.tenantId);
  if (typeof oid !== 'string' || typeof tid !== 'string' || typeof appid !== 'string' || !stands(tid)) {
    throw refused('InvalidAuthenticationTokenTenant', 'The access token is from the wrong tenant.', who);
  }
  const record = rules.principalOf(oid, tid);
  if (record === undefined || !record.isEnabled || issuedS < record.tokensValidFromS) {
    const capabilities = claims['xms_cc'];
    const isTold = record?.isEnabled === true && Array.isArray(capabilities) && capabilities.includes('cp1');
    const renewFromS = isTold ? record.tokensValidFromS : undefined;
    throw new TokenRefusal('AuthenticationFailed', revoked, { who, renewFromS });
  }
  const { kind, groups, displayName, upn } = record;
  const bound = boundOf(claims, issuedS, who);
  return { oid, tid, kind, groups, displayName, appid, bound, ...(upn === undefined ? {} : { upn }) };
}

const revoked = 'The access token has been revoked; sign in again.';

function whoOf({ oid, upn, appid, tid }: JWTPayload): TokenWho {
  const texts = { oid, upn, appid, tenant: tid };
  return Object.fromEntries(Object.entries(texts).filter(([, value]) => typeof value === 'string')) as TokenWho;
}

/** What the token is bound to. A binding that we do not know is one that we cannot hold it to (RFC 7800 §3.1). */
function boundOf({ cnf, net }: JWTPayload, issuedS: number, who: TokenWho): TokenBound {
  const network = typeof net === 'string' ? net : undefined;
  if (cnf === undefined) return { network, issuedS };
  const {
    jkt,
    'x5t#S256': certificate,
    ...more
  } = (typeof cnf === 'object' && cnf !== null ? cnf : { cnf }) as {
    readonly jkt?: unknown;
    readonly 'x5t#S256'?: unknown;
  };
  const isKnown = (typeof jkt === 'string') !== (typeof certificate === 'string') && Object.keys(more).length === 0;
  if (!isKnown) throw refused('InvalidAuthenticationToken', 'The access token is bound in an unknown way.', who);
  return typeof jkt === 'string' ? { jkt, network, issuedS } : { certificate: String(certificate), network, issuedS };
}

function refused(code: string, message: string, who: TokenWho = {}): Refusal {
  return new TokenRefusal(code, message, { who });
}
