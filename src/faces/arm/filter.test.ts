/** Filters: what clients send is read, what is not understood is refused by name. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { calledWith, equalTo, parseFilter } from '#faces/arm/filter.ts';

const rule = { compares: ['name', 'resourcegroup', 'principalid'], calls: ['atscope', 'assignedto'] };

test('comparisons and calls are read, quotes doubled', () => {
  const terms = parseFilter(
    "resourceGroup eq 'rg1' AND name ne 'it''s (a), b' and atScope() and assignedTo('x')",
    rule,
  );
  assert.equal(terms.length, 4);
  assert.equal(equalTo(terms, 'resourcegroup'), 'rg1');
  assert.deepEqual(terms[1], { kind: 'compare', name: 'name', operator: 'ne', value: "it's (a), b" });
  assert.equal(calledWith(terms, 'assignedto'), 'x');
  assert.deepEqual(parseFilter(undefined, rule), []);
  assert.deepEqual(parseFilter('  ', rule), []);
});

for (const text of [
  "owner eq 'x'",
  "name eq 'x' or name eq 'y'",
  "name eq 'x",
  'name eq',
  'name',
  'name like x',
  'atScope(',
  "name eq 'x' and",
  ')',
  'substringof(name)',
  `name eq '${'x'.repeat(3000)}'`,
  Array(30).fill('atScope()').join(' and '),
]) {
  test(`refused: ${text.slice(0, 40)}`, () => {
    assert.throws(
      () => parseFilter(text, rule),
      (error) => error instanceof Refusal && error.code === 'InvalidFilterInQueryString',
    );
  });
}
