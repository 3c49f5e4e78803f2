/** Unbound as a child of this process: started, watched, started again; it ends with its parent, however that ends. */

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineLogLineMax, engineWaitMs } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import { control } from '#adapters/unbound/control.ts';
import type { UnboundFiles } from '#adapters/unbound/render.ts';

export type EngineOptions = {
  /** The program file of unbound. */
  readonly command: string;
  readonly files: UnboundFiles;
  readonly log: (says: string) => void;
};

const restartFirstMs = 200;
const restartLastMs = 5000;
const pollMs = 10;

export class Engine {
  readonly #options: EngineOptions;
  #child: ChildProcess | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Has the engine read its configuration; starts it when it does not run. Resolves when it answers again. */
  async read(): Promise<void> {
    if (this.#running === undefined) {
      await this.#endOrphan();
      this.#running = this.#keep();
    } else if (this.#child !== undefined) {
      await this.ask('reload').catch(() => this.#child?.kill('SIGKILL'));
    }
    const until = Date.now() + engineWaitMs;
    while (!(await this.#answers())) {
      if (Date.now() > until) throw new Fault('ResolverDown', 'The resolver does not run.');
      await sleep(pollMs);
    }
  }

  /** Ends the engine; what does not go is killed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#child?.kill('SIGTERM');
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), engineWaitMs / 2);
    await this.#running;
    clearTimeout(timer);
  }

  ask(command: string): Promise<string> {
    return control(this.#options.files.control, command);
  }

  async #answers(): Promise<boolean> {
    return await this.ask('status').then(
      () => true,
      () => false,
    );
  }

  /** One that outlived an earlier process of ours would keep the address. */
  async #endOrphan(): Promise<void> {
    const until = Date.now() + engineWaitMs;
    while (await this.#answers()) {
      await this.ask('stop').catch(() => undefined);
      if (Date.now() > until) throw new Fault('ResolverOrphan', 'An earlier resolver does not end.');
      await sleep(pollMs);
    }
  }

  async #keep(): Promise<void> {
    let waitMs = restartFirstMs;
    while (!this.#isStopping) {
      const started = Date.now();
      const says = await this.#run();
      if (this.#isStopping) return;
      waitMs = Date.now() - started > 30_000 ? restartFirstMs : Math.min(waitMs * 2, restartLastMs);
      this.#options.log(`The resolver ended (${says}); it is started again.`);
      await sleep(waitMs);
    }
  }

  #run(): Promise<string> {
    const { command, files, log } = this.#options;
    // The kernel kills it when this process dies, whatever of (prctl(2), PR_SET_PDEATHSIG).
    const argv = ['--pdeathsig', 'KILL', '--no-new-privs', '--', command, '-d', '-p', '-c', files.configuration];
    const child = spawn('setpriv', argv, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
      env: { PATH: process.env['PATH'] },
    });
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (line) => log(line.slice(0, engineLogLineMax)));
    return new Promise((resolve) => {
      const ended = (says: string) => {
        this.#child = undefined;
        resolve(says);
      };
      child.once('error', (error) => ended(error.message));
      child.once('exit', (code, signal) => ended(signal ?? `code ${code}`));
    });
  }
}
