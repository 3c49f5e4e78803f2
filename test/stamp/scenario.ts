/** Scenarios of the packet suite: a stamp in few words, and rows that say what one packet or one conversation must do. */

import { deepFreeze } from '#base/json.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { StampFacts } from '#model/resource.ts';
import type { Header } from '#program/filter.ts';
import type { Origin, Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { type Build, labStamp, newBuild, viewOf } from '#test/generate/build.ts';
import type { Arrival, Harness } from '#test/stamp/harness.ts';

/**
 * From (a NIC's mark, `internet`, `operator`, `probe POINT`), flow `tcp 10.0.0.4:50000 > 10.0.0.5:80`, and the end:
 * `nothing`, or `nic 2`, `internet` …, with ` as FLOW` when the header must be another, and `* ` before it when the answer
 * must come back too (the marks after ` by ` are NVAs that pass it on), `! ` when it must not come back. NETWORK stands for the stamp's own numbers: `{N}`.
 */
export type Row = readonly [from: number | string, flow: string, expected: string];

export type Scenario = { readonly name: string; readonly build: (build: Build) => void; readonly rows: readonly Row[] };

/** The facts of the test's stamp. */
function factsOf(stamp: number): StampFacts {
  return { ...labStamp, number: stamp, publicPools: [`198.18.${stamp}.0/24`, `2001:db8:${stamp.toString(16)}::/64`] };
}

/** The programs of what a scenario builds. */
export function programsFrom(stamp: number, make: (build: Build) => void): Programs {
  const build = newBuild(factsOf(stamp));
  make(build);
  return deepFreeze(compileStamp(viewOf(build), build.stamp, new CompileMemo()));
}

/** Runs one row; undefined when it holds, else what was seen. Nothing is ever tried twice. */
export async function runRow(harness: Harness, row: Row): Promise<string | undefined> {
  const [from, flowText, expectedText] = row.map((part) =>
    typeof part === 'string' ? numbered(part, harness.stamp) : part,
  ) as unknown as Row;
  const packet: Packet = { origin: originOf(from), ...headerOf(flowText) };
  const { isConversation, isAnswered, end, nvas } = expectationOf(expectedText);
  harness.newFlow([packet, ...(end === 'nothing' ? [] : [endHeader(end, packet)])]);
  if (!isConversation)
    return check(
      end,
      packet,
      await harness.send(packet, (arrivals) => end === 'nothing' || arrivals.some((one) => isEnd(one, end, packet))),
    );
  return await converse(harness, { packet, end, nvas, isAnswered });
}

function check(end: string, packet: Packet, arrivals: readonly Arrival[]): string | undefined {
  const tagged = arrivals.filter(({ seen, at }) => seen.tag !== undefined && at !== 'infra' && !seen.isEchoReply);
  if (end === 'nothing') return tagged.length === 0 ? undefined : `seen: ${tagged.map(print).join(', ')}`;
  const isGood = arrivals.some((one) => isEnd(one, end, packet)) && tagged.every((one) => isEnd(one, end, packet));
  return isGood ? undefined : `seen: ${arrivals.map(print).join(', ') || 'nothing'}`;
}

type Talk = {
  readonly packet: Packet;
  readonly end: string;
  readonly nvas: readonly number[];
  readonly isAnswered: boolean;
};

/** There, back, and there again; NVAs on the way pass on what they get, unchanged. */
async function converse(harness: Harness, { packet, end, nvas, isAnswered }: Talk): Promise<string | undefined> {
  const there = await follow(harness, { packet, nvas, flags: 2 });
  if (there === undefined || !isEnd(there, end, packet))
    return `seen: ${there === undefined ? 'nothing' : print(there)}`;
  const answer: Packet = { origin: originAt(there.at), ...reversed(there.packet) };
  const back = await follow(harness, {
    packet: answer,
    nvas,
    flags: 0x12,
    identifier: there.seen.identifier,
    isReply: true,
  });
  if (!isAnswered) return back === undefined ? undefined : `the answer came to ${print(back)}`;
  if (back === undefined) return 'the answer did not come back';
  if (back.at !== placeOf(packet.origin)) return `the answer came to ${print(back)}`;
  const { source, target, sourcePort, targetPort } = back.packet;
  if (
    source !== packet.target ||
    target !== packet.source ||
    sourcePort !== packet.targetPort ||
    targetPort !== packet.sourcePort
  )
    return `the answer came as ${print(back)}`;
  const again = await follow(harness, { packet, nvas, flags: 0x10 });
  return again !== undefined && again.at === there.at ? undefined : 'the flow did not go on';
}

type Leg = {
  readonly packet: Packet;
  readonly nvas: readonly number[];
  readonly flags: number;
  readonly identifier?: number;
  readonly isReply?: boolean;
};

/** Sends, and lets each NVA that gets the packet send it on, until it is at an end. */
export async function follow(
  harness: Harness,
  { packet, nvas, flags, identifier = 7, isReply = false }: Leg,
): Promise<Arrival | undefined> {
  let [origin, header]: [Origin, Header] = [packet.origin, packet];
  for (let hop = 0; hop < 4; hop++) {
    const arrivals = await harness.send(
      { origin, ...header },
      (seen) => seen.some((one) => one.seen.tag !== undefined || one.at === 'infra'),
      { flags, identifier, isReply },
    );
    const arrival = arrivals.find((one) => one.seen.tag !== undefined);
    if (arrival === undefined) return undefined;
    const nva = nvas.find((mark) => arrival.at === `nic ${mark}`);
    if (nva === undefined || (packet.target === arrival.packet.target && isOwn(harness, nva, packet.target)))
      return arrival;
    [origin, header] = [{ kind: 'nic', mark: nva }, arrival.packet];
  }
  return undefined;
}

function isOwn(harness: Harness, mark: number, address: string): boolean {
  return Object.hasOwn(harness.port(mark)?.addresses ?? {}, address);
}

function reversed({ source, target, protocol, sourcePort, targetPort }: Header): Header {
  return { source: target, target: source, protocol, sourcePort: targetPort, targetPort: sourcePort };
}

function expectationOf(text: string): {
  isConversation: boolean;
  isAnswered: boolean;
  end: string;
  nvas: readonly number[];
} {
  const isAnswered = text.startsWith('* ');
  const isConversation = isAnswered || text.startsWith('! ');
  const [end = '', by = ''] = (isConversation ? text.slice(2) : text).split(' by ');
  return { isConversation, isAnswered, end, nvas: by === '' ? [] : by.split(',').map(Number) };
}

function endHeader(end: string, packet: Packet): Header {
  const [, flow] = end.split(' as ');
  return flow === undefined ? packet : headerOf(flow);
}

/** `nic 2|3` names several NICs; a `*` in place of a source port stands for any. */
function isEnd({ at, packet }: Arrival, end: string, sent: Packet): boolean {
  const [place = '', flow] = end.split(' as ');
  const [kind = '', marks = ''] = place.split(' ');
  if (kind === 'infra') return at === 'infra';
  const isThere = kind === 'nic' ? marks.split('|').some((mark) => at === `nic ${mark}`) : at === kind;
  const wanted = flow === undefined ? sent : headerOf(flow.replace(':*', ':0'));
  const isPort = flow?.includes(':* ') === true || packet.sourcePort === wanted.sourcePort;
  const isAddress = flow?.includes(' ANY ') === true || packet.target === wanted.target;
  return (
    isThere &&
    packet.source === wanted.source &&
    isAddress &&
    packet.protocol === wanted.protocol &&
    packet.targetPort === wanted.targetPort &&
    isPort
  );
}

/** Reads `tcp 10.0.0.4:50000 > 10.0.0.5:80`, `icmp fd00::4 > fd00::5`, `udp [fd00::4]:1 > [fd00::5]:53`. */
export function headerOf(text: string): Header {
  const [protocol = '', source = '', , target = ''] = text.split(' ');
  const [from, to] = [endOf(source, 50_000), endOf(target, 80)];
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  return {
    protocol: protocol as Header['protocol'],
    source: from[0],
    target: to[0],
    sourcePort: hasPorts ? from[1] : 0,
    targetPort: hasPorts ? to[1] : 0,
  };
}

function endOf(text: string, port: number): [string, number] {
  const six = /^\[(.*)\](?::(\d+))?$/.exec(text);
  if (six !== null) return [six[1] ?? '', Number(six[2] ?? port)];
  if (text.split(':').length > 2) return [text, port];
  const [address = '', given] = text.split(':');
  return [address, Number(given ?? port)];
}

function numbered(text: string, stamp: number): string {
  return text
    .replaceAll('{N}', String(stamp))
    .replaceAll('{X}', stamp.toString(16))
    .replaceAll('{O}', String(64 + stamp));
}

function originOf(from: number | string): Origin {
  if (typeof from === 'number') return { kind: 'nic', mark: from };
  if (from.startsWith('probe ')) return { kind: 'probe', point: from.slice(6) };
  return from === 'internet' ? { kind: 'internet' } : { kind: 'operator' };
}

function originAt(at: string): Origin {
  const mark = /^nic (\d+)$/.exec(at)?.[1];
  return mark === undefined ? originOf(at) : { kind: 'nic', mark: Number(mark) };
}

function placeOf(origin: Origin): string {
  return origin.kind === 'nic' ? `nic ${origin.mark}` : origin.kind;
}

function print({ at, packet }: Arrival): string {
  return `${at} ${packet.protocol} ${packet.source}:${packet.sourcePort} > ${packet.target}:${packet.targetPort}`;
}
