/** Tests of access tokens: what a face takes, and under which code it refuses the rest. */

import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import fc from 'fast-check';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import { Fault, Refusal } from '#base/wrong.ts';
import type { PrincipalRecord } from '#engine/identity/directory.ts';
import { generateTokenKeys, importTokenKeys, rotateTokenKeys, type TokenKeys } from '#engine/identity/token-keys.ts';
import { issueAccessToken, issueIdToken } from '#engine/identity/tokens.ts';
import { tokenVerifier, verifyAccessToken, type TokenRules } from '#engine/identity/verify-token.ts';

const arm = 'https://management.local.ringwall.internal';
const issuer = 'https://adfs.local.ringwall.internal/adfs';
const ann: PrincipalRecord = {
  oid: '11111111-1111-1111-1111-111111111111',
  kind: 'user',
  displayName: 'Ann',
  isEnabled: true,
  tokensValidFromS: 0,
  groups: ['g1'],
  upn: 'ann@local.ringwall.internal',
};
const clock = { ms: 1_800_000_000_500 };
const people = new Map<string, PrincipalRecord>();
let keys: TokenKeys;
let otherKeys: TokenKeys;

before(async () => {
  const [one, two] = await Promise.all([generateTokenKeys(2048), generateTokenKeys(2048)]);
  [keys, otherKeys] = await Promise.all([importTokenKeys(one), importTokenKeys(two)]);
});

const rules = (more: Partial<TokenRules> = {}): TokenRules => ({
  issuer,
  tenantId: 't',
  audiences: [arm],
  keys,
  now: () => clock.ms,
  principalOf: (oid) => people.get(oid),
  ...more,
});
const from = (more = {}) => ({ issuer, tenantId: 't', keys, now: () => clock.ms, ...more });
const order = (more = {}) => ({ principal: ann, clientId: 'az', audience: arm, proof: 'none' as const, ...more });
const refused = (code: string) => (error: unknown) =>
  error instanceof Refusal && error.code === code && error.status === 401;

test('a good token says who calls, with the groups of now', async () => {
  people.set(ann.oid, { ...ann, groups: ['g2'] });
  const token = await issueAccessToken(from(), order());
  const wanted = {
    oid: ann.oid,
    tid: 't',
    kind: 'user',
    groups: ['g2'],
    displayName: 'Ann',
    appid: 'az',
    upn: ann.upn,
    bound: { issuedS: Math.floor(clock.ms / 1000), network: undefined },
  };
  assert.deepEqual(await verifyAccessToken(token, rules()), wanted);
  const { aud, iss, sub, ver, exp = 0, iat = 0, appidacr } = decodeJwt(token);
  assert.deepEqual([aud, iss, sub, ver, exp - iat, appidacr], [arm, issuer, ann.oid, '1.0', 600, '0']);
});

test('each wrong token is refused under its own code', async () => {
  people.set(ann.oid, ann);
  const token = await issueAccessToken(from(), order());
  const [head = '', body = '', tail = ''] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ ...decodeJwt(token), oid: 'root' })).toString('base64url');
  const claims = decodeJwt(token);
  const hmac = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: keys.kid })
    .sign(Buffer.alloc(64));
  const plainType = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keys.kid })
    .sign(keys.signing);
  const rows: [string, string, string][] = [
    ['type', plainType, 'InvalidAuthenticationToken'],
    ['empty', '', 'InvalidAuthenticationToken'],
    ['words', 'not a token', 'InvalidAuthenticationToken'],
    ['long', 'a'.repeat(20_000), 'InvalidAuthenticationToken'],
    ['altered body', `${head}.${forged}.${tail}`, 'InvalidAuthenticationToken'],
    ['no signature', `${head}.${body}.`, 'InvalidAuthenticationToken'],
    ['alg none', new UnsecuredJWT(claims).encode(), 'InvalidAuthenticationToken'],
    ['alg HS256', hmac, 'InvalidAuthenticationToken'],
    ['other key', await issueAccessToken(from({ keys: otherKeys }), order()), 'InvalidAuthenticationToken'],
    [
      'other key, our kid',
      await issueAccessToken(from({ keys: { ...otherKeys, kid: keys.kid } }), order()),
      'InvalidAuthenticationToken',
    ],
    ['id token', await issueIdToken(from(), order()), 'InvalidAuthenticationToken'],
    [
      'audience',
      await issueAccessToken(from(), order({ audience: 'https://graph' })),
      'InvalidAuthenticationTokenAudience',
    ],
    ['issuer', await issueAccessToken(from({ issuer: 'https://evil' }), order()), 'InvalidAuthenticationTokenTenant'],
    ['tenant', await issueAccessToken(from({ tenantId: 'u' }), order()), 'InvalidAuthenticationTokenTenant'],
    [
      'expired',
      await issueAccessToken(from({ now: () => clock.ms - 3_700_000 }), order()),
      'ExpiredAuthenticationToken',
    ],
    ['not yet', await issueAccessToken(from({ now: () => clock.ms + 60_000 }), order()), 'InvalidAuthenticationToken'],
    [
      'unknown principal',
      await issueAccessToken(from(), order({ principal: { ...ann, oid: 'x' } })),
      'AuthenticationFailed',
    ],
  ];
  for (const [name, text, code] of rows) await assert.rejects(verifyAccessToken(text, rules()), refused(code), name);
});

test('a remembered token still ends with its time, its principal, and what was revoked', async () => {
  people.set(ann.oid, ann);
  const verify = tokenVerifier(rules());
  const token = await issueAccessToken(from(), order());
  await verify(token);
  people.set(ann.oid, { ...ann, isEnabled: false });
  await assert.rejects(verify(token), refused('AuthenticationFailed'));
  const nowS = Math.floor(clock.ms / 1000);
  const changed = { ...ann, tokensValidFromS: nowS + 1 };
  people.set(ann.oid, changed);
  await assert.rejects(verify(token), refused('AuthenticationFailed'));
  // A token issued within the very second of a change of password is good at once.
  await verify(await issueAccessToken(from(), order({ principal: changed })));
  people.set(ann.oid, ann);
  await verify(token);
  const start = clock.ms;
  clock.ms += 3_606_000;
  await assert.rejects(verify(token), refused('ExpiredAuthenticationToken'));
  clock.ms = start;
});

test('a remembered signature is not checked again within a minute, and is after it', async () => {
  people.set(ann.oid, ann);
  let asked = 0;
  const counting = { get: (kid: string) => (asked++, keys.verifying.get(kid)) } as unknown as TokenKeys['verifying'];
  const verify = tokenVerifier(rules({ keys: { ...keys, verifying: counting } }));
  const token = await issueAccessToken(from(), order());
  for (let count = 0; count < 5; count++) await verify(token);
  assert.equal(asked, 1);
  const start = clock.ms;
  clock.ms += 61_000;
  await verify(token);
  clock.ms = start;
  assert.equal(asked, 2);
});

test('keys rotate: old tokens stay good, new ones are signed by the new key, private parts are not published', async () => {
  people.set(ann.oid, ann);
  const stored = await generateTokenKeys(2048);
  const before = await importTokenKeys(stored);
  const token = await issueAccessToken(from({ keys: before }), order());
  const after = await importTokenKeys(JSON.parse(JSON.stringify(await rotateTokenKeys(stored))));
  assert.equal((await verifyAccessToken(token, rules({ keys: after }))).oid, ann.oid);
  assert.notEqual(after.kid, before.kid);
  assert.equal(after.published.keys.length, 2);
  for (const key of after.published.keys)
    assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
  await assert.rejects(importTokenKeys({ version: 1, keys: [] }), Fault);
  await assert.rejects(importTokenKeys({ version: 1, keys: [{ kty: 'RSA', kid: 'x', n: 'AQ' }] }), Fault);
});

test('any text and any altered token is refused with a 401, never thrown otherwise', async () => {
  const token = await issueAccessToken(from(), order());
  const altered = fc.tuple(fc.nat(token.length - 30), fc.string({ minLength: 1, maxLength: 4 })).map(([at, text]) => {
    const changed = token.slice(0, at) + text + token.slice(at + text.length);
    return changed === token ? '' : changed;
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), altered), async (text) => {
      await assert.rejects(
        verifyAccessToken(text, rules()),
        (error) => error instanceof Refusal && error.status === 401,
      );
    }),
    { numRuns: 200 },
  );
});
