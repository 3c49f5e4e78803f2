/** Logs: they stop growing, the newest lines survive, and a writer that holds the file open never notices. */

import { strict as assert } from 'node:assert';
import { closeSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, test } from 'node:test';
import pino from 'pino';
import { Secret } from '#base/secret.ts';
import { Fault } from '#base/wrong.ts';
import { cutLog, openLog } from '#main/boot/log-file.ts';
import { logOptions } from '#main/boot/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringwall-log-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a log that its writer holds open is cut again and again, and takes no more room than its bound', () => {
  const file = join(folder, 'netd.log');
  const bound = { bytesMax: 1000, kept: 2 };
  const descriptor = openLog(file);
  for (let line = 0; line < 500; line += 1) {
    writeSync(descriptor, `line ${String(line).padStart(4, '0')}\n`);
    cutLog(file, bound);
  }
  closeSync(descriptor);
  assert.deepEqual(readdirSync(folder).toSorted(), ['netd.log', 'netd.log.1', 'netd.log.2']);
  const texts = ['netd.log.2', 'netd.log.1', 'netd.log'].map((name) => readFileSync(join(folder, name), 'utf8'));
  for (const text of texts) assert.ok(text.length <= 1010, String(text.length));
  // What is kept has no gap and ends with the newest line.
  const lines = texts.join('').trimEnd().split('\n');
  assert.equal(lines.at(-1), 'line 0499');
  const first = 500 - lines.length;
  assert.deepEqual(
    lines,
    Array.from({ length: lines.length }, (_, at) => `line ${String(first + at).padStart(4, '0')}`),
  );
  assert.equal(statSync(join(folder, 'netd.log.1')).mode & 0o077, 0);
});

test('a log below its bound, and one that is not there, are left alone', () => {
  const file = join(folder, 'small.log');
  cutLog(file);
  assert.equal(statSync(file, { throwIfNoEntry: false }), undefined);
  closeSync(openLog(file));
  cutLog(file, { bytesMax: 0, kept: 1 });
  assert.equal(readdirSync(folder).filter((name) => name.startsWith('small')).length, 1);
});

// One row: what is logged with a secret in it.
const logged: readonly object[] = [
  { secret: 'hunter2' },
  { password: 'hunter2' },
  { authorization: 'hunter2' },
  { event: { password: 'hunter2' } },
  { request: { headers: { authorization: 'hunter2' } } },
  { body: { client_secret: 'hunter2', adminPassword: 'hunter2' } },
  { key: new Secret('hunter2') },
  { err: new Fault('X', 'it failed', new Error('cause', { cause: { key: new Secret('hunter2') } })) },
];

test('[S2.4] what is logged under the name of a secret, or as one, is not in the log', () => {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  const log = pino(logOptions('test'), stream);
  for (const one of logged) log.info(one, 'said');
  assert.equal(chunks.length, logged.length);
  for (const [index, line] of chunks.entries()) {
    assert.ok(!line.includes('hunter2'), line);
    assert.match(line, /said/, `row ${index}`);
  }
});
