/** A DNS client for the packet suite (RFC 1035 §4): run inside a guest's namespace, it asks each question given and prints the answers as JSON. */

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const types: { readonly [type: string]: number } = { A: 1, PTR: 12, AAAA: 28 };
const codes: { readonly [code: number]: string } = { 0: 'nothing', 2: 'SERVFAIL', 3: 'NXDOMAIN', 5: 'REFUSED' };
const waitMs = 1500;

const [server = '', port = '53', ...questions] = process.argv.slice(2);
const answers: string[] = [];
for (const question of questions) {
  if (question === 'pause') await sleep(3);
  else answers.push(await ask(question));
}
process.stdout.write(`${JSON.stringify(answers)}\n`);
process.exit(0);

/** `udp app1 A`, `tcp 4.0.0.10.in-addr.arpa PTR`: the values sorted, or the response code, or `silence`. `pause` is no question. */
async function ask(question: string): Promise<string> {
  const [transport = '', name = '', type = ''] = question.split(' ');
  const message = encode(name, types[type] ?? 0);
  const reply = await (transport === 'tcp' ? byTcp(message) : byUdp(message)).catch(() => undefined);
  return reply === undefined ? 'silence' : decode(reply);
}

function encode(name: string, type: number): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([
    Buffer.from([0x52, 0x57, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels,
    Buffer.from([0, type >> 8, type & 255, 0, 1]),
  ]);
}

function byUdp(message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  return new Promise<Buffer>((resolve, reject) => {
    setTimeout(() => reject(new Error('silence')), waitMs);
    socket.once('error', reject);
    socket.once('message', resolve);
    socket.connect(Number(port), server, () => socket.send(message));
  }).finally(() => socket.close());
}

function byTcp(message: Buffer): Promise<Buffer> {
  const socket = connect(Number(port), server);
  return new Promise<Buffer>((resolve, reject) => {
    let all = Buffer.alloc(0);
    socket.setTimeout(waitMs, () => reject(new Error('silence')));
    socket.once('error', reject);
    socket.once('connect', () =>
      socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message])),
    );
    socket.on('data', (chunk) => {
      all = Buffer.concat([all, chunk]);
      if (all.length >= 2 && all.length >= 2 + all.readUInt16BE(0)) resolve(all.subarray(2));
    });
  }).finally(() => socket.destroy());
}

function decode(reply: Buffer): string {
  const count = reply.readUInt16BE(6);
  const code = (reply[3] ?? 0) & 15;
  if (code !== 0 || count === 0) return codes[code] ?? `code ${code}`;
  let at = readName(reply, 12).next + 4;
  const values: string[] = [];
  for (let index = 0; index < count; index++) {
    at = readName(reply, at).next;
    const [type, length] = [reply.readUInt16BE(at), reply.readUInt16BE(at + 8)];
    values.push(valueOf(reply, type, { at: at + 10, length }));
    at += 10 + length;
  }
  return values.sort().join(',');
}

function valueOf(reply: Buffer, type: number, { at, length }: { at: number; length: number }): string {
  if (type === 12) return readName(reply, at).name;
  const bytes = reply.subarray(at, at + length);
  return type === 1 ? bytes.join('.') : bytes.toString('hex');
}

/** A name with its pointers followed (RFC 1035 §4.1.4), and where the text goes on behind it. */
function readName(reply: Buffer, start: number): { name: string; next: number } {
  const labels: string[] = [];
  let [at, next] = [start, -1];
  for (let hop = 0; hop < 128; hop++) {
    const length = reply[at] ?? 0;
    if (length === 0) break;
    if (length >= 0xc0) {
      if (next < 0) next = at + 2;
      at = reply.readUInt16BE(at) & 0x3fff;
    } else {
      labels.push(reply.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
  return { name: labels.join('.'), next: next < 0 ? at + 1 : next };
}
