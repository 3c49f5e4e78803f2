/** One listening socket for one caller: the path is the caller's identity (decision D4.2); methods are a fixed table. */

import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { Fault, Refusal, errorBody } from '#base/wrong.ts';
import { linkUnreadBytesMax } from '#base/limits.ts';
import { FrameReader, encodeFrame } from '#adapters/link/frames.ts';

/** What a caller may ask: name to handler. Arguments are JSON that the handler itself checks. */
export type Methods = { readonly [name: string]: (...parameters: never[]) => unknown };

export type ServeOptions = {
  readonly path: string;
  readonly methods: Methods;
  /** Told of faults that are not the caller's. */
  readonly onFault: (error: unknown) => void;
  /** Of one message, either way. */
  readonly bytesMax?: number;
};

/** Calls under way at once from one caller. */
const callsMax = 256;

/** Listens; the directory above is closed to all but this process and the caller's group, the socket is 0660. */
export async function serve({ path, ...serving }: ServeOptions): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => attend(socket, serving));
  // A caller has one connection, and another for a moment while the first one ends; large messages are for few.
  server.maxConnections = serving.bytesMax === undefined ? 8 : 3;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o660);
  return server;
}

type Call = { readonly id: number; readonly method: string; readonly parameters: readonly unknown[] };

type Serving = Omit<ServeOptions, 'path'>;

function attend(socket: Socket, serving: Serving): void {
  const reader = new FrameReader(serving.bytesMax);
  let underway = 0;
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    try {
      for (const message of reader.take(chunk)) {
        const call = asCall(message);
        if (call === undefined || underway >= callsMax) {
          socket.destroy();
          return;
        }
        underway += 1;
        void answer(call, serving).then((frame) => {
          underway -= 1;
          if (socket.destroyed) return;
          socket.write(frame);
          // A peer that asks and does not read would have us keep its answers for ever.
          if (socket.writableLength > Math.max(linkUnreadBytesMax, serving.bytesMax ?? 0)) socket.destroy();
        });
      }
    } catch (error) {
      serving.onFault(error);
      socket.destroy();
    }
  });
}

function asCall(message: unknown): Call | undefined {
  const call = message as Partial<Call> | null;
  const isCall =
    typeof call === 'object' &&
    call !== null &&
    typeof call.id === 'number' &&
    typeof call.method === 'string' &&
    Array.isArray(call.parameters);
  return isCall ? (call as Call) : undefined;
}

async function answer({ id, method, parameters }: Call, { methods, onFault, bytesMax }: Serving): Promise<Buffer> {
  try {
    const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (handler === undefined) throw new Fault('UnknownMethod', `There is no method "${method.slice(0, 100)}" here.`);
    const value = await handler(...(parameters as never[]));
    return encodeFrame({ id, value: value ?? null }, bytesMax);
  } catch (error) {
    if (!(error instanceof Refusal)) onFault(error);
    try {
      return encodeFrame({ id, error: told(error) });
    } catch (cause) {
      // What is told of an error may hold what the caller sent: an answer has to fit all the same.
      onFault(cause);
      return encodeFrame({ id, error: told(new Fault('FrameTooLarge', 'What went wrong is too long to be told.')) });
    }
  }
}

function told(error: unknown): object {
  if (error instanceof Refusal) {
    const { status, retryAfterS } = error;
    const more = retryAfterS === undefined ? {} : { retryAfterS };
    return { kind: 'Refusal', status, ...more, ...errorBody(error) };
  }
  const [code, message] =
    error instanceof Fault ? [error.code, error.message] : ['InternalFault', 'The other side met a fault of its own.'];
  return { kind: 'Fault', code, message };
}
