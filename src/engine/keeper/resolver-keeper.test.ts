/** Shows that the resolver gets only what a record of the prover has, in order, and the same program only once. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { digestOf } from '#base/tree.ts';
import { Fault } from '#base/wrong.ts';
import {
  generateProverKeys,
  readPrivateKey,
  readPublicKey,
  signRecord,
  type ProofRecord,
} from '#engine/gate/record.ts';
import { ResolverKeeper } from '#engine/keeper/resolver-keeper.ts';
import type { SignedRecord } from '#engine/ports.ts';

const keys = generateProverKeys();
const others = { edge: deepFreeze({ kind: 'edge' }), 'router/v1/h1': deepFreeze({ kind: 'router' }) };
const digests = Object.fromEntries(Object.entries(others).map(([point, program]) => [point, digestOf(program)]));
const programOf = (domain: string): JsonObject => ({ kind: 'resolver', domain });

function signed(program: JsonObject, revision: number, change: Partial<ProofRecord> = {}): SignedRecord {
  const root = digestOf(deepFreeze({ ...others, resolver: program }));
  const record = { stamp: 3, revision, base: '', root, invariants: '', ...change };
  return { record, signature: signRecord(record, readPrivateKey(keys.privatePem)) };
}

function opened() {
  const given: unknown[] = [];
  const state = { fails: false };
  const keeper = new ResolverKeeper({
    stamp: 3,
    key: readPublicKey(keys.publicPem),
    resolver: {
      apply: (program) => {
        if (state.fails) return Promise.reject(new Fault('ResolverDown', 'down'));
        given.push(program.domain);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    },
  });
  return { keeper, given, state };
}

test('a program that a record of the prover has is given once, whatever else the record has', async () => {
  const { keeper, given } = opened();
  const [one, two] = [programOf('one'), programOf('two')];
  await Promise.all([
    keeper.resolve(signed(one, 1), one, digests),
    keeper.resolve(signed(one, 2), one, digests),
    keeper.resolve(signed(two, 3), two, digests),
  ]);
  assert.deepEqual(given, ['one', 'two']);
});

test('[S2.2] what the prover did not sign in this place, for this stamp, or not of late, is refused and changes nothing', async () => {
  const { keeper, given } = opened();
  const [good, bad] = [programOf('good'), programOf('bad')];
  await keeper.resolve(signed(good, 5), good, digests);
  const { edge, ...less } = digests;
  const forged = { ...signed(bad, 6), signature: signed(good, 6).signature };
  const rows: [string, SignedRecord, JsonObject, { readonly [point: string]: string }][] = [
    ['RecordMismatch', signed(good, 6), bad, digests],
    ['RecordMismatch', signed(bad, 6), bad, less],
    ['RecordMismatch', signed(bad, 6), bad, { ...less, edge: `${edge ?? ''}\n` }],
    ['RecordMismatch', signed(bad, 6), bad, { ...digests, more: digests['edge'] ?? '' }],
    ['RecordForeign', signed(bad, 6, { stamp: 4 }), bad, digests],
    ['RecordStale', signed(bad, 4), bad, digests],
    ['RecordUnsigned', forged, bad, digests],
  ];
  for (const [code, record, program, beside] of rows) {
    await assert.rejects(
      keeper.resolve(record, program, beside),
      (error) => error instanceof Fault && error.code === code,
      code,
    );
  }
  assert.deepEqual(given, ['good']);
});

test('a program that the resolver did not take is given again', async () => {
  const { keeper, given, state } = opened();
  const one = programOf('one');
  state.fails = true;
  await assert.rejects(keeper.resolve(signed(one, 1), one, digests), Fault);
  state.fails = false;
  await keeper.resolve(signed(one, 1), one, digests);
  assert.deepEqual(given, ['one']);
});
