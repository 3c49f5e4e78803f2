/** `ringwall store verify`: the whole store, read-only; damage is told with its place and the way back. */

import { join } from 'node:path';
import { readKeyFile } from '#engine/store/key-file.ts';
import { verifyStore } from '#engine/store/verify.ts';
import { print } from '#main/command/options.ts';
import { placesOf } from '#main/boot/places.ts';
import { targetOf, type TargetOptions } from '#main/command/target.ts';

/** Exit 0 when whole, 1 when damaged. */
export function verifyStamp(options: TargetOptions): void {
  const places = placesOf(targetOf(options).settings);
  const verdict = verifyStore({ file: places.database, key: readKeyFile(join(places.keys, 'store.key')) });
  const text = verdict.ok
    ? `The store is whole: ${verdict.sequence} entries, head ${verdict.hash}.`
    : `The store is damaged at ${verdict.place}: ${verdict.reason}. Good up to entry ${verdict.sequence}. ${verdict.wayBack}`;
  print(options, verdict, text);
  if (!verdict.ok) process.exitCode = 1;
}
