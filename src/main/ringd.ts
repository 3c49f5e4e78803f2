/** `ringd`: the supervisor. It makes users' socket folders, starts the processes in order with the least each needs, and starts again what died. */

import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { delegateGroups } from '#adapters/guest/cgroup.ts';
import { groupsOf } from '#adapters/guest/sandbox.ts';
import type { Boot } from '#main/boot/boot.ts';
import { codePath } from '#main/boot/code-mount.ts';
import { boundLogs, openLog } from '#main/boot/log-file.ts';
import { memoryEnvironment, mirrorFlags, proverFlags, serverFlags, smallFlags } from '#main/boot/node-flags.ts';
import { placesOf, uidOf, type OwnUser, type Places, type Supervised } from '#main/boot/places.ts';
import { frame } from '#main/boot/process.ts';

type ProcessName = 'proofd' | 'netd' | 'guestd' | 'edged' | 'stampd';
type Order = { readonly boots: { readonly [name in ProcessName]: Boot } };

const restartFirstMs = 200;
const restartLastMs = 5000;
const startTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;

/** Capabilities that stay; everything else is dropped before the process starts. */
const capabilities: { readonly [name in ProcessName]: readonly string[] } = {
  proofd: [],
  stampd: [],
  edged: [],
  netd: [
    'net_admin',
    'net_raw',
    'sys_admin',
    'dac_override',
    'dac_read_search',
    'chown',
    'fowner',
    'kill',
    'sys_ptrace',
    'setpcap',
  ],
  guestd: ['setuid', 'setgid'],
};

const flagsOf: { readonly [name in ProcessName]: readonly string[] } = {
  proofd: proverFlags,
  netd: mirrorFlags,
  stampd: serverFlags,
  guestd: smallFlags,
  edged: smallFlags,
};

const { log, onStop } = frame('ringd');
const order = JSON.parse(readFileSync(0, 'utf8')) as Order;
const { settings } = order.boots.stampd;
const places = placesOf(settings);
const running = new Map<ProcessName, ChildProcess>();
let stopping = false;

refuseSecond(places);
makeRunFolders(places);
boundLogs(places.logs, (error) => log.warn({ err: error }, 'a log could not be cut'));
onStop(stopAll);
// stampd needs the others: it asks them all before it serves anyone.
const first = ['proofd', 'netd', 'guestd'] as const;
for (const name of first) void keep(name);
await Promise.all(first.map((name) => ready(name)));
// These live in a namespace that netd has made.
for (const name of ['edged', 'stampd'] as const) {
  void keep(name);
  await ready(name);
}
log.info('all processes are ready');

/** A second supervisor of the same stamp would take the first one's sockets away. */
function refuseSecond({ supervisor }: Places): void {
  if (!existsSync(supervisor)) return;
  const { pid } = JSON.parse(readFileSync(supervisor, 'utf8')) as Supervised;
  const command = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
  if (pid === process.pid || !command.includes('/main/ringd.ts')) return;
  log.fatal({ pid }, 'a supervisor of this stamp runs already');
  process.exit(1);
}

/** Sockets lie in folders that only the serving process and the caller's group can enter: the path is the identity (decision D4.2). */
function makeRunFolders({ run, lock }: Places): void {
  const number = settings.number;
  mkdirSync(run, { recursive: true, mode: 0o755 });
  writeFileSync(lock, String(process.pid), { mode: 0o600 });
  socketFolder(join(run, 'proofd', 'stampd'), { owner: uidOf('proofd', number), group: uidOf('stampd', number) });
  socketFolder(join(run, 'proofd', 'operator'), { owner: uidOf('proofd', number), group: 0 });
  socketFolder(join(run, 'netd', 'stampd'), { owner: 0, group: uidOf('stampd', number) });
  socketFolder(join(run, 'guestd', 'stampd'), { owner: uidOf('guestd', number), group: uidOf('stampd', number) });
  socketFolder(join(run, 'edged', 'stampd'), { owner: uidOf('edged', number), group: uidOf('stampd', number) });
  ownFolder(places.resolver, uidOf('edged', number));
  socketFolder(join(run, 'stampd', 'cli'), { owner: uidOf('stampd', number), group: 0 });
}

function socketFolder(path: string, { owner, group }: { owner: number; group: number }): void {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true, mode: 0o755 });
  chownSync(path, owner, group);
  // The set-group-id bit gives the socket the caller's group.
  chmodSync(path, 0o2750);
}

function ownFolder(path: string, owner: number): void {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chownSync(path, owner, owner);
}

/** Runs one process for ever: a death is followed by a new start, later each time in a row. */
async function keep(name: ProcessName): Promise<void> {
  let waitMs = restartFirstMs;
  while (!stopping) {
    const started = Date.now();
    const says = await lifeOf(name);
    running.delete(name);
    if (stopping) return;
    waitMs = Date.now() - started > 30_000 ? restartFirstMs : Math.min(waitMs * 2, restartLastMs);
    log.error({ name, says, waitMs }, 'a process ended; it is started again');
    await sleep(waitMs);
  }
}

/** One life of a process, from its start to what ended it; a start that fails is one that ended at once. */
async function lifeOf(name: ProcessName): Promise<string> {
  try {
    const child = start(name);
    running.set(name, child);
    note();
    return await ended(child);
  } catch (error) {
    running.get(name)?.kill('SIGKILL');
    return error instanceof Error ? error.message : String(error);
  }
}

function start(name: ProcessName): ChildProcess {
  const out = openLog(join(places.logs, `${name}.log`));
  const [command = '', ...argv] = commandOf(name);
  const child = spawn(command, argv, {
    stdio: ['pipe', out, out],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', NODE_ENV: 'production', ...memoryEnvironment },
    cwd: '/',
  });
  closeSync(out);
  child.stdin?.on('error', () => undefined);
  // Guests' control groups are handed to guestd before it hears what it is to do.
  if (name === 'guestd' && child.pid !== undefined) {
    const uid = uidOf('guestd', settings.number);
    delegateGroups(groupsOf(settings.number), { uid, gid: uid, pid: child.pid });
  }
  child.stdin?.end(JSON.stringify(name === 'proofd' ? withPolicy(order.boots[name]) : order.boots[name]));
  return child;
}

/** The operator may have signed another bundle since the stamp came up: a prover that starts again holds the newest. */
function withPolicy(boot: Boot): Boot {
  const policy = existsSync(places.policy) ? readFileSync(places.policy, 'utf8') : '';
  return { ...boot, secrets: { ...boot.secrets, policy } };
}

/** Namespace, user, capabilities, then Node with code from strings forbidden. Every argument is its own word. */
function commandOf(name: ProcessName): string[] {
  const file = join(places.code, 'src', 'main', `${name}.ts`);
  const node = [codePath(places, process.execPath), ...flagsOf[name], ...confined(name), file];
  switch (name) {
    case 'proofd':
      return ['unshare', '--net', '--ipc', '--', ...dropped(name), ...node];
    case 'stampd':
    case 'edged':
      return [
        'nsenter',
        `--net=/run/netns/${places.infraNamespace}`,
        '--',
        'unshare',
        '--ipc',
        '--',
        ...dropped(name),
        ...node,
      ];
    case 'netd':
      return ['setpriv', `--bounding-set=${bounding(name)}`, `--inh-caps=-all`, '--', ...node];
    case 'guestd':
      return [...dropped(name), ...node];
  }
}

/**
 * Node's own permissions (Node docs, "Permissions"): the code to read, its own folders to write, no programs, no workers.
 * stampd's store is an addon. The others run programs, which would undo it.
 */
function confined(name: ProcessName): string[] {
  switch (name) {
    case 'proofd':
      return permitted({ read: [], write: [join(places.run, 'proofd')] });
    case 'stampd': {
      const links = ['proofd', 'netd', 'guestd', 'edged'].map((other) => join(places.run, other, 'stampd'));
      const own = [dirname(places.database), places.flowLogs, join(places.run, 'stampd')];
      return [...permitted({ read: links, write: own }), '--allow-addons', '--disable-warning=PERM0001'];
    }
    case 'netd':
    case 'guestd':
    case 'edged':
      return [];
  }
}

function permitted({ read, write }: { read: readonly string[]; write: readonly string[] }): string[] {
  const reads = [places.code, ...read, ...write].map((path) => `--allow-fs-read=${path}`);
  return ['--permission', ...reads, ...write.map((path) => `--allow-fs-write=${path}`)];
}

function dropped(name: OwnUser): string[] {
  const uid = String(uidOf(name, settings.number));
  const kept = capabilities[name].map((capability) => `+${capability}`).join(',');
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${uid}`,
    '--clear-groups',
    `--inh-caps=-all${kept === '' ? '' : `,${kept}`}`,
    `--ambient-caps=-all${kept === '' ? '' : `,${kept}`}`,
    `--bounding-set=${bounding(name)}`,
    '--no-new-privs',
    '--',
  ];
}

function bounding(name: ProcessName): string {
  return ['-all', ...capabilities[name].map((capability) => `+${capability}`)].join(',');
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
  });
}

/** A process is ready when its socket is there: each makes it last. */
async function ready(name: ProcessName): Promise<void> {
  const socket = places.socket(name, name === 'stampd' ? 'cli' : 'stampd');
  const until = Date.now() + startTimeoutMs;
  while (!existsSync(socket)) {
    if (Date.now() > until) {
      log.fatal({ name }, 'a process did not become ready; all are stopped');
      await stopAll();
      process.exit(1);
    }
    await sleep(20);
  }
}

function note(): void {
  const children = Object.fromEntries([...running].map(([name, child]) => [name, child.pid ?? 0]));
  const supervised: Supervised = { pid: process.pid, children };
  writeFileSync(`${places.supervisor}.new`, JSON.stringify(supervised), { mode: 0o600 });
  renameSync(`${places.supervisor}.new`, places.supervisor);
}

/** Callers before the called: stampd, then the rest. What does not go is killed. */
async function stopAll(): Promise<void> {
  stopping = true;
  for (const name of ['stampd', 'edged', 'guestd', 'netd', 'proofd'] as const) {
    const child = running.get(name);
    if (child === undefined) continue;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    if (child.exitCode === null && child.signalCode === null) await ended(child);
    clearTimeout(timer);
  }
  rmSync(places.supervisor, { force: true });
}
