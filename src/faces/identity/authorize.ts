/** The authorization endpoint: a person signs in on a page, and the program that asked gets a code (RFC 6749 §4.1, PKCE). */

import { Refusal } from '#base/wrong.ts';
import { issueCode, type CodeGrant } from '#engine/identity/codes.ts';
import { redirectAnswer, type Answer } from '#faces/identity/answer.ts';
import { readWish } from '#faces/identity/audience.ts';
import { publicClient } from '#faces/identity/client.ts';
import type { Identity } from '#faces/identity/identity.ts';
import { brokenRequestPage, signInPage } from '#faces/identity/pages.ts';
import type { Asked, Parameters } from '#faces/identity/request.ts';
import { signInByForm, type AskAgain } from '#faces/identity/sign-in.ts';

/** A request whose answer may be sent back to the program: client and redirect address are checked. */
type Target = {
  readonly clientId: string;
  readonly clientName: string;
  readonly redirectUri: string;
  readonly state: string;
};

/** Answers GET with the sign-in page and its POST with a redirect. The query carries the request in both: nothing is kept. */
export async function answerAuthorize(identity: Identity, asked: Asked): Promise<Answer> {
  const target = readTarget(asked.query);
  if (target instanceof Refusal) return brokenRequestPage(target.message);
  try {
    const grant = readGrant(identity, asked.query, target);
    if (asked.query.get('prompt') === 'none') throw new Refusal('login_required', 'No browser session is kept here.');
    if (asked.method !== 'POST') return showPage(asked.query, target, {});
    return await signIn(identity, asked, { target, grant });
  } catch (error) {
    if (error instanceof Refusal) return sendBack(identity, target, errorMembers(error));
    throw error;
  }
}

// An unchecked address is never redirected to: the error is shown here instead (RFC 6749 §4.1.2.1).
function readTarget(query: Parameters): Target | Refusal {
  const redirectUri = query.get('redirect_uri') ?? '';
  const state = query.get('state') ?? '';
  try {
    const { clientId, displayName } = publicClient(query.get('client_id'));
    if (!isLoopback(redirectUri)) {
      return new Refusal(
        'invalid_request',
        'The redirect_uri must be http://localhost or http://127.0.0.1, with any port.',
      );
    }
    if (state.length > 4096) return new Refusal('invalid_request', 'The state is longer than 4096 characters.');
    return { clientId, clientName: displayName, redirectUri, state };
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

// RFC 8252 §7.3: a program on the user's own computer listens on any port of the loopback address.
function isLoopback(text: string): boolean {
  if (text.length > 512 || /[\x00-\x20\\]/.test(text)) return false;
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'http:' || url.username !== '' || url.password !== '' || url.hash !== '')
    return false;
  return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

function readGrant(identity: Identity, query: Parameters, target: Target): Omit<CodeGrant, 'oid'> {
  if (query.get('response_type') !== 'code') {
    throw new Refusal('unsupported_response_type', 'The response_type must be "code".');
  }
  if ((query.get('response_mode') ?? 'query') !== 'query') {
    throw new Refusal('invalid_request', 'The response_mode must be "query".');
  }
  if (query.has('request') || query.has('request_uri')) {
    throw new Refusal('request_not_supported', 'Request objects are not supported.');
  }
  const challenge = query.get('code_challenge') ?? '';
  if (query.get('code_challenge_method') !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
    throw new Refusal(
      'invalid_request',
      'PKCE is wanted: a code_challenge with code_challenge_method S256 (RFC 7636).',
    );
  }
  const nonce = query.get('nonce');
  if (nonce !== undefined && nonce.length > 512)
    throw new Refusal('invalid_request', 'The nonce is longer than 512 characters.');
  const { scope, resource } = readWish(query, identity.audiences);
  const { clientId, redirectUri } = target;
  return { clientId, redirectUri, challenge, scope, resource, nonce };
}

function showPage(query: Parameters, target: Target, more: Partial<AskAgain>): Answer {
  // The request goes round in the query of the form's own address; nothing but parameters that were read goes into it.
  const kept = new URLSearchParams([...query]);
  return signInPage({
    action: `/adfs/oauth2/authorize/?${kept}`,
    clientName: target.clientName,
    name: more.name ?? query.get('login_hint')?.slice(0, 320) ?? '',
    wantsNewPassword: more.wantsNewPassword ?? false,
    formTarget: new URL(target.redirectUri).origin,
    ...(more.problem === undefined ? {} : { problem: more.problem }),
  });
}

async function signIn(
  identity: Identity,
  asked: Asked,
  { target, grant }: { readonly target: Target; readonly grant: Omit<CodeGrant, 'oid'> },
): Promise<Answer> {
  if (asked.form.get('decision') === 'deny') throw new Refusal('access_denied', 'The user refused the sign-in.');
  const outcome = await signInByForm(identity, asked, { flow: 'authorize', clientId: target.clientId });
  if (outcome.kind === 'again') return showPage(asked.query, target, outcome);
  const code = issueCode(identity.codes, { ...grant, oid: outcome.user.id });
  return sendBack(identity, target, { code: code.reveal() });
}

function errorMembers(refusal: Refusal): Record<string, string> {
  const error = /^[a-z_]+$/.test(refusal.code) ? refusal.code : 'temporarily_unavailable';
  return { error, error_description: refusal.message };
}

function sendBack({ issuer }: Identity, { redirectUri, state }: Target, members: Record<string, string>): Answer {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(members)) url.searchParams.set(name, value);
  if (state !== '') url.searchParams.set('state', state);
  // RFC 9207: the client can tell which provider answered.
  url.searchParams.set('iss', issuer);
  return redirectAnswer(url.href);
}
