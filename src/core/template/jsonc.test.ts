/** The reader of deployment bodies: what az sends is taken, what is broken is refused with its place, nothing else comes out. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Refusal } from '#base/wrong.ts';
import { parseTemplateJson, positionOf } from '#template/jsonc.ts';

const accepted: [string, unknown][] = [
  ['{"a": 1, "b": [true, false, null, -1.5e2]}', { a: 1, b: [true, false, null, -150] }],
  ['\uFEFF{"a": 1}', { a: 1 }],
  ['{"a": 1, // one\n "b": /* two */ 2}', { a: 1, b: 2 }],
  ['{"a": [1, 2,], }', { a: [1, 2] }],
  ['{"a": "[concat(\'x\',\r\n\t\'y\')]"}', { a: "[concat('x',\r\n\t'y')]" }],
  [
    '{"properties": {"mode": "Incremental", template: \uFEFF{"resources": []}\n}}',
    { properties: { mode: 'Incremental', template: { resources: [] } } },
  ],
  ['"\\u00e9\\n\\/\\"\\\\"', 'é\n/"\\'],
  ['{"a": 1, "a": 2}', { a: 2 }],
  ['{"constructor": 1, "toString": 2}', { constructor: 1, toString: 2 }],
  [' [] // end', []],
];

const refused: [string, RegExp][] = [
  ['', /line 1, column 1: found the end of the content/],
  ['{"a": 1', /","? or "}" is wanted/],
  ['{"a": }', /line 1, column 7/],
  ['{\n  "a": 1\n  "b": 2}', /line 3, column 3/],
  ['{a: 1}', /a key in double quotes/],
  ['{template: {template: 1}}', /a key in double quotes/],
  ['{templates: 1}', /a key in double quotes/],
  ['{"__proto__": {"polluted": true}}', /a key other than "__proto__"/],
  ['{"a": 01}', /a value is wanted/],
  ['{"a": 1e999}', /a value is wanted/],
  ['{"a": "x', /closed by a double quote/],
  ['{"a": "\\x"}', /one of the escapes/],
  ['{"a": "\\u12g4"}', /four hexadecimal digits/],
  ['{"a": "\u0000"}', /no control character/],
  ['/* open', /closed by/],
  ['{} {}', /the end of the content is wanted/],
  ['['.repeat(65), /64 levels/],
  [`"${'x'.repeat(4 * 1024 * 1024)}"`, /at most 4194304/],
];

test('what Azure CLI sends is read: byte order mark, comments, trailing commas, line breaks in strings, one bare key', () => {
  for (const [text, value] of accepted) assert.deepEqual(parseTemplateJson(text), value, text);
});

test('broken content is refused with line and column', () => {
  for (const [text, message] of refused) {
    assert.throws(
      () => parseTemplateJson(text),
      (error) => {
        assert.ok(error instanceof Refusal, String(error));
        assert.equal(error.code, 'InvalidRequestContent');
        assert.match(error.message, message);
        return true;
      },
      text.slice(0, 40),
    );
  }
});

test('the strict dialect takes JSON alone', () => {
  assert.deepEqual(parseTemplateJson('{"a": [1]}', 'strict'), { a: [1] });
  for (const text of ['{"a": 1,}', '// x\n1', '{template: 1}', '"a\nb"', '\uFEFF1', '[1,]']) {
    assert.throws(() => parseTemplateJson(text, 'strict'), Refusal, text);
  }
});

test('the place of an object in its text is remembered', () => {
  const value = parseTemplateJson('{\n  "resources": [\n    {"a": 1}\n  ]\n}') as { resources: object[] };
  assert.deepEqual(positionOf(value.resources[0]), { line: 3, column: 5 });
  assert.equal(positionOf({}), undefined);
});

test('whatever JSON prints is read back the same, and any text gives a value or a refusal', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      if (text.includes('"__proto__"')) return;
      assert.deepEqual(parseTemplateJson(text), JSON.parse(text));
      assert.deepEqual(parseTemplateJson(text, 'strict'), JSON.parse(text));
    }),
    { numRuns: 200 },
  );
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    'template',
    '"a"',
    '1',
    '-',
    'true',
    '//',
    '/*',
    '*/',
    '\n',
    ' ',
    'é',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        parseTemplateJson(pieces.join(''));
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
