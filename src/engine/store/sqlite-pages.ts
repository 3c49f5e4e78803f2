/** Finds the damaged pages of an encrypted SQLite file: every page carries an HMAC, so the place of a flipped byte has a number. */

import { createHmac, pbkdf2Sync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The file's pages: how many there are, which (1-based) do not carry their HMAC, and bytes behind the last whole page. */
export type PageScan = { readonly pages: number; readonly damaged: readonly number[]; readonly tailBytes: number };

/** SQLCipher 4's page: 4096 bytes, of which the last 80 are 16 of IV and 64 of HMAC-SHA-512 (SQLCipher design, "Page HMAC"). */
export const pageBytes = 4096;
const macBytes = 64;
const saltBytes = 16;

/**
 * Checks every page of a file that is not open in this process: closing a descriptor of an open SQLite file would drop
 * the locks that its connection holds (POSIX record locks belong to the process).
 */
export function scanPages(file: string, key: KeyObject): PageScan {
  const descriptor = openSync(file, 'r');
  try {
    const size = fstatSync(descriptor).size;
    const pages = Math.floor(size / pageBytes);
    const page = Buffer.alloc(pageBytes);
    const damaged: number[] = [];
    let macKey: Buffer = Buffer.alloc(0);
    for (let number = 1; number <= pages; number += 1) {
      readSync(descriptor, page, 0, pageBytes, (number - 1) * pageBytes);
      if (number === 1) macKey = macKeyOf(key, page.subarray(0, saltBytes));
      if (!holdsMac(page, number, macKey)) damaged.push(number);
    }
    return { pages, damaged, tailBytes: size - pages * pageBytes };
  } finally {
    closeSync(descriptor);
  }
}

function macKeyOf(key: KeyObject, salt: Buffer): Buffer {
  const macSalt = Buffer.from(salt.map((byte) => byte ^ 0x3a));
  return pbkdf2Sync(key.export(), macSalt, 2, 32, 'sha512');
}

function holdsMac(page: Buffer, number: number, macKey: Buffer): boolean {
  const order = Buffer.alloc(4);
  order.writeUInt32LE(number);
  // The first page opens with the salt, which is not under the HMAC.
  const body = page.subarray(number === 1 ? saltBytes : 0, pageBytes - macBytes);
  const mac = createHmac('sha512', macKey).update(body).update(order).digest();
  return timingSafeEqual(mac, page.subarray(pageBytes - macBytes));
}
