/** A stamp number that nobody on this machine uses, so that a bench or a test runs beside other stamps. */

import { closeSync, existsSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '#base/wrong.ts';
import { namespacesWith } from '#adapters/linux/netns.ts';

const firstNumber = 20;
const lastNumber = 63;

/** A number and the way to give it back; a file of that number keeps others of our kind away meanwhile. */
export function takeNumber(): { readonly number: number; readonly release: () => void } {
  for (let number = lastNumber; number >= firstNumber; number--) {
    if (existsSync(`/run/ringwall/${number}`) || namespacesWith(`rw${number}-`).length > 0) continue;
    const file = join(tmpdir(), `ringwall-number-${number}`);
    try {
      closeSync(openSync(file, 'wx', 0o600));
    } catch {
      continue;
    }
    process.once('exit', () => rmSync(file, { force: true }));
    return { number, release: () => unlinkSync(file) };
  }
  throw new Fault('NoFreeNumber', `Every stamp number from ${firstNumber} to ${lastNumber} is in use.`);
}
