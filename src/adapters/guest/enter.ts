/** One command inside a running guest, entered from outside and bounded in time and output. */

import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { LaunchOrder } from '#adapters/guest/launch.ts';
import { collect, ended, ignoreBrokenPipes, launcher, systemPath } from '#adapters/guest/userns.ts';
import { guestExecBytesMax, guestExecMs } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import type { GuestExecOptions, GuestExit } from '#engine/guest-port.ts';

/** Runs the order's command; a Fault when it could not be run or took too long, else its exit code and what it said. */
export async function enterGuest(
  order: LaunchOrder,
  { stdin = '', timeoutMs = guestExecMs }: GuestExecOptions,
): Promise<GuestExit> {
  const [program = '', ...rest] = launcher;
  const child = spawn(program, [...rest, 'enter'], {
    detached: true,
    env: { PATH: systemPath },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const [stdout, stderr, said] = [child.stdout, child.stderr, child.stdio[4] as Readable].map((stream) =>
    collect(stream as Readable, guestExecBytesMax),
  );
  let isLate = false;
  // The whole process group: nsenter forks for the pid namespace, and the command is its child.
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child.pid);
  }, timeoutMs);
  ignoreBrokenPipes(child);
  (child.stdio[3] as Writable).end(`${JSON.stringify(order)}\n`);
  child.stdin?.end(stdin);
  await leftBy(child).finally(() => clearTimeout(timer));
  if (isLate) throw new Fault('GuestCommandTimedOut', `The command did not end within ${timeoutMs} ms.`);
  if (said?.().includes('"error"') === true) throw new Fault('GuestCommandFailed', said());
  return { code: child.exitCode ?? 128, stdout: stdout?.() ?? '', stderr: stderr?.() ?? '' };
}

/**
 * Resolves when the command has ended and its streams are read. What it left running inside the guest holds the streams open
 * for as long as it likes: they are let go of a moment after the command's own end.
 */
async function leftBy(child: ChildProcess): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  child.once('exit', () => {
    timer = setTimeout(() => child.stdio.forEach((stream) => stream?.destroy()), streamsLeftMs);
  });
  await ended(child).finally(() => clearTimeout(timer));
}

/** More than a pipe's content needs to be read. */
const streamsLeftMs = 500;

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the same moment.
  }
}
