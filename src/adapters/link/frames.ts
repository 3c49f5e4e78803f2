/** Frames on a local socket: four bytes of length, then JSON. A frame over the limit ends the connection. */

import { Fault } from '#base/wrong.ts';
import { frameBytesMax } from '#base/limits.ts';

/** Encodes one message of at most so many bytes. */
export function encodeFrame(message: unknown, most = frameBytesMax): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  if (body.length > most) throw new Fault('FrameTooLarge', `A frame of ${body.length} bytes is over ${most}.`);
  const frame = Buffer.allocUnsafe(body.length + 4);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** Collects chunks and gives out whole messages; throws a Fault for a frame that is too large or is not JSON. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  readonly #most: number;

  constructor(most = frameBytesMax) {
    this.#most = most;
  }

  /** Takes a chunk; answers the messages that it completes. */
  take(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const messages: unknown[] = [];
    for (;;) {
      if (this.#size < 4) return messages;
      const length = this.#peek(4).readUInt32BE(0);
      if (length > this.#most) throw new Fault('FrameTooLarge', `A frame of ${length} bytes is over ${this.#most}.`);
      if (this.#size < length + 4) return messages;
      const whole = this.#peek(length + 4);
      this.#drop(length + 4);
      messages.push(parse(whole.subarray(4, length + 4)));
    }
  }

  /** At least `size` bytes in one buffer at the front; chunks are joined only when a frame spans them. */
  #peek(size: number): Buffer {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= size) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #drop(size: number): void {
    const first = this.#peek(size);
    this.#size -= size;
    if (first.length === size) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(size);
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new Fault('FrameMalformed', 'A frame does not hold JSON.', cause);
  }
}
