/** The filter judged by a small BPF machine: what a guest may ask of the kernel, and what it may not. */

import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { Instruction, Machine } from '#adapters/guest/seccomp.ts';
import {
  allow,
  EAFNOSUPPORT,
  ENOSYS,
  encodeFilter,
  EPERM,
  errno,
  killProcess,
  sandboxFilter,
  systemCall,
} from '#adapters/guest/seccomp.ts';

const audits: Record<Machine, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };
const machines: Machine[] = ['x64', 'arm64'];

type Call = { readonly number: number; readonly arch: number; readonly first?: bigint };

/** Runs a program as the kernel would; the words it may load are those of `struct seccomp_data`. */
function run(program: readonly Instruction[], call: Call): number {
  const data = Buffer.alloc(64);
  data.writeInt32LE(call.number | 0, 0);
  data.writeUInt32LE(call.arch, 4);
  data.writeBigUInt64LE(call.first ?? 0n, 16);
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 1) {
    const step = program[at] as Instruction;
    if (step.code === 0x20) accumulator = data.readUInt32LE(step.k);
    else if (step.code === 0x06) return step.k;
    else {
      ok([0x15, 0x35, 0x45].includes(step.code), `unknown instruction ${step.code}`);
      const holds =
        step.code === 0x15
          ? accumulator === step.k
          : step.code === 0x35
            ? accumulator >= step.k
            : (accumulator & step.k) !== 0;
      at += holds ? step.jt : step.jf;
    }
  }
  throw new Error('the program runs off its end');
}

const judge = (machine: Machine, number: number, first = 0n): number =>
  run(sandboxFilter(machine), { number, arch: audits[machine], first });

// Call, first argument, answer: the same on both machines.
const rows: [string, bigint, number][] = [
  ['clone', 0x11n, allow],
  ['clone', 0x10000011n, errno(EPERM)],
  ['clone', 0x7e020011n, errno(EPERM)],
  ['clone', 0x6e020011n, allow],
  ['clone3', 0n, errno(ENOSYS)],
  ['unshare', 0x10000000n, errno(EPERM)],
  ['unshare', 0x50000000n, errno(EPERM)],
  ['unshare', 0x40000000n, allow],
  ['socket', 1n, allow],
  ['socket', 2n, allow],
  ['socket', 10n, allow],
  ['socket', 16n, allow],
  ['socket', 17n, errno(EAFNOSUPPORT)],
  ['socket', 38n, errno(EAFNOSUPPORT)],
  ['socket', 40n, errno(EAFNOSUPPORT)],
  ['socket', 0xffffffff00000011n, errno(EAFNOSUPPORT)],
  ['socketpair', 1n, allow],
  ['socketpair', 17n, errno(EAFNOSUPPORT)],
  ['execve', 0n, allow],
  ['seccomp', 1n, allow],
  ...['bpf', 'keyctl', 'add_key', 'request_key', 'perf_event_open', 'init_module', 'finit_module', 'delete_module'].map(
    (name): [string, bigint, number] => [name, 0n, errno(EPERM)],
  ),
  ...['kexec_load', 'mount', 'umount2', 'pivot_root', 'fsopen', 'move_mount', 'open_by_handle_at', 'syslog'].map(
    (name): [string, bigint, number] => [name, 0n, errno(EPERM)],
  ),
  ['io_uring_setup', 0n, errno(ENOSYS)],
];

test('[D4.7] every call gets the answer of its row on both machines', () => {
  for (const machine of machines)
    for (const [name, first, wanted] of rows)
      equal(judge(machine, systemCall(machine, name), first), wanted, `${machine} ${name} ${first}`);
});

test('[D4.7] foreign machine code is killed, x32 numbers and unjudged calls are absent', () => {
  for (const machine of machines) {
    for (const arch of [0x40000003, 0x40000028, 0, audits[machine === 'x64' ? 'arm64' : 'x64']])
      equal(run(sandboxFilter(machine), { number: 1, arch }), killProcess);
    for (const number of [451, 462, 0x40000000 | 41, 0x7fffffff, -1]) equal(judge(machine, number), errno(ENOSYS));
    equal(judge(machine, 450), allow);
    equal(judge(machine, 0), allow);
  }
});

test('the encoding is eight little-endian bytes an instruction', () => {
  const program = sandboxFilter('x64');
  const bytes = encodeFilter(program);
  equal(bytes.length, program.length * 8);
  equal(bytes.subarray(0, 8).toString('hex'), '2000000004000000');
  equal(bytes.subarray(8, 16).toString('hex'), '150001003e0000c0');
  ok(program.length < 256, `${program.length} instructions`);
});
