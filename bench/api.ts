/** Reads over HTTPS beside a bare server that answers the same bytes, many writers at once, and the memory of all our processes, on a real stamp. */

import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '#base/json.ts';
import { startBare } from '#bench/bare.ts';
import { loadNow, medianOf, rounded } from '#bench/figures.ts';
import { Furniture, ruleBody } from '#bench/furniture.ts';
import { load, processorMs, type Load, type Target } from '#bench/https-load.ts';
import { modelNics } from '#bench/modelled.ts';
import { type OwnStamp, withOwnStamp } from '#bench/own-stamp.ts';
import { inParallel } from '#bench/parallel.ts';
import { memoryOfAll, processesOf } from '#bench/processes.ts';
import { progress } from '#bench/progress.ts';

const width = 16;
const writers = 64;
const nics = 1000;
const subnets = 4;
const rules = 10;
/** Ours and the bare server in turns, so that what else the machine does meets both. */
const blocks = 7;
const getsPerBlock = 3000;
const listsPerBlock = 60;
/** After a start: what loading left behind is given back, and nothing is asked. */
const settleMs = 15_000;

/** `npm run bench -- api`: reads of a model, which is on the same loopback as the bare server; writers and memory on a real stamp, and reads there too. */
export async function benchApi(): Promise<JsonObject> {
  const model = await withOwnStamp(measureModel, { model: true });
  const stamp = await withOwnStamp(measureStamp, { settings: 'remoteHosts: 1\n' });
  const { reads, ...rest } = stamp;
  return { reads: [...model.reads, ...reads], ...rest, model: model.memory, aims };
}

const aims = { get_over_bare: 0.5, list_p99_ms: 150, writes_failed: 0, idle_mb: 400, nics_10000_mb: 900 };

type Reads = readonly (JsonObject & { readonly what: string })[];

async function measureModel(model: OwnStamp): Promise<{ readonly reads: Reads; readonly memory: JsonObject }> {
  const processes = new Map([['model', Number(model.ready['pid'])]]);
  await sleep(settleMs);
  const idle = memoryOfAll(processes).total;
  const furniture = new Furniture(model, 'api');
  await makeGroups(furniture);
  await write(furniture);
  const reads = await read(furniture, { pid: () => Number(model.ready['pid']), where: 'model' });
  return { reads, memory: { idle_mb: idle, [`nics_${nics}_mb`]: memoryOfAll(processes).total } };
}

async function measureStamp(stamp: OwnStamp): Promise<JsonObject & { readonly reads: Reads }> {
  const idle = await settled(stamp);
  const furniture = new Furniture(stamp, 'api');
  await makeGroups(furniture);
  const writers = await write(furniture);
  const after = await settled(stamp);
  const pid = (): number => processesOf(stamp.number).get('stampd') ?? 0;
  const reads = await read(furniture, { pid, where: 'stamp' });
  const modelled = await modelNics(stamp);
  const large = await settled(stamp);
  return {
    reads,
    writers,
    memory_mb: { idle: idle.total, [`nics_${nics}`]: after.total, [`nics_${modelled + nics}`]: large.total },
    processes: [
      { when: 'idle', ...idle.of },
      { when: `${nics} NICs`, ...after.of },
      { when: `${modelled + nics} NICs`, ...large.of },
    ],
  };
}

/** Where what is measured runs: its process, and the word for it. */
type Server = { readonly pid: () => number; readonly where: string };

async function read(furniture: Furniture, server: Server): Promise<Reads> {
  const rows: [string, string, number][] = [
    ['GET of one NSG', 'networkSecurityGroups/web', getsPerBlock],
    [`list of ${nics} NICs`, 'networkInterfaces', listsPerBlock],
  ];
  const reads: Reads[number][] = [];
  for (const [what, path, count] of rows) {
    const found = await beside(furniture.stamp, { path: furniture.network(path), pid: server.pid() }, count);
    reads.push({ what: `${server.where}: ${what}`, ...found });
  }
  return reads;
}

async function settled(stamp: OwnStamp): Promise<ReturnType<typeof memoryOfAll>> {
  await sleep(settleMs);
  return memoryOfAll(processesOf(stamp.number));
}

async function makeGroups(furniture: Furniture): Promise<void> {
  progress('Making a group, a network and an NSG.');
  await furniture.makeGroup();
  const names = Array.from({ length: subnets }, (_, index) => `s${index}`);
  await furniture.makeVnet(
    'net',
    '10.0.0.0/16',
    names.map((name, index) => ({ name, properties: { addressPrefix: `10.0.${index * 16}.0/20` } })),
  );
  const list = Array.from({ length: rules }, (_, index) => ({
    name: `r${index}`,
    properties: ruleBody({ priority: 100 + index, port: 1000 + index }),
  }));
  await furniture.makeGroupOfRules('web', list);
}

/** Makes the NICs, so many at once; an answer that is no success counts as failed, and nothing is tried again. */
async function write(furniture: Furniture): Promise<JsonObject> {
  progress(`Making ${nics} NICs by ${writers} writers.`);
  const samples: number[] = [];
  let failed = 0;
  const start = performance.now();
  await inParallel(
    Array.from({ length: nics }, (_, index) => index),
    writers,
    async (index) => {
      const began = performance.now();
      await furniture.makeNic(`nic${index}`, { subnet: `net/subnets/s${index % subnets}` }).catch((error: unknown) => {
        failed += 1;
        progress(`A write failed: ${String(error).slice(0, 300)}`);
      });
      samples.push(performance.now() - began);
    },
  );
  const seconds = (performance.now() - start) / 1000;
  const p50 = rounded(medianOf(samples));
  return { width: writers, writes: nics, failed, per_second: Math.round(nics / seconds), p50_ms: p50, load: loadNow() };
}

type Beside = JsonObject & { readonly over_bare: number };

/** The same bytes from both, in turns. `over_bare`: ours over the bare server's answers a second, the middle of the turns. */
async function beside(
  stamp: OwnStamp,
  { path, pid }: { readonly path: string; readonly pid: number },
  count: number,
): Promise<Beside> {
  progress(`Reading ${path.split('/').at(-1) ?? ''}`);
  const { arm } = stamp;
  const ours: Target = {
    url: arm.url(path),
    ca: readFileSync(join(stamp.state, 'ca.pem'), 'utf8'),
    token: await arm.token(),
  };
  const answer = await answerOf(ours);
  const bare = await startBare(answer);
  const theirs = { url: `https://localhost:${bare.port}/`, ca: bare.ca };
  const turns: { readonly own: Turn; readonly other: Turn }[] = [];
  try {
    await load(theirs, { count: Math.ceil(count / 3), width });
    await load(ours, { count: Math.ceil(count / 3), width });
    for (let block = 0; block < blocks; block++) {
      turns.push({ own: await turn(ours, count, pid), other: await turn(theirs, count, bare.pid) });
    }
  } finally {
    bare.close();
  }
  const middle = (pick: (one: (typeof turns)[number]) => number): number => rounded(medianOf(turns.map(pick)));
  return {
    bytes: answer.text.length,
    per_second: middle(({ own }) => own.perSecond),
    bare_per_second: middle(({ other }) => other.perSecond),
    over_bare: middle(({ own, other }) => own.perSecond / other.perSecond),
    cpu_ms: middle(({ own }) => own.cpuMs),
    bare_cpu_ms: middle(({ other }) => other.cpuMs),
    p50_ms: middle(({ own }) => own.p50_ms),
    p99_ms: middle(({ own }) => own.p99_ms),
    bare_p99_ms: middle(({ other }) => other.p99_ms),
    load: loadNow(),
  };
}

/** `cpuMs`: of the server per answer. */
type Turn = Load & { readonly cpuMs: number };

async function turn(target: Target, count: number, pid: number): Promise<Turn> {
  const before = processorMs(pid);
  const found = await load(target, { count, width });
  return { ...found, cpuMs: (processorMs(pid) - before) / count };
}

/** The answer and its headers, without those that Node's server writes itself. */
async function answerOf({
  url,
  ca,
  token = '',
}: Target): Promise<{ text: string; headers: Readonly<Record<string, string>> }> {
  return await new Promise((resolve, reject) => {
    get(url, { ca, headers: { authorization: `Bearer ${token}` } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const own = Object.entries(response.headers).filter(
          ([name]) => !['date', 'connection', 'keep-alive', 'content-length'].includes(name),
        );
        const headers = Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
        resolve({ text: Buffer.concat(chunks).toString('utf8'), headers });
      });
    }).on('error', reject);
  });
}
