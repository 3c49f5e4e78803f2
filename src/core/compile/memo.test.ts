/** Shows that a result is made again only for other inputs, and that equal parts of a new result stay the same objects. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompileMemo, share } from '#compile/memo.ts';

test('a result stands as long as its inputs are the same objects', () => {
  const memo = new CompileMemo();
  let made = 0;
  const make = (input: object) => memo.remember('key', [input], () => ({ made: ++made }));
  const [left, right] = [{}, {}];
  assert.equal(make(left), make(left));
  assert.deepEqual(make(right), { made: 2 });
  assert.deepEqual(make(left), { made: 3 });
});

test('what a computation no longer asks for is dropped with it', () => {
  const memo = new CompileMemo();
  let made = 0;
  const run = (input: object, inner: string) =>
    memo.remember('outer', [input], (scope) => scope.remember(inner, [], () => ({ made: ++made })));
  run({}, 'a');
  run({}, 'b');
  assert.deepEqual(run({}, 'a'), { made: 3 });
});

test('a list is stable while its items are', () => {
  const memo = new CompileMemo();
  const [left, right] = [{}, {}];
  const list = memo.stable('list', [left, right]);
  assert.equal(memo.stable('list', new Set([left, right])), list);
  assert.notEqual(memo.stable('list', [right, left]), list);
});

test('equal parts are the same objects, wherever they stand, and all is frozen', () => {
  const before = share(undefined, { a: { x: [1, 2] }, b: { y: 1 }, c: 3 }) as { a: object; b: object };
  const part = { y: 1 };
  const after = share(before, { a: { x: [1, 2] }, b: part, d: { part } }) as {
    a: object;
    b: object;
    d: { part: object };
  };
  assert.equal(after.a, before.a);
  assert.equal(after.b, before.b);
  assert.deepEqual(after, { a: { x: [1, 2] }, b: { y: 1 }, d: { part: { y: 1 } } });
  assert.ok(Object.isFrozen(after) && Object.isFrozen(after.d) && Object.isFrozen(after.d.part));
  assert.equal(share(before, { a: { x: [1, 2] }, b: { y: 1 }, c: 3 }), before);
  assert.notEqual(share(before, { a: { x: [1, 2] }, b: { y: 1 } }), before);
  assert.notEqual(share({ a: undefined }, { b: undefined }), undefined);
  assert.deepEqual(share([1], [1, 2]), [1, 2]);
  assert.deepEqual(share([1, 2], [1]), [1]);
});
