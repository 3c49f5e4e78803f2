/** A child process that says one JSON object a line. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Fault } from '#base/wrong.ts';

/** How long a line is waited for. */
const lineMs = 35_000;

export class Child {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  /** `file`: beside this one. */
  constructor(file: string, order: unknown) {
    const path = join(import.meta.dirname, file);
    const child = spawn(process.execPath, [...process.execArgv, path, JSON.stringify(order)], { stdio: 'pipe' });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async line<T>(): Promise<T> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), lineMs);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (done === true) throw new Fault('ChildEnded', 'A child process ended without a word.');
    return JSON.parse(String(value)) as T;
  }

  async ask<T>(): Promise<T> {
    this.#child.stdin.write('report\n');
    return await this.line<T>();
  }

  /** Ends its input: that is how it is told to stop. */
  end(): void {
    this.#child.stdin.end();
  }
}
