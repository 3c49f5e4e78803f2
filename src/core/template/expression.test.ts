/** The expression parser: the tree of each form, and a refusal with its place for all else. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Refusal } from '#base/wrong.ts';
import { isExpression, literalOf, parseExpression, type Node } from '#template/expression.ts';

/** The tree in one line, so that rows can state it. */
function show(node: Node): string {
  switch (node.kind) {
    case 'literal':
      return JSON.stringify(node.value);
    case 'call':
      return `${node.name}(${node.args.map(show).join(' ')})`;
    case 'member':
      return `${show(node.target)}.${node.name}`;
    case 'index':
      return `${show(node.target)}[${show(node.index)}]`;
  }
}

const accepted: [string, string][] = [
  ["[concat('a', 'it''s')]", 'concat("a" "it\'s")'],
  ['[ Add ( 1 , -2 ) ]', 'add(1 -2)'],
  ["[variables('x').a[0]['b c'].d]", 'variables("x").a[0]["b c"].d'],
  ["[contoso.Name('x')]", 'contoso.name("x")'],
  ["['just text']", '"just text"'],
  ['[5]', '5'],
  ["[parameters('list')[copyIndex()]]", 'parameters("list")[copyindex()]'],
  ["[if(equals(1,1),\n  'a',\n  'b')]", 'if(equals(1 1) "a" "b")'],
  ["[concat('[', ']')]", 'concat("[" "]")'],
];

const refused: [string, RegExp][] = [
  ['[]', /a function, a number or a text/],
  ["[concat('a']", /"," or "\)"/],
  ["[concat('a',)]", /a function, a number/],
  ["['open]", /closed by a single quote/],
  ['[name]', /"\(" after the function name/],
  ['[1.5]', /a whole number/],
  ['[99999999999999999999]', /a whole number/],
  ["[variables('x').]", /a property name/],
  ["[variables('x')[0]", /position/],
  ['[a() b()]', /the end of the expression/],
  ['[a(-)]', /a whole number/],
  [`[${'a('.repeat(200)}${')'.repeat(200)}]`, /levels of nesting/],
  [`[a()${'.b'.repeat(200)}]`, /property accesses/],
  [`['${'x'.repeat(25_000)}']`, /24576 are accepted/],
];

test('each form of an expression has its tree', () => {
  for (const [text, tree] of accepted) assert.equal(show(parseExpression(text)), tree, text);
});

test('a mistake is refused with its position', () => {
  for (const [text, message] of refused) {
    assert.throws(
      () => parseExpression(text),
      (error) => error instanceof Refusal && message.test(error.message),
      text.slice(0, 40),
    );
  }
});

test('an escaped bracket is text', () => {
  const rows: [string, boolean, string][] = [
    ['[a()]', true, '[a()]'],
    ['[[a()]', false, '[a()]'],
    ['[[a', false, '[[a'],
    ['[a', false, '[a'],
    ['a]', false, 'a]'],
    ['[', false, '['],
    ['', false, ''],
  ];
  for (const [text, is, literal] of rows) {
    assert.equal(isExpression(text), is, text);
    if (!is) assert.equal(literalOf(text), literal, text);
  }
});

test('any text gives a tree or a refusal', () => {
  const piece = fc.constantFrom(
    'a',
    '(',
    ')',
    '[',
    ']',
    '.',
    ',',
    "'",
    "''",
    '1',
    '-',
    ' ',
    '\n',
    '$',
    'é',
    'concat(',
    "'x'",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      try {
        parseExpression(`[${pieces.join('')}]`);
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
