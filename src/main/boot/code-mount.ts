/** The code of a stamp, mounted read-only where the stamp's own users can read it: a clone may lie in a home that is closed to them. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Fault } from '#base/wrong.ts';
import type { Places } from '#main/boot/places.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));

/** Mounts the tree that this process was started from; a mount left by a crash is replaced. */
export function mountCode(places: Places): void {
  unmountCode(places);
  mkdirSync(places.code, { recursive: true, mode: 0o755 });
  mount(['--bind', root, places.code]);
  mount(['-o', 'remount,bind,ro,nosuid,nodev', places.code]);
}

/** Takes the mount away; none is no error. */
export function unmountCode(places: Places): void {
  for (let tries = 0; tries < 8 && isMounted(places.code); tries += 1) {
    spawnSync('umount', ['--lazy', places.code], { stdio: 'ignore' });
  }
}

/** Where a file of the tree is seen through the mount; a file outside the tree (another Node) stays where it is. */
export function codePath(places: Places, path: string): string {
  for (const base of [root, places.code]) {
    const inside = relative(base, path);
    if (inside !== '' && !inside.startsWith('..')) return join(places.code, inside);
  }
  return path;
}

function mount(argv: readonly string[]): void {
  const done = spawnSync('mount', argv, { encoding: 'utf8' });
  if (done.status !== 0)
    throw new Fault('CodeMountFailed', `mount ${argv.join(' ')} failed: ${done.stderr.trim()}`, done.error);
}

function isMounted(path: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[1] === path);
}
