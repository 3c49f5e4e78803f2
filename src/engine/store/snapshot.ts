/** Snapshots: a whole encrypted copy of the store in one file, and the way back from one. */

import { randomUUID } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Refusal } from '#base/wrong.ts';
import type { Secret } from '#base/secret.ts';
import type { StoreDatabase } from '#engine/store/database.ts';
import { syncFolder } from '#engine/store/key-file.ts';
import { verifyStore } from '#engine/store/verify.ts';
import { lockWriter } from '#engine/store/writer-lock.ts';

/** Copies the open database to a new file: there is either no such file or a whole and durable one. */
export function copyStore(database: StoreDatabase, file: string): void {
  if (existsSync(file)) {
    throw new Refusal('SnapshotExists', `There is a file ${file} already; it is not overwritten.`, {
      status: 409,
      target: file,
    });
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}.part`;
  // SQLite takes an empty file as the target of a copy; made first, it is never readable by others.
  closeSync(openSync(draft, 'wx', 0o600));
  try {
    database.copyTo(draft);
    finish(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/**
 * Puts a snapshot in the place of a store. The snapshot is verified first; the files that were there are kept under
 * `<name>.damaged-<mark>`. Writes behind the snapshot's last entry are lost: the answer says where it ends.
 */
export function restoreSnapshot(task: { snapshot: string; file: string; key: Secret | Buffer; mark: string }): {
  sequence: number;
  hash: string;
  kept: string[];
} {
  const { snapshot, file, key, mark } = task;
  const lock = lockWriter(file);
  try {
    const found = verifyStore({ file: snapshot, key });
    if (!found.ok) {
      const says = `The snapshot ${snapshot} is damaged itself at ${found.place}: ${found.reason}. Nothing was changed.`;
      throw new Refusal('SnapshotDamaged', says, { status: 409, target: snapshot });
    }
    const draft = `${file}.${randomUUID()}.part`;
    copyFileSync(snapshot, draft);
    const kept = ['', '-wal', '-shm', '-anchor'].filter((part) => existsSync(`${file}${part}`));
    for (const part of kept) renameSync(`${file}${part}`, `${file}.damaged-${mark}${part}`);
    finish(draft, file);
    return { sequence: found.sequence, hash: found.hash, kept: kept.map((part) => `${file}.damaged-${mark}${part}`) };
  } finally {
    lock.release();
  }
}

function finish(draft: string, file: string): void {
  const descriptor = openSync(draft, 'r+');
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draft, file);
  syncFolder(dirname(file));
}
