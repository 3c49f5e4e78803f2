/** Each planted fault has its place in the sources: one that moved would no longer be planted, and nobody would notice until the long run. */

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mutants } from '#test/oracle/mutants.ts';

const root = join(import.meta.dirname, '..');

test('what a planted fault replaces stands there once, and is replaced by something else', () => {
  for (const { file, find, replace, says } of mutants) {
    const places = readFileSync(join(root, file), 'utf8').split(find).length - 1;
    assert.equal(places, 1, `${file}: ${says}`);
    assert.notEqual(find, replace, says);
  }
});
