/** Shows that ids find their values whatever their case, and that folders and scopes have what lies in them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Folders } from '#model/memory-folders.ts';

test('an id is one place whatever its case, and a folder keeps the order in which its ids came', () => {
  const folders = new Folders<number>();
  folders.set('/a/x/One', 1, 'One');
  folders.set('/a/x/two', 2);
  folders.set('/A/X/ONE', 3, 'another name');
  assert.deepEqual([folders.get('/a/X/one'), folders.get('/a/x/Two'), folders.get('/a/x')], [3, 2, undefined]);
  assert.deepEqual([[...folders.in('/a/x')], folders.size], [[3, 2], 2]);
  folders.delete('/a/x/ONE');
  folders.delete('/a/x/one');
  folders.delete('/b/x');
  assert.deepEqual([[...folders.in('/a/x')], [...folders.in('/b')], folders.size], [[2], [], 1]);
  folders.set('/a/x/one', 4);
  assert.deepEqual([...folders.in('/a/x')], [2, 4]);
});

test('a scope has what lies under it, and neither itself nor what only begins alike', () => {
  const folders = new Folders<string>();
  for (const id of ['/s/a', '/s/a/x/1', '/s/a/x/1/y/2', '/s/ab/x/3', 'bare']) folders.set(id, id);
  assert.deepEqual([...folders.under('/s/a')].sort(), ['/s/a/x/1', '/s/a/x/1/y/2']);
  assert.deepEqual([...folders.under('/s/a/x')].sort(), ['/s/a/x/1', '/s/a/x/1/y/2']);
  assert.equal([...folders.under('')].length, 5);
  assert.deepEqual([...folders.under('/other')], []);
});
