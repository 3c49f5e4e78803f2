/** A TCP connection opened from inside a namespace: the socket stays there, the event loop reads it from here. */

import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { parseAddress } from '#base/prefix.ts';
import { probeAnswerBytesMax } from '#base/limits.ts';
import { inNamespace } from '#adapters/linux/netns.ts';

const libc = koffi.load('libc.so.6');
const cSocket = libc.func('int socket(int domain, int kind, int protocol)');
const cBind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const cConnect = libc.func('int connect(int fd, const void *address, uint32_t length)');
const cGetsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
);
const cPoll = libc.func('int poll(_Inout_ uint8_t *fds, uint64_t count, int timeout)');
const cClose = libc.func('int close(int fd)');
const cInterface = libc.func('uint32_t if_nametoindex(const char *name)');

const sockStream = 1;
const nonblock = 0o4000;
const cloexec = 0o2000000;
const einprogress = 115;
const pollout = 4;
const pollStepMs = 2;

export type ConnectOptions = {
  readonly source: string;
  readonly target: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** The link to leave by: needed when the source is link-local. */
  readonly link?: string;
};

/** An open connection. */
export type Connection = { ask(request: string): Promise<string>; close(): void };

/** Connects, or answers why not. */
export async function connectIn(namespace: string, options: ConnectOptions): Promise<Connection | string> {
  const isSix = options.target.includes(':');
  const opened = inNamespace(namespace, () => {
    const fd = cSocket(isSix ? 10 : 2, sockStream | nonblock | cloexec, 0) as number;
    if (fd < 0) return 'no socket';
    const scope = options.link === undefined ? 0 : (cInterface(options.link) as number);
    const local = socketAddress(options.source, { port: 0, scope });
    const remote = socketAddress(options.target, { port: options.port, scope: 0 });
    if (cBind(fd, local, local.length) !== 0) return failed(fd, 'cannot use the probe address');
    if (cConnect(fd, remote, remote.length) !== 0 && koffi.errno() !== einprogress) return failed(fd, 'unreachable');
    return fd;
  });
  if (typeof opened === 'string') return opened;
  const deadline = Date.now() + options.timeoutMs;
  while (!isWritable(opened)) {
    if (Date.now() > deadline) return failed(opened, 'no answer in time');
    await sleep(pollStepMs);
  }
  const error = socketError(opened);
  if (error !== 0) return failed(opened, error === 111 ? 'refused' : `connect failed with ${error}`);
  return wrap(opened, deadline);
}

function failed(fd: number, because: string): string {
  cClose(fd);
  return because;
}

function wrap(fd: number, deadline: number): Connection {
  const socket = new Socket({ fd, readable: true, writable: true });
  socket.on('error', () => {});
  return {
    ask: (request) =>
      new Promise((resolve) => {
        let answer = '';
        const end = () => resolve(answer);
        socket.setTimeout(Math.max(1, deadline - Date.now()), end);
        socket.setEncoding('latin1');
        socket.on('data', (chunk: string) => {
          answer += chunk;
          if (answer.length > probeAnswerBytesMax || answer.includes('\r\n')) end();
        });
        socket.on('end', end);
        socket.on('close', end);
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

function isWritable(fd: number): boolean {
  const polled = Buffer.alloc(8);
  polled.writeInt32LE(fd, 0);
  polled.writeInt16LE(pollout, 4);
  return (cPoll(polled, 1, 0) as number) > 0;
}

function socketError(fd: number): number {
  const value = Buffer.alloc(4);
  cGetsockopt(fd, 1, 4, value, [4]);
  return value.readInt32LE(0);
}

/** A `sockaddr_in` or `sockaddr_in6`. */
export function socketAddress(text: string, { port, scope }: { port: number; scope: number }): Buffer {
  const address = parseAddress(text);
  const isSix = address.family === 6;
  const data = Buffer.alloc(isSix ? 28 : 16);
  data.writeUInt16LE(isSix ? 10 : 2, 0);
  data.writeUInt16BE(port, 2);
  const digits = address.value.toString(16).padStart(isSix ? 32 : 8, '0');
  Buffer.from(digits, 'hex').copy(data, isSix ? 8 : 4);
  if (isSix) data.writeUInt32LE(scope, 24);
  return data;
}
