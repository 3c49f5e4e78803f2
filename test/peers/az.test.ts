/** Tests of judging how az ended. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type AzWanted } from '#test/peers/az.ts';
import type { Ended } from '#test/peers/child.ts';

const good: Ended = { code: 0, stdout: '{"name":"web","id":"/x"}', stderr: '', seconds: 1, isTooLate: false };

// One row: how az ended, what was wanted, and the first problem; undefined when it is as wanted.
const rows: [Partial<Ended>, AzWanted, RegExp | undefined][] = [
  [{}, { shows: { name: 'web' } }, undefined],
  [{}, { shows: { name: '{group}' } }, /"g1" is wanted/],
  [{}, { shows: { name: 'app' } }, /name is "web"/],
  [{ code: 1 }, {}, /ended with 1/],
  [{ code: undefined, isTooLate: true }, {}, /did not end/],
  [{ code: 1, stderr: 'ERROR: (ScopeLocked) no' }, { isRefused: true, says: [/ScopeLocked/] }, undefined],
  [{ code: 1, stderr: 'ERROR: no' }, { isRefused: true, says: [/ScopeLocked/] }, /does not say/],
  [{}, { isRefused: true, says: [] }, /not refused/],
  [{ code: 1, stderr: 'Traceback (most recent call last):' }, { isRefused: true }, /does not understand/],
  [{ stdout: '' }, { shows: { '': undefined } }, undefined],
];

test('a row is judged by exit code, answer and words', () => {
  for (const [ended, wanted, problem] of rows) {
    const { problems } = judge({ ...good, ...ended }, wanted, new Map([['group', 'g1']]));
    if (problem === undefined) assert.deepEqual(problems, [], JSON.stringify(wanted));
    else assert.match(problems[0] ?? '', problem);
  }
});

test('what is kept goes into the notebook, and what is no text is a problem', () => {
  const notebook = new Map<string, string>();
  assert.deepEqual(judge(good, { keeps: { id: 'id' } }, notebook).problems, []);
  assert.equal(notebook.get('id'), '/x');
  assert.equal(judge(good, { keeps: { id: 'absent' } }, notebook).problems.length, 1);
});
