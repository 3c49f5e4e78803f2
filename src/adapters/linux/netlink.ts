/** Netlink messages: building and reading attributes, and a socket that stays bound to the namespace it was opened in. */

import koffi from 'koffi';
import { Fault } from '#base/wrong.ts';
import { inNamespace } from '#adapters/linux/netns.ts';

const libc = koffi.load('libc.so.6');
const cSocket = libc.func('int socket(int domain, int kind, int protocol)');
const cBind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const cSetsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)');
const cSend = libc.func('int64_t send(int fd, const void *data, size_t length, int flags)');
const cRecv = libc.func('int64_t recv(int fd, _Out_ uint8_t *data, size_t length, int flags)');
const cClose = libc.func('int close(int fd)');

const afNetlink = 16;
const sockRaw = 3;
const cloexec = 0o2000000;
const msgDontwait = 0x40;
const solSocket = 1;
const rcvbufForce = 33;
const eagain = 11;
const enobufs = 105;
const receiveBytes = 1 << 17;
const kernelBufferBytes = 16 << 20;

/** One message from the kernel. */
export type Message = {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
};

/** A netlink socket of one namespace. Reads never block. */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(receiveBytes);
  #isLossy = false;

  constructor(namespace: string, protocol: number, groups: number) {
    this.#fd = inNamespace(namespace, () => cSocket(afNetlink, sockRaw | cloexec, protocol) as number);
    if (this.#fd < 0) throw new Fault('NetlinkFailed', `Cannot open a netlink socket in ${namespace}.`);
    const size = Buffer.alloc(4);
    size.writeInt32LE(kernelBufferBytes);
    cSetsockopt(this.#fd, solSocket, rcvbufForce, size, 4);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(afNetlink, 0);
    address.writeUInt32LE(groups, 8);
    if (cBind(this.#fd, address, 12) !== 0)
      throw new Fault('NetlinkFailed', `Cannot bind a netlink socket in ${namespace}.`);
  }

  send(data: Buffer): void {
    if (Number(cSend(this.#fd, data, data.length, 0)) !== data.length) {
      throw new Fault('NetlinkFailed', `Cannot send ${data.length} bytes to the kernel.`);
    }
  }

  /** All messages that wait; no more reads than about `max` messages take, the rest waits on. */
  drain(max = Number.POSITIVE_INFINITY): Message[] {
    const messages: Message[] = [];
    for (;;) {
      if (messages.length >= max) return messages;
      const size = Number(cRecv(this.#fd, this.#buffer, this.#buffer.length, msgDontwait));
      if (size <= 0) {
        const errno = koffi.errno();
        if (size < 0 && errno === enobufs) {
          this.#isLossy = true;
          continue;
        }
        if (size < 0 && errno !== eagain)
          throw new Fault('NetlinkFailed', `Reading from the kernel failed with ${errno}.`);
        return messages;
      }
      readMessages(Buffer.from(this.#buffer.subarray(0, size)), messages);
    }
  }

  /** Did the kernel drop notices since the last call? Then only a full list tells what it has. */
  takeLossy(): boolean {
    const lossy = this.#isLossy;
    this.#isLossy = false;
    return lossy;
  }

  close(): void {
    cClose(this.#fd);
  }
}

function readMessages(data: Buffer, into: Message[]): void {
  let at = 0;
  while (at + 16 <= data.length) {
    const length = data.readUInt32LE(at);
    if (length < 16 || at + length > data.length) return;
    into.push({
      type: data.readUInt16LE(at + 4),
      flags: data.readUInt16LE(at + 6),
      sequence: data.readUInt32LE(at + 8),
      body: data.subarray(at + 16, at + length),
    });
    at += (length + 3) & ~3;
  }
}

/** The attributes of a message body, by type (the last of a type wins). */
export function readAttributes(data: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  let at = 0;
  while (at + 4 <= data.length) {
    const length = data.readUInt16LE(at);
    if (length < 4 || at + length > data.length) break;
    found.set(data.readUInt16LE(at + 2) & 0x3fff, data.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/** One attribute; `isNested` sets the flag the kernel wants on containers. */
export function attribute(type: number, value: Buffer, isNested = false): Buffer {
  const padded = Buffer.alloc((4 + value.length + 3) & ~3);
  padded.writeUInt16LE(4 + value.length, 0);
  padded.writeUInt16LE(isNested ? type | 0x8000 : type, 2);
  value.copy(padded, 4);
  return padded;
}

export function textAttribute(type: number, text: string): Buffer {
  return attribute(type, Buffer.from(`${text}\0`, 'latin1'));
}

export function numberAttribute(type: number, value: bigint): Buffer {
  const data = Buffer.alloc(8);
  data.writeBigUInt64BE(value);
  return attribute(type, data);
}

/** A message with its header. */
export function message(
  { type, flags, sequence }: { type: number; flags: number; sequence: number },
  body: Buffer,
): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt32LE(sequence, 8);
  return Buffer.concat([head, body, Buffer.alloc(((body.length + 3) & ~3) - body.length)]);
}
