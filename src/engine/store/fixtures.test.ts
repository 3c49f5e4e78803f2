/** Every format that was ever released still opens, verifies and says what it said. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { migrations } from '#engine/store/migrations.ts';
import { entryOf, openAt, scratch, testKey } from '#engine/store/scratch.ts';
import { verifyStore } from '#engine/store/verify.ts';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));
const { folder, remove } = scratch();
after(remove);

for (const { format } of migrations) {
  test(`a store of format ${format} opens, verifies and takes writes`, async () => {
    const file = `${folder}/v${format}.db`;
    for (const part of ['', '-anchor']) copyFileSync(`${fixtures}v${format}/store.db${part}`, `${file}${part}`);
    const expected = JSON.parse(readFileSync(`${fixtures}v${format}/expected.json`, 'utf8'));
    const store = openAt(file, { create: false });
    const seen = {
      head: store.head(),
      records: store.read(1, 100),
      vnets: [...store.rows('vnet')],
      stamp: [...store.rows('stamp')],
    };
    assert.deepEqual(JSON.parse(JSON.stringify(seen)), expected);
    assert.equal((await store.append(entryOf('subscription-a', {}))).sequence, expected.head.sequence + 1);
    store.close();
    assert.equal(verifyStore({ file, key: testKey }).ok, true);
  });
}
