/** Access tokens and identity tokens as AD FS shapes them, signed by the tenant's key. */

import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { boundTokenLifeS, plainTokenLifeS } from '#base/identity-limits.ts';
import type { PrincipalRecord } from '#engine/identity/directory.ts';
import { tokenAlgorithm, type TokenKeys } from '#engine/identity/token-keys.ts';

/** Who issues: the issuer's URL, its tenant, its keys. */
export type Issuer = {
  readonly issuer: string;
  readonly tenantId: string;
  readonly keys: TokenKeys;
  readonly now: () => number;
};

/** How the client proved itself: `appidacr` 0 public, 1 secret, 2 certificate (Entra doc "Access token claims reference"). */
export type ClientProof = 'none' | 'secret' | 'certificate';

/** What a token is bound to: a key (RFC 9449 §6) or a certificate (RFC 8705 §3.1), by its thumbprint. */
export type Confirmation = { readonly jkt: string } | { readonly 'x5t#S256': string };

/** One issue: for whom, through which client, and for which audience. */
export type TokenOrder = {
  readonly principal: PrincipalRecord;
  readonly clientId: string;
  readonly audience: string;
  readonly proof: ClientProof;
  readonly nonce?: string | undefined;
  readonly confirmation?: Confirmation | undefined;
  /** The only network that the token may be used from, as a prefix. */
  readonly network?: string | undefined;
  /** What the client says it can do: `cp1` for claims challenges. */
  readonly capabilities?: readonly string[] | undefined;
};

/** Media type of an access token (RFC 9068 §2.1): an identity token can never pass for one. */
export const accessTokenType = 'at+jwt';

/** How long an access token lives, in seconds: one that is worth nothing to a thief longer than one that is. */
export function tokenLifeS({ confirmation }: Pick<TokenOrder, 'confirmation'>): number {
  return confirmation === undefined ? plainTokenLifeS : boundTokenLifeS;
}

/** Signs an access token (RFC 9068 §2.2, and the claims that Azure's own tokens carry). */
export async function issueAccessToken(issuer: Issuer, order: TokenOrder): Promise<string> {
  const { principal, clientId, audience } = order;
  const claims = {
    tid: issuer.tenantId,
    oid: principal.oid,
    appid: clientId,
    client_id: clientId,
    appidacr: { none: '0', secret: '1', certificate: '2' }[order.proof],
    idtyp: principal.kind === 'user' ? 'user' : 'app',
    ver: '1.0',
    ...nameClaims(principal),
    ...(order.confirmation === undefined ? {} : { cnf: order.confirmation }),
    ...(order.network === undefined ? {} : { net: order.network }),
    ...(order.capabilities === undefined ? {} : { xms_cc: order.capabilities }),
  };
  return await sign(issuer, { claims, audience, principal, type: accessTokenType, lifeS: tokenLifeS(order) });
}

/** Signs an identity token for the client itself (OpenID Connect Core §2); MSAL wants `tid` and a name in it. */
export async function issueIdToken(issuer: Issuer, order: Omit<TokenOrder, 'audience'>): Promise<string> {
  const { principal, clientId, nonce } = order;
  const claims = {
    tid: issuer.tenantId,
    oid: principal.oid,
    ver: '1.0',
    name: principal.displayName,
    ...(principal.upn === undefined ? {} : { preferred_username: principal.upn }),
    ...nameClaims(principal),
    ...(nonce === undefined ? {} : { nonce }),
  };
  return await sign(issuer, { claims, audience: clientId, principal, type: 'JWT', lifeS: plainTokenLifeS });
}

function nameClaims({ upn }: PrincipalRecord): { upn?: string; unique_name?: string } {
  return upn === undefined ? {} : { upn, unique_name: upn };
}

async function sign(
  { issuer, keys, now }: Issuer,
  order: {
    readonly claims: Record<string, unknown>;
    readonly audience: string;
    readonly principal: PrincipalRecord;
    readonly type: string;
    readonly lifeS: number;
  },
): Promise<string> {
  const { claims, audience, principal, type, lifeS } = order;
  // A change of password moves `tokensValidFromS` to the next second: a token issued within this one must not be born dead.
  const issuedS = Math.max(Math.floor(now() / 1000), principal.tokensValidFromS);
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: tokenAlgorithm, kid: keys.kid, typ: type })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(principal.oid)
    .setJti(randomUUID())
    .setIssuedAt(issuedS)
    .setNotBefore(issuedS)
    .setExpirationTime(issuedS + lifeS)
    .sign(keys.signing);
}
