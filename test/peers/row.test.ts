/** Tests of holding answers against rows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, filled, has, lacks, valueAt, words } from '#test/peers/row.ts';

const answer = { a: { b: [{ c: 1 }, { c: 'two' }] }, name: 'x' };

test('a place reaches members, items and lengths; a place that is not there is undefined', () => {
  const rows: [string, unknown][] = [
    ['', answer],
    ['a.b[0].c', 1],
    ['a.b[1].c', 'two'],
    ['a.b.length', 2],
    ['a.z.c', undefined],
  ];
  for (const [place, wanted] of rows) assert.deepEqual(valueAt(answer, place), wanted, place);
});

test('what fits gives no difference, and what does not is named with both values', () => {
  assert.deepEqual(
    differences(answer, { 'a.b[0].c': 1, 'a.b[1].c': /^tw/, name: (value) => value === 'x', z: undefined }),
    [],
  );
  assert.deepEqual(differences(answer, { 'a.b[0].c': 2, z: /a/ }), [
    'a.b[0].c is 1; 2 is wanted',
    'z is absent; /a/ is wanted',
  ]);
  assert.equal(differences(answer, { 'a.b[0].c': '1' }).length, 1);
});

test('words are split at spaces outside quotes, and kept values are put in', () => {
  assert.deepEqual(words("a --b 'c d' e='f g'"), ['a', '--b', 'c d', 'e=f g']);
  const notebook = new Map([['group', 'g1']]);
  assert.equal(filled('-g {group} {other}', notebook), '-g g1 {other}');
  assert.equal(filled('{"a":{e.json}}', new Map([['e', 'W/"1"']])), '{"a":"W/\\"1\\""}');
});

test('has and lacks look for a name in a list, and neither takes anything else', () => {
  assert.equal(has('x')([{ name: 'x' }]), true);
  assert.equal(has('y')([{ name: 'x' }]), false);
  assert.equal(lacks('y')([{ name: 'x' }]), true);
  assert.equal(lacks('y')(undefined), false);
});
