/** What the host has of a stamp: its processes, and what must be gone after `down`. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { run } from '#adapters/linux/ip.ts';
import { namespacesWith } from '#adapters/linux/netns.ts';

/** The supervisor and its processes, by name, as the supervisor noted them. */
export function processesOf(number: number): { readonly [name: string]: number } {
  const file = `/run/ringwall/${number}/ringd.json`;
  if (!existsSync(file)) return {};
  const { pid, children } = JSON.parse(readFileSync(file, 'utf8')) as {
    pid: number;
    children: { [name: string]: number };
  };
  return { ...children, ringd: pid };
}

/** Does the process run the named part of ours? A pid may have been given away since. */
export function isRunning(pid: number, name: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const state = /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return command.includes(`${name}.ts`) && state !== 'Z';
  } catch {
    return false;
  }
}

/** Everything on this host that names the stamp; empty when nothing is left. */
export async function leftovers(number: number, state: string): Promise<string[]> {
  const [links, tables] = await Promise.all([
    run(['ip', '-o', 'link', 'show'], ''),
    run(['nft', 'list', 'tables'], ''),
  ]);
  const marks = [`/run/ringwall/${number}/`, state];
  return [
    ...namespacesWith(`rw${number}-`).map((name) => `namespace ${name}`),
    ...linesWith(links, [`: rw${number}-`]).map((line) => `link ${line}`),
    ...linesWith(tables, [`rw${number}`, ' rw']).map((line) => `nft ${line}`),
    ...linesWith(readFileSync('/proc/self/mounts', 'utf8'), marks).map((line) => `mount ${line}`),
    ...linesWith(readFileSync('/etc/hosts', 'utf8'), [`.local${number}.ringwall.internal`, `ringwall ${number} `]).map(
      (line) => `hosts entry ${line}`,
    ),
    ...processesNaming([...marks, `rw${number}-`], [52_000 + 32 * number, 52_031 + 32 * number]),
    ...(existsSync(`/run/ringwall/${number}`) ? [`folder /run/ringwall/${number}`] : []),
  ];
}

function linesWith(text: string, parts: readonly string[]): string[] {
  return text.split('\n').filter((line) => parts.some((part) => line.includes(part)));
}

function processesNaming(parts: readonly string[], [first, last]: readonly [number, number]): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
      const isOurs = parts.some((part) => command.includes(part)) || (uid >= first && uid <= last);
      return isOurs && !/^State:\s+Z/m.test(status) ? [`process ${pid} ${command.slice(0, 120)}`] : [];
    } catch {
      return [];
    }
  });
}
