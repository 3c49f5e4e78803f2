/** JSON merge patch: the rows of RFC 7396, appendix A, that fit objects. */

import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { mergePatch } from '#model/merge-patch.ts';

// Each row: before, patch, after.
const rows: [JsonObject, JsonObject, JsonObject][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{ vmSize: 'a' }, { VMSIZE: 'b' }, { vmSize: 'b' }],
];

test('a merge patch replaces, removes and merges, matching names without regard to case', () => {
  for (const [before, patch, after] of rows) deepEqual(mergePatch(before, patch), after);
});
