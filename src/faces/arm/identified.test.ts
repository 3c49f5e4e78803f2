/** Tokens at the ARM face: bound ones with their key, plain ones where plain ones are taken; refusals are noted and say what would be taken. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { generateProofKey, makeProof, readProofKey } from '#engine/identity/proof-maker.ts';
import { TokenRefusal, type Principal } from '#engine/identity/verify-token.ts';
import { fakeStamp, owner, tenantId, type Call, type FakeStamp, type Reply } from '#faces/arm/fake-engine.ts';
import type { RefusedToken } from '#engine/identity/presented.ts';
import { boundWanted } from '#faces/arm/identified.ts';

const key = await readProofKey(generateProofKey());
const path = '/subscriptions?api-version=2022-12-01';
const management = 'https://management.local.test';
const noted: RefusedToken[] = [];

const bounds = new Map<string, Principal['bound']>([
  ['plain', { issuedS: 0 }],
  ['keyed', { issuedS: 0, jkt: key.jkt }],
]);

function verify(token: string): Promise<Principal> {
  if (token === 'old') {
    const who = { oid: owner };
    return Promise.reject(new TokenRefusal('AuthenticationFailed', 'It was revoked.', { who, renewFromS: 99 }));
  }
  const bound = bounds.get(token);
  if (bound === undefined) return Promise.reject(new Refusal('X', 'unknown', { status: 401 }));
  return Promise.resolve({
    oid: owner,
    tid: tenantId,
    kind: 'user',
    groups: [],
    displayName: 'a',
    appid: owner,
    bound,
  });
}

let tenant: FakeStamp;
let admin: FakeStamp;
before(async () => {
  const common = { verify, noteRefused: (event: RefusedToken) => noted.push(event) };
  tenant = await fakeStamp(common);
  admin = await fakeStamp({ ...common, plane: 'admin' });
});
after(async () => {
  await tenant.close();
  await admin.close();
});

const nonceOf = ({ headers }: Reply): string => String(headers['dpop-nonce']);

async function withProof(stamp: FakeStamp, call: { nonce?: string; base?: string; method?: string }): Promise<Reply> {
  const { nonce, base = management, method = 'GET' } = call;
  const proof = await makeProof(key, { method, url: `${base}${path}`, nonce, token: 'keyed', nowMs: 0 });
  return await stamp.send(path, { headers: { authorization: 'DPoP keyed', dpop: proof } });
}

const bearer = (token: string): Call => ({ headers: { authorization: `Bearer ${token}` } });

test('a bound token with its proof is taken; each answer brings the nonce of the next', async () => {
  const first = await withProof(tenant, {});
  assert.equal(first.status, 401);
  assert.match(
    String(first.headers['www-authenticate']),
    /^DPoP algs="ES256 EdDSA RS256 PS256", error="use_dpop_nonce"/,
  );
  const second = await withProof(tenant, { nonce: nonceOf(first) });
  assert.equal(second.status, 200);
  assert.equal((await withProof(tenant, { nonce: nonceOf(second) })).status, 200);
  assert.deepEqual(noted.splice(0), [], 'a nonce that is wanted is no refusal to note');
});

test('a bound token that is presented plainly is refused, noted with its owner and without the token', async () => {
  const reply = await tenant.send(path, bearer('keyed'));
  assert.equal(reply.status, 401);
  assert.match(String(reply.headers['www-authenticate']), /DPoP algs="/);
  const [event] = noted.splice(0);
  assert.deepEqual([event?.who.oid, event?.from, event?.code], [owner, '127.0.0.1', 'InvalidAuthenticationToken']);
  assert.doesNotMatch(JSON.stringify(event), /keyed/);
});

test("the operator's plane takes no plain token, and a proof for one plane is none for the other", async () => {
  assert.equal((await tenant.send(path, bearer('plain'))).status, 200);
  const plain = await admin.send(path, bearer('plain'));
  assert.equal(plain.status, 401);
  assert.match(String(plain.headers['www-authenticate']), /^DPoP algs="ES256/);
  const nonce = nonceOf(plain);
  const own = 'https://adminmanagement.local.test';
  assert.equal((await withProof(admin, { nonce })).status, 401);
  assert.equal((await withProof(admin, { nonce, method: 'PUT', base: own })).status, 401);
  assert.equal((await withProof(admin, { nonce, base: own })).status, 200);
  assert.equal(noted.splice(0).length, 3);
});

test('a revoked token of a client that takes challenges is answered with one', async () => {
  const reply = await tenant.send(path, bearer('old'));
  const [, claims = ''] =
    /error="insufficient_claims", claims="([^"]+)"/.exec(String(reply.headers['www-authenticate'])) ?? [];
  const wanted: unknown = JSON.parse(Buffer.from(claims, 'base64').toString('utf8'));
  assert.deepEqual(wanted, { access_token: { nbf: { essential: true, value: '99' } } });
  assert.equal(noted.splice(0).length, 1);
});

test('which plane wants bound tokens is decided in one place', () => {
  assert.deepEqual(
    [
      boundWanted({ plane: 'admin' }),
      boundWanted({ plane: 'tenant' }),
      boundWanted({ plane: 'tenant', wantsBound: true }),
    ],
    [true, false, true],
  );
});
