/** A client of OVSDB (RFC 7047) on a kept-open unix socket: transactions, one after another. */

import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';

export class Ovsdb {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (value: Json) => void; reject: (error: Error) => void }>();
  readonly #reader = new MessageReader();
  #next = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      for (const message of this.#reader.take(String(text))) this.#take(message);
    });
    socket.on('close', () => this.#fail(new Fault('PeerFailed', 'The database closed the connection.')));
  }

  static async open(path: string): Promise<Ovsdb> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new Ovsdb(socket);
  }

  /** One transaction (RFC 7047 §4.1.3); answers what each operation did. An operation that failed is thrown. */
  async transact(database: string, operations: readonly JsonObject[]): Promise<readonly JsonObject[]> {
    const id = this.#next++;
    const answer = await new Promise<Json>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(JSON.stringify({ id, method: 'transact', params: [database, ...operations] }));
    });
    const results = (Array.isArray(answer) ? answer : []).filter(isObject);
    const wrong = results.find(({ error }) => error !== undefined);
    if (wrong !== undefined) throw new Fault('PeerFailed', `The database refuses: ${JSON.stringify(wrong)}`);
    return results;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: JsonObject): void {
    const { id, method, params, result, error } = message;
    // It asks whether we live (§4.1.11).
    if (method === 'echo') this.#socket.write(JSON.stringify({ id: id ?? null, result: params ?? [], error: null }));
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (waiting === undefined || method !== undefined) return;
    this.#waiting.delete(Number(id));
    if (error === null || error === undefined) waiting.resolve(result ?? null);
    else waiting.reject(new Fault('PeerFailed', `The database refuses: ${JSON.stringify(error)}`));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** JSON objects one after another without anything between them: each ends where its braces do. */
export class MessageReader {
  #text = '';
  #at = 0;
  #depth = 0;
  #isQuoted = false;

  /** Takes a piece of text; answers the objects that it completes. */
  take(piece: string): JsonObject[] {
    this.#text += piece;
    const found: JsonObject[] = [];
    for (; this.#at < this.#text.length; this.#at++) {
      const letter = this.#text[this.#at];
      if (this.#isQuoted) {
        if (letter === '\\') this.#at += 1;
        else if (letter === '"') this.#isQuoted = false;
      } else if (letter === '"') this.#isQuoted = true;
      else if (letter === '{') this.#depth += 1;
      else if (letter === '}' && --this.#depth === 0) {
        found.push(JSON.parse(this.#text.slice(0, this.#at + 1)) as JsonObject);
        this.#text = this.#text.slice(this.#at + 1);
        this.#at = -1;
      }
    }
    return found;
  }
}
