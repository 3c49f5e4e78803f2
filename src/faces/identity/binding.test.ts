/** Tokens that are bound: to a proved key, to the certificate of a connection, to a network; and what a copy is worth. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { proofNonceMs } from '#base/identity-limits.ts';
import { generateProofKey, makeProof, readProofKey } from '#engine/identity/proof-maker.ts';
import { az, password, startFixture, type Fixture, type Reply } from '#faces/identity/fixture.ts';

let face: Fixture;
before(async () => {
  face = await startFixture({ networkBound: ({ oid }) => oid === face.application.id });
});
after(async () => {
  assert.deepEqual(face.bugs, []);
  await face.close();
});

const key = await readProofKey(generateProofKey());
const thief = await readProofKey(generateProofKey());
const tokenPath = '/adfs/oauth2/token/';
let nonce: string | undefined;

const user = () => ({
  grant_type: 'password',
  client_id: az,
  username: 'ann',
  password,
  scope: 'offline_access openid',
});

async function proofFor(by = key, path = tokenPath, method = 'POST'): Promise<string> {
  return await makeProof(by, { method, url: `${face.base}${path}`, nonce, nowMs: face.clock.ms });
}

async function ask(form: Record<string, string>, proof: string | undefined): Promise<Reply> {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...(proof === undefined ? {} : { dpop: proof }),
  };
  const reply = await face.ask('POST', `${tokenPath}?x=1`, { body: String(new URLSearchParams(form)), headers });
  if (proof !== undefined) nonce = String(reply.headers['dpop-nonce']);
  return reply;
}

const refresh = (token: unknown) => ({ grant_type: 'refresh_token', client_id: az, refresh_token: String(token) });
const isRefused = ({ status, json }: Reply, error: string) => assert.deepEqual([status, json['error']], [400, error]);

test('a proof wants our nonce first, uses nothing up until it is good, and binds both tokens to its key', async () => {
  nonce = undefined;
  isRefused(await ask(user(), await proofFor()), 'use_dpop_nonce');
  const { status, json } = await ask(user(), await proofFor());
  assert.deepEqual([status, json['token_type'], json['expires_in']], [200, 'DPoP', 3600]);
  assert.deepEqual(decodeJwt(String(json['access_token']))['cnf'], { jkt: key.jkt });
  face.clock.ms += 2 * proofNonceMs;
  isRefused(await ask(refresh(json['refresh_token']), await proofFor()), 'use_dpop_nonce');
  const next = await ask(refresh(json['refresh_token']), await proofFor());
  assert.deepEqual(decodeJwt(String(next.json['access_token']))['cnf'], { jkt: key.jkt });
});

test('a copied refresh token is worth nothing without its key, and its owner goes on', async () => {
  await ask(user(), await proofFor());
  const { json } = await ask(user(), await proofFor());
  isRefused(await ask(refresh(json['refresh_token']), undefined), 'invalid_grant');
  isRefused(await ask(refresh(json['refresh_token']), await proofFor(thief)), 'invalid_grant');
  const next = await ask(refresh(json['refresh_token']), await proofFor());
  assert.equal(next.status, 200);
});

test('a sign-in that had no key is bound to the key of its first proof', async () => {
  const { json } = await ask(user(), undefined);
  const bound = await ask(refresh(json['refresh_token']), await proofFor());
  assert.equal(bound.status, 200);
  isRefused(await ask(refresh(bound.json['refresh_token']), undefined), 'invalid_grant');
});

test('a proof is refused that was used, or is for another address or method; the refusal is told and no token is given', async () => {
  await ask(user(), await proofFor());
  const used = await proofFor();
  assert.equal((await ask(user(), used)).status, 200);
  isRefused(await ask(user(), used), 'invalid_dpop_proof');
  isRefused(await ask(user(), await proofFor(key, '/adfs/oauth2/devicecode')), 'invalid_dpop_proof');
  isRefused(await ask(user(), await proofFor(key, tokenPath, 'GET')), 'invalid_dpop_proof');
  const told = face.events.at(-1);
  assert.deepEqual(
    [told?.outcome, told?.because],
    ['refused', 'The DPoP proof is not accepted: its htm is not the method of the request.'],
  );
});

test('a program that connects with its registered certificate needs no secret and gets a token bound to it', async () => {
  const form = { grant_type: 'client_credentials', client_id: face.application.appId };
  const { status, json } = await face.tokenWithCertificate(form);
  assert.equal(status, 200);
  assert.deepEqual(decodeJwt(String(json['access_token']))['cnf'], { 'x5t#S256': face.x5tS256 });
  const secret = await face.tokenWithCertificate({ ...form, client_secret: face.secret });
  assert.deepEqual(decodeJwt(String(secret.json['access_token']))['cnf'], { 'x5t#S256': face.x5tS256 });
  assert.equal((await face.token(form)).status, 401);
  assert.equal((await face.tokenWithStrangerCertificate(form)).status, 401);
  const stranger = await face.tokenWithStrangerCertificate({ ...form, client_secret: face.secret });
  assert.equal(decodeJwt(String(stranger.json['access_token']))['cnf'], undefined);
});

test('a token carries the network only where the plan says so, and what the client can do where it says so', async () => {
  const form = { grant_type: 'client_credentials', client_id: face.application.appId, client_secret: face.secret };
  const claims = '{"access_token":{"xms_cc":{"values":["CP1"]}}}';
  const program = decodeJwt(String((await face.token({ ...form, claims })).json['access_token']));
  assert.deepEqual([program['net'], program['xms_cc']], ['127.0.0.0/24', ['cp1']]);
  const person = decodeJwt(String((await face.token({ ...user(), claims: '{"access_token":' })).json['access_token']));
  assert.deepEqual([person['net'], person['xms_cc']], [undefined, undefined]);
});
