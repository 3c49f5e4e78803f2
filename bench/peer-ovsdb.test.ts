/** Shows that objects are found however the text is cut, also where braces and quotes stand inside texts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageReader } from '#bench/peer-ovsdb.ts';

test('objects one behind another are found however they are cut', () => {
  const objects = [{ id: 1, result: [{ a: '}{"\\' }] }, {}, { method: 'echo', params: ['\\"', { b: { c: '{' } }] }];
  const text = objects.map((one) => JSON.stringify(one)).join('');
  for (let size = 1; size < text.length; size++) {
    const reader = new MessageReader();
    const found: unknown[] = [];
    for (let at = 0; at < text.length; at += size) found.push(...reader.take(text.slice(at, at + size)));
    assert.deepEqual(found, objects, `cut at every ${size}`);
  }
});
