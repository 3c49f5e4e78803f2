/** A packet socket on one link of a namespace: sends frames, and sees those of one TCP sequence number. */

import koffi from 'koffi';
import { Fault } from '#base/wrong.ts';
import { sequenceFilter } from '#adapters/linux/canary-frame.ts';
import { inNamespaceAt } from '#adapters/linux/netns.ts';

const libc = koffi.load('libc.so.6');
koffi.struct('packet_filter', { length: 'uint16_t', program: 'void *' });
const cSocket = libc.func('int socket(int domain, int kind, int protocol)');
const cBind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const cFilter = libc.func('int setsockopt(int fd, int level, int name, const packet_filter *value, uint32_t length)');
const cSendto = libc.func(
  'int64_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t size)',
);
const cRecvfrom = libc.func(
  'int64_t recvfrom(int fd, _Out_ uint8_t *data, size_t length, int flags, _Out_ uint8_t *address, _Inout_ uint32_t *size)',
);
const cIoctl = libc.func('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *value)');
const cIndex = libc.func('uint32_t if_nametoindex(const char *name)');
const cClose = libc.func('int close(int fd)');

const afPacket = 17;
const sockRaw = 3;
const nonblockCloexec = 0o2004000;
const everyProtocol = 3;
const attachFilter = 26;
const filterBytes = 16;
const msgDontwait = 0x40;
const outgoing = 4;
const getFlags = 0x8913;
const getHardwareAddress = 0x8927;
/** net/if.h: up, and with carrier. */
const isUpAndRunning = 0x41;
const frameBytes = 2048;
/** Frames read in one call; a socket that is flooded with its own mark is no reason to stay. */
const framesMax = 256;

/** A frame without its Ethernet header, and which way it went. */
export type SeenPacket = { readonly packet: Buffer; readonly isOutgoing: boolean };

export class PacketSocket {
  readonly #fd: number;
  readonly #link: string;
  readonly #address: Buffer;

  /** `path`: of the namespace. Throws a Fault when there is no such link, or the kernel gives no socket. */
  constructor(path: string, { link, sequence }: { readonly link: string; readonly sequence: number }) {
    this.#link = link;
    const { fd, index } = inNamespaceAt(path, () => ({
      // Protocol 0: it sees nothing until it is bound, and then only what its filter lets through.
      fd: cSocket(afPacket, sockRaw | nonblockCloexec, 0) as number,
      index: cIndex(link) as number,
    }));
    this.#fd = fd;
    if (fd < 0) throw new Fault('PacketSocket', `The kernel gives no packet socket for ${link}.`);
    this.#address = linkAddress(index);
    const program = sequenceFilter(sequence);
    const isBound =
      index !== 0 &&
      cFilter(fd, 1, attachFilter, { length: program.length / 8, program }, filterBytes) === 0 &&
      cBind(fd, this.#address, this.#address.length) === 0;
    if (isBound) return;
    cClose(fd);
    throw new Fault('PacketSocket', `There is no link ${link} to look at.`);
  }

  /** Is the link up, and is there somebody at its other end? */
  get isCarrying(): boolean {
    return (this.#ask(getFlags).readUInt16LE(16) & isUpAndRunning) === isUpAndRunning;
  }

  /** The link's hardware address. */
  get hardwareAddress(): string {
    const bytes = this.#ask(getHardwareAddress).subarray(18, 24);
    return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  }

  /** Sends a frame; false when the link did not take it. */
  send(frame: Buffer): boolean {
    return Number(cSendto(this.#fd, frame, frame.length, 0, this.#address, this.#address.length)) === frame.length;
  }

  /** The frames that wait, at most a bounded number. */
  drain(): SeenPacket[] {
    const [buffer, address] = [Buffer.alloc(frameBytes), Buffer.alloc(20)];
    const seen: SeenPacket[] = [];
    while (seen.length < framesMax) {
      const size = Number(cRecvfrom(this.#fd, buffer, buffer.length, msgDontwait, address, [address.length]));
      if (size <= 14) return seen;
      seen.push({ packet: Buffer.from(buffer.subarray(14, size)), isOutgoing: address[10] === outgoing });
    }
    return seen;
  }

  close(): void {
    cClose(this.#fd);
  }

  /** netdevice(7): a request by the link's name; zeros when it is gone. */
  #ask(request: number): Buffer {
    const value = Buffer.alloc(40);
    value.write(this.#link, 0, 15, 'latin1');
    return cIoctl(this.#fd, request, value) === 0 ? value : Buffer.alloc(40);
  }
}

/** A `sockaddr_ll`. */
function linkAddress(index: number): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(afPacket, 0);
  address.writeUInt16BE(everyProtocol, 2);
  address.writeInt32LE(index, 4);
  return address;
}
