/** What a stamp's own processes take: each with its proportional set, its children's included. */

import { existsSync, readFileSync } from 'node:fs';
import { rounded } from '#bench/figures.ts';
import type { Supervised } from '#main/boot/places.ts';

/** MB (10^6 bytes) by name of process, and the sum; what a process started of its own counts with it. */
export type Memory = { readonly total: number; readonly of: { readonly [name: string]: number } };

/** The pids of a stamp's supervisor and its processes, by name. */
export function processesOf(number: number): ReadonlyMap<string, number> {
  const { pid, children } = JSON.parse(readFileSync(`/run/ringwall/${number}/ringd.json`, 'utf8')) as Supervised;
  return new Map([['ringd', pid], ...Object.entries(children)]);
}

/** The memory of processes now. A page that several hold counts for each in part (proc(5), `smaps_rollup`: Pss), so that nothing counts twice. */
export function memoryOfAll(processes: ReadonlyMap<string, number>): Memory {
  const own = new Set(processes.values());
  const of = [...processes].map(([name, pid]) => [name, rounded(treeBytes(pid, own) / 1e6)] as const);
  return { total: rounded(of.reduce((sum, [, mb]) => sum + mb, 0)), of: Object.fromEntries(of) };
}

/** A process and those below it; those that are listed under a name of their own are left out. */
function treeBytes(pid: number, own: ReadonlySet<number>): number {
  const below = childrenOf(pid).filter((child) => !own.has(child));
  return pssBytes(pid) + below.reduce((sum, child) => sum + treeBytes(child, own), 0);
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text.split(' ').filter(Boolean).map(Number);
}

function pssBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN) * 1024;
}
