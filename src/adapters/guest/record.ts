/** What the driver notes about a guest on disk, and whether the process it names is still that guest. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type GuestRecord = {
  readonly key: string;
  readonly id: string;
  readonly uidFirst: number;
  /** SHA-256 of the image its root was unpacked from. */
  readonly image: string;
  readonly pid: number;
  /** Start time of that process in clock ticks and the boot it belongs to: a pid alone may be reused. */
  readonly startTicks: string;
  readonly startedAt: number;
  /** The root was unpacked completely. */
  readonly isWhole: boolean;
  /** The first start has written accounts and custom data. */
  readonly isProvisioned: boolean;
};

/** The record of a guest's directory; undefined when there is none. */
export function readRecord(directory: string): GuestRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'guest.json'), 'utf8')) as GuestRecord;
  } catch {
    // No directory, no file, or one that a crash cut short before its rename: in each case no guest is known here.
    return undefined;
  }
}

/** Replaces the record in one step. */
export function writeRecord(directory: string, record: GuestRecord): void {
  const path = join(directory, 'guest.json');
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** Does the very process that was started still run (zombies do not)? */
export function isRunning({ pid, startTicks }: GuestRecord): boolean {
  return pid > 1 && startTicks !== '' && startTicksOf(pid) === startTicks;
}

/** Field 22 of /proc/PID/stat (proc(5)) after the boot's id; empty for no process or a zombie. */
export function startTicksOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything, so fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : `${bootId()} ${fields[19]}`;
  } catch {
    return '';
  }
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
