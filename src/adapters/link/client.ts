/** The calling end of a local socket: one connection, answers matched by number, a time limit on every call. */

import { connect, type Socket } from 'node:net';
import { Fault, Refusal, type RefusalOptions } from '#base/wrong.ts';
import { callTimeoutMs } from '#base/limits.ts';
import { FrameReader, encodeFrame } from '#adapters/link/frames.ts';

type Waiting = {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
};

/** A link to one server. It connects at the first call and again after a loss; calls under way at a loss fail with a Fault. */
export class LinkClient {
  readonly #path: string;
  readonly #name: string;
  readonly #bytesMax: number | undefined;
  #socket: Promise<Socket> | undefined;
  #current: Socket | undefined;
  /** The connection, while it stands. */
  #ready: Socket | undefined;
  #waiting = new Map<number, Waiting>();
  #next = 1;
  #closed = false;
  #onConnect: (() => void) | undefined;
  #onLoss: (() => void) | undefined;

  /** `bytesMax`: of one message, either way. */
  constructor(name: string, path: string, bytesMax?: number) {
    this.#name = name;
    this.#path = path;
    this.#bytesMax = bytesMax;
  }

  /** Called each time a connection stands: the moment to compare states. */
  onConnect(listener: () => void): void {
    this.#onConnect = listener;
  }

  /** Called each time a connection that stood is lost: who needs the other side asks again, which connects anew. */
  onLoss(listener: () => void): void {
    this.#onLoss = listener;
  }

  /** Asks; a Refusal or Fault of the other side is thrown here as the same. */
  async call<T>(method: string, parameters: readonly unknown[], timeoutMs: number = callTimeoutMs): Promise<T> {
    // A connection that stands is written to at once: what its caller does next must not keep the other side waiting.
    const socket = this.#ready ?? (await this.#connected());
    const id = this.#next++;
    const frame = encodeFrame({ id, method, parameters }, this.#bytesMax);
    return (await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Fault('LinkTimeout', `${this.#name} did not answer ${method} within ${timeoutMs} ms.`));
      }, timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      socket.write(frame);
    })) as T;
  }

  close(): void {
    this.#closed = true;
    this.#ready = undefined;
    this.#current?.destroy();
    void this.#socket?.then(
      (socket) => socket.destroy(),
      () => undefined,
    );
  }

  #connected(): Promise<Socket> {
    if (this.#closed) return Promise.reject(new Fault('LinkClosed', `The link to ${this.#name} is closed.`));
    this.#socket ??= this.#open();
    return this.#socket;
  }

  async #open(): Promise<Socket> {
    const socket = connect(this.#path);
    this.#current = socket;
    const reader = new FrameReader(this.#bytesMax);
    socket.on('data', (chunk) => {
      try {
        for (const message of reader.take(chunk)) this.#settle(message);
      } catch {
        socket.destroy();
      }
    });
    let isOpen = false;
    // A connection that failed or was replaced must not take the calls of the next one with it.
    socket.on('close', () => {
      if (isOpen && this.#current === socket) this.#lost();
    });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('The connection was closed.')));
      });
      isOpen = true;
    } catch (cause) {
      if (this.#current === socket) this.#socket = undefined;
      throw new Fault('LinkDown', `${this.#name} cannot be reached.`, cause);
    }
    socket.on('error', () => socket.destroy());
    if (this.#current === socket && !this.#closed) this.#ready = socket;
    this.#onConnect?.();
    return socket;
  }

  #lost(): void {
    this.#socket = undefined;
    this.#ready = undefined;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Fault('LinkLost', `The link to ${this.#name} broke before it answered.`));
    }
    this.#waiting.clear();
    if (!this.#closed) this.#onLoss?.();
  }

  #settle(message: unknown): void {
    const { id, value, error } = message as { id: number; value?: unknown; error?: RemoteError };
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(value);
    else waiting.reject(rebuild(error));
  }
}

type RemoteError = {
  readonly kind: 'Refusal' | 'Fault';
  readonly code: string;
  readonly message: string;
} & RefusalOptions;

function rebuild(error: RemoteError): Error {
  const { kind, code, message, ...options } = error;
  return kind === 'Refusal'
    ? new Refusal(String(code), String(message), options)
    : new Fault(String(code), String(message));
}
