/** The only kind of network namespace that a NIC may be moved into: one that a guest's driver made, as the kernel itself says. */

import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { Fault } from '#base/wrong.ts';

const libc = koffi.load('libc.so.6');
const askNamespace = libc.func('int ioctl(int fd, unsigned long request)');
const askOwner = libc.func('int ioctl(int fd, unsigned long request, _Out_ uint32_t *uid)');
/** linux/nsfs.h: the user namespace that owns a namespace, and the user who made that one. */
const getUserNamespace = 0xb701;
const getOwnerUid = 0xb704;

/**
 * Runs `work` with the path of the network namespace of a process, after the kernel said that the user namespace it belongs
 * to was made by `owner`. The path is of a descriptor that stays open: a process that ends meanwhile, and another with its
 * number, change nothing.
 */
export async function withGuestNamespace<T>(
  { pid, owner }: { readonly pid: number; readonly owner: number },
  work: (path: string) => Promise<T>,
): Promise<T> {
  if (!Number.isSafeInteger(pid) || pid < 2)
    throw new Fault('AttachRefused', 'The value of pid is not accepted: the number of a process of a guest is wanted.');
  const fd = openNamespace(pid);
  try {
    const made = makerOf(fd);
    if (made !== owner)
      throw new Fault(
        'AttachRefused',
        `The process ${pid} is no guest's: its network namespace was made by user ${made}, not ${owner}.`,
      );
    return await work(`/proc/${process.pid}/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

function openNamespace(pid: number): number {
  try {
    return openSync(`/proc/${pid}/ns/net`, 'r');
  } catch (error) {
    throw new Fault('AttachRefused', `The process ${pid} has no network namespace.`, error);
  }
}

function makerOf(fd: number): number {
  const user = askNamespace(fd, getUserNamespace) as number;
  if (user < 0) throw new Fault('AttachRefused', 'The kernel does not say whose the network namespace is.');
  try {
    const uid = [0];
    if ((askOwner(user, getOwnerUid, uid) as number) !== 0)
      throw new Fault('AttachRefused', 'The kernel does not say whose the network namespace is.');
    return uid[0] ?? 0;
  } finally {
    closeSync(user);
  }
}
