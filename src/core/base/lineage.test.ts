/** Shows that an object made from another is what it would be made afresh, in value and in digest, whatever its line was. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deepFreeze, type Json, type JsonObject } from '#base/json.ts';
import { digestOf, digestOfMembers, widthOf } from '#base/digest.ts';
import { changedKeys, derived, originOf, ownMember } from '#base/lineage.ts';
import { isSameTree, newSharePool, shareEqual, treeDifference, treePatch } from '#base/tree.ts';

const copied = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const keyAt = (index: number) => `${String(index).padStart(4, '0')}/r${index}`;
const wide = (size: number): JsonObject =>
  deepFreeze(Object.fromEntries(Array.from({ length: size }, (_, index) => [keyAt(index), { port: index }])));
const value = fc.oneof(
  fc.constant<Json | undefined>(undefined),
  fc.integer({ min: 0, max: 3 }),
  fc.record({ port: fc.integer({ min: 0, max: 3 }) }).map(({ port }) => deepFreeze({ port })),
);
const change = fc.tuple(fc.integer({ min: 0, max: 90 }).map(keyAt), value);
const changes = fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 8 });

test('a line of changes gives the same values, digests and differences as the same content without a past', () => {
  fc.assert(
    fc.property(fc.integer({ min: 55, max: 90 }), changes, fc.boolean(), (size, steps, isDigested) => {
      let own = wide(size);
      const plain: { [key: string]: Json | undefined } = { ...copied(own) };
      for (const step of steps) {
        const before = own;
        if (isDigested) digestOf(before);
        own = derived(before, new Map(step));
        for (const [key, member] of new Map(step)) {
          if (member === undefined) delete plain[key];
          else plain[key] = member;
        }
        const afresh = deepFreeze(copied(plain)) as JsonObject;
        assert.deepEqual(own, afresh);
        assert.ok(Object.isFrozen(own));
        const differ = (one: JsonObject): string[] => [...changedKeys(before, one)].sort();
        assert.deepEqual(differ(own), differ(Object.freeze({ ...own })));
        assert.equal(digestOf(own), digestOf(afresh));
        assert.equal(widthOf(own), Object.keys(afresh).length);
        assert.equal(isSameTree(before, own), digestOf(before) === digestOf(own));
        const patched = treePatch(deepFreeze(copied(before)), copied(treeDifference(before, own)));
        assert.deepEqual(patched, afresh);
        assert.equal(digestOf(patched), digestOf(afresh));
      }
    }),
  );
});

test('wide objects of other content have other digests, and a member tells of the whole', () => {
  const rows: readonly JsonObject[] = [
    wide(64),
    wide(65),
    wide(66),
    { ...wide(65), [keyAt(3)]: { port: 4 } },
    { ...wide(65), [keyAt(3)]: '{"port":3}' },
    { ...wide(64), other: { port: 64 } },
    { ...wide(65), [keyAt(3)]: { port: 9 }, [keyAt(9)]: { port: 3 } },
  ];
  assert.equal(new Set(rows.map(digestOf)).size, rows.length);
  for (const size of [3, 64, 65, 300]) {
    const whole = wide(size);
    const digests = Object.fromEntries(Object.entries(whole).map(([key, member]) => [key, digestOf(member)]));
    assert.equal(digestOfMembers(digests), digestOf(whole));
    assert.notEqual(digestOfMembers({ ...digests, [keyAt(1)]: digestOf({ port: 7 }) }), digestOf(whole));
  }
});

test('a member that is undefined counts as absent, and one of the prototype as none', () => {
  const absent = deepFreeze({ ...wide(70), gone: undefined });
  assert.equal(digestOf(absent), digestOf(wide(70)));
  assert.equal(ownMember(wide(2), 'constructor'), undefined);
  const before = deepFreeze({ constructor: 1 }) as unknown as JsonObject;
  assert.deepEqual(treeDifference(before, deepFreeze({})), [{ path: ['constructor'] }]);
  assert.equal(Object.getPrototypeOf(derived(wide(70), new Map([[keyAt(1), 1]]))), Object.prototype);
});

test('only the newest of a line knows its origin, and two made from one know it both', () => {
  const first = wide(70);
  const second = derived(first, new Map([[keyAt(1), 1]]));
  assert.equal(originOf(second)?.from, first);
  const [third, other] = [derived(second, new Map([[keyAt(2), 2]])), derived(second, new Map([[keyAt(3), 3]]))];
  assert.deepEqual([originOf(second), originOf(third)?.from, originOf(other)?.from], [undefined, second, second]);
  assert.notEqual(digestOf(third), digestOf(other));
});

test('what comes back after a change is the pooled object again, and goes on from there', () => {
  const pool = newSharePool();
  const first = shareEqual(deepFreeze({ h1: { filters: { f: { rules: wide(70) } } } }), pool);
  const edit = { path: ['h1', 'filters', 'f', 'rules', 'new'] };
  const second = shareEqual(treePatch(first, [{ ...edit, value: { port: 1 } }]), pool);
  assert.equal(shareEqual(treePatch(second, [edit]), pool), first);
  const again = treePatch(first, [{ ...edit, value: { port: 1 } }]);
  assert.equal(digestOf(again), digestOf(second));
});
