/** UDP sockets of other network namespaces, used synchronously: the sender's own call carries the packet through the whole path to the receiver. */

import koffi from 'koffi';
import { inNamespaceAt } from '#adapters/linux/netns.ts';
import { socketAddress } from '#adapters/linux/socket.ts';
import { Fault } from '#base/wrong.ts';

const libc = koffi.load('libc.so.6');
const cSocket = libc.func('int socket(int domain, int kind, int protocol)');
const cBind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const cConnect = libc.func('int connect(int fd, const void *address, uint32_t length)');
const cSend = libc.func('int64_t send(int fd, const void *data, size_t length, int flags)');
const cRecv = libc.func('int64_t recv(int fd, _Out_ uint8_t *data, size_t length, int flags)');
const cClose = libc.func('int close(int fd)');

const afInet = 2;
const datagram = 2;
const cloexec = 0o2000000;
const dontWait = 0x40;
const payload = Buffer.alloc(64, 1);
const received = Buffer.alloc(2048);

export type Endpoint = { readonly address: string; readonly port: number };

/** A socket bound to one end and, when given, connected to the other. */
export function openUdp(namespacePath: string, own: Endpoint, other?: Endpoint): number {
  const fd = inNamespaceAt(namespacePath, () => cSocket(afInet, datagram | cloexec, 0) as number);
  bindTo(fd, own);
  if (other !== undefined) {
    const address = socketAddress(other.address, { port: other.port, scope: 0 });
    if (cConnect(fd, address, address.length) !== 0)
      throw new Fault('UdpFailed', `connect failed with ${koffi.errno()}.`);
  }
  return fd;
}

function bindTo(fd: number, { address, port }: Endpoint): void {
  const local = socketAddress(address, { port, scope: 0 });
  if (cBind(fd, local, local.length) !== 0)
    throw new Fault('UdpFailed', `bind to ${address}:${port} failed with ${koffi.errno()}.`);
}

/** Sends one packet; answers whether the kernel took it. */
export function sendUdp(fd: number): boolean {
  return Number(cSend(fd, payload, payload.length, 0)) === payload.length;
}

/** Takes all that waits and answers how many packets it was. */
export function drainUdp(fd: number): number {
  let count = 0;
  while (Number(cRecv(fd, received, received.length, dontWait)) >= 0) count += 1;
  return count;
}

export function closeUdp(fd: number): void {
  cClose(fd);
}

/** What the call itself costs without a packet: the same call on a descriptor that nobody has. */
export function emptyCallNs(count: number): number {
  const start = performance.now();
  for (let index = 0; index < count; index++) sendUdp(-1);
  return ((performance.now() - start) * 1e6) / count;
}
