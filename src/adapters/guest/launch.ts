/** The process between the host and a guest: it builds the guest's view of the world, seals it with seccomp and becomes its init. */

import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  readSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
  writeSync,
  appendFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import koffi from 'koffi';

/** What the driver sends as one line of JSON. `enter` runs a command in a guest that is there, `start` makes one. */
export type LaunchOrder = {
  readonly kind: 'start' | 'enter';
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** The seccomp program, base64. */
  readonly filter: string;
  /** Control group files that take this process in. */
  readonly groups: readonly string[];
  readonly hostname?: string;
  /** The guest's memory limit: what it keeps in /tmp, /run and /dev/shm counts against it and must leave room to live. */
  readonly memoryMiB?: number;
  readonly root?: string;
  readonly console?: string;
  readonly isNew?: boolean;
  readonly files?: readonly LaunchFile[];
};

export type LaunchFile = {
  readonly path: string;
  readonly mode: number;
  readonly owner: number;
  readonly when: 'always' | 'first' | 'absent' | 'append';
  /** Base64. */
  readonly bytes: string;
};

const libc = koffi.load('libc.so.6');
const mountCall = libc.func(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
const umount2 = libc.func('int umount2(const char *target, int flags)');
const unshare = libc.func('int unshare(int flags)');
const pivotRoot = libc.func('long syscall(long number, const char *root, const char *old)');
const sethostname = libc.func('int sethostname(const char *name, size_t length)');
const setId = libc.func('long syscall(long number, long real, long effective, long saved)');
const setgroups = libc.func('int setgroups(size_t count, void *list)');
const dup2 = libc.func('int dup2(int from, int to)');
const fcntl = libc.func('int fcntl(int fd, int command, int value)');
const execvpe = libc.func('int execvpe(const char *file, const char **argv, const char **env)');
const closeRange = libc.func('long syscall(long number, unsigned int first, unsigned int last, unsigned int flags)');
const setrlimit = libc.func('int setrlimit(int resource, uint64_t *limits)');
const signal = libc.func('intptr_t signal(int number, intptr_t handler)');
const prctlPlain = libc.func(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
koffi.struct('sock_fprog', { len: 'uint16_t', filter: 'void *' });
const prctlFilter = libc.func(
  'int prctl(int option, unsigned long mode, sock_fprog *program, unsigned long c, unsigned long d)',
);

const isArm = process.arch === 'arm64';
/** asm/unistd.h: calls that glibc does not wrap, or wraps for all threads at once. */
const numbers = isArm
  ? { pivotRoot: 41, setresuid: 147, setresgid: 149, closeRange: 436 }
  : { pivotRoot: 155, setresuid: 117, setresgid: 119, closeRange: 436 };
/** sys/mount.h */
const flags = { readonly: 1, nosuid: 2, nodev: 4, noexec: 8, remount: 32, bind: 4096, rec: 16384, private: 1 << 18 };
const detach = 2;
const cloneNewCgroup = 0x02000000;

function main(): void {
  if (process.argv[2] === 'start') say({ pid: Number(hostPid()) });
  const order = JSON.parse(readLine()) as LaunchOrder;
  try {
    if (order.kind === 'start') build(order);
    else join(order);
    seal(order);
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  }
}

/** The guest's whole view: its root, its /dev, its /proc, its files; and nothing of the host behind it. */
function build(order: LaunchOrder): void {
  const { root = '', console = '', hostname = '', memoryMiB = 64 } = order;
  // Host paths are walked while this process still has the driver's uid: the state directory is closed to the guest's.
  mount({ target: '/', flags: flags.rec | flags.private });
  mount({ source: root, target: root, flags: flags.bind });
  process.chdir(root);
  const terminal = openSync(console, constants.O_RDWR | constants.O_NONBLOCK);
  join(order);
  must(unshare(cloneNewCgroup), 'unshare the cgroup namespace');
  // From here on as the range's root: a file system of the guest's takes no owner that its range does not know.
  must(setgroups(0, null), 'setgroups');
  must(Number(setId(numbers.setresgid, 0, 0, 0)), 'setresgid');
  must(Number(setId(numbers.setresuid, 0, 0, 0)), 'setresuid');
  process.umask(0);
  // A guest that ran before may have put a link here, and links are still walked from the host's root: only a directory will do.
  if (lstatSync('dev', { throwIfNoEntry: false })?.isDirectory() !== true) {
    rmSync('dev', { force: true });
    mkdirSync('dev', 0o755);
  }
  mount({
    source: 'dev',
    target: 'dev',
    type: 'tmpfs',
    flags: flags.nosuid | flags.noexec,
    data: 'mode=0755,size=256k',
  });
  bindFile(`/proc/self/fd/${terminal}`, 'dev/console');
  mkdirSync('dev/.host');
  must(Number(pivotRoot(numbers.pivotRoot, '.', 'dev/.host')), 'pivot_root');
  process.chdir('/');
  const size = `size=${Math.max(1, Math.floor(memoryMiB / 4))}m`;
  buildDevices(size);
  for (const path of ['/proc', '/run', '/tmp']) if (!existsSync(path)) mkdirSync(path, 0o755);
  buildProc();
  must(umount2('/dev/.host', detach), 'unmount the host');
  rmdirSync('/dev/.host');
  for (const path of ['/run', '/tmp'])
    mount({
      source: 'tmpfs',
      target: path,
      type: 'tmpfs',
      flags: flags.nosuid | flags.nodev,
      data: `${path === '/run' ? 'mode=0755' : 'mode=1777'},${size}`,
    });
  must(sethostname(hostname, Buffer.byteLength(hostname)), 'sethostname');
  for (const file of order.files ?? []) place(file, order.isNew === true);
  becomeInit(terminal);
}

/**
 * Enters the guest's control groups as late as the driver's uid allows: what this Node has taken stays on the driver's
 * account, and nothing of the guest's has run yet.
 */
function join({ groups }: LaunchOrder): void {
  for (const group of groups) writeFileSync(group, '0');
}

/** Standard output and errors go to the console's pipe from here on. */
function becomeInit(terminal: number): void {
  const nothing = openSync('/dev/null', constants.O_RDONLY);
  dup2(nothing, 0);
  dup2(terminal, 1);
  dup2(terminal, 2);
  // A pipe as core_pattern would run the host's crash helper for a guest; 1 is the value at which the kernel declines (fs/coredump.c).
  must(setrlimit(4, [1, 1]), 'setrlimit core');
  process.umask(0o022);
}

function buildDevices(size: string): void {
  for (const name of ['null', 'zero', 'full', 'random', 'urandom', 'tty'])
    bindFile(`/dev/.host/dev/${name}`, `/dev/${name}`);
  mkdirSync('/dev/pts');
  mkdirSync('/dev/shm');
  mount({
    source: 'devpts',
    target: '/dev/pts',
    type: 'devpts',
    flags: flags.nosuid | flags.noexec,
    data: 'newinstance,ptmxmode=0666,mode=0620,gid=5',
  });
  mount({
    source: 'tmpfs',
    target: '/dev/shm',
    type: 'tmpfs',
    flags: flags.nosuid | flags.nodev,
    data: `mode=1777,${size}`,
  });
  symlinkSync('pts/ptmx', '/dev/ptmx');
  symlinkSync('/proc/self/fd', '/dev/fd');
  ['stdin', 'stdout', 'stderr'].forEach((name, index) => symlinkSync(`/proc/self/fd/${index}`, `/dev/${name}`));
}

/** Its own pid namespace's /proc; kernel settings read only but for its own network, and the leaky files covered. */
function buildProc(): void {
  const plain = flags.nosuid | flags.nodev | flags.noexec;
  mount({ source: 'proc', target: '/proc', type: 'proc', flags: plain });
  for (const path of ['/proc/sys', '/proc/bus', '/proc/fs', '/proc/irq']) {
    if (!existsSync(path)) continue;
    mount({ source: path, target: path, flags: flags.bind });
    mount({ target: path, flags: flags.remount | flags.bind | flags.readonly | plain });
  }
  mount({ source: '/proc/sys/net', target: '/proc/sys/net', flags: flags.bind });
  mount({ target: '/proc/sys/net', flags: flags.remount | flags.bind | plain });
  for (const name of [
    'sysrq-trigger',
    'kcore',
    'keys',
    'key-users',
    'kallsyms',
    'kmsg',
    'timer_list',
    'sched_debug',
    'config.gz',
    'vmallocinfo',
    'slabinfo',
    'pagetypeinfo',
    'modules',
  ]) {
    if (existsSync(`/proc/${name}`)) mount({ source: '/dev/null', target: `/proc/${name}`, flags: flags.bind });
  }
}

/** Runs inside the guest's root: whatever links the guest left there lead nowhere else. */
function place(file: LaunchFile, isNew: boolean): void {
  if (!isNew && file.when !== 'always') return;
  if (file.when === 'absent' && existsSync(file.path)) return;
  ensureDirectory(dirname(file.path), file.owner);
  const bytes = Buffer.from(file.bytes, 'base64');
  if (file.when === 'append') return appendFileSync(file.path, bytes);
  rmSync(file.path, { force: true });
  writeFileSync(file.path, bytes, { mode: file.mode, flag: 'wx' });
  chmodSync(file.path, file.mode);
  lchownSync(file.path, file.owner, file.owner);
}

function ensureDirectory(path: string, owner: number): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  ensureDirectory(dirname(path), owner);
  mkdirSync(path, { mode: path.endsWith('/.ssh') ? 0o700 : 0o755 });
  lchownSync(path, owner, owner);
}

/** The last steps before the guest's own code: no new privileges, the filter (decision D4.7), exec. */
function seal({ filter, argv, env, kind }: LaunchOrder): void {
  const program = Buffer.from(filter, 'base64');
  // Node ignores SIGPIPE and exec would hand that down.
  signal(13, 0);
  must(prctlPlain(38, 1, 0, 0, 0), 'prctl no_new_privs');
  must(prctlFilter(22, 2, { len: program.length / 8, filter: program }, 0, 0), 'prctl seccomp');
  // Node marks the standard streams to be closed at exec; F_SETFD 0 takes the mark away.
  for (const stream of [0, 1, 2]) must(fcntl(stream, 2, 0), 'fcntl');
  // Everything but the three standard streams ends at exec: CLOSE_RANGE_CLOEXEC.
  must(Number(closeRange(numbers.closeRange, 3, 0xffff_ffff, 4)), 'close_range');
  if (kind === 'start') accessSync(argv[0] ?? '', constants.X_OK);
  say({ sealed: true });
  execvpe(argv[0], [...argv, null], [...env, null]);
  throw new Error(`exec ${kind} ${argv[0]}: errno ${koffi.errno()}`);
}

type Mount = {
  readonly source?: string;
  readonly target: string;
  readonly type?: string;
  readonly flags: number;
  readonly data?: string;
};

function mount(given: Mount): void {
  must(
    mountCall(given.source ?? 'none', given.target, given.type ?? null, given.flags, given.data ?? null),
    `mount ${given.type ?? 'bind'} on ${given.target}`,
  );
}

function bindFile(source: string, target: string): void {
  closeSync(openSync(target, 'a', 0o666));
  mount({ source, target, flags: flags.bind });
}

function must(result: number, what: string): void {
  if (result === -1) throw new Error(`Cannot ${what}: errno ${koffi.errno()}`);
}

/** The driver's two pipes: orders come in on one, messages go out on the other; both end at exec. */
const orders = 3;
const status = 4;

function say(message: object): void {
  writeSync(status, `${JSON.stringify(message)}\n`);
}

/** The host's /proc still lies here: it names this process as the host sees it. */
function hostPid(): string {
  return readFileSync('/proc/self/stat', 'latin1').split(' ', 1)[0] ?? '';
}

function readLine(): string {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(65_536);
  for (let length = 0; length < 16 * 1024 * 1024; ) {
    const taken = readSync(orders, chunk);
    if (taken === 0) break;
    length += taken;
    const end = chunk.subarray(0, taken).indexOf(10);
    chunks.push(Buffer.from(chunk.subarray(0, end < 0 ? taken : end)));
    if (end >= 0) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

main();
