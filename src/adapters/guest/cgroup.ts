/** Control groups of guests: finds what the host has (v2, v1, both), limits CPU, memory and processes, names what is missing. */

import { existsSync, mkdirSync, readFileSync, chownSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guestProcessesMax } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import type { GuestFinding } from '#engine/guest-port.ts';

export type Controller = 'cpu' | 'memory' | 'pids';

/** Where each controller is found; `at` is the mount point of its hierarchy. */
export type Hierarchies = Readonly<Partial<Record<Controller, { readonly version: 1 | 2; readonly at: string }>>>;

/** What a guest may use. */
export type GuestLimits = { readonly cpuCount: number; readonly memoryMiB: number };

/** Reads /proc/self/mountinfo (proc(5)) and, for v2, the root's list of controllers. v2 wins where both have a controller. */
export function findHierarchies(mountinfo: string, controllersAt: (mount: string) => string): Hierarchies {
  const found: Partial<Record<Controller, { version: 1 | 2; at: string }>> = {};
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const at = left.split(' ')[4] ?? '';
    const [type = '', , options = ''] = right.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    const names = type === 'cgroup2' ? controllersAt(at).trim().split(/\s+/) : options.split(',');
    for (const controller of controllers)
      if (names.includes(controller) && (type === 'cgroup2' || found[controller] === undefined))
        found[controller] = { version: type === 'cgroup2' ? 2 : 1, at };
  }
  return found;
}

/** The hierarchies of this host. */
export function hostHierarchies(): Hierarchies {
  return findHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'), (mount) => {
    const file = join(mount, 'cgroup.controllers');
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  });
}

/** What of the limits this host cannot enforce. */
export function missingControllers(hierarchies: Hierarchies): GuestFinding[] {
  const words: Record<Controller, string> = { cpu: 'CPU time', memory: 'memory', pids: 'the number of processes' };
  return controllers
    .filter((controller) => hierarchies[controller] === undefined)
    .map((controller) => ({
      code: 'GuestLimitAbsent',
      message: `The host has no "${controller}" control group controller: ${words[controller]} of guests is not limited.`,
    }));
}

/**
 * Makes the parent group in each hierarchy and gives it to the driver's user. Run as root by the supervisor, before the driver.
 * On v2 the driver itself must then live below `parent` too (cgroup-v2 "Delegation Containment"): it is put in `parent/driver`.
 */
export function delegateGroups(
  parent: string,
  owner: { readonly uid: number; readonly gid: number; readonly pid?: number },
): void {
  const hierarchies = hostHierarchies();
  for (const { version, at } of placesOf(hierarchies)) {
    const path = join(at, parent);
    if (version === 2) enableDown(at, parent);
    makeGroup(path);
    makeGroup(join(path, 'guests'));
    const given = [path, join(path, 'guests')];
    if (version === 2) {
      makeGroup(join(path, 'driver'));
      given.push(join(path, 'driver'));
      if (owner.pid !== undefined) writeFileSync(join(path, 'driver', 'cgroup.procs'), `${owner.pid}`);
    }
    for (const directory of given) {
      chownSync(directory, owner.uid, owner.gid);
      for (const file of ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads', 'tasks'])
        if (existsSync(join(directory, file))) chownSync(join(directory, file), owner.uid, owner.gid);
    }
  }
}

/** Makes a guest's groups with their limits and answers with the files that take a process in. */
export function makeGuestGroups(parent: string, key: string, limits: GuestLimits): string[] {
  const hierarchies = hostHierarchies();
  for (const { version, at } of placesOf(hierarchies)) {
    if (version === 2) enableDown(at, join(parent, 'guests'));
    makeGroup(join(at, parent, 'guests', key));
  }
  for (const controller of controllers) {
    const place = hierarchies[controller];
    if (place === undefined) continue;
    for (const [file, value] of settingsOf(controller, place.version, limits))
      writeLimit(join(place.at, parent, 'guests', key, file), value);
  }
  return groupFiles(parent, key);
}

/** The files of a guest's groups that a process writes itself into. */
export function groupFiles(parent: string, key: string): string[] {
  return placesOf(hostHierarchies())
    .map(({ at }) => join(at, parent, 'guests', key, 'cgroup.procs'))
    .filter((file) => existsSync(file));
}

/** Ends what is left in a guest's groups: a driver that died between starting a guest and noting it leaves it there. */
export async function endGuestProcesses(parent: string, key: string): Promise<void> {
  for (const file of groupFiles(parent, key)) {
    for (let tries = 0; ; tries += 1) {
      const pids = readFileSync(file, 'latin1')
        .split('\n')
        .map(Number)
        .filter((pid) => pid > 1);
      if (pids.length === 0) break;
      if (tries >= 200) throw new Fault('GuestGroupBusy', `Processes ${pids.join(', ')} of guest ${key} do not end`);
      for (const pid of pids) killQuietly(pid);
      await sleep(10);
    }
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the reading and the signal; what may not be killed shows in the next reading.
  }
}

/** Removes a guest's groups. */
export async function removeGuestGroups(parent: string, key: string): Promise<void> {
  for (const { at } of placesOf(hostHierarchies())) await removeGroup(join(at, parent, 'guests', key));
}

/** Removes the parent's groups, once no guest is left; a process that still ends in one is waited for. */
export async function removeParentGroups(parent: string): Promise<void> {
  for (const { at } of placesOf(hostHierarchies())) {
    for (const path of ['guests', 'driver', ''].map((name) => join(at, parent, name))) await removeGroup(path);
    for (let above = dirname(parent); above !== '.'; above = dirname(above)) removeWhenEmpty(join(at, above));
  }
}

/** Groups above are shared with other stamps: the last one out takes them away. */
function removeWhenEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Another stamp's groups are in it, or it is gone.
  }
}

/** The kernel lets go of a group a moment after its last process ended, so the wait is bounded. */
async function removeGroup(path: string): Promise<void> {
  for (let tries = 0; existsSync(path); tries += 1) {
    try {
      rmdirSync(path);
    } catch (error) {
      if (tries >= 200) throw new Fault('GuestGroupBusy', `Cannot remove control group ${path}`, error);
      await sleep(10);
    }
  }
}

/** Files and values: cgroup-v2.rst "CPU", "Memory", "PID"; v1: scheduler/sched-bwc, cgroup-v1/memory, cgroup-v1/pids. */
export function settingsOf(
  controller: Controller,
  version: 1 | 2,
  { cpuCount, memoryMiB }: GuestLimits,
): [string, string][] {
  const quota = Math.round(cpuCount * periodUs);
  const bytes = `${memoryMiB * 1024 * 1024}`;
  switch (controller) {
    case 'cpu':
      return version === 2
        ? [['cpu.max', `${quota} ${periodUs}`]]
        : [
            ['cpu.cfs_period_us', `${periodUs}`],
            ['cpu.cfs_quota_us', `${quota}`],
          ];
    case 'memory':
      return version === 2
        ? [
            ['memory.max', bytes],
            ['memory.swap.max', '0'],
          ]
        : [['memory.limit_in_bytes', bytes]];
    case 'pids':
      return [['pids.max', `${guestProcessesMax}`]];
  }
}

const controllers: readonly Controller[] = ['cpu', 'memory', 'pids'];
const periodUs = 100_000;

function placesOf(hierarchies: Hierarchies): { readonly version: 1 | 2; readonly at: string }[] {
  const places = new Map<string, { version: 1 | 2; at: string }>();
  for (const controller of controllers) {
    const place = hierarchies[controller];
    if (place !== undefined) places.set(place.at, place);
  }
  return [...places.values()];
}

/** On v2 a group has the controllers that its parent passes on. Passing on what is passed on already changes nothing. */
function enableDown(at: string, path: string): void {
  let directory = at;
  for (const part of ['', ...path.split('/')]) {
    directory = join(directory, part);
    makeGroup(directory);
    const wanted = controllers.filter((name) =>
      readFileSync(join(directory, 'cgroup.controllers'), 'latin1').split(/\s/).includes(name),
    );
    const passed = readFileSync(join(directory, 'cgroup.subtree_control'), 'latin1').split(/\s/);
    const lacking = wanted.filter((name) => !passed.includes(name));
    if (lacking.length > 0)
      writeFileSync(join(directory, 'cgroup.subtree_control'), lacking.map((name) => `+${name}`).join(' '));
  }
}

function makeGroup(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
}

/** A kernel without swap accounting has no swap file to write; every other limit must hold. */
function writeLimit(path: string, value: string): void {
  if (!existsSync(path) && /swap/.test(path)) return;
  try {
    writeFileSync(path, value);
  } catch (error) {
    throw new Fault('GuestLimitRefused', `Cannot write ${value} to ${path}`, error);
  }
}
