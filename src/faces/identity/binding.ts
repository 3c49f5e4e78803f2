/** What the tokens of one answer are bound to: a proved key, a certificate, a network; and what the client can do with a challenge. */

import { claimsParameterMax } from '#base/identity-limits.ts';
import { isObject, type Json } from '#base/json.ts';
import { networkOf } from '#engine/identity/network.ts';
import { Refusal } from '#base/wrong.ts';
import type { TokenOrder } from '#engine/identity/tokens.ts';
import { refusalAnswer, type Answer } from '#faces/identity/answer.ts';
import type { Identity } from '#faces/identity/identity.ts';
import type { Asked } from '#faces/identity/request.ts';

/** A token request whose proof of a key, when it had one, is good: `jkt` is the key's thumbprint. */
export type Proved = Asked & { readonly jkt: string | undefined };

/** Judges the proof of a token request, before anything of the request is used up (RFC 9449 §5). */
export async function readProof(identity: Identity, asked: Asked): Promise<Proved> {
  if (asked.proofs.length === 0) return { ...asked, jkt: undefined };
  const jkt = await identity.proofs.judge({
    headers: asked.proofs,
    method: asked.method,
    url: `${identity.base}${asked.sentPath}`,
    // Anybody can make keys, so what is remembered of them counts by where they come from.
    owner: asked.source,
  });
  return { ...asked, jkt };
}

/** Gives every answer to a proof the next nonce, refusals too (RFC 9449 §8). */
export async function withNonce(identity: Identity, asked: Asked, answering: Promise<Answer>): Promise<Answer> {
  if (asked.proofs.length === 0) return await answering;
  const answer = await answering.catch((error: unknown) => {
    if (error instanceof Refusal) return refusalAnswer(error);
    throw error;
  });
  return { ...answer, headers: { ...answer.headers, 'dpop-nonce': identity.proofs.nonce() } };
}

type Binding = Pick<TokenOrder, 'confirmation' | 'network' | 'capabilities'>;

/** What an access token for this request is bound to. */
export function bindingOf(
  identity: Identity,
  { jkt, source, form }: Proved,
  { oid, tid, certificate }: { readonly oid: string; readonly tid: string; readonly certificate?: string | undefined },
): Binding {
  const confirmation =
    jkt !== undefined ? { jkt } : certificate !== undefined ? { 'x5t#S256': certificate } : undefined;
  return {
    confirmation,
    network: identity.networkBound?.({ oid, tid }) === true ? networkOf(source) : undefined,
    capabilities: takesChallenges(form.get('claims')) ? ['cp1'] : undefined,
  };
}

/** Does the client say `{"access_token":{"xms_cc":{"values":["cp1"]}}}` (Entra, "Claims challenges and client capabilities")? */
function takesChallenges(claims: string | undefined): boolean {
  if (claims === undefined || claims.length > claimsParameterMax) return false;
  const values = at(at(at(parsed(claims), 'access_token'), 'xms_cc'), 'values');
  return Array.isArray(values) && values.some((value) => typeof value === 'string' && value.toLowerCase() === 'cp1');
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function at(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) ? value[name] : undefined;
}
