/** Entering a network namespace for the length of one synchronous call: libc's setns on the main thread, put back before the event loop runs on. */

import { closeSync, existsSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import koffi from 'koffi';
import { Fault } from '#base/wrong.ts';
import { namespaceDirectory } from '#adapters/linux/names.ts';

const cloneNewnet = 0x4000_0000;
const libc = koffi.load('libc.so.6');
const ifNametoindex: (name: string) => number = libc.func('uint32_t if_nametoindex(const char *name)');
const setns: (fd: number, kind: number) => number = libc.func('int setns(int fd, int kind)');

/**
 * Runs `work` inside the namespace at `path` (a file of `/run/netns` or `/proc/PID/ns/net`). The work must not await: this
 * thread is in the other namespace until it returns. Cost: about 2 µs and two opens.
 */
export function inNamespaceAt<T>(path: string, work: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(path, 'r');
    try {
      if (setns(there, cloneNewnet) !== 0)
        throw new Fault('SetnsFailed', `Cannot enter the network namespace ${path}.`);
      try {
        const result = work();
        if (result instanceof Promise) throw new Fault('SetnsAsync', 'Work inside a namespace must be synchronous.');
        return result;
      } finally {
        // Staying in the wrong namespace would aim every later call at the wrong kernel state: better to die.
        if (setns(home, cloneNewnet) !== 0) process.abort();
      }
    } finally {
      closeSync(there);
    }
  } finally {
    closeSync(home);
  }
}

/** As `inNamespaceAt`, by the name under `/run/netns`. */
export function inNamespace<T>(name: string, work: () => T): T {
  return inNamespaceAt(namespacePath(name), work);
}

/** The number of a link of the namespace; 0 when there is none of that name. Cost: about 4 µs. */
export function linkNumber(namespace: string, name: string): number {
  return inNamespace(namespace, () => ifNametoindex(name));
}

/** Where iproute2 binds a named namespace. */
export function namespacePath(name: string): string {
  return `${namespaceDirectory}/${name}`;
}

/** Does the namespace exist by name? */
export function hasNamespace(name: string): boolean {
  return existsSync(namespacePath(name));
}

/** Names of all namespaces with the prefix. */
export function namespacesWith(prefix: string): string[] {
  if (!existsSync(namespaceDirectory)) return [];
  return readdirSync(namespaceDirectory).filter((name) => name.startsWith(prefix));
}

/** Reads sysctls inside a namespace; empty where there is none. */
export function readSysctls(name: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  return inNamespace(name, () =>
    paths.map((path) => (existsSync(`/proc/sys/${path}`) ? readFileSync(`/proc/sys/${path}`, 'latin1').trim() : '')),
  );
}

/** Writes sysctls inside a namespace (`net/ipv4/ip_forward` → `1`): /proc/sys/net shows the namespace of the calling thread. */
export function writeSysctls(name: string, values: { readonly [path: string]: string | number }): void {
  inNamespace(name, () => {
    for (const [path, value] of Object.entries(values)) writeFileSync(`/proc/sys/${path}`, String(value));
  });
}

/** Names of the links in a namespace; /proc/net shows the calling thread's namespace. */
export function linksOf(namespace: string): string[] {
  const text = inNamespace(namespace, () => readFileSync('/proc/thread-self/net/dev', 'latin1'));
  return text
    .split('\n')
    .slice(2)
    .map((line) => line.split(':')[0]?.trim() ?? '')
    .filter((name) => name !== '');
}
