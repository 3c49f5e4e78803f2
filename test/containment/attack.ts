/** A process that attacks out of a guest's network namespace: frames as fast as they go, or at a rate, until its input ends. */

import koffi from 'koffi';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '#base/wrong.ts';
import { inNamespaceAt } from '#adapters/linux/netns.ts';
import { type Attack, frameOf, type From } from '#test/containment/frames.ts';

/** `perSecond` 0: as fast as they go. */
export type AttackOrder = From & {
  readonly path: string;
  readonly link: string;
  readonly attack: Attack;
  readonly perSecond: number;
};

const libc = koffi.load('libc.so.6');
const cSocket = libc.func('int socket(int domain, int kind, int protocol)');
const cBind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const cSend = libc.func('int64_t send(int fd, const void *data, size_t length, int flags)');
const cIndex = libc.func('uint32_t if_nametoindex(const char *name)');

const [afPacket, raw, dontWait] = [17, 3, 0x40];
const batch = 64;
/** No attack goes on for longer, whatever becomes of who started it. */
const longestMs = 30_000;

const order = JSON.parse(process.argv[2] ?? '{}') as AttackOrder;
let isOver = false;
createInterface({ input: process.stdin }).once('close', () => (isOver = true));
const fd = open(order);
const started = Date.now();
console.log(JSON.stringify({ started }));
let sent = 0;
while (!isOver && Date.now() - started < longestMs) {
  const due = order.perSecond === 0 ? sent + batch : ((Date.now() - started) * order.perSecond) / 1000;
  for (; sent < due; sent++) {
    const frame = frameOf(order.attack, sent, order);
    cSend(fd, frame, frame.length, dontWait);
  }
  await sleep(order.perSecond === 0 ? 0 : 5);
}
console.log(JSON.stringify({ sent, ms: Date.now() - started }));

function open({ path, link }: AttackOrder): number {
  return inNamespaceAt(path, () => {
    const socket = cSocket(afPacket, raw, 0) as number;
    const address = Buffer.alloc(20);
    address.writeUInt16LE(afPacket, 0);
    address.writeInt32LE(cIndex(link) as number, 4);
    if (socket < 0 || cBind(socket, address, address.length) !== 0)
      throw new Fault('AttackFailed', `No packet socket on ${link}.`);
    return socket;
  });
}
