/** The writer's lock: one process writes a store; a second one is refused and told who the first is. */

import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Refusal } from '#base/wrong.ts';
import { connect, sqliteCode, type Connection } from '#engine/store/sqlite-addon.ts';

/** A lock that is held until `release`, or until the process ends in whatever way. */
export interface WriterLock {
  release(): void;
}

/** Files locked by this process. A second descriptor of one must never be opened and closed here: that drops its lock (fcntl(2)). */
const lockedHere = new Set<string>();

/**
 * Takes the lock of a store. It is SQLite's own exclusive lock on an empty file beside the store: the kernel drops it
 * with the process, so none is ever stale, and readers of the store itself are not kept out.
 */
export function lockWriter(file: string): WriterLock {
  const lockFile = resolve(`${file}-lock`);
  if (lockedHere.has(lockFile)) throw locked(file, `this process (${process.pid})`);
  if (!existsSync(lockFile)) closeSync(openSync(lockFile, 'a', 0o600));
  const connection = connect(lockFile, { readonly: false, timeout: 0 });
  try {
    takeLock(connection);
  } catch (error) {
    connection.close();
    if (sqliteCode(error)?.startsWith('SQLITE_BUSY') === true) throw locked(file, holderOf(lockFile));
    throw error;
  }
  lockedHere.add(lockFile);
  return {
    release() {
      lockedHere.delete(lockFile);
      connection.close();
    },
  };
}

function takeLock(connection: Connection): void {
  connection.pragma('journal_mode=MEMORY');
  connection.exec('BEGIN EXCLUSIVE');
}

function locked(file: string, holder: string): Refusal {
  const says = `Cannot open the store ${file} for writing: ${holder} holds it. Stop that process first.`;
  return new Refusal('StoreLocked', says, { status: 409, target: file });
}

/** Names the process that holds a lock on the file, as far as /proc tells (proc(5), "/proc/locks"). */
function holderOf(lockFile: string): string {
  const inode = String(statSync(lockFile).ino);
  for (const line of readText('/proc/locks').split('\n')) {
    const [, , , , pid = '', place = ''] = line.split(/\s+/);
    if (place.split(':')[2] !== inode || !/^[1-9]\d*$/.test(pid)) continue;
    return `process ${pid} (${readText(`/proc/${pid}/comm`).trim() || 'name unknown'})`;
  }
  return 'another process';
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Without /proc, or when the process has just ended, the refusal names no process; it stands all the same.
    return '';
  }
}
