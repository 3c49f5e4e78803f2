/** A process that is another tenant: so many echoes a second between two guests, by the clock, whatever else the machine does. It reports at each line of input. */

import { createInterface } from 'node:readline';
import { closeUdp, drainUdp, openUdp, sendUdp } from '#bench/udp.ts';
import type { StreamOrder } from '#test/kill/stream.ts';

/** Echoes that were due and came back, and how long one took, since the last report. */
export type NeighbourReport = {
  readonly due: number;
  readonly answered: number;
  readonly p50Us: number;
  readonly p99Us: number;
};

const perSecond = 2000;
const tickMs = 5;
/** How many may be sent late at once: one that was never sent is lost. */
const lateMax = perSecond / 2;

const { left, right, from, to, port } = JSON.parse(process.argv[2] ?? '{}') as StreamOrder;
const sender = openUdp(left, { address: from, port }, { address: to, port });
const answering = openUdp(right, { address: to, port }, { address: from, port });
let began = performance.now();
let [sent, answered] = [0, 0];
let took: number[] = [];

/** A packet crosses the data plane within the call that sends it, so that an echo is over when the calls are. */
function echo(): void {
  const start = performance.now();
  sendUdp(sender);
  for (let count = drainUdp(answering); count > 0; count--) sendUdp(answering);
  const back = drainUdp(sender);
  answered += back;
  if (back > 0) took.push((performance.now() - start) * 1000);
}

const due = (): number => Math.floor(((performance.now() - began) * perSecond) / 1000);
const timer = setInterval(() => {
  const wanted = Math.min(due(), sent + lateMax);
  for (; sent < wanted; sent++) echo();
}, tickMs);

createInterface({ input: process.stdin })
  .on('line', () => {
    const sorted = took.toSorted((one, other) => one - other);
    const at = (part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
    // What is due since the last tick is not late yet.
    const report: NeighbourReport = {
      due: Math.max(sent, due() - (perSecond * tickMs * 4) / 1000),
      answered,
      p50Us: at(0.5),
      p99Us: at(0.99),
    };
    process.stdout.write(`${JSON.stringify(report)}\n`);
    [began, sent, answered, took] = [performance.now(), 0, 0, []];
  })
  .once('close', () => {
    clearInterval(timer);
    closeUdp(sender);
    closeUdp(answering);
    process.exit(0);
  });
