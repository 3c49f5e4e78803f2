/** Raw sockets inside namespaces: frames out of and into any link, and IP packets as a router itself sends them. */

import koffi from 'koffi';
import { inNamespace } from '#adapters/linux/netns.ts';

const libc = koffi.load('libc.so.6');
const cSocket = libc.func('int socket(int domain, int kind, int protocol)');
const cBind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const cSetsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)');
const cSendto = libc.func(
  'int64_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t size)',
);
const cRecvfrom = libc.func(
  'int64_t recvfrom(int fd, _Out_ uint8_t *data, size_t length, int flags, _Out_ uint8_t *address, _Inout_ uint32_t *size)',
);
const cClose = libc.func('int close(int fd)');
const cIndex = libc.func('uint32_t if_nametoindex(const char *name)');

const afPacket = 17;
const sockRaw = 3;
const nonblock = 0o4000;
const everyProtocol = 0x0300;
const kernelBufferBytes = 32 << 20;

/** A frame that was seen: on which link, and whether it came in. */
export type Caught = { readonly link: number; readonly isIncoming: boolean; readonly frame: Buffer };

/** Sends and sees frames on all links of a namespace, or on one link of this process's own. */
export class Wire {
  readonly #fd: number;
  readonly #namespace: string | undefined;
  readonly #buffer = Buffer.alloc(16_384);
  readonly #address = Buffer.alloc(20);

  constructor(namespace: string | undefined, link?: string) {
    this.#namespace = namespace;
    this.#fd = this.#inside(() => cSocket(afPacket, sockRaw | nonblock, everyProtocol) as number);
    if (this.#fd < 0) throw new Error(`Cannot open a packet socket in ${namespace ?? 'the root namespace'}.`);
    const size = Buffer.alloc(4);
    size.writeInt32LE(kernelBufferBytes);
    cSetsockopt(this.#fd, 1, 33, size, 4);
    if (link !== undefined) cBind(this.#fd, linkAddress(this.index(link)), 20);
  }

  /** The number of a link, 0 when there is none. */
  index(link: string): number {
    return this.#inside(() => cIndex(link) as number);
  }

  send(link: number, frame: Buffer): void {
    const sent = Number(cSendto(this.#fd, frame, frame.length, 0, linkAddress(link), 20));
    if (sent !== frame.length)
      throw new Error(`A frame of ${frame.length} bytes could not be sent: errno ${koffi.errno()}.`);
  }

  /** All frames that wait. */
  drain(): Caught[] {
    const caught: Caught[] = [];
    for (;;) {
      const size = Number(cRecvfrom(this.#fd, this.#buffer, this.#buffer.length, 0x40, this.#address, [20]));
      if (size <= 0) return caught;
      caught.push({
        link: this.#address.readInt32LE(4),
        isIncoming: this.#address[10] !== 4,
        frame: Buffer.from(this.#buffer.subarray(0, size)),
      });
    }
  }

  close(): void {
    cClose(this.#fd);
  }

  #inside<T>(work: () => T): T {
    return this.#namespace === undefined ? work() : inNamespace(this.#namespace, work);
  }
}

function linkAddress(index: number): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(afPacket, 0);
  address.writeUInt16BE(3, 2);
  address.writeInt32LE(index, 4);
  return address;
}

/** Sends one IPv4 packet from inside a namespace's own stack. */
export function sendFrom(namespace: string, packet: Buffer): void {
  inNamespace(namespace, () => {
    const fd = cSocket(2, sockRaw, 255) as number;
    const address = Buffer.alloc(16);
    address.writeUInt16LE(2, 0);
    packet.copy(address, 4, 16, 20);
    cSendto(fd, packet, packet.length, 0, address, 16);
    cClose(fd);
  });
}
