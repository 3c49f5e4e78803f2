/** `./ringwall test tamper`: a hand with root changes the kernel of a running stamp; each change is noticed, told of with its maker, and healed, and the guests' packets go on. */

import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type JsonObject } from '#base/json.ts';
import { LinkClient } from '#adapters/link/client.ts';
import { run } from '#adapters/linux/ip.ts';
import { Furniture } from '#bench/furniture.ts';
import { medianOf, rounded } from '#bench/figures.ts';
import { type OwnStamp, withOwnStamp } from '#bench/own-stamp.ts';
import { printCounts } from '#tools/counts.ts';
import { furnish, guestAddresses, startStreams, untilFlowing } from '#test/kill/furnish.ts';
import type { Stream } from '#test/kill/streams.ts';
import { kernelOf } from '#test/tamper/kernel.ts';
import { tampers, type Tamper } from '#test/tamper/tampers.ts';

const noticedMsMax = 5000;
const healedMsMax = 10_000;
const waitMs = 20_000;
const tally = { passed: 0, failed: 0, skipped: 0 };

type Drift = { readonly changes: readonly JsonObject[]; readonly untrustedHosts: readonly string[] };
type Healed = { readonly name: string; readonly noticedMs: number; readonly healedMs: number; readonly by: string };

if (process.geteuid?.() === 0) await withOwnStamp(onStamp);
else {
  console.log('skipped: needs root');
  tally.skipped += 1;
}
console.log(printCounts(tally));
process.exitCode = tally.failed > 0 ? 1 : 0;

function told(isGood: boolean, says: string): void {
  tally[isGood ? 'passed' : 'failed'] += 1;
  console.log(`  ${isGood ? 'ok  ' : 'FAIL'} ${says}`);
}

async function onStamp(stamp: OwnStamp): Promise<void> {
  const furniture = new Furniture(stamp, 'kill');
  const streams = startStreams(stamp, await furnish(furniture));
  const link = new LinkClient('stampd', `/run/ringwall/${stamp.number}/stampd/cli/socket`);
  const ask = () => link.call<Drift>('drift', []);
  try {
    await untilFlowing(streams);
    const port = await portOf(stamp, guestAddresses.left);
    const healed: Healed[] = [];
    for (const tamper of tampers) healed.push(await oneTamper({ stamp, ask, streams, port }, tamper));
    await judgeTrust({ stamp, link, furniture });
    console.log(
      JSON.stringify({
        tampers: healed.length,
        noticedMs: {
          median: rounded(medianOf(healed.map((one) => one.noticedMs))),
          max: rounded(Math.max(...healed.map((one) => one.noticedMs))),
        },
        healedMs: {
          median: rounded(medianOf(healed.map((one) => one.healedMs))),
          max: rounded(Math.max(...healed.map((one) => one.healedMs))),
        },
      }),
    );
  } finally {
    link.close();
    for (const stream of streams) await stream.close();
  }
}

type Scene = {
  readonly stamp: OwnStamp;
  readonly ask: () => Promise<Drift>;
  readonly streams: readonly Stream[];
  readonly port: string;
};

/** Changes the kernel, waits until the change is told of and the kernel is as before, and judges both and the packets. */
async function oneTamper({ stamp, ask, streams, port }: Scene, tamper: Tamper): Promise<Healed> {
  const namespace = `rw${stamp.number}-${tamper.where}`;
  const before = await kernelOf(namespace);
  await Promise.all(streams.map((stream) => stream.report()));
  const argvs = await filled(namespace, { tamper, port });
  const begun = Date.now();
  for (const argv of argvs) await run(['ip', 'netns', 'exec', namespace, ...argv], '');
  const [drift, healedMs] = await Promise.all([noticed(ask, tamper, begun), healedAfter(namespace, { before, begun })]);
  const noticedMs = drift === undefined ? Number.POSITIVE_INFINITY : Date.parse(String(drift['at'])) - begun;
  const by = makerIn(drift);
  told(
    noticedMs <= noticedMsMax && healedMs <= healedMsMax,
    `${tamper.name} (${tamper.where}): noticed after ${rounded(noticedMs)} ms, healed after ${rounded(healedMs)} ms`,
  );
  if (tamper.tellsWho) told(by === 'nft', `${tamper.name}: told by whom: ${by}`);
  // What was lost while the change stood is the change's doing; from now on nothing is.
  await sleep(tamper.restMs ?? 0);
  await Promise.all(streams.map((stream) => stream.report()));
  await sleep(500);
  for (const stream of streams) {
    const { sent, lost } = await stream.report();
    told(sent > 0 && lost === 0, `${tamper.name}: afterwards ${stream.name} goes on (${sent} sent, ${lost} lost)`);
  }
  return { name: tamper.name, noticedMs, healedMs, by };
}

async function filled(
  namespace: string,
  { tamper, port }: { readonly tamper: Tamper; readonly port: string },
): Promise<readonly (readonly string[])[]> {
  const handle = tamper.handleOf === undefined ? '' : await handleIn(namespace, tamper.handleOf);
  return tamper.argv.map((words) =>
    words.map((word) =>
      word.replaceAll('HANDLE', handle).replaceAll('PORT', port).replaceAll('OWN', guestAddresses.left),
    ),
  );
}

async function handleIn(namespace: string, [chain, text]: readonly [string, string]): Promise<string> {
  const listing = await run(['ip', 'netns', 'exec', namespace, 'nft', '-a', 'list', 'chain', 'inet', 'rw', chain], '');
  const handle = /# handle (\d+)/.exec(listing.split('\n').find((line) => line.includes(text)) ?? '')?.[1];
  if (handle === undefined) throw new Error(`${namespace}: no rule in ${chain} says "${text}".`);
  return handle;
}

async function noticed(ask: () => Promise<Drift>, { point }: Tamper, begun: number): Promise<JsonObject | undefined> {
  const until = begun + waitMs;
  for (;;) {
    const { changes } = await ask();
    const found = changes.find((one) => one['point'] === point && Date.parse(String(one['at'])) >= begun);
    if (found !== undefined || Date.now() > until) return found;
    await sleep(100);
  }
}

async function healedAfter(
  namespace: string,
  { before, begun }: { readonly before: string; readonly begun: number },
): Promise<number> {
  for (;;) {
    const now = await kernelOf(namespace);
    const ms = Date.now() - begun;
    if (now === before) return ms;
    if (ms > waitMs) {
      console.log(firstDifference(before, now));
      return Number.POSITIVE_INFINITY;
    }
    await sleep(50);
  }
}

function firstDifference(before: string, now: string): string {
  const [left, right] = [new Set(before.split('\n')), new Set(now.split('\n'))];
  const gone = [...left].filter((line) => !right.has(line)).slice(0, 3);
  const come = [...right].filter((line) => !left.has(line)).slice(0, 3);
  return [
    ...gone.map((line) => `    - ${line.slice(0, 300)}`),
    ...come.map((line) => `    + ${line.slice(0, 300)}`),
  ].join('\n');
}

function makerIn(drift: JsonObject | undefined): string {
  const list = Array.isArray(drift?.['differences']) ? drift['differences'].filter(isObject) : [];
  const by = list.map((one) => one['by']).find(isObject);
  return by === undefined ? 'nobody' : String(by['process']);
}

/** The link in the router on host 1 that the guest's address lies behind. */
async function portOf({ number }: OwnStamp, address: string): Promise<string> {
  const route = await run(['ip', 'netns', 'exec', `rw${number}-v1h1`, 'ip', 'route', 'show', address], '');
  const port = /dev (n\d+)/.exec(route)?.[1];
  if (port === undefined) throw new Error(`The guest ${address} is not on host 1: ${route}`);
  return port;
}

/** After so much tampering host 1 takes no guest until it is trusted. */
async function judgeTrust({
  stamp,
  link,
  furniture,
}: {
  readonly stamp: OwnStamp;
  readonly link: LinkClient;
  readonly furniture: Furniture;
}): Promise<void> {
  const hosts = (await link.call<Drift>('drift', [])).untrustedHosts;
  told(hosts.join() === 'h1', `host h1 is not trusted any more: ${hosts.join()}`);
  for (const name of ['late1', 'late2']) {
    await furniture.makeNic(name, { subnet: 'vnet0/subnets/loose' });
    await furniture.makeMachine(name, [name]);
  }
  const on = async (name: string) =>
    (await link.call<{ internal: { host: string } }>('resource', [furniture.machine(name)])).internal.host;
  const places = [await on('late1'), await on('late2')];
  told(places.join() === 'h2,h2', `new guests are placed on ${places.join()}`);
  await link.call('trust', ['h1']);
  const { untrustedHosts } = await link.call<Drift>('drift', []);
  told(untrustedHosts.length === 0, `trusted again on stamp ${stamp.number}: ${untrustedHosts.join() || 'all'}`);
  await furniture.makeNic('late3', { subnet: 'vnet0/subnets/loose' });
  await furniture.makeMachine('late3', ['late3']);
  told((await on('late3')) === 'h1', `the next guest is placed on ${await on('late3')}`);
}
