/** A stamp of one's own for a bench or a test: a free number, a state directory that goes with it, and an ARM client with a service principal. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '#base/json.ts';
import { Secret } from '#base/secret.ts';
import { KeepAliveClient } from '#bench/arm.ts';
import { ringwall } from '#bench/command.ts';
import { takeNumber } from '#bench/free-number.ts';

/** On the disk where stamps live, never in memory: an acknowledged write pays for its flush. */
const folderOfRuns = '/var/tmp';

export type OwnStamp = {
  readonly number: number;
  readonly state: string;
  /** What it said when it was ready. */
  readonly ready: JsonObject;
  readonly subscription: string;
  readonly location: string;
  readonly arm: KeepAliveClient;
  /** Answers the flags that name this stamp to the command. */
  readonly flags: readonly string[];
  /** Starts what does not run of it. */
  readonly up: () => Promise<JsonObject>;
  /** Takes it down; what it wrote goes too unless `keep`. */
  readonly down: (options?: { readonly keep?: boolean }) => Promise<void>;
};

/** `settings`: the text of their file. `model`: without root, kernel and guests, in one process. */
type OwnOptions = { readonly settings?: string; readonly model?: boolean };

/** Brings the stamp up. The caller takes it down, also after a failure. */
export async function ownStamp({ settings = '', model = false }: OwnOptions = {}): Promise<OwnStamp> {
  const { number, release } = takeNumber();
  mkdirSync(folderOfRuns, { recursive: true });
  const state = mkdtempSync(join(folderOfRuns, 'ringwall-stamp-'));
  const flags = ['--stamp', String(number), '--state', state];
  const file = `${state}.yaml`;
  writeFileSync(file, settings);
  const up = () => ringwall(['up', ...(model ? ['--model'] : []), '--detach', '--settings', file, ...flags]);
  const takeDown = (more: readonly string[]) => ringwall(['down', ...more, ...flags]);
  try {
    const ready = await up();
    const principal = await ringwall(['principal', 'bench', '--role', 'Contributor', ...flags]);
    const endpoints = ready['endpoints'] as { management: string; adfs: string };
    const arm = new KeepAliveClient({
      management: endpoints.management,
      login: `${endpoints.adfs}/adfs`,
      caFile: String(ready['ca']),
      appId: String(principal['appId']),
      secret: new Secret(String(principal['secret'])),
    });
    const down = async ({ keep = false }: { readonly keep?: boolean } = {}) => {
      arm.close();
      await takeDown(keep ? [] : ['--purge']);
      if (keep) return;
      rmSync(file, { force: true });
      release();
    };
    return {
      number,
      state,
      ready,
      subscription: String(ready['subscriptionId']),
      location: String(ready['location']),
      arm,
      flags,
      up,
      down,
    };
  } catch (error) {
    await takeDown(['--purge']).catch(() => undefined);
    release();
    throw error;
  }
}

/** Runs work on a stamp of its own and takes the stamp down whatever happened, also when interrupted. */
export async function withOwnStamp<T>(work: (stamp: OwnStamp) => Promise<T>, options: OwnOptions = {}): Promise<T> {
  const stamp = await ownStamp(options);
  let ended: Promise<void> | undefined;
  const end = () => (ended ??= stamp.down());
  const interrupted = () => void end().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await work(stamp);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await end();
  }
}
