/** A guest's serial console: reads its pipe at a bounded rate, keeps a bounded log, hears init's word that the guest is ready. */

import {
  appendFileSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { readyLine } from '#adapters/guest/init.ts';
import { consoleBytesMax, consoleBytesPerSecondMax } from '#base/limits.ts';

/** Holds both ends of the pipe open, so that neither a guest's end nor ours is the end of the other's. */
export class ConsoleLog {
  readonly #path: string;
  readonly #socket: Socket | undefined;
  readonly #waiters: (() => void)[] = [];
  #isReady: boolean;
  #tail = '';
  #taken = 0;
  #second: NodeJS.Timeout | undefined;

  constructor(pipe: string, path: string) {
    this.#path = path;
    const log = readConsole(path, consoleBytesMax);
    this.#isReady = log.lastIndexOf(readyLine) > log.lastIndexOf(startMark);
    const fd = openPipe(pipe);
    if (fd === undefined) return;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('error', () => undefined);
    this.#socket.unref();
  }

  /** False when the guest's root has taken our right to its pipe: what it says is lost until its next start. */
  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** A new start: what init said before counts no more. */
  restart(): void {
    this.#isReady = false;
    this.#tail = '';
    this.#write(Buffer.from(`${startMark} ${new Date().toISOString()}\n`));
  }

  /** Resolves true when init says it is ready, false when the signal ends the wait. */
  async ready(signal: AbortSignal): Promise<boolean> {
    if (this.#isReady) return true;
    return await new Promise((resolve) => {
      this.#waiters.push(() => resolve(true));
      signal.addEventListener('abort', () => resolve(false), { once: true });
    });
  }

  close(): void {
    clearTimeout(this.#second);
    this.#socket?.destroy();
  }

  #take(chunk: Buffer): void {
    this.#write(chunk);
    if (!this.#isReady) this.#listen(chunk);
    this.#taken += chunk.length;
    if (this.#taken >= consoleBytesPerSecondMax) this.#socket?.pause();
    this.#second ??= setTimeout(() => {
      this.#second = undefined;
      this.#taken = 0;
      this.#socket?.resume();
    }, 1000).unref();
  }

  #listen(chunk: Buffer): void {
    const text = this.#tail + chunk.toString('latin1');
    this.#tail = text.slice(-readyLine.length);
    if (!text.includes(readyLine)) return;
    this.#isReady = true;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Two halves: the older one is dropped when the newer one is full. */
  #write(chunk: Buffer): void {
    if (existsSync(this.#path) && statSync(this.#path).size > consoleBytesMax / 2)
      renameSync(this.#path, `${this.#path}.1`);
    appendFileSync(this.#path, chunk, { mode: 0o600 });
  }
}

/** Reading and writing: the pipe then never reports its end when the guest stops. */
function openPipe(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    // The guest's root owns the pipe and may change its mode: that must not end the driver of all the others.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw error;
  }
}

/** Is the pipe as the driver made it: the guest's root owns it, the driver's group reads it? */
export function isSoundPipe(path: string, uidFirst: number): boolean {
  const pipe = lstatSync(path, { throwIfNoEntry: false });
  if (pipe?.isFIFO() !== true) return false;
  return pipe.uid === uidFirst && pipe.gid === process.getgid?.() && (pipe.mode & 0o777) === 0o660;
}

/** The end of a log as text for people: no control character but newline and tab reaches their terminal. */
export function readConsole(path: string, tail: number): string {
  const halves = [`${path}.1`, path].filter((file) => existsSync(file)).map((file) => readFileSync(file));
  const text = Buffer.concat(halves).toString('utf8');
  return cleanConsole(text).slice(-Math.min(tail, consoleBytesMax));
}

/** Removes what could move a cursor or rename a window (C0 and C1 controls), keeping lines and tabs. */
export function cleanConsole(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** Written by us before each start. */
const startMark = 'ringwall: console opened';
