/** Cost per packet: batches of 20 UDP sends through the real data plane, with a 1,000-rule group, with none, and over plain routing. */

import type { JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import { medianOf } from '#bench/figures.ts';
import { takeNumber } from '#bench/free-number.ts';
import { buildPaths, servedPort, type Path } from '#bench/paths.ts';
import { progress } from '#bench/progress.ts';
import { closeUdp, drainUdp, emptyCallNs, openUdp, sendUdp } from '#bench/udp.ts';

const rules = 1000;
const rounds = 400;
const batch = 20;
const flowPort = 5000;
const freshPortFirst = 10_000;

type Kind = 'established' | 'fresh';
type Samples = { readonly [kind in Kind]: number[] };

/** `npm run bench -- datapath` */
export async function benchDatapath(): Promise<JsonObject> {
  const { number, release } = takeNumber();
  progress(`Building two VNets and a plain path on stamp ${number}.`);
  const { paths, close } = await buildPaths(number, rules);
  try {
    const samples = measure(paths);
    const call = Math.min(...Array.from({ length: 20 }, () => emptyCallNs(1000)));
    return result(samples, call);
  } finally {
    await close();
    release();
  }
}

/** Every round visits every path, so that what else the machine does falls on all alike. */
function measure(paths: readonly Path[]): ReadonlyMap<string, Samples> {
  const found = new Map<string, Samples>();
  const open = paths.map((path) => {
    const samples: Samples = { established: [], fresh: [] };
    found.set(path.name, samples);
    const sender = establish(path);
    return { path, sender, receiver: openUdp(path.right, { address: path.to, port: servedPort }), samples };
  });
  for (let round = 0; round < rounds; round++) {
    for (const { path, receiver, sender, samples } of open) {
      samples.established.push(sendAll(Array.from({ length: batch }, () => sender)));
      expect(path, drainUdp(receiver));
      const senders = Array.from({ length: batch }, (_, index) =>
        openUdp(
          path.left,
          { address: path.from, port: freshPortFirst + round * batch + index },
          { address: path.to, port: servedPort },
        ),
      );
      samples.fresh.push(sendAll(senders));
      expect(path, drainUdp(receiver));
      senders.forEach(closeUdp);
    }
  }
  for (const { receiver, sender } of open) [receiver, sender].forEach(closeUdp);
  return found;
}

/** One packet each way: from now on the flow is established for connection tracking. */
function establish(path: Path): number {
  const receiver = openUdp(path.right, { address: path.to, port: servedPort });
  const sender = openUdp(path.left, { address: path.from, port: flowPort }, { address: path.to, port: servedPort });
  // The first packets resolve neighbours.
  for (let tries = 0; tries < 50 && drainUdp(receiver) === 0; tries++) {
    sendUdp(sender);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  closeUdp(receiver);
  const answering = openUdp(path.right, { address: path.to, port: servedPort }, { address: path.from, port: flowPort });
  sendUdp(answering);
  closeUdp(answering);
  return sender;
}

function sendAll(senders: readonly number[]): number {
  const start = performance.now();
  for (const sender of senders) sendUdp(sender);
  return ((performance.now() - start) * 1e6) / senders.length;
}

/** A path that drops packets is cheap for the wrong reason. */
function expect({ name }: Path, arrived: number): void {
  if (arrived !== batch)
    throw new Fault('PacketsLost', `${arrived} of ${batch} packets arrived on the path "${name}".`);
}

function result(samples: ReadonlyMap<string, Samples>, callNs: number): JsonObject {
  const figures = new Map(
    [...samples].map(([name, own]) => [name, { established: costOf(own.established), fresh: costOf(own.fresh) }]),
  );
  const rows = [...figures].map(([path, { established, fresh }]) => ({
    path: { group: `${rules}-rule group`, none: 'no group', plain: 'plain routing, no nft' }[path] ?? path,
    established_min_ns: established.min,
    established_median_ns: established.median,
    new_flow_min_ns: fresh.min,
    new_flow_median_ns: fresh.median,
  }));
  const ratio = (over: string, kind: Kind, figure: 'min' | 'median') => {
    const net = (name: string) => (figures.get(name)?.[kind][figure] ?? 0) - callNs;
    return Math.round((net('group') / net(over)) * 100) / 100;
  };
  return {
    rows,
    limits: { empty_call_ns: Math.round(callNs) },
    ratio: {
      says: 'the cost of an empty call is taken off both sides',
      established_over_no_group: ratio('none', 'established', 'median'),
      established_over_no_group_min: ratio('none', 'established', 'min'),
      established_over_plain: ratio('plain', 'established', 'median'),
      new_flow_over_no_group: ratio('none', 'fresh', 'median'),
      new_flow_over_plain: ratio('plain', 'fresh', 'median'),
    },
  };
}

function costOf(list: readonly number[]): { readonly min: number; readonly median: number } {
  return { min: Math.round(Math.min(...list)), median: Math.round(medianOf(list)) };
}
