/** The errors of the store: damage is refused with its place, the last good entry and the way back; a failing disk is a fault. */

import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault, Refusal } from '#base/wrong.ts';

/** Where a store is damaged, what was seen there, the last entry known good, and what the operator can do. */
export type Damage = {
  readonly place: string;
  readonly reason: string;
  readonly sequence: number;
  readonly wayBack: string;
};

/** Refuses a damaged store. The machine-readable part says the same as the text. */
export function damaged(file: string, damage: Damage): Refusal {
  const { place, reason, sequence, wayBack } = damage;
  return new Refusal(
    'StoreDamaged',
    `The store ${file} is damaged at ${place}: ${reason}. Nothing was changed. ${wayBack}`,
    {
      status: 500,
      target: place,
      additionalInfo: [{ type: 'StoreDamage', info: { place, reason, sequence, wayBack } }],
    },
  );
}

/** The damage that a refusal carries, when it is one of `damaged`. */
export function damageOf(error: unknown): Damage | undefined {
  if (!(error instanceof Refusal) || error.code !== 'StoreDamaged') return undefined;
  return error.additionalInfo.find(({ type }) => type === 'StoreDamage')?.info as Damage | undefined;
}

/** The way back from damage: the newest snapshot in the `snapshots` folder beside the store, and how far the log is good. */
export function wayBackOf(file: string, sequence: number): string {
  const good = sequence > 0 ? `The log is good up to entry ${sequence}.` : 'No entry of the log could be checked.';
  const newest = snapshotsOf(file).at(-1);
  const restore =
    newest === undefined
      ? `There is no snapshot in ${join(dirname(file), 'snapshots')}: restore a copy of the store from a backup`
      : `Restore the snapshot ${newest}`;
  return `${good} ${restore} (the damaged files are kept beside it).`;
}

/** Where a snapshot of that entry belongs: names sort by age. */
export function snapshotFile(file: string, sequence: number): string {
  return join(dirname(file), 'snapshots', `${String(sequence).padStart(16, '0')}.db`);
}

/** The snapshots beside a store, oldest first. */
function snapshotsOf(file: string): string[] {
  const folder = join(dirname(file), 'snapshots');
  try {
    return readdirSync(folder)
      .filter((name) => /^\d{16}\.db$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Fault('StoreUnreadable', `Cannot list the snapshots in ${folder}.`, error);
  }
}
