/** Starts the packet streams and asks them what passed; finds the guests' network namespaces. */

import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { Fault } from '#base/wrong.ts';
import type { StreamOrder, StreamReport } from '#test/kill/stream.ts';

export type Stream = {
  readonly name: string;
  readonly report: () => Promise<StreamReport>;
  readonly close: () => Promise<void>;
};

const file = join(import.meta.dirname, 'stream.ts');
const answerMs = 10_000;

/** A UDP echo between two guests. */
export function startEcho(order: StreamOrder): Stream {
  return start('guest to guest', ['udp', JSON.stringify(order)]);
}

/** New HTTP connections from the stamp's internet. */
export function startVisits(namespace: string, url: string): Stream {
  return start('internet to load balancer', ['http', `${namespace} ${url}`]);
}

function start(name: string, words: readonly string[]): Stream {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout });
  return {
    name,
    report: () => ask(child, lines, name),
    close: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.stdin.end();
      await ended;
    },
  };
}

function ask(child: ChildProcess, lines: Interface, name: string): Promise<StreamReport> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Fault('StreamSilent', `The stream ${name} does not answer.`)), answerMs);
    lines.once('line', (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line) as StreamReport);
    });
    child.stdin?.write('report\n');
  });
}

/** The network namespace of the guest that has the address: that of some process on this host, not of this one. */
export function namespaceOfGuest(address: string): string {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const table = readSafely(`/proc/${pid}/net/fib_trie`);
    // A router has many links; a guest has its own address as a local one and the name eth0.
    if (!isLocal(table, address)) continue;
    if (/^ *eth0:/m.test(readSafely(`/proc/${pid}/net/dev`))) return `/proc/${pid}/ns/net`;
  }
  throw new Fault('GuestNotFound', `No guest on this host has the address ${address}.`);
}

/** `fib_trie` names an address on one line and its kind (`host LOCAL`) on the next. */
function isLocal(table: string, address: string): boolean {
  const lines = table.split('\n');
  return lines.some((line, index) => line.endsWith(`-- ${address}`) && /host LOCAL/.test(lines[index + 1] ?? ''));
}

function readSafely(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
