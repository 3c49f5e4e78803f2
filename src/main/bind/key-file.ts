/** The files of `ringwall bind` on the operator's own machine: the key, which never leaves it, and what clients are told. */

import { closeSync, constants, existsSync, fstatSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import { generateProofKey, readProofKey, type ProofKey } from '#engine/identity/proof-maker.ts';

/** The key of the file; it is made at the first use. */
export async function openKey(file: string): Promise<ProofKey> {
  if (!existsSync(file)) writePrivate(file, generateProofKey().reveal(), 'wx');
  return await readProofKey(new Secret(readPrivate(file)));
}

/** Writes a file that only its owner can read; `wx` refuses one that is there. */
export function writePrivate(file: string, text: string, flag: 'w' | 'wx'): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (flag === 'w' && existsSync(file)) readPrivate(file);
  writeFileSync(file, text, { flag, mode: 0o600 });
}

/** Reads a file that is the caller's own and nobody else's to read: what lies there otherwise may have been copied, or put there. */
export function readPrivate(file: string): string {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode, uid } = fstatSync(handle);
    const isFile = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (isFile && (mode & 0o077) === 0 && uid === process.geteuid?.()) return readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
  throw new Refusal(
    'OpenKeyFile',
    `${file} must be a plain file of your own with mode 0600; it may have been copied.`,
    {
      target: '--key',
    },
  );
}
