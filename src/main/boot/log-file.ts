/** Log files with a bound: a process appends to its file by itself, the supervisor cuts files that have grown, so no log needs the supervisor to live. */

import { closeSync, copyFileSync, ftruncateSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { logBytesMax, logFilesKept, logLookMs } from '#base/limits.ts';

/** Opens a log for appending: every write goes to the end as it is then, also after the file was cut (open(2), O_APPEND). */
export function openLog(file: string): number {
  return openSync(file, 'a', 0o600);
}

/** Looks at the logs of a folder now and from then on; answers how to stop that. */
export function boundLogs(folder: string, onTrouble: (error: unknown) => void): () => void {
  const look = (): void => {
    try {
      for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.log'))) cutLog(join(folder, name));
    } catch (error) {
      onTrouble(error);
    }
  };
  look();
  const timer = setInterval(look, logLookMs).unref();
  return () => clearInterval(timer);
}

/**
 * Keeps what a log holds as `<file>.1` (the older ones move up, the oldest goes) and empties it, once it is larger than the
 * bound. The file itself stays: its writer holds it open. Lines written in the instant between copy and cut are lost.
 */
export function cutLog(
  file: string,
  { bytesMax, kept }: LogBound = { bytesMax: logBytesMax, kept: logFilesKept },
): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= bytesMax) return;
  rmSync(`${file}.${kept}`, { force: true });
  for (let age = kept - 1; age >= 1; age -= 1) {
    if (statSync(`${file}.${age}`, { throwIfNoEntry: false }) !== undefined)
      renameSync(`${file}.${age}`, `${file}.${age + 1}`);
  }
  copyFileSync(file, `${file}.1`);
  const descriptor = openSync(file, 'r+');
  ftruncateSync(descriptor, 0);
  closeSync(descriptor);
}

/** The size at which a log is cut, and how many older files stand beside it. */
export type LogBound = { readonly bytesMax: number; readonly kept: number };
