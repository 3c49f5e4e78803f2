/** Tests of $filter: each row is a filter over one object, and whether it passes or why it cannot be read. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Refusal } from '#base/wrong.ts';
import { parseFilter } from '#faces/graph/filter.ts';

const object = { id: '1', name: "Ann O'Hara", on: true, gone: null, tags: ['One', 'two'] };
const properties = new Set(Object.keys(object));

const rows: [string, boolean | RegExp][] = [
  ["name eq 'ann o''hara'", true],
  ["name ne 'ann'", true],
  ["startswith(name,'ANN') and on eq true", true],
  ["startswith(name,'x') or endswith(name, 'hara')", true],
  ["on eq false or name eq 'x' and on eq true", false],
  ['(on eq false or on eq true) and gone eq null', true],
  ['not on eq true', false],
  ['not not on eq true', true],
  ["name in ('x', 'ann o''hara')", true],
  ["name in ('x')", false],
  ["tags/any(t:t eq 'ONE')", true],
  ["tags/any(t:t eq 'three')", false],
  ["name/any(t:t eq 'three')", false],
  ['id eq 11111111-1111-4111-8111-111111111111', false],
  ['', /is no property/],
  ['name', /is no comparison/],
  ['name eq', /is no value/],
  ["name eq 'x", /cannot be read/],
  ["name gt 'x'", /is no comparison/],
  ["__proto__ eq 'x'", /is no property/],
  ["name eq 'x' and", /is no property/],
  ["(name eq 'x'", /"\)" is wanted/],
  ["name eq 'x')", /stands after its end/],
  ["tags/all(t:t eq 'x')", /any/],
  ["tags/any(t:u eq 'x')", /within any/],
  ['name eq constructor', /is no value/],
  ['('.repeat(40), /nested deeper/],
  ['not '.repeat(40), /nested deeper|more than/],
  ['on eq true or '.repeat(30), /more than \d+ terms|too long/],
  ['x'.repeat(5000), /more than \d+ characters/],
];

test('a filter passes, or is refused with what is wrong', () => {
  for (const [text, wanted] of rows) {
    if (typeof wanted === 'boolean') assert.equal(parseFilter(text, properties)(object), wanted, text);
    else
      assert.throws(
        () => parseFilter(text, properties),
        (error) => error instanceof Refusal && wanted.test(error.message),
        text,
      );
  }
});

test('whatever is written as a filter is parsed or refused, and a parsed one never fails', () => {
  const word = fc.constantFrom(
    'name',
    'on',
    'tags',
    'eq',
    'ne',
    'in',
    'and',
    'or',
    'not',
    '(',
    ')',
    ',',
    ':',
    '/',
    "'x'",
    'true',
    'null',
    'any',
    'startswith',
  );
  const text = fc.oneof(
    fc.array(word, { maxLength: 25 }).map((words) => words.join(' ')),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );
  fc.assert(
    fc.property(text, (filter) => {
      try {
        assert.equal(typeof parseFilter(filter, properties)(object), 'boolean');
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
