/** Daemons of a peer: in a namespace and a folder of their own, ended by their process ids, all of it gone at the end whatever happened. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '#base/wrong.ts';
import { ipBatch, run } from '#adapters/linux/ip.ts';
import { hasNamespace } from '#adapters/linux/netns.ts';

const stopMs = 5000;
const startMs = 30_000;

export class Daemons {
  readonly folder: string;
  readonly namespace: string;
  readonly #environment: { readonly [name: string]: string };
  readonly #running: ChildProcess[] = [];

  private constructor(namespace: string, folder: string, environment: (folder: string) => { [name: string]: string }) {
    this.namespace = namespace;
    this.folder = folder;
    this.#environment = environment(folder);
  }

  /** Makes the namespace and the folder; `environment` is given to every program. */
  static async open(namespace: string, environment: (folder: string) => { [name: string]: string }): Promise<Daemons> {
    await ipBatch(undefined, [`netns add ${namespace}`]);
    await ipBatch(namespace, ['link set lo up']);
    return new Daemons(namespace, mkdtempSync('/var/tmp/ringwall-peer-'), environment);
  }

  /** Starts a daemon; what it writes lies in the folder. */
  start(program: string, words: readonly string[]): void {
    const log = openSync(join(this.folder, `${program.replaceAll('/', '_')}-${this.#running.length}.log`), 'w', 0o600);
    const child = spawn('setpriv', this.#argv(program, words), {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', log, log],
    });
    child.on('error', () => undefined);
    this.#running.push(child);
  }

  /** A program that is read line by line until the daemons are closed. */
  listen(program: string, words: readonly string[]): ChildProcess {
    const child = spawn('setpriv', this.#argv(program, words), {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.push(child);
    return child;
  }

  /** The kernel ends it with us, however we end. */
  #argv(program: string, words: readonly string[]): string[] {
    return ['--pdeathsig', 'KILL', 'nsenter', `--net=/run/netns/${this.namespace}`, program, ...words];
  }

  /** Runs a program to its end; answers what it printed. */
  async run(words: readonly string[]): Promise<string> {
    const environment = Object.entries(this.#environment).map(([name, value]) => `${name}=${value}`);
    return await run(['nsenter', `--net=/run/netns/${this.namespace}`, 'env', ...environment, ...words], '');
  }

  /** Tries until it works. */
  async until(what: string, work: () => Promise<unknown>): Promise<void> {
    const end = performance.now() + startMs;
    for (;;) {
      const failed = await work().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failed === undefined) return;
      if (performance.now() > end) throw new Fault('PeerFailed', `${what} did not come up: ${String(failed)}`, failed);
      await sleep(50);
    }
  }

  async close(): Promise<void> {
    for (const child of this.#running.toReversed()) await ended(child);
    if (hasNamespace(this.namespace)) await ipBatch(undefined, [`netns del ${this.namespace}`]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await exit;
  clearTimeout(timer);
}
