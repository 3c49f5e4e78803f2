/** The hash of a guest's password as /etc/shadow keeps it (SHA-512 crypt), so that the password itself is never stored. */

import { createHash, timingSafeEqual } from 'node:crypto';

const rounds = 5000;
const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `$6$salt$…` (U. Drepper, "Unix crypt using SHA-256 and SHA-512", 2016; public domain). The salt has up to 16 characters. */
export function hashPassword(password: string, salt: string): string {
  const key = Buffer.from(password, 'utf8');
  const seed = Buffer.from(salt.slice(0, 16), 'utf8');
  const second = digest([key, seed, key]);
  let current = digest([
    key,
    seed,
    repeat(second, key.length),
    ...bitsOf(key.length).map((isOne) => (isOne ? second : key)),
  ]);
  const keyBytes = repeat(digest(Array<Buffer>(key.length).fill(key)), key.length);
  const saltBytes = repeat(digest(Array<Buffer>(16 + (current[0] ?? 0)).fill(seed)), seed.length);
  for (let round = 0; round < rounds; round += 1) {
    const isOdd = round % 2 === 1;
    current = digest([
      isOdd ? keyBytes : current,
      ...(round % 3 === 0 ? [] : [saltBytes]),
      ...(round % 7 === 0 ? [] : [keyBytes]),
      isOdd ? current : keyBytes,
    ]);
  }
  return `$6$${seed.toString('utf8')}$${encode(current)}`;
}

/** Is it the password of the hash? Compares in constant time. */
export function isPasswordOf(password: string, hash: string): boolean {
  const [, , salt = ''] = hash.split('$');
  const [left, right] = [Buffer.from(hashPassword(password, salt)), Buffer.from(hash)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Can the text stand in /etc/shadow as a sha512crypt or yescrypt hash (crypt(5))? */
export function isPasswordHash(text: string): boolean {
  return (
    /^\$6\$(rounds=[1-9][0-9]{3,8}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}$/.test(text) ||
    /^\$y\$[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43}$/.test(text)
  );
}

function digest(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function repeat(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

/** The bits of a number from the lowest on. */
function bitsOf(number: number): boolean[] {
  const bits: boolean[] = [];
  for (let rest = number; rest > 0; rest >>= 1) bits.push((rest & 1) === 1);
  return bits;
}

/** Base-64 of its own kind: bytes in an order that turns round by three, low bits first. */
function encode(bytes: Buffer): string {
  let text = '';
  for (let index = 0; index < 21; index += 1) {
    const triple = [index, index + 21, index + 42];
    const [high = 0, middle = 0, low = 0] = [0, 1, 2].map((place) => bytes[triple[(place + index) % 3] ?? 0] ?? 0);
    text += group((high << 16) | (middle << 8) | low, 4);
  }
  return text + group(bytes[63] ?? 0, 2);
}

function group(value: number, characters: number): string {
  return Array.from({ length: characters }, (_, index) => alphabet[(value >> (6 * index)) & 63]).join('');
}
