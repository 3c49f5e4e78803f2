/** The hosts file: our block comes and goes, everything else stays to the byte. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { withBlock, withoutBlock } from '#main/boot/hosts-file.ts';

const others = [
  '',
  '127.0.0.1 localhost\n',
  '# a comment\n::1 ip6-localhost\n\n10.0.0.1 x # ringwall 1 begin\n',
  '127.0.0.1 localhost',
];

test('a block is added once, replaced whole, and removed without a trace', () => {
  for (const text of others) {
    const once = withBlock(text, 1, ['198.18.1.4 management']);
    assert.ok(once.startsWith(text) && once.includes('# ringwall 1 begin\n198.18.1.4 management\n# ringwall 1 end\n'));
    assert.equal(withBlock(once, 1, ['198.18.1.4 management']), once);
    const other = withBlock(once, 1, ['198.18.1.9 other']);
    assert.ok(!other.includes('198.18.1.4') && other.includes('198.18.1.9'));
    const closed = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    assert.equal(withoutBlock(other, 1), closed);
  }
});

test('blocks of several stamps do not touch each other', () => {
  const both = withBlock(withBlock('127.0.0.1 localhost\n', 1, ['a one']), 11, ['b eleven']);
  assert.equal(withoutBlock(both, 11), withBlock('127.0.0.1 localhost\n', 1, ['a one']));
  assert.ok(withoutBlock(both, 1).includes('b eleven'));
});

test('what is not a whole block of ours is left alone', () => {
  for (const text of [
    '# ringwall 1 begin\n1.2.3.4 x\n',
    '1.2.3.4 x\n# ringwall 1 end\n',
    '# ringwall 1 end\n# ringwall 1 begin\n',
    ' # ringwall 1 begin\n# ringwall 1 end\n',
  ]) {
    assert.equal(withoutBlock(text, 1), text);
  }
});
