/** A Z3 process that is asked in SMT-LIB 2 on its standard input, question by question. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A question that takes longer is answered `unknown`. */
const questionMs = 60_000;

/** The answers of one process, in order. */
export class Solver {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<never>;

  constructor() {
    this.#child = spawn('z3', ['-in', '-smt2'], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.resume();
    this.#ended = new Promise((_, reject) => {
      this.#child.once('error', (error) => reject(new Error(`Cannot run z3: ${error.message} (Debian package z3).`)));
    });
    this.#ended.catch(() => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.tell(`(set-option :timeout ${questionMs})`);
  }

  tell(text: string): void {
    this.#child.stdin.write(`${text}\n`);
  }

  /** Says what is given and reads one line of answer. */
  async ask(text: string): Promise<string> {
    this.tell(text);
    const line = await Promise.race([this.#lines.next(), this.#ended]);
    if (line.done === true) throw new Error('z3 ended before it answered.');
    if (line.value.startsWith('(error')) throw new Error(`z3 did not understand: ${line.value}`);
    return line.value;
  }

  close(): void {
    this.#child.stdin.end();
    this.#child.kill('SIGKILL');
  }
}
