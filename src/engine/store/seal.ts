/** Keys and seals of the store: what is derived from the master key, and AES-256-GCM over text with its place as associated data. */

import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Refusal } from '#base/wrong.ts';
import type { Secret } from '#base/secret.ts';

/** Every key that the master key gives, one purpose each (HKDF-SHA-256, RFC 5869, told apart by `info`). */
export type StoreKeys = {
  /** The raw key of the database file. */
  readonly database: KeyObject;
  /** Wraps the data keys of the subscriptions. */
  readonly wrap: KeyObject;
  /** Names rows in the chain. */
  readonly rows: KeyObject;
  /** Signs the anchor. */
  readonly anchor: KeyObject;
};

/** The randomness the caller gives. */
export type Random = (bytes: number) => Buffer;

const ivBytes = 12;
const tagBytes = 16;

/** Derives the store's keys from the 32-byte master key (a Buffer, or a Secret of 64 hex digits). */
export function deriveKeys(master: Secret | Buffer): StoreKeys {
  const bytes = Buffer.isBuffer(master) ? master : parseKey(master.reveal());
  if (bytes.length !== 32) {
    throw new Refusal('StoreKeyInvalid', `The store's key has ${bytes.length} bytes: 32 are wanted.`, {
      target: 'key',
    });
  }
  const derive = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), `ringwall store ${purpose} v1`, 32)));
  return { database: derive('database'), wrap: derive('wrap'), rows: derive('rows'), anchor: derive('anchor') };
}

/** Parses a key written as 64 hex digits. The text itself is never part of an error. */
function parseKey(text: string): Buffer {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new Refusal('StoreKeyInvalid', "The store's key is not 64 hex digits.", { target: 'key' });
  }
  return Buffer.from(text, 'hex');
}

/** Seals bytes: 12 bytes of nonce, the ciphertext, 16 bytes of tag. `place` says where the bytes belong and must match to open. */
export function seal(key: KeyObject, plain: Buffer, { place, random }: { place: string; random: Random }): Buffer {
  const iv = random(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes }).setAAD(Buffer.from(place));
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `seal` sealed; undefined when key, place or bytes are not those of the sealing. */
export function unseal(key: KeyObject, sealed: Buffer, place: string): Buffer | undefined {
  if (sealed.length < ivBytes + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(sealed.length - tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(ivBytes, sealed.length - tagBytes)), decipher.final()]);
  } catch {
    // `final` throws for one reason alone: the tag is not that of these bytes, key and place.
    return undefined;
  }
}

/** The place of an entry's body or audit: its sequence, its kind and the hash before it. */
export function entryPlace(part: 'body' | 'audit', sequence: number, link: { kind: string; previous: Buffer }): string {
  return JSON.stringify([part, sequence, link.kind, link.previous.toString('hex')]);
}

/** The place of a current row: its table, its key and the entry that wrote it. */
export function rowPlace(table: string, key: string, sequence: number): string {
  return JSON.stringify(['row', table, key, sequence]);
}
