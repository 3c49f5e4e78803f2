/** The seccomp filter of sandbox guests (decision D4.7) as a classic BPF program, built as plain data for both machine types. */

import { assert } from '#base/wrong.ts';

export type Machine = 'x64' | 'arm64';

/** One instruction of classic BPF: `struct sock_filter` (linux/filter.h). */
export type Instruction = { readonly code: number; readonly jt: number; readonly jf: number; readonly k: number };

/** The filter for one machine type. Unknown machine code kills, refused calls answer EPERM, calls newer than the table ENOSYS. */
export function sandboxFilter(machine: Machine): readonly Instruction[] {
  const table = tables[machine];
  const program: Instruction[] = [
    load(offsetArch),
    jumpEqual(table.audit, 1, 0),
    give(killProcess),
    load(offsetNumber),
  ];
  // x32 shares the audit word of x86-64 and sets bit 30 of the number: without this line it would walk around the list.
  program.push(jumpGreaterEqual(table.reviewedEnd, 0, 1), give(errno(ENOSYS)));
  for (const name of absentCalls) program.push(...refuse(table, name, errno(ENOSYS)));
  for (const name of [...refusedCalls, ...table.refusedToo]) program.push(...refuse(table, name, errno(EPERM)));
  for (const name of ['clone', 'unshare'] as const) program.push(...refuseNewUser(numberOf(table, name)));
  for (const name of ['socket', 'socketpair'] as const) program.push(...allowFamilies(numberOf(table, name)));
  program.push(give(allow));
  assert(program.length <= instructionsMax, `seccomp program has ${program.length} instructions`);
  return program;
}

/** The bytes the kernel takes: 8 per instruction (u16 code, u8 jt, u8 jf, u32 k), little endian on both machines. */
export function encodeFilter(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, jt, jf, k }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4);
  });
  return bytes;
}

/** The number of a system call, for tests and for the launcher. */
export function systemCall(machine: Machine, name: string): number {
  return numberOf(tables[machine], name);
}

export const EPERM = 1;
export const ENOSYS = 38;
export const EAFNOSUPPORT = 97;
export const allow = 0x7fff0000;
export const killProcess = 0x80000000;
export const errno = (value: number): number => 0x00050000 | value;

/** BPF_MAXINSNS (linux/bpf_common.h). */
const instructionsMax = 4096;
/** Offsets in `struct seccomp_data`: int nr, u32 arch, u64 ip, u64 args[6]. */
const offsetNumber = 0;
const offsetArch = 4;
const offsetArgument0 = 16;
const cloneNewUser = 0x10000000;
/** UNIX, INET, INET6, NETLINK. PACKET, ALG and VSOCK are refused by decision D4.7; the rest no guest of ours needs. */
const familiesAllowed = [1, 2, 10, 16];

/**
 * Answered as if the kernel had never heard of them: callers fall back. clone3 hides its flags in memory, where a filter
 * cannot look (glibc then uses clone); io_uring opens sockets without the socket call.
 */
const absentCalls = ['clone3', 'io_uring_setup', 'io_uring_enter', 'io_uring_register'];

/**
 * Refused on both machines: what decision D4.7 lists, then what reaches the host's kernel state, then mounts: with them
 * a guest's root could uncover what the launcher masked in /proc.
 */
const refusedCalls = [
  ...['bpf', 'keyctl', 'add_key', 'request_key', 'perf_event_open', 'init_module', 'finit_module', 'delete_module'],
  ...['kexec_load', 'kexec_file_load', 'userfaultfd', 'open_by_handle_at', 'syslog', 'settimeofday', 'clock_settime'],
  ...['adjtimex', 'clock_adjtime', 'swapon', 'swapoff', 'acct', 'quotactl', 'quotactl_fd', 'fanotify_init'],
  ...['lookup_dcookie', 'nfsservctl', 'memfd_secret'],
  ...['mount', 'umount2', 'pivot_root', 'open_tree', 'move_mount', 'fsopen', 'fsconfig', 'fsmount', 'fspick'],
  ...['mount_setattr'],
];

type Table = {
  readonly audit: number;
  /** The first number that nobody has judged yet. */
  readonly reviewedEnd: number;
  readonly refusedToo: readonly string[];
  readonly numbers: Readonly<Record<string, number>>;
};

/** From 424 on every machine shares one numbering (asm-generic/unistd.h). */
const sharedNumbers = {
  ...{ io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, open_tree: 428, move_mount: 429, fsopen: 430 },
  ...{ fsconfig: 431, fsmount: 432, fspick: 433, clone3: 435, mount_setattr: 442, quotactl_fd: 443, memfd_secret: 447 },
};

/** Judged up to set_mempolicy_home_node (450), Linux 5.17. */
const reviewedEnd = 451;

const tables: Readonly<Record<Machine, Table>> = {
  x64: {
    audit: 0xc000003e,
    reviewedEnd,
    refusedToo: [
      'create_module',
      'get_kernel_syms',
      'query_module',
      'iopl',
      'ioperm',
      'modify_ldt',
      'uselib',
      '_sysctl',
    ],
    numbers: {
      ...sharedNumbers,
      ...{ bpf: 321, keyctl: 250, add_key: 248, request_key: 249, perf_event_open: 298, init_module: 175 },
      ...{ finit_module: 313, delete_module: 176, create_module: 174, get_kernel_syms: 177, query_module: 178 },
      ...{ kexec_load: 246, kexec_file_load: 320, userfaultfd: 323, open_by_handle_at: 304, syslog: 103 },
      ...{ settimeofday: 164, clock_settime: 227, adjtimex: 159, clock_adjtime: 305, swapon: 167, swapoff: 168 },
      ...{ acct: 163, quotactl: 179, fanotify_init: 300, lookup_dcookie: 212, nfsservctl: 180, iopl: 172, ioperm: 173 },
      ...{ modify_ldt: 154, uselib: 134, _sysctl: 156, mount: 165, umount2: 166, pivot_root: 155, clone: 56 },
      ...{ unshare: 272, socket: 41, socketpair: 53, seccomp: 317, execve: 59 },
    },
  },
  arm64: {
    audit: 0xc00000b7,
    reviewedEnd,
    refusedToo: [],
    numbers: {
      ...sharedNumbers,
      ...{ bpf: 280, keyctl: 219, add_key: 217, request_key: 218, perf_event_open: 241, init_module: 105 },
      ...{ finit_module: 273, delete_module: 106, kexec_load: 104, kexec_file_load: 294, userfaultfd: 282 },
      ...{ open_by_handle_at: 265, syslog: 116, settimeofday: 170, clock_settime: 112, adjtimex: 171 },
      ...{ clock_adjtime: 266, swapon: 224, swapoff: 225, acct: 89, quotactl: 60, fanotify_init: 262 },
      ...{ lookup_dcookie: 18, nfsservctl: 42, mount: 40, umount2: 39, pivot_root: 41, clone: 220, unshare: 97 },
      ...{ socket: 198, socketpair: 199, seccomp: 277, execve: 221 },
    },
  },
};

function numberOf(table: Table, name: string): number {
  const number = table.numbers[name];
  assert(number !== undefined, `system call ${name} is in no table`);
  return number;
}

const refuse = (table: Table, name: string, answer: number): Instruction[] => [
  jumpEqual(numberOf(table, name), 0, 1),
  give(answer),
];

/** Flags are the first argument of clone and unshare on both machines; the bit sits in its low word. */
function refuseNewUser(number: number): Instruction[] {
  return [
    jumpEqual(number, 0, 4),
    load(offsetArgument0),
    { code: 0x45, jt: 0, jf: 1, k: cloneNewUser },
    give(errno(EPERM)),
    give(allow),
  ];
}

/** The kernel takes the family as an int, so the low word of the argument is all of it. */
function allowFamilies(number: number): Instruction[] {
  const body = [load(offsetArgument0), ...familiesAllowed.flatMap((family) => [jumpEqual(family, 0, 1), give(allow)])];
  return [jumpEqual(number, 0, body.length + 1), ...body, give(errno(EAFNOSUPPORT))];
}

/** BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_JMP|BPF_JGE|BPF_K, BPF_RET|BPF_K. */
const load = (offset: number): Instruction => ({ code: 0x20, jt: 0, jf: 0, k: offset });
const jumpEqual = (k: number, jt: number, jf: number): Instruction => ({ code: 0x15, jt, jf, k });
const jumpGreaterEqual = (k: number, jt: number, jf: number): Instruction => ({ code: 0x35, jt, jf, k });
const give = (k: number): Instruction => ({ code: 0x06, jt: 0, jf: 0, k });
