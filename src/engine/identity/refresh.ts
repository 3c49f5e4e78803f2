/** Refresh tokens: each is used once and replaced; a second use ends the sign-in that it came from. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { refreshGraceMs, refreshIdleMs, refreshLifeMs, refreshPerPrincipalMax } from '#base/identity-limits.ts';
import { Secret } from '#base/secret.ts';
import { change, principalOf, type Change, type Directory, type PrincipalRecord } from '#engine/identity/directory.ts';
import type { RefreshFamily } from '#engine/identity/records.ts';
import { TokenRefusal } from '#engine/identity/verify-token.ts';

/** Starts a family for a sign-in; the principal's oldest one goes when it has too many. */
export async function startRefresh(
  directory: Directory,
  { oid, clientId, jkt }: { readonly oid: string; readonly clientId: string; readonly jkt?: string | undefined },
): Promise<{ readonly token: Secret; readonly familyId: string }> {
  const id = randomBytes(16).toString('base64url');
  const secret = randomBytes(32).toString('base64url');
  await change(directory, () => {
    const now = directory.now();
    const put: RefreshFamily = {
      kind: 'refreshFamily',
      id,
      oid,
      clientId,
      current: hashOf(secret),
      rotatedMs: now,
      createdMs: now,
      ...(jkt === undefined ? {} : { jkt }),
    };
    return { changes: [{ put }, ...superfluous(directory, oid)], result: undefined };
  });
  return { token: new Secret(`${id}.${secret}`), familyId: id };
}

function superfluous(directory: Directory, oid: string): Change[] {
  const own = [...directory.refreshFamilies.values()].filter((family) => family.oid === oid);
  const isOver = (family: RefreshFamily) => endMs(family) <= directory.now();
  const alive = own.filter((family) => !isOver(family)).sort((left, right) => left.rotatedMs - right.rotatedMs);
  const excess = alive.slice(0, Math.max(0, alive.length + 1 - refreshPerPrincipalMax));
  return [...own.filter(isOver), ...excess].map((family) => ({ remove: family }));
}

function endMs(family: RefreshFamily): number {
  return Math.min(family.rotatedMs + refreshIdleMs, family.createdMs + refreshLifeMs);
}

/** What a refresh gives: who it is for, and the next token. There is none within the grace: see `redeemRefresh`. */
export type Refreshed = { readonly principal: PrincipalRecord; readonly token: Secret | undefined };

/**
 * Redeems a refresh token (RFC 6749 §6) and rotates it; a used one that comes again revokes the whole family, since one
 * of its two bearers is a thief (RFC 9700 §4.14.2). Two processes of one client may race with the same token: within a
 * short grace the second gets an access token but no refresh token, so that a thief gains one short token and never a session.
 * A token that is bound to a key is good with a proof of that key only (`jkt`); without it nothing happens to the family, so
 * that a copied token cannot even end its owner's session. A family without a key takes that of its first proof.
 */
export async function redeemRefresh(
  directory: Directory,
  { token, clientId, jkt }: { readonly token: Secret; readonly clientId: string; readonly jkt?: string | undefined },
): Promise<Refreshed> {
  const [id = '', secret = '', ...more] = token.reveal().split('.');
  let reused: RefreshFamily | undefined;
  const answer = await change<Refreshed | undefined>(directory, () => {
    const holder = holderOf(directory, id);
    const family = holder?.refreshFamilies.get(id);
    if (holder === undefined || family === undefined || more.length > 0 || family.clientId !== clientId)
      return unchanged;
    const principal = principalOf(holder, family.oid);
    if (family.jkt !== undefined && family.jkt !== jkt)
      throw refused('The refresh token is bound to a key; a DPoP proof of that key is wanted.', family);
    if (principal?.isEnabled !== true || endMs(family) <= directory.now()) return ended(family);
    if (isSame(secret, family.current))
      return rotate(directory, jkt === undefined ? family : { ...family, jkt }, principal);
    const isRace = isSame(secret, family.previous) && directory.now() - family.rotatedMs <= refreshGraceMs;
    // Whoever knows the family's id had a token of it: any that is neither the newest nor a racing one has been used.
    if (isRace) return { changes: [], result: { principal, token: undefined } };
    reused = family;
    return ended(family);
  });
  if (answer !== undefined) return answer;
  throw refused(reused === undefined ? useless : replayed, reused);
}

function holderOf({ directories }: Directory, familyId: string): Directory | undefined {
  for (const directory of directories.all.values()) if (directory.refreshFamilies.has(familyId)) return directory;
  return undefined;
}

const useless = 'The refresh token is unknown, revoked or expired; sign in again.';
const replayed = 'The refresh token was used before: it may have been copied, so its sign-in has ended; sign in again.';

/** The refusal names whose sign-in it was: for the audit, which must tell whose token was copied. */
function refused(message: string, family: RefreshFamily | undefined): TokenRefusal {
  return new TokenRefusal('InvalidRefreshToken', message, { who: family === undefined ? {} : { oid: family.oid } });
}

const unchanged = { changes: [], result: undefined };

function ended(family: RefreshFamily): { changes: Change[]; result: undefined } {
  return { changes: [{ remove: family }], result: undefined };
}

function rotate(directory: Directory, family: RefreshFamily, principal: PrincipalRecord) {
  const secret = randomBytes(32).toString('base64url');
  const put: RefreshFamily = {
    ...family,
    current: hashOf(secret),
    previous: family.current,
    rotatedMs: directory.now(),
  };
  const result: Refreshed = { principal, token: new Secret(`${family.id}.${secret}`) };
  return { changes: [{ put }], result };
}

/** Ends one family: its code was redeemed twice, or its user signed out. */
export async function endRefresh(directory: Directory, familyId: string): Promise<void> {
  await change(directory, () => {
    const family = holderOf(directory, familyId)?.refreshFamilies.get(familyId);
    return family === undefined ? unchanged : ended(family);
  });
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

function isSame(secret: string, kept: string | undefined): boolean {
  if (kept === undefined) return false;
  return timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(kept));
}
