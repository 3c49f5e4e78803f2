/** The operator's bundle: only what the operator signed, for this stamp, newer than before; exemptions end by the clock. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { CompileMemo } from '#compile/stamp.ts';
import { readPrivateKey, readPublicKey } from '#engine/gate/record.ts';
import { bundleOf, generateOperatorKeys, SignedBundle, signBundle } from '#engine/proof/bundle.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { labStamp, newBuild, viewOf } from '#test/generate/build.ts';

const own = generateOperatorKeys();
const key = readPublicKey(own.publicPem);
const group = '/subscriptions/s/resourceGroups/G';
const bundle: JsonObject = {
  version: 3,
  stamp: 0,
  moreManagementPorts: [9090],
  invariants: [
    {
      name: 'Egress',
      invariant: { kind: 'via', from: [`${group}/providers/Microsoft.Network/virtualNetworks/v`], through: [group] },
    },
  ],
  exemptions: [
    { invariant: 'baseline/management-ports', scope: group, until: '2026-01-01T00:00:00Z', reason: 'moving' },
  ],
};
const signed = (stated: JsonObject, pem = own.privatePem): string => signBundle(stated, readPrivateKey(pem));
const read = (text: string, after = 0) => bundleOf(text, { key, stamp: 0, after });

test('what the operator signed for this stamp counts, and says what it demands', () => {
  const { version, invariants, exemptions, morePorts } = read(signed(bundle));
  assert.deepEqual([version, morePorts, exemptions.length], [3, [9090], 1]);
  const [egress] = invariants;
  assert.deepEqual(
    [egress?.id, egress?.owner, egress?.effect, egress?.kind],
    ['operator/egress', 'operator', 'deny', 'via'],
  );
});

test('anything else is refused', () => {
  const text = signed(bundle);
  assert.throws(() => read(signed(bundle, generateOperatorKeys().privatePem)), { code: 'BundleUnsigned' });
  assert.throws(() => read(text, 3), { code: 'BundleTooOld' });
  assert.throws(() => read(signed({ ...bundle, stamp: 1 })), { code: 'BundleForeign' });
  assert.throws(() => read(text.replace('9090', '9091')), { code: 'BundleUnsigned' });
  for (const bad of ['', '{', '[]', '{"bundle":{}}', 'x'.repeat(2_000_000)])
    assert.throws(() => read(bad), { code: 'BundleMalformed' });
  const bare = { version: 1, stamp: 0 };
  for (const wrong of [
    { ...bare, version: -1 },
    { ...bare, moreManagementPorts: ['22'] },
    { ...bare, invariants: [{ name: 'x', invariant: { kind: 'sometimes' } }] },
    { ...bare, exemptions: [{ invariant: 'x', scope: group, until: 'tomorrow', reason: 'r' }] },
    { ...bare, surprise: 1 },
  ]) {
    assert.throws(() => read(signed(wrong)), { status: 400 }, JSON.stringify(wrong));
  }
  // Every single flipped byte of the text.
  for (let index = 0; index < text.length; index += 7) {
    const flipped = `${text.slice(0, index)}${text[index] === 'a' ? 'b' : 'a'}${text.slice(index + 1)}`;
    if (flipped !== text) assert.throws(() => read(flipped));
  }
});

test('the baseline takes the bundle’s ports, exemptions end by themselves, and nothing changes without cause', () => {
  let now = Date.parse('2025-12-31T00:00:00Z');
  const held = new SignedBundle(() => now, {});
  held.take(read(signed(bundle)));
  const estate = estateOf(viewOf(newBuild()), labStamp, new CompileMemo());
  const before = held.demands({ estate });
  assert.equal(held.demands({ estate }), before);
  const [management] = before;
  assert.ok(management?.kind === 'never');
  assert.ok(management.services.some(({ ports }) => ports.some(([first]) => first === 9090)));
  assert.deepEqual(management.exclude, [group.toLowerCase()]);
  assert.equal(before.length, 8);
  now = Date.parse('2026-01-01T00:00:00Z');
  const after = held.demands({ estate });
  assert.deepEqual(after[0]?.exclude, []);
  // What is demanded as before is the same object: it is not taken for a new demand.
  assert.deepEqual(
    after.map((one, index) => one === before[index]),
    before.map((_, index) => index > 0),
  );
});
