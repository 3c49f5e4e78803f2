/** The file that holds the store's key until `keyd` does: 64 hex digits, readable by its owner alone. */

import { closeSync, constants, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault, Refusal } from '#base/wrong.ts';
import { Secret } from '#base/secret.ts';
import type { Random } from '#engine/store/seal.ts';

/** Reads the key. Refuses a file that others may read or write, a link, another owner's file, and text that is no key. */
export function readKeyFile(file: string): Secret {
  const descriptor = openKey(file);
  try {
    const { mode, uid } = fstatSync(descriptor);
    if ((mode & 0o777) !== 0o600) {
      const seen = (mode & 0o777).toString(8).padStart(4, '0');
      throw refused(`Cannot use the key file ${file}: its mode is ${seen}, 0600 is wanted (chmod 600 ${file})`, file);
    }
    if (uid !== process.geteuid?.()) {
      throw refused(`Cannot use the key file ${file}: its owner is uid ${uid}, not uid ${process.geteuid?.()}`, file);
    }
    const text = readFileSync(descriptor, 'utf8').trim();
    if (!/^[0-9a-f]{64}$/.test(text)) throw refused(`Cannot use the key file ${file}: it is not 64 hex digits`, file);
    return new Secret(text);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a key file with a fresh key, durable before it answers. An existing file is never overwritten: it may be the only key. */
export function createKeyFile(file: string, random: Random): Secret {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const descriptor = makeKey(file);
  const text = random(32).toString('hex');
  writeSync(descriptor, `${text}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  syncFolder(dirname(file));
  return new Secret(text);
}

/** Waits until a folder's entries are on disk. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function openKey(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw refused(`There is no key file ${file}`, file);
    if (code === 'ELOOP') throw refused(`Cannot use the key file ${file}: it is a symbolic link`, file);
    throw new Fault('KeyFileUnreadable', `Cannot read the key file ${file}.`, error);
  }
}

function makeKey(file: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw refused(`There is a key file ${file} already; it is not overwritten`, file);
    }
    throw new Fault('KeyFileUnwritable', `Cannot make the key file ${file}.`, error);
  }
}

function refused(says: string, file: string): Refusal {
  return new Refusal('KeyFileRefused', `${says}.`, { target: file });
}
