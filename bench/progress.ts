/** Where benches say what they do: progress on stderr, so that stdout stays the result. */

import type { Writable } from 'node:stream';

/** One line. */
export function say(stream: Writable, line: string): void {
  stream.write(`${line}\n`);
}

/** Progress. */
export function progress(line: string): void {
  say(process.stderr, line);
}
