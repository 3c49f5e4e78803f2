/** Which extensions run in a guest and how their scripts reach it; and what of a console reaches people. */

import { deepEqual, equal, throws } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cleanConsole } from '#adapters/guest/console.ts';
import { commandOf, isRunnable } from '#adapters/guest/extension.ts';
import { Refusal } from '#base/wrong.ts';

const custom = { publisher: 'Microsoft.Azure.Extensions', type: 'CustomScript' };
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

test('a command and a script, plain or gzip, come by standard input and never as an argument', () => {
  equal(commandOf({ ...custom, settings: { commandToExecute: 'echo S3cret' } }).stdin, '#!/bin/sh\necho S3cret\n');
  equal(commandOf({ ...custom, settings: { script: base64('#!/bin/bash\nid') } }).stdin, '#!/bin/bash\nid');
  equal(commandOf({ ...custom, settings: { script: base64(gzipSync('id')) } }).stdin, '#!/bin/sh\nid\n');
  equal(
    commandOf({ ...custom, settings: { commandToExecute: 'echo S3cret' } })
      .argv.join(' ')
      .includes('S3cret'),
    false,
  );
  equal(isRunnable({ publisher: 'microsoft.azure.extensions', type: 'customscript' }), true);
});

test('an unknown type, no or two commands, and what is no script are refused', () => {
  throws(
    () =>
      commandOf({ publisher: 'Microsoft.Azure.Security', type: 'CustomScript', settings: { commandToExecute: 'id' } }),
    Refusal,
  );
  throws(() => commandOf({ ...custom, settings: {} }), Refusal);
  throws(() => commandOf({ ...custom, settings: { commandToExecute: 'id', script: 'aWQ=' } }), Refusal);
  throws(() => commandOf({ ...custom, settings: { script: 'not base64!' } }), Refusal);
  throws(() => commandOf({ ...custom, settings: { script: base64(gzipSync(Buffer.alloc(10_000_000))) } }), Refusal);
});

test('a console cannot move the cursor of who reads it', () => {
  equal(cleanConsole('a\u001b]0;evil\u0007b\r\n\tc\u009b2J\u0000'), 'a]0;evilb\n\tc2J');
});

test('a script needs no folder of ours in the guest, gives its own code, and leaves nothing behind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-extension-'));
  try {
    const place = join(folder, 'not', 'there');
    const { argv, stdin } = commandOf({ ...custom, settings: { commandToExecute: 'echo said; exit 7' } });
    const [shell = '', ...words] = argv.map((word) => word.replaceAll('/var/lib/ringwall', place));
    const ended = spawnSync(shell, words, { input: stdin, encoding: 'utf8' });
    deepEqual([ended.status, ended.stdout, ended.stderr], [7, 'said\n', '']);
    equal(existsSync(place), true);
    deepEqual(readdirSync(place), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
