/** Golden cases: files `NAME.case` that hold a question, a line `----`, and the answer that the code must give to it. */

import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** The line between question and answer. */
const rule = '\n----\n';

/** Registers one test per case file of a folder (absolute path). With RINGWALL_GOLDEN=rewrite answers are written, not compared. */
export function testCases(folder: string, answer: (question: string) => string): void {
  const names = readdirSync(folder).filter((name) => name.endsWith('.case'));
  assert.ok(names.length > 0, `${folder} has no .case file`);
  for (const name of names.sort()) test(`case ${name}`, () => checkCase(join(folder, name), answer));
}

/** Compares, or rewrites, one case file. */
export function checkCase(path: string, answer: (question: string) => string): void {
  const [question, wanted] = splitCase(readFileSync(path, 'utf8'));
  const actual = `${answer(question).trimEnd()}\n`;
  if (process.env['RINGWALL_GOLDEN'] === 'rewrite') {
    if (actual !== wanted) writeFileSync(path, `${question}${rule}${actual}`);
    return;
  }
  assert.notEqual(wanted, undefined, `${path} has no line ---- with an answer below it (npm run golden writes it)`);
  assert.equal(actual, wanted, path);
}

function splitCase(text: string): [string, string | undefined] {
  const at = text.indexOf(rule);
  return at < 0 ? [text.trimEnd(), undefined] : [text.slice(0, at), text.slice(at + rule.length)];
}
