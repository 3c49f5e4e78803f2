/** The key file: made once, for its owner alone, and refused whenever others could have read or changed it. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createKeyFile, readKeyFile } from '#engine/store/key-file.ts';
import { scratch } from '#engine/store/scratch.ts';

const { folder, remove } = scratch();
after(remove);

test('a key is made with mode 0600, read back, and never overwritten or shown', () => {
  const file = `${folder}/keys/store.key`;
  const made = createKeyFile(file, randomBytes);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(`${folder}/keys`).mode & 0o777, 0o700);
  assert.ok(readKeyFile(file).equals(made.reveal()));
  assert.match(made.reveal(), /^[0-9a-f]{64}$/);
  assert.equal(`${made}`, '***');
  assert.throws(() => createKeyFile(file, randomBytes), /not overwritten/);
});

test('[S2.4] a looser mode, a link, another text and a missing file are refused, without the text', () => {
  const file = `${folder}/loose.key`;
  const key = 'ab'.repeat(32);
  writeFileSync(file, key);
  for (const mode of [0o644, 0o640, 0o660, 0o606, 0o700, 0o400]) {
    chmodSync(file, mode);
    assert.throws(() => readKeyFile(file), { code: 'KeyFileRefused', message: /0600 is wanted/ });
  }
  chmodSync(file, 0o600);
  assert.ok(readKeyFile(file).equals(key));
  symlinkSync(file, `${folder}/link.key`);
  assert.throws(() => readKeyFile(`${folder}/link.key`), { code: 'KeyFileRefused', message: /symbolic link/ });
  writeFileSync(file, `${key}00`);
  assert.throws(
    () => readKeyFile(file),
    (error: Error) => error.message.includes('64 hex') && !error.message.includes('abab'),
  );
  assert.throws(() => readKeyFile(`${folder}/none.key`), { code: 'KeyFileRefused', message: /no key file/ });
});

test('a file of another owner is refused', { skip: process.geteuid?.() !== 0 && 'needs root' }, async () => {
  const { chownSync } = await import('node:fs');
  const file = `${folder}/other.key`;
  createKeyFile(file, randomBytes);
  chownSync(file, 65_534, 65_534);
  assert.throws(() => readKeyFile(file), { code: 'KeyFileRefused', message: /owner is uid 65534/ });
});
