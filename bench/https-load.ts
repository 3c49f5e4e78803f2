/** Load over kept-open TLS connections, with a client so thin that the server is what is measured: requests are written as bytes, answers are counted by their length. */

import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { Fault } from '#base/wrong.ts';
import { spreadOf, type Spread } from '#bench/figures.ts';

/** Where and what is asked. `token` is left out for a server that wants none. */
export type Target = {
  readonly url: string;
  readonly ca: string;
  readonly token?: string;
};

export type Load = Spread & { readonly perSecond: number; readonly bodyBytes: number };

type Seen = { readonly status: number; readonly length: number; readonly headBytes: number };

const answerWaitMs = 60_000;
const newLines = Buffer.from('\r\n\r\n');

/** Asks `count` times over `width` connections, each of which asks again as soon as it was answered. Any answer but 200 is a Fault. */
export async function load(target: Target, { count, width }: { count: number; width: number }): Promise<Load> {
  const connections = await Promise.all(Array.from({ length: width }, () => Connection.open(target)));
  const samples: number[] = [];
  let [left, bodyBytes] = [count, 0];
  const work = async (connection: Connection): Promise<void> => {
    while (left-- > 0) {
      const start = performance.now();
      bodyBytes = await connection.ask();
      samples.push(performance.now() - start);
    }
  };
  const start = performance.now();
  try {
    await Promise.all(connections.map(work));
    const seconds = (performance.now() - start) / 1000;
    return { ...spreadOf(samples), perSecond: Math.round(count / seconds), bodyBytes };
  } finally {
    for (const connection of connections) connection.close();
  }
}

class Connection {
  readonly #socket: TLSSocket;
  readonly #request: Buffer;
  #chunks: Buffer[] = [];
  #size = 0;
  #seen: Seen | undefined;
  #waiting: { readonly resolve: (bodyBytes: number) => void; readonly reject: (error: Error) => void } | undefined;

  static async open({ url, ca, token }: Target): Promise<Connection> {
    const { hostname, port, host, pathname, search } = new URL(url);
    const socket = connect({ host: hostname, servername: hostname, port: Number(port || 443), ca });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    socket.setNoDelay(true);
    const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
    const request = `GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n${authorization}connection: keep-alive\r\n\r\n`;
    return new Connection(socket, Buffer.from(request));
  }

  constructor(socket: TLSSocket, request: Buffer) {
    this.#socket = socket;
    this.#request = request;
    socket.removeAllListeners('error');
    const lost = (error?: Error): void =>
      this.#waiting?.reject(error ?? new Fault('ConnectionLost', 'The server closed the connection.'));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', lost).on('close', () => lost());
    socket.setTimeout(answerWaitMs, () => socket.destroy(new Error('No answer came in time.')));
  }

  /** One request; resolves with the length of the answer's body. */
  ask(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(this.#request);
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    // What comes after the head of a good answer is counted and let go.
    if (this.#seen?.status !== 200) this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#seen ??= this.#head();
    const seen = this.#seen;
    if (seen === undefined || this.#size < seen.headBytes + seen.length) return;
    const begun = this.#chunks;
    [this.#chunks, this.#size, this.#seen] = [[], 0, undefined];
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (seen.status === 200) waiting?.resolve(seen.length);
    else waiting?.reject(new Fault('UnexpectedAnswer', Buffer.concat(begun).subarray(0, 600).toString('utf8')));
  }

  /** Status and length of the answer that has begun, once its head is whole. */
  #head(): Seen | undefined {
    const begun = this.#chunks.length === 1 ? (this.#chunks[0] ?? newLines) : Buffer.concat(this.#chunks);
    const end = begun.indexOf(newLines);
    if (end < 0) return undefined;
    const head = begun.subarray(0, end).toString('latin1');
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Fault('UnexpectedAnswer', `An answer has no length: ${head.slice(0, 300)}`);
    return { status: Number(head.slice(9, 12)), length: Number(length), headBytes: end + newLines.length };
  }
}

/** Milliseconds of processor time that a process has used so far, in itself and the kernel (proc(5), `stat`). */
export function processorMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticksPerSecond = 100;
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}
