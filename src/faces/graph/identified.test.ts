/** Bound tokens at Graph: without their key or from another network they are refused and noted; with it they are taken. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IncomingMessage } from 'node:http';
import { startProofs } from '#engine/identity/dpop.ts';
import type { RefusedToken } from '#engine/identity/presented.ts';
import { generateProofKey, makeProof, readProofKey } from '#engine/identity/proof-maker.ts';
import type { Principal } from '#engine/identity/verify-token.ts';
import type { GraphOptions } from '#faces/graph/call.ts';
import { callerOf } from '#faces/graph/identified.ts';

const key = await readProofKey(generateProofKey());
const base = 'https://graph.local.test';
const person = { oid: 'o', tid: 't', kind: 'user', groups: [], displayName: 'ann', appid: 'az' } as const;
const bounds: { readonly [token: string]: Principal['bound'] } = {
  plain: { issuedS: 0 },
  keyed: { issuedS: 0, jkt: key.jkt },
  near: { issuedS: 0, network: '203.0.113.0/24' },
};

async function outcome(authorization: string, proof?: string, from = '203.0.113.9'): Promise<[string, number]> {
  const noted: RefusedToken[] = [];
  const options = {
    base,
    verify: (token: string) => Promise.resolve({ ...person, bound: bounds[token] }),
    noteRefused: (event: RefusedToken) => noted.push(event),
  } as unknown as GraphOptions;
  const request = {
    url: '/v1.0/me?$select=id',
    headersDistinct: proof === undefined ? {} : { dpop: [proof] },
    socket: {},
  };
  const asked = {
    method: 'GET',
    segments: ['me'],
    query: new Map(),
    source: from,
    clientRequestId: 'c',
    authorization,
  };
  const found = await callerOf({
    options,
    proofs,
    request: request as unknown as IncomingMessage,
    asked,
    id: 'i',
  }).then(
    ({ displayName }) => displayName,
    (error: { code?: string }) => String(error.code),
  );
  assert.doesNotMatch(JSON.stringify(noted), /keyed|near/);
  return [found, noted.length];
}

const proofs = startProofs(() => 0);
const proof = (url: string, token = 'keyed') =>
  makeProof(key, { method: 'GET', url, nonce: proofs.nonce(), token, nowMs: 0 });

test('what is bound is taken only as it is bound, and each refusal is noted without the token', async () => {
  assert.deepEqual(await outcome('Bearer plain'), ['ann', 0]);
  assert.deepEqual(await outcome('Bearer keyed'), ['InvalidAuthenticationToken', 1]);
  assert.deepEqual(await outcome('DPoP keyed', await proof(`${base}/v1.0/me`)), ['ann', 0]);
  assert.equal((await outcome('DPoP keyed', await proof('https://management.local.test/v1.0/me')))[1], 1);
  assert.equal((await outcome('DPoP keyed', await proof(`${base}/v1.0/me`, 'plain')))[1], 1);
  assert.deepEqual(await outcome('Bearer near'), ['ann', 0]);
  assert.deepEqual(await outcome('Bearer near', undefined, '198.51.100.9'), ['InvalidAuthenticationToken', 1]);
});
