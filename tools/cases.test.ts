/** Tests of golden cases: a wrong answer fails, a missing one fails, and rewriting writes exactly the answer. */

import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkCase } from '#tools/cases.ts';

const shout = (question: string): string => question.toUpperCase();

test('a case passes only when the answer is the one that stands in it', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-cases-'));
  const before = process.env['RINGWALL_GOLDEN'];
  context.after(() => {
    rmSync(folder, { recursive: true });
    if (before === undefined) delete process.env['RINGWALL_GOLDEN'];
    else process.env['RINGWALL_GOLDEN'] = before;
  });
  delete process.env['RINGWALL_GOLDEN'];
  const path = join(folder, 'a.case');
  writeFileSync(path, 'one\ntwo\n----\nONE\nTWO\n');
  checkCase(path, shout);
  assert.throws(() => checkCase(path, (question) => question), assert.AssertionError);
  writeFileSync(path, 'one\n');
  assert.throws(() => checkCase(path, shout), /no line ----/);
  process.env['RINGWALL_GOLDEN'] = 'rewrite';
  checkCase(path, shout);
  assert.equal(readFileSync(path, 'utf8'), 'one\n----\nONE\n');
});
