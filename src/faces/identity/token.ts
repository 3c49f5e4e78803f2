/** The token endpoint: one function per grant, each from a checked form to an answer with tokens. */

import { createHash } from 'node:crypto';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import { pollDevice, redeemCode, type CodeGrant } from '#engine/identity/codes.ts';
import { directoryHolding, principalOf, type Directory, type PrincipalRecord } from '#engine/identity/directory.ts';
import { endRefresh, redeemRefresh, startRefresh } from '#engine/identity/refresh.ts';
import { issueAccessToken, issueIdToken, tokenLifeS, type ClientProof } from '#engine/identity/tokens.ts';
import { TokenRefusal } from '#engine/identity/verify-token.ts';
import { signInUser } from '#engine/identity/users.ts';
import { jsonAnswer, type Answer } from '#faces/identity/answer.ts';
import { bindingOf, readProof, withNonce, type Proved } from '#faces/identity/binding.ts';
import { readWish, wishOf, type Wish } from '#faces/identity/audience.ts';
import { readClient, type Client } from '#faces/identity/client.ts';
import type { Identity } from '#faces/identity/identity.ts';
import { printable, type Asked, type Parameters } from '#faces/identity/request.ts';

type PublicClient = Client & { readonly kind: 'public' };
type Grant = (identity: Identity, asked: Proved, client: PublicClient) => Promise<Answer>;

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const userGrants: ReadonlyMap<string, Grant> = new Map([
  ['password', byPassword],
  ['authorization_code', byCode],
  [deviceGrant, byDevice],
  ['device_code', byDevice],
  ['refresh_token', byRefresh],
]);

/** Answers `POST /adfs/oauth2/token` (RFC 6749 §3.2). Parameters in the query are not read: MSAL puts only a trace id there. */
export async function answerToken(identity: Identity, asked: Asked): Promise<Answer> {
  return await withNonce(identity, asked, answerNoted(identity, asked));
}

async function answerNoted(identity: Identity, asked: Asked): Promise<Answer> {
  const grantType = wantedParameter(asked.form, 'grant_type');
  const told = { flow: printable(grantType), source: asked.source, clientId: clientText(asked), name: nameText(asked) };
  try {
    const answer = await answerGrant(identity, await readProof(identity, asked), grantType);
    identity.note({ ...told, outcome: 'signed-in', because: 'tokens issued' });
    return answer;
  } catch (error) {
    if (error instanceof Refusal && !stepCodes.has(error.code)) {
      const oid = error instanceof TokenRefusal ? error.who.oid : undefined;
      identity.note({ ...told, oid, outcome: 'refused', because: error.message });
    }
    throw error;
  }
}

/** What is a step on the way, and no refusal of a sign-in. */
const stepCodes = new Set(['authorization_pending', 'slow_down', 'UseDpopNonce']);

function clientText({ form }: Asked): string | undefined {
  const clientId = form.get('client_id');
  return clientId === undefined ? undefined : printable(clientId);
}

function nameText({ form }: Asked): string | undefined {
  const name = form.get('username');
  return name === undefined ? undefined : printable(name);
}

async function answerGrant(identity: Identity, asked: Proved, grantType: string): Promise<Answer> {
  const grant = userGrants.get(grantType);
  if (grant === undefined && grantType !== 'client_credentials') {
    throw new Refusal('unsupported_grant_type', `The grant_type "${printable(grantType)}" is not supported.`);
  }
  const client = await readClient(identity, asked);
  if (client.kind === 'public' && grant !== undefined) return await grant(identity, asked, client);
  if (client.kind === 'confidential' && grant === undefined) return await byClientCredentials(identity, asked, client);
  throw new Refusal('unauthorized_client', `This client may not use the grant_type "${printable(grantType)}".`);
}

/** A parameter that must be there. */
function wantedParameter(parameters: Parameters, name: string): string {
  const value = parameters.get(name);
  if (value === undefined) throw new Refusal('invalid_request', `The parameter "${name}" is missing.`);
  return value;
}

async function byClientCredentials(
  identity: Identity,
  asked: Proved,
  client: Client & { readonly kind: 'confidential' },
): Promise<Answer> {
  const { audience } = readWish(asked.form, identity.audiences);
  const principal = standing(identity, client.application.id);
  const { clientId, proof, certificate } = client;
  return await tokens(identity, { asked, principal, clientId, audience, proof, certificate });
}

async function byPassword(identity: Identity, asked: Proved, { clientId }: PublicClient): Promise<Answer> {
  const { form, source } = asked;
  const wish = readWish(form, identity.audiences);
  const name = wantedParameter(form, 'username');
  const password = new Secret(wantedParameter(form, 'password'));
  const user = await signInUser(identity.directory, { name, password, source });
  return await userTokens(identity, { asked, oid: user.id, clientId, wish });
}

async function byCode(identity: Identity, asked: Proved, { clientId }: PublicClient): Promise<Answer> {
  const { form } = asked;
  const code = new Secret(wantedParameter(form, 'code'));
  const redirectUri = wantedParameter(form, 'redirect_uri');
  const verifier = wantedParameter(form, 'code_verifier');
  const redeemed = redeemCode(identity.codes, code);
  if (redeemed.kind === 'replayed' && redeemed.familyId !== undefined) {
    await endRefresh(identity.directory, redeemed.familyId);
  }
  if (redeemed.kind !== 'good') throw wrongGrant('The code is unknown, used or expired');
  const { grant } = redeemed;
  if (grant.clientId.toLowerCase() !== clientId.toLowerCase())
    throw wrongGrant('The code was issued to another client');
  if (grant.redirectUri !== redirectUri) throw wrongGrant('The redirect_uri is not the one that the code was sent to');
  if (!verifierFits(grant, verifier)) throw wrongGrant('The code_verifier does not fit the code_challenge');
  const wish = wishOf(grant, identity.audiences);
  const { oid, nonce } = grant;
  return await userTokens(identity, { asked, oid, clientId, wish, nonce, started: redeemed.note });
}

// RFC 7636 §4.6, S256. A digest is compared, so an early end of the comparison tells nothing about the verifier.
function verifierFits({ challenge }: CodeGrant, verifier: string): boolean {
  return (
    /^[A-Za-z0-9._~-]{43,128}$/.test(verifier) &&
    createHash('sha256').update(verifier).digest('base64url') === challenge
  );
}

async function byDevice(identity: Identity, asked: Proved, { clientId }: PublicClient): Promise<Answer> {
  const { form } = asked;
  const deviceCode = new Secret(form.get('device_code') ?? wantedParameter(form, 'code'));
  const polled = pollDevice(identity.codes, deviceCode, clientId);
  switch (polled.kind) {
    case 'approved': {
      const wish = wishOf(polled.grant, identity.audiences);
      return await userTokens(identity, { asked, oid: polled.oid, clientId, wish });
    }
    case 'authorization_pending':
      throw new Refusal('authorization_pending', 'The user has not yet signed in.');
    case 'slow_down':
      throw new Refusal('slow_down', 'Polled too fast; wait five seconds longer between polls.');
    case 'access_denied':
      throw new Refusal('access_denied', 'The user refused the sign-in.');
    case 'expired_token':
      throw new Refusal('expired_token', 'The device code has expired; start again.');
    case 'unknown':
      throw wrongGrant('The device_code is unknown, used or expired');
  }
}

async function byRefresh(identity: Identity, asked: Proved, { clientId }: PublicClient): Promise<Answer> {
  const { form, jkt } = asked;
  const wish = readWish(form, identity.audiences);
  const token = new Secret(wantedParameter(form, 'refresh_token'));
  const { principal, token: next } = await redeemRefresh(identity.directory, { token, clientId, jkt });
  const order = { asked, principal, clientId, audience: wish.audience, proof: 'none' } as const;
  return await tokens(identity, order, { wish, refreshToken: next });
}

function wrongGrant(reason: string): Refusal {
  return new Refusal('invalid_grant', `${reason}.`);
}

function standing({ directory: { directories } }: Identity, oid: string): PrincipalRecord {
  const holder = directoryHolding(directories, oid);
  const principal = holder === undefined ? undefined : principalOf(holder, oid);
  if (principal?.isEnabled === true) return principal;
  throw wrongGrant('The account is gone or switched off');
}

async function userTokens(
  identity: Identity,
  order: {
    readonly asked: Proved;
    readonly oid: string;
    readonly clientId: string;
    readonly wish: Wish;
    readonly nonce?: string | undefined;
    readonly started?: (familyId: string) => void;
  },
): Promise<Answer> {
  const { asked, oid, clientId, wish, nonce, started } = order;
  const principal = standing(identity, oid);
  let refreshToken: Secret | undefined;
  if (wish.wantsRefresh) {
    const holder = holderOf(identity, oid);
    const family = await startRefresh(holder, { oid: principal.oid, clientId, jkt: asked.jkt });
    started?.(family.familyId);
    refreshToken = family.token;
  }
  const { audience } = wish;
  return await tokens(identity, { asked, principal, clientId, audience, proof: 'none', nonce }, { wish, refreshToken });
}

/** A token is of the directory that holds its principal. */
function holderOf({ directory }: Identity, oid: string): Directory {
  const holder = directoryHolding(directory.directories, oid);
  if (holder !== undefined) return holder;
  throw wrongGrant('The account is gone or switched off');
}

type Order = {
  readonly asked: Proved;
  readonly principal: PrincipalRecord;
  readonly clientId: string;
  readonly audience: string;
  readonly proof: ClientProof;
  readonly nonce?: string | undefined;
  readonly certificate?: string | undefined;
};

// The members of RFC 6749 §5.1; `expires_in` is a number, which MSAL insists on.
async function tokens(
  identity: Identity,
  order: Order,
  user?: { readonly wish: Wish; readonly refreshToken: Secret | undefined },
): Promise<Answer> {
  const { issuer, keys, now } = identity;
  const { oid } = order.principal;
  const from = { issuer, tenantId: holderOf(identity, oid).tenantId, keys, now };
  const binding = bindingOf(identity, order.asked, { oid, tid: from.tenantId, certificate: order.certificate });
  return jsonAnswer(200, {
    token_type: order.asked.jkt === undefined ? 'Bearer' : 'DPoP',
    expires_in: tokenLifeS(binding),
    access_token: await issueAccessToken(from, { ...order, ...binding }),
    ...(user === undefined || user.wish.scope === '' ? {} : { scope: user.wish.scope }),
    ...(user?.wish.resource === undefined ? {} : { resource: user.wish.resource }),
    ...(user?.refreshToken === undefined ? {} : { refresh_token: user.refreshToken.reveal() }),
    ...(user?.wish.wantsIdToken === true ? { id_token: await issueIdToken(from, order) } : {}),
  });
}
