/** A program that is written to and listened to. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs until it is ended. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  #heard = '';

  constructor([command = '', ...words]: readonly string[]) {
    this.#child = spawn(command, words, { stdio: 'pipe' });
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', () => undefined);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#heard += text));
    this.#child.stderr.resume();
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  async hears(text: string, ms: number): Promise<boolean> {
    for (const until = Date.now() + ms; Date.now() < until; await sleep(20))
      if (this.#heard.includes(text)) return true;
    return false;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
