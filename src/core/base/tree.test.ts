/** Trees: a difference applied gives the other tree, digests tell trees apart, and sharing changes no value. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deepFreeze, sameJson, type Json, type JsonObject } from '#base/json.ts';
import { digestOf, newSharePool, shareEqual, treeDifference, treePatch } from '#base/tree.ts';

const key = fc.constantFrom('a', 'b', 'c', 'filters', 'rules', '0100/x');
const leaf = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom('a', 'o', ''),
  fc.constant([1, 'x']),
  fc.constant(null),
);
const { tree } = fc.letrec<{ tree: JsonObject; member: Json }>((tie) => ({
  tree: fc.dictionary(key, tie('member'), { maxKeys: 5, depthIdentifier: 'tree', noNullPrototype: true }),
  member: fc.oneof({ depthIdentifier: 'tree', maxDepth: 4 }, leaf, tie('tree')),
}));
const copied = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

test('the difference of two trees, having travelled as text, turns the first into the second', () => {
  fc.assert(
    fc.property(tree, tree, (before, after) => {
      const [first, second] = [deepFreeze(before), deepFreeze(after)];
      const patched = treePatch(first, copied(treeDifference(first, second)));
      assert.deepEqual(patched, second);
      assert.ok(Object.isFrozen(patched));
    }),
  );
});

test('digests are equal for equal trees and for no others', () => {
  fc.assert(
    fc.property(tree, tree, (left, right) => {
      assert.equal(digestOf(deepFreeze(copied(left))), digestOf(deepFreeze(copied(left))));
      assert.equal(digestOf(deepFreeze(left)) === digestOf(deepFreeze(right)), sameJson(left, right));
    }),
  );
  const rows: [JsonObject, JsonObject][] = [
    [{ a: {} }, { a: '{}' }],
    [{ a: 'x', b: 'y' }, { 'a": "x", "b': 'y' }],
    [{ '1:a': 1 }, { a: 1 }],
    [{ a: digestOf({}) }, { a: {} }],
  ];
  for (const [left, right] of rows) assert.notEqual(digestOf(left), digestOf(right));
});

test('a digest is the same for ever, and whatever was digested before', () => {
  const text = 'b0bf0981b4c5b74c610f8cfc97ce47a1bafe9021a4c25221c3ed0786b885bed6';
  const made = () =>
    deepFreeze({ rules: { a: { access: 'allow', source: { sets: ['vnet'] }, ports: [[1, 2]] }, b: 1 } });
  assert.equal(digestOf(made()), text);
  const known = made();
  digestOf(known.rules.a);
  digestOf(known.rules.a.source);
  assert.equal(digestOf(known), text);
});

test('parts that were one object and are edited alike stay one object; edited apart, they part', () => {
  const filter = deepFreeze({ rules: { r1: { port: 1 }, r2: { port: 2 } } });
  const before = deepFreeze({ h1: { filter }, h2: { filter }, h3: { filter } });
  const edit = (point: string, port: number) => ({ path: [point, 'filter', 'rules', 'r1', 'port'], value: port });
  const after = treePatch(before, [edit('h1', 7), edit('h2', 7), edit('h3', 8)]);
  const at = (point: string) => (after[point] as JsonObject)['filter'];
  assert.equal(at('h1'), at('h2'));
  assert.notEqual(at('h1'), at('h3'));
  assert.deepEqual(at('h3'), { rules: { r1: { port: 8 }, r2: { port: 2 } } });
  assert.deepEqual(filter.rules.r1, { port: 1 });
});

test('a removal, and what comes under a key that was replaced before it, are applied in their order', () => {
  const before = deepFreeze({ a: { b: 1, c: 2 }, d: 1 });
  assert.deepEqual(treePatch(before, [{ path: ['d'] }, { path: ['a', 'b'] }]), { a: { c: 2 } });
  assert.deepEqual(
    treePatch(before, [
      { path: ['a'], value: { x: 1 } },
      { path: ['a', 'y'], value: 2 },
    ]),
    { a: { x: 1, y: 2 }, d: 1 },
  );
  assert.throws(() => treePatch(before, [{ path: ['__proto__'], value: {} }]));
  assert.throws(() => treePatch(before, [{ path: [] }]));
  for (const key of [0, ['__proto__'], { length: '1:a' }, null, true]) {
    assert.throws(() => treePatch(before, [{ path: [key as unknown as string], value: {} }]), JSON.stringify(key));
  }
});

test('sharing makes equal wide parts one object, across calls too, and changes no value', () => {
  const wide = (port: number) =>
    Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`r${index}`, { port: port + index }]));
  const pool = newSharePool();
  const first = shareEqual(
    deepFreeze({ h1: { filters: { f: { rules: wide(1) } } }, h2: { filters: { f: { rules: wide(1) } } } }),
    pool,
  );
  assert.equal(first['h1'], first['h2']);
  const second = shareEqual(
    deepFreeze({ h1: { filters: { f: { rules: wide(2) } } }, h3: { filters: { f: { rules: wide(1) } } } }),
    pool,
  );
  assert.equal((second['h3'] as JsonObject)['filters'], (first['h1'] as JsonObject)['filters']);
  assert.deepEqual(second, { h1: { filters: { f: { rules: wide(2) } } }, h3: { filters: { f: { rules: wide(1) } } } });
  fc.assert(fc.property(tree, (value) => assert.deepEqual(shareEqual(deepFreeze(copied(value)), pool), value)));
});
