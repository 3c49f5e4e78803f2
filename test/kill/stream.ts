/** A process of its own that keeps packets flowing while others die: a UDP echo between two guests, and new HTTP connections from the internet to a load balancer. It reports at each line of input. */

import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';
import { closeUdp, drainUdp, openUdp, sendUdp } from '#bench/udp.ts';

export type StreamOrder = {
  /** Paths of the guests' network namespaces. */
  readonly left: string;
  readonly right: string;
  readonly from: string;
  readonly to: string;
  readonly port: number;
};

/** What passed since the last report. Gaps count from one answer to the next. */
export type StreamReport = { readonly sent: number; readonly lost: number; readonly longestGapMs: number };

/** An address of the stamp's internet: whoever visits says which one is his. */
const visitor = '198.51.100.77';
const visitEveryMs = 40;
const visitTimeoutMs = 4000;
const everyMs = 5;
/** An answer that took longer than this many turns is a lost packet. */
const turnsMax = 4;

const [kind, order] = process.argv.slice(2);
if (kind === 'udp') echo(JSON.parse(order ?? '{}') as StreamOrder);
if (kind === 'http') visits(String(order));
if (kind === 'http-in') visit(String(order));

/** Sends and answers in one process: a packet crosses the data plane within the call that sends it, so nothing else can be late. */
function echo({ left, right, from, to, port }: StreamOrder): void {
  const [near, far] = [
    { address: from, port },
    { address: to, port },
  ];
  const sender = openUdp(left, near, far);
  const answering = openUdp(right, far, near);
  const counts = newCounts();
  const timer = setInterval(() => {
    counts.sent += 1;
    if (!sendUdp(sender)) counts.refused += 1;
    for (let count = drainUdp(answering); count > 0; count--) sendUdp(answering);
    const arrived = drainUdp(sender);
    if (arrived > 0) met(counts, arrived);
  }, everyMs);
  serve(
    () => report(counts, turnsMax),
    () => {
      clearInterval(timer);
      closeUdp(sender);
      closeUdp(answering);
    },
  );
}

/** Runs the visitor inside the internet's namespace, so that each connection is new to everything on its way. */
function visits(place: string): void {
  const [namespace = '', url = ''] = place.split(' ');
  const flags = process.execArgv;
  const child = spawn(
    'nsenter',
    [`--net=/run/netns/${namespace}`, '--', process.execPath, ...flags, import.meta.filename, 'http-in', url],
    { stdio: ['inherit', 'inherit', 'inherit'] },
  );
  child.once('exit', (code) => process.exit(code ?? 1));
}

function visit(url: string): void {
  const counts = newCounts();
  const timer = setInterval(() => {
    counts.sent += 1;
    const request = get(url, { agent: false, timeout: visitTimeoutMs, localAddress: visitor }, (response) => {
      response.resume();
      response.once('end', () => met(counts, 1));
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => (counts.refused += 1));
  }, visitEveryMs);
  serve(
    () => report(counts, Math.ceil(visitTimeoutMs / visitEveryMs) + 5),
    () => clearInterval(timer),
  );
}

type Counts = { sent: number; answered: number; refused: number; carried: number; last: number; longest: number };

function newCounts(): Counts {
  return { sent: 0, answered: 0, refused: 0, carried: 0, last: performance.now(), longest: 0 };
}

function met(counts: Counts, count: number): void {
  const now = performance.now();
  counts.answered += count;
  counts.longest = Math.max(counts.longest, now - counts.last);
  counts.last = now;
}

/** What is still on its way is counted at the next report. */
function report(counts: Counts, openMax: number): StreamReport {
  const open = counts.carried + counts.sent - counts.answered - counts.refused;
  const lost = counts.refused + Math.max(0, open - openMax);
  const longest = Math.max(counts.longest, performance.now() - counts.last);
  const result = { sent: counts.sent, lost, longestGapMs: Math.round(longest) };
  Object.assign(counts, {
    sent: 0,
    answered: 0,
    refused: 0,
    carried: Math.max(0, Math.min(open, openMax)),
    longest: 0,
  });
  return result;
}

function serve(answer: () => StreamReport, end: () => void): void {
  createInterface({ input: process.stdin })
    .on('line', () => process.stdout.write(`${JSON.stringify(answer())}\n`))
    .once('close', () => {
      end();
      process.exit(0);
    });
}
