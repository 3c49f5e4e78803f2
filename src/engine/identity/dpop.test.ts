/** Proofs of a key: what makes one good, and that each single thing that is wrong with one is refused. */

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { exportJWK, SignJWT, type JWK, type JWTPayload } from 'jose';
import { proofNonceMs, proofSkewS } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';
import { hashOfToken, startProofs, type ProofDemand } from '#engine/identity/dpop.ts';
import { generateProofKey, makeProof, readProofKey } from '#engine/identity/proof-maker.ts';
import { ReplayMemory } from '#engine/identity/replay.ts';

const clock = { ms: 1_800_000_000_000 };
const proofs = startProofs(() => clock.ms);
const url = 'https://management.test/subscriptions';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = await exportJWK(pair.publicKey);

const goodClaims = (): JWTPayload => ({
  jti: crypto.randomUUID(),
  htm: 'GET',
  htu: url,
  iat: clock.ms / 1000,
  nonce: proofs.nonce(),
});

async function proofOf(
  change: { claims?: JWTPayload; header?: Record<string, unknown>; key?: KeyObject | Uint8Array } = {},
): Promise<string> {
  return await new SignJWT({ ...goodClaims(), ...change.claims })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...change.header })
    .sign(change.key ?? pair.privateKey);
}

const judge = (proof: string | readonly string[], more: Partial<ProofDemand> = {}) =>
  proofs.judge({ headers: typeof proof === 'string' ? [proof] : proof, method: 'GET', url, ...more });

const refusedAs = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;
const isWrong = refusedAs('InvalidDpopProof');

test('a proof is good once, for its method, address and key', async () => {
  const key = await readProofKey(generateProofKey());
  const proof = await makeProof(key, {
    method: 'GET',
    url: `${url}?api-version=1`,
    nonce: proofs.nonce(),
    nowMs: clock.ms,
  });
  assert.equal(await judge(proof, { url: 'HTTPS://Management.test:443/subscriptions?x=1' }), key.jkt);
  await assert.rejects(judge(proof), isWrong);
});

test('each algorithm of the list is taken with its own kind of key', async () => {
  const kinds = [
    ['EdDSA', generateKeyPairSync('ed25519')],
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['PS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ] as const;
  for (const [alg, { privateKey, publicKey }] of kinds) {
    const header = { alg, jwk: await exportJWK(publicKey) };
    assert.match(await judge(await proofOf({ header, key: privateKey })), /^[\w-]{43}$/, alg);
  }
});

test('what is wrong with a proof in one thing is refused', async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const privateJwk: JWK = await exportJWK(pair.privateKey);
  const rows: readonly (readonly [says: string, proof: string | readonly string[], more?: Partial<ProofDemand>])[] = [
    ['no proof', []],
    ['two proofs', [await proofOf(), await proofOf()]],
    ['another key signed it', await proofOf({ key: other.privateKey })],
    ['typ', await proofOf({ header: { typ: 'JWT' } })],
    ['a private key in the header', await proofOf({ header: { jwk: privateJwk } })],
    ['no key in the header', await proofOf({ header: { jwk: undefined } })],
    [
      'a key by address only',
      await proofOf({ header: { jwk: undefined, jku: 'https://evil.test/keys', x5u: 'https://evil.test' } }),
    ],
    ['a key of another kind', await proofOf({ header: { jwk: await exportJWK(weak.publicKey) } })],
    [
      'a shared key',
      await proofOf({
        header: { alg: 'HS256', jwk: { kty: 'oct', k: 'c2VjcmV0' } },
        key: new TextEncoder().encode('secret'),
      }),
    ],
    [
      'an extension that nobody knows',
      `${Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk, crit: ['x'], x: 1 })).toString('base64url')}.e30.AA`,
    ],
    [
      'alg none',
      `${Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'none', jwk })).toString('base64url')}.${Buffer.from(JSON.stringify(goodClaims())).toString('base64url')}.`,
    ],
    ['method', await proofOf({ claims: { htm: 'POST' } })],
    ['method in another case', await proofOf({ claims: { htm: 'get' } })],
    ['path', await proofOf({ claims: { htu: `${url}/x` } })],
    ['host', await proofOf({ claims: { htu: 'https://adminmanagement.test/subscriptions' } })],
    ['scheme', await proofOf({ claims: { htu: 'http://management.test/subscriptions' } })],
    ['port', await proofOf({ claims: { htu: 'https://management.test:444/subscriptions' } })],
    ['a name in the address', await proofOf({ claims: { htu: 'https://a@management.test/subscriptions' } })],
    ['no address', await proofOf({ claims: { htu: 'subscriptions' } })],
    ['too old', await proofOf({ claims: { iat: clock.ms / 1000 - proofSkewS - 1 } })],
    ['of the future', await proofOf({ claims: { iat: clock.ms / 1000 + proofSkewS + 1 } })],
    ['no iat', await proofOf({ claims: { iat: undefined } })],
    ['expired', await proofOf({ claims: { exp: clock.ms / 1000 - proofSkewS - 1 } })],
    ['no jti', await proofOf({ claims: { jti: '' } })],
    ['too long', await proofOf({ claims: { more: 'x'.repeat(9000) } })],
  ];
  for (const [says, proof, more] of rows) await assert.rejects(judge(proof, more), isWrong, says);
});

test('a proof for a token names that token and is made by its key', async () => {
  const jkt = await judge(await proofOf());
  const token = { text: 'aaa.bbb.ccc', jkt };
  assert.equal(await judge(await proofOf({ claims: { ath: hashOfToken(token.text) } }), { token }), jkt);
  await assert.rejects(judge(await proofOf(), { token }), isWrong);
  await assert.rejects(judge(await proofOf({ claims: { ath: hashOfToken('other') } }), { token }), isWrong);
  const bound = { ...token, jkt: 'x'.repeat(43) };
  await assert.rejects(judge(await proofOf({ claims: { ath: hashOfToken(token.text) } }), { token: bound }), isWrong);
});

test('a nonce is taken for two periods and no longer, and one of another place never', async () => {
  const wantsNonce = refusedAs('UseDpopNonce');
  const nonce = proofs.nonce();
  await judge(await proofOf({ claims: { nonce } }));
  clock.ms += proofNonceMs;
  assert.notEqual(proofs.nonce(), nonce);
  await judge(await proofOf({ claims: { nonce } }));
  clock.ms += proofNonceMs;
  await assert.rejects(judge(await proofOf({ claims: { nonce } })), wantsNonce);
  await assert.rejects(judge(await proofOf({ claims: { nonce: undefined } })), wantsNonce);
  await assert.rejects(judge(await proofOf({ claims: { nonce: startProofs(() => clock.ms).nonce() } })), wantsNonce);
});

test('a proof cannot come again however long one waits', async () => {
  const proof = await proofOf();
  await judge(proof);
  for (let step = 0; step < 20; step += 1) {
    await assert.rejects(judge(proof), (error) => error instanceof Refusal && error.status === 401);
    clock.ms += proofNonceMs / 4;
  }
});

test('a memory that is full takes nothing more, and one owner fills its own share only', () => {
  const memory = new ReplayMemory({ keptMs: 100, ownerMax: 2, allMax: 3 });
  assert.deepEqual(
    [memory.note('a', '1', 0), memory.note('a', '2', 1), memory.note('a', '3', 2), memory.note('a', '1', 3)],
    ['fresh', 'fresh', 'full', 'replayed'],
  );
  assert.deepEqual([memory.note('b', '1', 4), memory.note('c', '1', 5)], ['fresh', 'full']);
  assert.equal(memory.note('c', '1', 100), 'fresh');
  assert.equal(memory.note('a', '3', 101), 'fresh');
  assert.ok(memory.size <= 3);
});

test('whatever is sent as a proof is refused, never thrown otherwise', async () => {
  const good = await proofOf();
  const altered = fc
    .tuple(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 3 }))
    .map(([at, text]) => good.slice(0, at) + text + good.slice(at + text.length))
    .filter((text) => text !== good && text.slice(0, -2) !== good.slice(0, -2));
  const headers = fc.dictionary(fc.constantFrom('typ', 'alg', 'jwk', 'kid', 'crit', 'b64'), fc.jsonValue());
  const built = fc.tuple(headers, fc.jsonValue()).map(([header, body]) => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header })}.${part(body)}.AAAA`;
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), altered, built), async (text) => {
      await assert.rejects(judge(text), (error) => error instanceof Refusal && error.status === 401);
    }),
    { numRuns: 300 },
  );
});
