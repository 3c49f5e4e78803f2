/** Driver `sandbox`: guests as user namespaces with their own network, processes, root and limits; they outlive the driver. */

import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  endGuestProcesses,
  groupFiles,
  hostHierarchies,
  makeGuestGroups,
  missingControllers,
  removeGuestGroups,
  removeParentGroups,
} from '#adapters/guest/cgroup.ts';
import { ConsoleLog, isSoundPipe, readConsole } from '#adapters/guest/console.ts';
import { enterGuest } from '#adapters/guest/enter.ts';
import { commandOf } from '#adapters/guest/extension.ts';
import { guestFiles } from '#adapters/guest/files.ts';
import type { ImageOptions } from '#adapters/guest/image.ts';
import { openImage } from '#adapters/guest/image.ts';
import { busyboxPath, initPath } from '#adapters/guest/init.ts';
import type { LaunchOrder } from '#adapters/guest/launch.ts';
import { isRunning, readRecord, startTicksOf, writeRecord } from '#adapters/guest/record.ts';
import type { GuestRecord } from '#adapters/guest/record.ts';
import type { Machine } from '#adapters/guest/seccomp.ts';
import { encodeFilter, sandboxFilter } from '#adapters/guest/seccomp.ts';
import { parseArguments, parseGuestKey, parseGuestSpec, uidRange } from '#adapters/guest/spec.ts';
import { launchGuest, runAsRange, systemPath } from '#adapters/guest/userns.ts';
import { consoleBytesMax, guestExtensionMs, guestReadyMs, guestStopMs, guestsPerHostMax } from '#base/limits.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type {
  GuestDriver,
  GuestExecOptions,
  GuestExit,
  GuestExtension,
  GuestFinding,
  GuestSpec,
  GuestState,
} from '#engine/guest-port.ts';

export type SandboxOptions = {
  /** The guests' part of the state directory, closed to all but the driver's user. */
  readonly state: string;
  /** The stamp's number: names its control groups and the uid range in which images are built. */
  readonly number: number;
  /** The uids that guests may own: the caller is not trusted with another stamp's. All above the accounts when absent. */
  readonly uids?: { readonly first: number; readonly end: number };
  /** Hears what takes long: an image being built. */
  readonly log?: (says: string) => void;
  /** Where images are kept when not below the state. */
  readonly images?: string;
  /** True refuses to download what an image is built from. */
  readonly isOffline?: boolean;
  /** Path of the control groups below each hierarchy; the stamp's own when absent. */
  readonly groups?: string;
};

/** Opens the driver and adopts every guest that runs. Needs CAP_SETUID and CAP_SETGID, and the groups of `delegateGroups`. */
export function sandboxDriver(options: SandboxOptions): GuestDriver {
  const places = placesOf(options);
  mkdirSync(places.machines, { recursive: true, mode: 0o700 });
  const driver = new Sandbox(places);
  driver.adopt();
  return driver;
}

/** Ends every guest of a stamp, also when its driver is dead, and removes its control groups. What is on disk stays. For root. */
export async function endSandboxes(options: SandboxOptions): Promise<void> {
  const places = placesOf(options);
  if (existsSync(places.machines)) {
    const driver = sandboxDriver(options);
    for (const { key } of await driver.list()) await driver.stop(key, { force: true });
    await driver.close();
  }
  await removeParentGroups(places.groups);
}

/** The control groups of a stamp's guests, for whoever delegates them. */
export const groupsOf = (number: number): string => `ringwall/${number}`;

type Places = {
  readonly machines: string;
  readonly images: ImageOptions;
  readonly groups: string;
  readonly uids: SandboxOptions['uids'];
};

/** Ranges for building images lie below those of guests, one per stamp. */
const imageUidFirst = 0x3f00_0000;

function placesOf({ state, number, log, images, isOffline, groups, uids }: SandboxOptions): Places {
  return {
    machines: join(state, 'machines'),
    images: {
      directory: images ?? join(state, 'images'),
      uidFirst: imageUidFirst + number * uidRange,
      ...(log === undefined ? {} : { onProgress: log }),
      isOffline: isOffline === true,
    },
    groups: groups ?? groupsOf(number),
    uids,
  };
}

class Sandbox implements GuestDriver {
  readonly #options: Places;
  readonly #consoles = new Map<string, ConsoleLog>();
  /** The last thing under way per guest: what is asked of one guest happens in order. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: Places) {
    this.#options = options;
  }

  adopt(): void {
    for (const { key, state } of this.#states()) if (state === 'running') this.#openConsole(key);
  }

  start(spec: GuestSpec): Promise<{ readonly pid: number }> {
    return this.#inTurn(spec.key, () => this.#start(parseGuestSpec(spec, this.#options.uids)));
  }

  async ready(key: string): Promise<void> {
    const log = this.#consoles.get(parseGuestKey(key));
    if (log === undefined) throw new Fault('GuestNotRunning', `Guest ${key} does not run.`);
    const done = new AbortController();
    const timer = setTimeout(() => done.abort(), guestReadyMs);
    const watch = setInterval(() => {
      if (!this.#isRunning(key)) done.abort();
    }, 200);
    try {
      if (!(await log.ready(done.signal)))
        throw new Fault(
          'GuestNotReady',
          `Guest ${key} ${this.#isRunning(key) ? 'did not become ready in time' : 'ended before it was ready'}.`,
        );
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
    }
  }

  stop(key: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    return this.#inTurn(key, () => this.#stop(key, force));
  }

  async restart(spec: GuestSpec): Promise<{ readonly pid: number }> {
    return await this.#inTurn(spec.key, async () => {
      await this.#stop(spec.key, false);
      return await this.#start(parseGuestSpec(spec, this.#options.uids));
    });
  }

  remove(key: string): Promise<void> {
    return this.#inTurn(key, async () => {
      const directory = this.#path(key);
      if (!existsSync(directory)) return;
      await this.#stop(key, true);
      const record = readRecord(directory);
      // The range's own root removes what the range owns; links inside lead `rm` nowhere.
      if (record !== undefined && existsSync(join(directory, 'root')))
        await runAsRange({
          uidFirst: record.uidFirst,
          cwd: directory,
          argv: ['rm', '-rf', '--one-file-system', '--', 'root'],
          timeoutMs: 60_000,
        });
      rmSync(directory, { recursive: true, force: true });
    });
  }

  async list(): Promise<readonly GuestState[]> {
    return this.#states();
  }

  async console(key: string, { tail = 65_536 }: { readonly tail?: number } = {}): Promise<string> {
    return readConsole(join(this.#path(key), 'console.log'), Math.min(tail, consoleBytesMax));
  }

  /** Enters from outside, under the same filter and limits as the guest's own processes; nothing of the guest is trusted for it. */
  async exec(key: string, argv: readonly string[], options: GuestExecOptions = {}): Promise<GuestExit> {
    parseArguments(argv);
    const record = readRecord(this.#path(key));
    if (record === undefined || !isRunning(record)) throw new Fault('GuestNotRunning', `Guest ${key} does not run.`);
    const enter = ['--user', '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup'];
    const command = ['nsenter', `--target=${record.pid}`, ...enter, '--', ...argv];
    const order: LaunchOrder = {
      kind: 'enter',
      argv: command,
      env: guestEnvironment,
      filter,
      groups: groupFiles(this.#options.groups, key),
    };
    return await enterGuest(order, options);
  }

  async runExtension(key: string, extension: GuestExtension): Promise<GuestExit> {
    const { argv, stdin } = commandOf(extension);
    return await this.exec(key, argv, { stdin, timeoutMs: guestExtensionMs });
  }

  async probe(): Promise<readonly GuestFinding[]> {
    return [
      ...missingControllers(hostHierarchies()),
      {
        code: 'GuestDiskUnbounded',
        message: 'Sandbox guests share one file system with the host; their disk use is not limited.',
      },
      { code: 'SharedKernel', message: 'Sandbox guests share the kernel of the host; qemu guests do not.' },
    ];
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#turns.values());
    for (const log of this.#consoles.values()) log.close();
    this.#consoles.clear();
  }

  async #start(spec: GuestSpec): Promise<{ readonly pid: number }> {
    const directory = this.#path(spec.key);
    const known = readRecord(directory);
    if (known !== undefined && known.uidFirst !== spec.uidFirst)
      throw new Refusal(
        'InvalidParameter',
        `Guest ${spec.key} owns the uid range from ${known.uidFirst}; it cannot change.`,
        { target: 'uidFirst' },
      );
    if (known !== undefined && isRunning(known)) return { pid: known.pid };
    const record = known?.isWhole === true ? known : await this.#create(spec, directory);
    const { key } = spec;
    const files = guestFiles(spec).map((file) => ({ ...file, bytes: file.bytes.toString('base64') }));
    if (!isSoundPipe(join(directory, 'console'), spec.uidFirst)) await this.#makeConsole(spec, directory);
    const log = this.#openConsole(key);
    log.restart();
    await endGuestProcesses(this.#options.groups, key);
    const groups = makeGuestGroups(this.#options.groups, key, spec);
    const pid = await launchGuest(spec.uidFirst, {
      kind: 'start',
      argv: [busyboxPath, 'sh', initPath],
      env: guestEnvironment,
      filter,
      groups,
      ...{ hostname: spec.hostname, memoryMiB: spec.memoryMiB },
      root: join(directory, 'root'),
      console: join(directory, 'console'),
      isNew: !record.isProvisioned,
      files,
    }).catch(async (error: unknown) => {
      await removeGuestGroups(this.#options.groups, key);
      throw error;
    });
    writeRecord(directory, {
      ...record,
      pid,
      startTicks: startTicksOf(pid),
      startedAt: Date.now(),
      isProvisioned: true,
    });
    return { pid };
  }

  /** Unpacks the image as the range's own root. A directory left half made by a crash is made again. */
  async #create(spec: GuestSpec, directory: string): Promise<GuestRecord> {
    if (!existsSync(directory) && readdirSync(this.#options.machines).length >= guestsPerHostMax)
      throw new Refusal('QuotaExceeded', `This host holds at most ${guestsPerHostMax} guests.`);
    const { key, id, uidFirst } = spec;
    const image = await openImage(spec.image, this.#options.images);
    const record: GuestRecord = {
      key,
      id,
      uidFirst,
      image: image.sha256,
      pid: 0,
      startTicks: '',
      startedAt: 0,
      isWhole: false,
      isProvisioned: false,
    };
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (existsSync(join(directory, 'root')))
      await runAsRange({
        uidFirst,
        cwd: directory,
        argv: ['rm', '-rf', '--one-file-system', '--', 'root'],
        timeoutMs: 60_000,
      });
    rmSync(join(directory, 'console'), { force: true });
    writeRecord(directory, record);
    mkdirSync(join(directory, 'root'), { mode: 0o755 });
    const archive = openSync(image.path, 'r');
    try {
      await runAsRange({
        uidFirst,
        cwd: directory,
        argv: ['/bin/sh', '-c', unpackScript],
        stdin: archive,
        timeoutMs: 120_000,
      });
    } finally {
      closeSync(archive);
    }
    const whole = { ...record, isWhole: true };
    writeRecord(directory, whole);
    return whole;
  }

  /** Of a guest that does not run: its root owned the pipe while it ran, and may have taken our right to it. */
  async #makeConsole({ key, uidFirst }: GuestSpec, directory: string): Promise<void> {
    this.#consoles.get(key)?.close();
    this.#consoles.delete(key);
    rmSync(join(directory, 'console'), { force: true });
    await runAsRange({ uidFirst, cwd: directory, argv: ['/bin/sh', '-c', pipeScript], timeoutMs: 60_000 });
  }

  async #stop(key: string, force: boolean): Promise<void> {
    const directory = this.#path(key);
    const record = readRecord(directory);
    if (record !== undefined && isRunning(record)) {
      process.kill(record.pid, force ? 'SIGKILL' : 'SIGTERM');
      if (!(await isGone(record, force ? 2000 : guestStopMs)) && isRunning(record)) process.kill(record.pid, 'SIGKILL');
      if (!(await isGone(record, 2000))) throw new Fault('GuestStopFailed', `Guest ${key} did not end.`);
    }
    this.#consoles.get(key)?.close();
    this.#consoles.delete(key);
    await endGuestProcesses(this.#options.groups, key);
    await removeGuestGroups(this.#options.groups, key);
    if (record !== undefined) writeRecord(directory, { ...record, pid: 0, startTicks: '' });
  }

  #states(): GuestState[] {
    return readdirSync(this.#options.machines)
      .map((key) => readRecord(join(this.#options.machines, key)))
      .filter((record) => record !== undefined)
      .map((record) => {
        const running = isRunning(record);
        return {
          key: record.key,
          id: record.id,
          pid: running ? record.pid : 0,
          state: running ? 'running' : 'stopped',
          startedAt: record.startedAt,
        };
      });
  }

  #isRunning(key: string): boolean {
    const record = readRecord(this.#path(key));
    return record !== undefined && isRunning(record);
  }

  #openConsole(key: string): ConsoleLog {
    const known = this.#consoles.get(key);
    if (known !== undefined) return known;
    const directory = this.#path(key);
    const log = new ConsoleLog(join(directory, 'console'), join(directory, 'console.log'));
    this.#consoles.set(key, log);
    if (!log.isOpen)
      this.#options.images.onProgress?.(`The console of guest ${key} is closed to us until its next start.`);
    return log;
  }

  #path(key: string): string {
    return join(this.#options.machines, parseGuestKey(key));
  }

  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#turns.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(key) === mine) this.#turns.delete(key);
    }
  }
}

const filter = encodeFilter(sandboxFilter(process.arch as Machine)).toString('base64');

const guestEnvironment = [
  `PATH=${systemPath}`,
  'HOME=/root',
  'USER=root',
  'TERM=linux',
  'LANG=C.UTF-8',
  'container=ringwall',
];

/** A constant. 65536 is the driver's own user as the range sees it: it keeps reading the console, the guest's root writes it. */
const pipeScript = 'mkfifo -m 0660 console && chown 0:65536 console';
const unpackScript =
  pipeScript + ' && chown 0:0 root && cd root && exec tar --extract --numeric-owner --preserve-permissions --file=-';

async function isGone(record: GuestRecord, withinMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 10) {
    if (!isRunning(record)) return true;
    await sleep(10);
  }
  return !isRunning(record);
}
