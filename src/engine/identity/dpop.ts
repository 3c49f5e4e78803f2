/** Proofs that a client holds a key (DPoP, RFC 9449): judged for one request each, with a nonce of ours, and good once. */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, errors, importJWK, jwtVerify, type JWK } from 'jose';
import { proofBytesMax, proofNonceMs, proofSkewS, proofsSeenMax, proofsSeenPerKeyMax } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';
import { ReplayMemory } from '#engine/identity/replay.ts';

/** Algorithms of proofs: asymmetric ones only (RFC 9449 §4.2). */
export const proofAlgorithms: readonly string[] = ['ES256', 'EdDSA', 'RS256', 'PS256'];

/** What a proof must be made for. */
export type ProofDemand = {
  /** The `DPoP` headers of the request: exactly one is wanted. */
  readonly headers: readonly string[];
  readonly method: string;
  /** The address as clients know it, by our own configuration and not by the request; query and fragment do not count. */
  readonly url: string;
  /** Where a token is used: the token, and the thumbprint of the key that it is bound to. */
  readonly token?: { readonly text: string; readonly jkt: string };
  /** Whose share of the memory of proofs it takes. Absent: that of the proof's key. */
  readonly owner?: string;
};

/** One place that judges proofs, with its own nonces and its own memory. */
export type Proofs = {
  /** The nonce that clients are to use now. */
  readonly nonce: () => string;
  /** Judges a proof; answers the thumbprint of its key (RFC 7638), or refuses. */
  readonly judge: (demand: ProofDemand) => Promise<string>;
};

/** Starts a place that judges. Its nonces end with it, so what was seen before a restart cannot come again after it. */
export function startProofs(now: () => number): Proofs {
  const nonceKey = randomBytes(32);
  // A nonce is taken for two periods at most, so a proof that was seen is refused by its nonce when it is forgotten.
  const seen = new ReplayMemory({ keptMs: 2 * proofNonceMs, ownerMax: proofsSeenPerKeyMax, allMax: proofsSeenMax });
  const nonceOf = (period: number): string =>
    createHmac('sha256', nonceKey).update(String(period)).digest('base64url').slice(0, 32);
  const period = (): number => Math.floor(now() / proofNonceMs);
  const isOurs = (nonce: string): boolean => [0, 1].some((back) => isSame(nonce, nonceOf(period() - back)));
  return {
    nonce: () => nonceOf(period()),
    judge: async (demand) => {
      const { jkt, claims } = await signed(demand, now());
      checkClaims(claims, demand, now());
      if (demand.token !== undefined) checkToken(claims, jkt, demand.token);
      if (claims.nonce === undefined || !isOurs(claims.nonce)) {
        throw refused('UseDpopNonce', 'The DPoP proof must carry the nonce of the DPoP-Nonce header of this answer.');
      }
      // Last, so that only proofs that are good in all else take a place.
      const thing = createHash('sha256').update(`${jkt} ${claims.jti}`).digest('base64url');
      const verdict = seen.note(demand.owner ?? jkt, thing, now());
      if (verdict === 'replayed') throw wrong('it was used before');
      if (verdict === 'full') {
        const says = 'Too many DPoP proofs came within a short time; try again in a minute.';
        throw new Refusal('TooManyProofs', says, { status: 503, retryAfterS: 60 });
      }
      return jkt;
    },
  };
}

type Claims = {
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  readonly iat: number;
  readonly nonce?: string | undefined;
  readonly ath?: string | undefined;
};

/** RFC 9449 §4.3, 1 to 7: one well-formed proof, signed by the private key of the public key that it shows. */
async function signed({ headers }: ProofDemand, now: number): Promise<{ jkt: string; claims: Claims }> {
  const [proof, ...more] = headers;
  if (proof === undefined || more.length > 0) throw wrong('exactly one DPoP header is wanted');
  if (proof.length > proofBytesMax) throw wrong(`it is longer than ${proofBytesMax} characters`);
  try {
    const { alg = '', jwk } = decodeProtectedHeader(proof);
    if (!proofAlgorithms.includes(alg)) throw wrong(`its alg must be one of ${proofAlgorithms.join(', ')}`);
    const open = publicKey(jwk, alg);
    const key = await importJWK(open, alg);
    const { payload } = await jwtVerify(proof, key, {
      algorithms: [alg],
      typ: 'dpop+jwt',
      currentDate: new Date(now),
      clockTolerance: proofSkewS,
    });
    return { jkt: await calculateJwkThumbprint(open, 'sha256'), claims: claimsOf(payload) };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const isTheirs =
      error instanceof errors.JOSEError ||
      error instanceof TypeError ||
      error instanceof SyntaxError ||
      (error instanceof Error && error.name === 'DataError');
    if (isTheirs) throw wrong('it is malformed, of the wrong type or not signed by the key that it shows');
    throw error;
  }
}

// What makes a public key of each kind, and what would make it a private or a shared one (RFC 7518 §6).
const members: Readonly<Record<string, readonly string[]>> = {
  'ES256 EC P-256': ['x', 'y'],
  'EdDSA OKP Ed25519': ['x'],
  'RS256 RSA ': ['n', 'e'],
  'PS256 RSA ': ['n', 'e'],
};
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
/** A modulus of 4096 bits in base64url; a longer one only costs time. */
const modulusCharactersMax = 684;

/** The key of the header, reduced to its public members: `kid`, `jku`, `x5u`, `x5c` beside it count for nothing. */
function publicKey(jwk: unknown, alg: string): JWK {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw wrong('its header lacks a jwk');
  const given = new Map<string, unknown>(Object.entries(jwk));
  if (privateMembers.some((name) => given.has(name))) throw wrong('its jwk must be a public key and nothing more');
  const { kty, crv } = { kty: given.get('kty'), crv: given.get('crv') };
  const wanted = members[`${alg} ${String(kty)} ${crv === undefined ? '' : String(crv)}`];
  if (wanted === undefined) throw wrong('its jwk is not a key for its alg');
  const open: Record<string, string> = { kty: String(kty), ...(crv === undefined ? {} : { crv: String(crv) }) };
  for (const name of wanted) {
    const value = given.get(name);
    if (typeof value !== 'string' || value.length > modulusCharactersMax) throw wrong('its jwk is malformed');
    open[name] = value;
  }
  return open as JWK;
}

function claimsOf(payload: Readonly<Record<string, unknown>>): Claims {
  const { jti, htm, htu, iat, nonce, ath } = payload;
  const isText = (value: unknown): value is string => typeof value === 'string';
  if (!isText(jti) || jti === '' || !isText(htm) || !isText(htu) || typeof iat !== 'number') {
    throw wrong('it must have jti, htm, htu and iat');
  }
  return { jti, htm, htu, iat, nonce: isText(nonce) ? nonce : undefined, ath: isText(ath) ? ath : undefined };
}

/** RFC 9449 §4.3, 8, 9 and 11: for this method, this address, made now. */
function checkClaims({ htm, htu, iat }: Claims, { method, url }: ProofDemand, now: number): void {
  if (htm !== method) throw wrong('its htm is not the method of the request');
  const [made, asked] = [addressOf(htu), addressOf(url)];
  if (made === undefined || made !== asked) throw wrong('its htu is not the address of the request');
  if (Math.abs(now / 1000 - iat) > proofSkewS) throw wrong('its iat is not now');
}

/** Scheme, host, port and path, normalised (RFC 3986 §6.2.2 and §6.2.3). */
function addressOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return `${url.origin}${url.pathname}`;
}

/** RFC 9449 §4.3, 12: made for this token, by the key that the token is bound to. */
function checkToken({ ath }: Claims, jkt: string, token: { readonly text: string; readonly jkt: string }): void {
  if (!isSame(ath ?? '', hashOfToken(token.text))) throw wrong('its ath is not the hash of the access token');
  if (!isSame(jkt, token.jkt)) throw wrong('it is made by another key than the one that the access token is bound to');
}

/** The claim `ath` of a token (RFC 9449 §4.2). */
export function hashOfToken(token: string): string {
  return createHash('sha256').update(token, 'ascii').digest('base64url');
}

/** Are the texts equal? Of equal lengths it takes the same time wherever they differ. */
export function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function wrong(reason: string): Refusal {
  return refused('InvalidDpopProof', `The DPoP proof is not accepted: ${reason}.`);
}

function refused(code: string, message: string): Refusal {
  return new Refusal(code, message, { status: 401 });
}
