/** Peers of the rule bench: other systems that take one more rule and hold it in a data plane, run beside ours in the same run. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** One peer, ready to be asked. */
export type Peer = {
  readonly name: string;
  /** What is measured, in one sentence. */
  readonly what: string;
  /** Brings a group to `rules` rules but one, adds the last one so many times (taking it away again), and answers what each took, in ms. */
  readonly block: (rules: number, times: number) => Promise<readonly number[]>;
  readonly close: () => Promise<void>;
};

/** Programs that are not there; a peer with any is not run. */
export function missingOf(programs: readonly string[]): readonly string[] {
  const folders = (process.env['PATH'] ?? '').split(':');
  return programs.filter(
    (program) =>
      !(program.startsWith('/') ? existsSync(program) : folders.some((folder) => existsSync(join(folder, program)))),
  );
}
