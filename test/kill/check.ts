/** After a death: is every acknowledged write there, does the kernel hold exactly the programs, and did the keeper find nothing to repair? */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '#base/json.ts';
import { digestOf } from '#base/tree.ts';
import { LinkClient } from '#adapters/link/client.ts';
import { run } from '#adapters/linux/ip.ts';
import { namespacesWith } from '#adapters/linux/netns.ts';
import { inParallel } from '#bench/parallel.ts';
import type { OwnStamp } from '#bench/own-stamp.ts';
import { churnPortFirst, type Writers } from '#test/kill/writers.ts';
import type { Ledger } from '#test/kill/ledger.ts';

const parallel = 8;
const kernelWaitMs = 15_000;

/** Asks for every path; answers what differs from what was acknowledged. */
export async function lostWrites(
  paths: readonly string[],
  { ledger, writers }: { readonly ledger: Ledger; readonly writers: Writers },
): Promise<string[]> {
  const wrong: string[] = [];
  await inParallel(paths, parallel, async (path) => {
    const says = ledger.seen(path, await writers.look(path));
    if (says !== undefined) wrong.push(says);
  });
  return wrong;
}

/** Waits until the keeper stands at the prover's programs, then compares the kernel's own list with the rules that stand. */
export async function kernelDiffers(stamp: OwnStamp, ledger: Ledger): Promise<string[]> {
  const behind = await keeperBehind(stamp.number);
  if (behind !== undefined) return [behind];
  const wanted = new Set(
    ledger
      .paths()
      .flatMap((path) => (path.includes('/securityRules/') ? ledger.may(path) : []))
      .filter((port) => port !== undefined),
  );
  const lists = await Promise.all(
    namespacesWith(`rw${stamp.number}-v`).map(async (name) => ({
      name,
      ports: churnedPorts(await run(['ip', 'netns', 'exec', name, 'nft', 'list', 'ruleset'], '')),
    })),
  );
  return lists
    .filter(({ ports }) => ports.size > 0 || wanted.size > 0)
    .flatMap(({ name, ports }) => (isRouterWithChurn(name, lists) ? differing(name, wanted, ports) : []));
}

/** VNet 0 alone has the churned group; its routers are those that hold any of its rules, or all when none stands. */
function isRouterWithChurn(name: string, lists: readonly { name: string; ports: ReadonlySet<string> }[]): boolean {
  return (
    lists.some((list) => list.name === name && list.ports.size > 0) || lists.every(({ ports }) => ports.size === 0)
  );
}

function differing(name: string, wanted: ReadonlySet<string>, actual: ReadonlySet<string>): string[] {
  return [
    ...[...wanted]
      .filter((port) => !actual.has(port))
      .map((port) => `${name}: the rule for port ${port} is not in the kernel`),
    ...[...actual]
      .filter((port) => !wanted.has(port))
      .map((port) => `${name}: the kernel has a rule for port ${port} that nobody wants`),
  ];
}

function churnedPorts(ruleset: string): Set<string> {
  const ports = [...ruleset.matchAll(/tcp dport (\d+) /g)].map(([, port = '']) => port);
  return new Set(ports.filter((port) => Number(port) >= churnPortFirst && Number(port) < 60_000));
}

/** The keeper's root and revision against the prover's, asked over their own sockets. */
async function keeperBehind(number: number): Promise<string | undefined> {
  const until = Date.now() + kernelWaitMs;
  for (;;) {
    const says = await compareKeeper(number).catch((error: unknown) => String(error));
    if (says === undefined || Date.now() > until) return says;
    await sleep(100);
  }
}

async function compareKeeper(number: number): Promise<string | undefined> {
  const socket = (server: string, caller: string) => `/run/ringwall/${number}/${server}/${caller}/socket`;
  const [stampd, netd] = [
    new LinkClient('stampd', socket('stampd', 'cli')),
    new LinkClient('netd', socket('netd', 'stampd')),
  ];
  try {
    const programs = await stampd.call<JsonObject>('programs', []);
    const { root } = await netd.call<{ root: string }>('state', []);
    const wanted = digestOf(programs);
    return root === wanted
      ? undefined
      : `the keeper stands at ${root.slice(0, 12)}, the prover's programs are ${wanted.slice(0, 12)}`;
  } finally {
    stampd.close();
    netd.close();
  }
}

/** Lines of the keeper's log that tell of drift, from a byte on. */
export class DriftLog {
  readonly #file: string;
  #from = 0;

  constructor(state: string) {
    this.#file = join(state, 'log', 'netd.log');
  }

  take(): string[] {
    if (!existsSync(this.#file)) return [];
    const bytes = readFileSync(this.#file);
    const text = bytes.subarray(this.#from).toString('utf8');
    this.#from = bytes.length;
    return text.split('\n').filter((line) => line.includes('"drift"') || line.includes('could not be read back'));
  }
}
