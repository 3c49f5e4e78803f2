/** How a token may be presented: every binding against every way, with and without what it is bound to. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { startProofs } from '#engine/identity/dpop.ts';
import { networkOf } from '#engine/identity/network.ts';
import { presented, type Presentation } from '#engine/identity/presented.ts';
import { generateProofKey, makeProof, readProofKey } from '#engine/identity/proof-maker.ts';
import { TokenRefusal, type Principal, type TokenBound } from '#engine/identity/verify-token.ts';

const nowMs = 1_800_000_000_000;
const proofs = startProofs(() => nowMs);
const key = await readProofKey(generateProofKey());
const thief = await readProofKey(generateProofKey());
const url = 'https://management.test/x';
const token = 'aaa.bbb.ccc';
const proof = (by = key) => makeProof(by, { method: 'GET', url, nonce: proofs.nonce(), token, nowMs });

async function ask(bound: Partial<TokenBound> | undefined, change: Partial<Presentation>, wantsBound = false) {
  const principal: Principal = {
    ...{ oid: 'o', tid: 't', kind: 'user', groups: [], displayName: 'Ann', appid: 'a', upn: 'ann@test' },
    ...(bound === undefined ? {} : { bound: { issuedS: 0, ...bound } }),
  };
  const asked = {
    authorization: `Bearer ${token}`,
    proofs: [],
    method: 'GET',
    url,
    certificate: undefined,
    from: '10.1.2.3',
  };
  return await presented({ ...asked, ...change }, { verify: () => Promise.resolve(principal), proofs, wantsBound });
}

const dpop = `DPoP ${token}`;

test('[S2.14] what a token is bound to must be shown, and a plain one is taken only where plain ones are', async () => {
  const certificate = 'c'.repeat(43);
  await ask(undefined, {});
  await ask({ jkt: key.jkt }, { authorization: dpop, proofs: [await proof()] }, true);
  await ask({ certificate }, { certificate }, true);
  await ask({ network: '10.1.2.0/24' }, { from: '10.1.2.200' });
  const rows: readonly (readonly [string, Partial<TokenBound> | undefined, Partial<Presentation>, boolean?])[] = [
    ['plain where bound is wanted', {}, {}, true],
    ['a bound token as a plain one', { jkt: key.jkt }, {}],
    ['a bound token as a plain one beside a proof', { jkt: key.jkt }, { proofs: [await proof()] }],
    ['a bound token without a proof', { jkt: key.jkt }, { authorization: dpop }],
    ['with the proof of another key', { jkt: key.jkt }, { authorization: dpop, proofs: [await proof(thief)] }],
    ['an unbound token with a proof of some key', {}, { authorization: dpop, proofs: [await proof(thief)] }],
    ['no certificate', { certificate }, {}],
    ['another certificate', { certificate }, { certificate: 'd'.repeat(43) }],
    ['another network', { network: '10.1.2.0/24' }, { from: '10.1.3.3' }],
    [
      'a bound token from another network',
      { jkt: key.jkt, network: '10.1.3.0/24' },
      { authorization: dpop, proofs: [await proof()] },
    ],
  ];
  for (const [says, bound, change, wantsBound] of rows) {
    const isRefused = (error: unknown) =>
      error instanceof TokenRefusal && error.status === 401 && error.who.oid === 'o';
    await assert.rejects(ask(bound, change, wantsBound), isRefused, says);
  }
});

test('the Authorization header is a bearer or DPoP token, or is refused', async () => {
  for (const header of [`bearer  ${token}`, `BEARER ${token}`]) await ask(undefined, { authorization: header });
  for (const header of [undefined, '', 'Basic abc', 'Bearer', 'DPoP', 'Bearer a b', 'Bearer a,b', 'DPoPa b'])
    await assert.rejects(
      ask(undefined, { authorization: header }),
      (error) => error instanceof Refusal && error.code === 'AuthenticationFailed',
      header,
    );
});

test('a network is a /24 or a /64, however the address is written', () => {
  assert.deepEqual(
    ['10.1.2.3', '::ffff:10.1.2.9', '2001:db8::1', '2001:db8:0:0:5::/64', 'fe80::1%eth0', 'x'].map(networkOf),
    ['10.1.2.0/24', '10.1.2.0/24', '2001:db8::/64', '2001:db8::/64', 'fe80::/64', 'unknown'],
  );
});
