/** Password hashes: argon2id as PHC strings (RFC 9106), with few at work at once so that sign-ins cannot eat the machine. */

import { argon2, randomBytes, timingSafeEqual, type Argon2Parameters } from 'node:crypto';
import { promisify } from 'node:util';
import { passwordHashParallelMax, passwordHashWaitingMax } from '#base/identity-limits.ts';
import type { Secret } from '#base/secret.ts';
import { Fault, Refusal } from '#base/wrong.ts';

/** What one hash costs. */
export type PasswordCost = { readonly memoryKib: number; readonly passes: number; readonly lanes: number };

/** 64 MiB and three passes: the second recommended choice of RFC 9106 §4, with one lane since sign-ins come in parallel. */
export const passwordCost: PasswordCost = { memoryKib: 65_536, passes: 3, lanes: 1 };

const derive = promisify(argon2);
const tagBytes = 32;

/** Hashes a password with a fresh salt: `$argon2id$v=19$m=…,t=…,p=…$salt$tag`. */
export async function hashPassword(password: Secret, cost: PasswordCost = passwordCost): Promise<string> {
  const salt = randomBytes(16);
  const tag = await atGate(() => derive('argon2id', parameters(password, salt, cost)));
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.lanes}$${text(salt)}$${text(tag)}`;
}

/** Does the password belong to the hash? Compared in constant time, at the cost that the hash names. */
export async function passwordMatches(password: Secret, hash: string): Promise<boolean> {
  const { cost, salt, tag } = parseHash(hash);
  const seen = await atGate(() => derive('argon2id', parameters(password, salt, cost)));
  return timingSafeEqual(seen, tag);
}

/** Was the hash made at a lower cost than wanted now? Then it is made anew at the next sign-in. */
export function isHashWeaker(hash: string, wanted: PasswordCost): boolean {
  const { cost } = parseHash(hash);
  return cost.memoryKib < wanted.memoryKib || cost.passes < wanted.passes;
}

function parameters(password: Secret, salt: Buffer, cost: PasswordCost): Argon2Parameters {
  const { memoryKib: memory, passes, lanes: parallelism } = cost;
  // NFKC: the same password typed on two keyboards gives the same bytes (RFC 8265 §4.2 asks for a normal form).
  return {
    message: password.reveal().normalize('NFKC'),
    nonce: salt,
    parallelism,
    tagLength: tagBytes,
    memory,
    passes,
  };
}

function parseHash(hash: string): { cost: PasswordCost; salt: Buffer; tag: Buffer } {
  const match = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/.exec(
    hash,
  );
  if (match === null) throw new Fault('DirectoryDamaged', 'A stored password hash is not an argon2id PHC string.');
  const [, memory, passes, lanes, salt = '', tag = ''] = match;
  return {
    cost: { memoryKib: Number(memory), passes: Number(passes), lanes: Number(lanes) },
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

let working = 0;
const waiting: (() => void)[] = [];

async function atGate(work: () => Promise<Buffer>): Promise<Buffer> {
  if (working >= passwordHashParallelMax) {
    if (waiting.length >= passwordHashWaitingMax) {
      throw new Refusal('SignInBusy', 'Too many sign-ins are at work; try again in a few seconds.', {
        status: 503,
        retryAfterS: 2,
      });
    }
    // A finisher hands its place straight to the first in line, so `working` stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else working++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) working--;
    else next();
  }
}
