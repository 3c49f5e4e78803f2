/** How a token is presented: plain, with the proof of a key, over the connection of a certificate; every face that takes tokens asks here. */

import { isSame, type Proofs } from '#engine/identity/dpop.ts';
import { networkOf } from '#engine/identity/network.ts';
import { TokenRefusal, type Principal, type TokenWho } from '#engine/identity/verify-token.ts';
import { Refusal } from '#base/wrong.ts';

/** A request with a token, as far as the token's presentation goes. */
export type Presentation = {
  readonly authorization: string | undefined;
  /** All `DPoP` headers. */
  readonly proofs: readonly string[];
  readonly method: string;
  /** The address as clients know it: our own scheme and host, and the path as it was sent. */
  readonly url: string;
  /** SHA-256 of the connection's certificate, base64url. */
  readonly certificate: string | undefined;
  readonly from: string;
};

/** What a face demands. */
export type PresentationRules = {
  readonly verify: (token: string) => Promise<Principal>;
  readonly proofs: Proofs;
  /** Refuses every token that is bound to nothing (decision D4.4). */
  readonly wantsBound: boolean;
};

/** A token that was refused: who (when its signature is ours), from where, why; never the token. */
export type RefusedToken = {
  readonly who: TokenWho;
  readonly from: string;
  readonly code: string;
  readonly because: string;
  readonly method: string;
  readonly path: string;
  readonly correlationId: string;
  readonly requestId: string;
};

/** Finds out who asks, or refuses with a 401: the token itself first, then that whoever presents it may. */
export async function presented(asked: Presentation, rules: PresentationRules): Promise<Principal> {
  const { scheme, token } = readAuthorization(asked.authorization);
  const principal = await rules.verify(token);
  const who = whoOf(principal);
  const { jkt, certificate, network } = principal.bound ?? {};
  if (network !== undefined && networkOf(asked.from) !== network) {
    throw refused('The access token may be used only from the network that it was issued to.', who);
  }
  if (jkt !== undefined) await proved(asked, { rules, scheme, token, jkt, who });
  else if (scheme === 'dpop')
    throw refused('The access token is not bound to a key; present it as a bearer token.', who);
  if (certificate !== undefined && !isSame(certificate, asked.certificate ?? '')) {
    throw refused(
      'The access token is bound to a certificate; present it over a connection with that certificate.',
      who,
    );
  }
  if (rules.wantsBound && jkt === undefined && certificate === undefined) {
    const says =
      'A plain bearer token is not accepted here; wanted is one that is bound to a key (DPoP) or to a certificate: sign in through "ringwall bind".';
    throw refused(says, who);
  }
  return principal;
}

type Bound = {
  readonly rules: PresentationRules;
  readonly scheme: 'bearer' | 'dpop';
  readonly token: string;
  readonly jkt: string;
  readonly who: TokenWho;
};

async function proved(asked: Presentation, { rules, scheme, token, jkt, who }: Bound): Promise<void> {
  // RFC 9449 §7.2: else whoever copies a bound token could present it without the key.
  if (scheme !== 'dpop') throw refused('The access token is bound to a key; present it with a DPoP proof.', who);
  const { proofs: headers, method, url } = asked;
  try {
    await rules.proofs.judge({ headers, method, url, token: { text: token, jkt } });
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) throw new TokenRefusal(error.code, error.message, { who });
    throw error;
  }
}

function whoOf({ oid, tid, upn, appid }: Principal): TokenWho {
  return { oid, tenant: tid, appid, ...(upn === undefined ? {} : { upn }) };
}

function refused(message: string, who: TokenWho): TokenRefusal {
  return new TokenRefusal('InvalidAuthenticationToken', message, { who });
}

/** Scheme and token of an `Authorization` header (RFC 6750 §2.1, RFC 9449 §7.1), or the 401 that ARM clients know. */
function readAuthorization(header: string | undefined): { scheme: 'bearer' | 'dpop'; token: string } {
  if (header === undefined || header === '') {
    const says = "Authentication failed. The 'Authorization' header is missing.";
    throw new Refusal('AuthenticationFailed', says, { status: 401 });
  }
  const match = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i.exec(header);
  const [, scheme = '', token] = match ?? [];
  if (token !== undefined) return { scheme: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token };
  const says = "Authentication failed. The 'Authorization' header is neither a bearer token nor a DPoP-bound one.";
  throw new TokenRefusal('AuthenticationFailed', says);
}
