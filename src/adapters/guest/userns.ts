/** Child processes in user namespaces of their own: spawn, write the id maps, hear what they say. Needs CAP_SETUID and CAP_SETGID only. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LaunchOrder } from '#adapters/guest/launch.ts';
import { uidRange } from '#adapters/guest/spec.ts';
import { guestLaunchMs } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';

/** Becomes a guest's init in fresh namespaces and answers with its pid on the host. */
export async function launchGuest(uidFirst: number, order: LaunchOrder): Promise<number> {
  const namespaces = ['--user', '--pid', '--mount', '--net', '--uts', '--ipc', '--fork', '--keep-caps'];
  const child = spawn('unshare', [...namespaces, '--', ...launcher, 'start'], {
    detached: true,
    env: { PATH: systemPath },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  ignoreBrokenPipes(child);
  const said = collect(child.stderr as Readable, 4096);
  const lines = createInterface({ input: child.stdio[4] as Readable })[Symbol.asyncIterator]();
  const timer = setTimeout(() => child.kill('SIGKILL'), guestLaunchMs);
  let pid = 0;
  try {
    for (;;) {
      const line = await Promise.race([lines.next(), ended(child)]);
      if (line === undefined || line.done === true)
        throw new Fault('GuestLaunchFailed', `The launcher ended early: ${said().trim()}`);
      const message = JSON.parse(line.value) as { pid?: number; error?: string; sealed?: boolean };
      if (message.error !== undefined) throw new Fault('GuestLaunchFailed', message.error);
      if (message.sealed === true) return pid;
      pid = message.pid ?? pid;
      writeIdMaps(pid, [[0, uidFirst, uidRange]]);
      (child.stdio[3] as Writable).end(`${JSON.stringify(order)}\n`);
    }
  } catch (error) {
    killQuietly(pid);
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
    for (const stream of child.stdio) stream?.destroy();
    child.unref();
  }
}

export type HelperOptions = {
  readonly uidFirst: number;
  readonly cwd: string;
  readonly argv: readonly string[];
  /** A descriptor that becomes the helper's standard input. */
  readonly stdin?: number;
  readonly stdout?: number;
  /** Its own pid namespace, for programs that mount /proc. */
  readonly hasOwnProcesses?: boolean;
  readonly timeoutMs: number;
  readonly onLine?: (line: string) => void;
};

/**
 * Runs a host program as the root of a guest's uid range, with the driver's own uid mapped behind it (65536), so that it can
 * take over what the driver made. It sees the host's files with no more right to them than that range has.
 */
export async function runAsRange(options: HelperOptions): Promise<void> {
  const { uidFirst, cwd, argv, stdin, stdout, timeoutMs, onLine } = options;
  const namespaces = [
    '--user',
    '--mount',
    '--keep-caps',
    ...(options.hasOwnProcesses ? ['--pid', '--fork', '--kill-child'] : []),
  ];
  const child = spawn('unshare', [...namespaces, '--', '/bin/sh', '-c', helperScript, 'helper', ...argv], {
    cwd,
    env: { PATH: systemPath, LC_ALL: 'C', container: 'lxc', DEBIAN_FRONTEND: 'noninteractive' },
    stdio: [stdin ?? 'ignore', stdout ?? 'pipe', 'pipe', 'pipe'],
  });
  ignoreBrokenPipes(child);
  const said = collect(child.stderr as Readable, 4096);
  if (onLine === undefined) child.stdout?.resume();
  else createInterface({ input: child.stdout as Readable }).on('line', onLine);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  try {
    await awaitUserNamespace(child);
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    const range = [0, uidFirst, uidRange] as const;
    writeIdMaps(child.pid ?? 0, [range, [uidRange, uid, 1]], [range, [uidRange, gid, 1]]);
    (child.stdio[3] as Writable).end('go\n');
    const code = await ended(child).then(() => child.exitCode);
    if (code !== 0)
      throw new Fault('GuestHelperFailed', `${argv[0]} ended with ${code ?? child.signalCode}: ${said().trim()}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The command line of our own Node on the launcher; the child gets none of this process's environment. */
export const launcher: readonly string[] = [
  process.execPath,
  '--disallow-code-generation-from-strings',
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(import.meta.resolve('#adapters/guest/launch.ts')),
];

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Gathers the start of a stream; what is beyond the bound is read and dropped. */
export function collect(stream: Readable, bytesMax: number): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    if (length < bytesMax) chunks.push(chunk.subarray(0, bytesMax - length));
    length += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/**
 * A child that ends before it has read its orders breaks the pipe on our side: how it ended says what happened, and an error
 * that nobody hears would end this process.
 */
export function ignoreBrokenPipes(child: ChildProcess): void {
  for (const stream of child.stdio) stream?.on('error', () => undefined);
}

/** Resolves when the child has ended, also when it could not be started. */
export async function ended(child: ChildProcess): Promise<undefined> {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  await once(child, 'close').catch((error: unknown) => {
    throw new Fault('GuestLaunchFailed', `Cannot start ${child.spawnfile}`, error);
  });
  return undefined;
}

/** A constant: the arguments come as "$@", never as text of the script. Waits for its maps, then becomes the range's root. */
const helperScript =
  'read -r go <&3 || exit 125; exec 3<&-; exec setpriv --reuid=0 --regid=0 --clear-groups --inh-caps=-all -- "$@"';

type Map = readonly [inside: number, outside: number, count: number];

function writeIdMaps(pid: number, users: readonly Map[], groups: readonly Map[] = users): void {
  const text = (maps: readonly Map[]): string => maps.map((map) => `${map.join(' ')}\n`).join('');
  try {
    writeFileSync(`/proc/${pid}/gid_map`, text(groups));
    writeFileSync(`/proc/${pid}/uid_map`, text(users));
  } catch (error) {
    throw new Fault(
      'GuestIdMapRefused',
      'The kernel refused the id maps: CAP_SETUID and CAP_SETGID are needed.',
      error,
    );
  }
}

/** The maps belong to the new namespace, so the child must have left ours; its init map is the empty one. */
async function awaitUserNamespace(child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 2000 && child.exitCode === null && child.pid !== undefined; tries += 1) {
    if (readFileSync(`/proc/${child.pid}/uid_map`, 'latin1').trim() === '') return;
    await sleep(1);
  }
  throw new Fault('GuestHelperFailed', 'unshare did not make a user namespace');
}

function killQuietly(pid: number): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already, which is what was wanted.
  }
}
