/** Kernel against oracle and verifier: random packets on random stamps; every disagreement is told with its seed. */

import { setTimeout as sleep } from 'node:timers/promises';
import { deepFreeze } from '#base/json.ts';
import { openingLongestMs } from '#base/limits.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { evaluate } from '#program/eval.ts';
import type { Header } from '#program/filter.ts';
import type { Delivered, Fate, Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { withOpenings } from '#test/generate/opening.ts';
import { aimed, packetPool, randomPacket } from '#test/generate/packet.ts';
import { randomFrom } from '#test/generate/random.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { Reach, reachParts } from '#verify/reach/reach.ts';
import { randomStamp } from '#test/generate/stamp.ts';
import { judgePacket } from '#test/oracle/sets.ts';
import type { Arrival, Harness } from '#test/stamp/harness.ts';

export type Differential = {
  readonly stamps: number;
  readonly packets: number;
  readonly delivered: number;
  readonly disagreements: readonly string[];
};

/** Runs `stamps` random stamps with `packets` packets each, from a seed. */
export async function differential(
  harness: Harness,
  {
    seed,
    stamps,
    packets,
    onStamp,
  }: { seed: number; stamps: number; packets: number; onStamp?: (index: number) => void },
): Promise<Differential> {
  const disagreements: string[] = [];
  let [count, delivered] = [0, 0];
  for (let index = 0; index < stamps; index++) {
    onStamp?.(index);
    const programs = programsOf(seed + index, harness.stamp);
    await harness.apply(programs);
    for (const point of Object.keys(programs)) {
      for (const { kind, says } of await harness.plane.readBack(point))
        disagreements.push(`seed ${seed + index} ${point}: read back: ${kind} ${says}`);
    }
    const random = randomFrom((seed + index) * 7919 + 1);
    const pool = packetPool(programs);
    const reach = new Reach(programs, reachParts(new PacketSets()));
    const sent = new Map<number, string>();
    for (let number = 0; number < packets; number++) {
      const any = ofStamp(randomPacket(random, pool), harness.stamp);
      // Half of the packets aim at what exists: else most would only show that nothing is there.
      const packet = random.chance(0.5) ? aimed(random, programs, any) : any;
      const fate = evaluate(programs, packet);
      count++;
      if (fate.verdict === 'deliver') delivered++;
      const unlike = unlikeSets(reach, packet);
      if (unlike !== undefined) disagreements.push(`seed ${seed + index} #${number}: ${unlike}`);
      const says = await judge(harness, { programs, packet, fate, sent });
      if (says !== undefined) disagreements.push(`seed ${seed + index} #${number}: ${says}`);
    }
    await sleep(5);
    for (const { at, seen } of harness.look()) {
      if (seen.tag !== undefined)
        disagreements.push(`seed ${seed + index}: late at ${at}: ${sent.get(seen.tag) ?? 'unknown'}`);
    }
  }
  return { stamps, packets: count, delivered, disagreements };
}

/** The programs of a random stamp, with the numbers of the harness's stamp. */
function programsOf(seed: number, stamp: number): Programs {
  const facts = {
    ...labStamp,
    number: stamp,
    publicPools: [`198.18.${stamp}.0/24`, `2001:db8:${stamp.toString(16)}::/64`],
  };
  const build = randomStamp(seed, facts);
  const programs = deepFreeze(compileStamp(viewOf(build), build.stamp, new CompileMemo()));
  return seed % 2 === 0 ? withOpenings(randomFrom(seed), programs, Date.now() + openingLongestMs) : programs;
}

function ofStamp(packet: Packet, stamp: number): Packet {
  // The link's other address is the boundary's own: its kernel takes nothing from it, whatever rules say.
  const move = (text: string) => text.replace(/^169\.254\.64\.[12]$/, `169.254.${64 + stamp}.1`);
  return { ...packet, source: move(packet.source), target: move(packet.target) };
}

function unlikeSets(reach: Reach, packet: Packet): string | undefined {
  try {
    judgePacket(reach, packet, `${describe(packet)}: sets and oracle`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type Case = {
  readonly programs: Programs;
  readonly packet: Packet;
  readonly fate: Fate;
  readonly sent: Map<number, string>;
};

async function judge(harness: Harness, { programs, packet, fate, sent }: Case): Promise<string | undefined> {
  const ends = fate.verdict === 'deliver' ? fate.to : [];
  harness.newFlow([packet, ...ends.map((end) => end.packet)]);
  const fits = (arrival: Arrival) => ends.some((end) => isAt(arrival, { programs, end }));
  const answering =
    ends.some(({ at }) => at.kind === 'router') && packet.origin.kind === 'nic'
      ? harness.routerOf(packet.origin.mark)
      : undefined;
  const before = answering === undefined ? 0 : harness.answers(answering);
  const arrivals = await harness.send(
    packet,
    (seen) => ends.length === 0 || answering !== undefined || seen.some(fits),
  );
  if (answering !== undefined && harness.answers(answering) === before + 1) return undefined;
  const text = describe(packet);
  for (const { seen } of arrivals) if (seen.tag !== undefined) sent.set(seen.tag, text);
  const good = arrivals.filter(fits);
  const tagged = arrivals.filter(({ seen, at }) => seen.tag !== undefined && at !== 'infra' && !seen.isEchoReply);
  if (ends.length === 0) {
    return tagged.length === 0
      ? undefined
      : `${text}\n    oracle: drop, ${fate.verdict === 'drop' ? fate.because : ''}\n    kernel: ${tagged.map(print).join(', ')}`;
  }
  const strange = tagged.filter((arrival) => !fits(arrival));
  if (good.length >= 1 && strange.length === 0) return undefined;
  // Which target the kernel's hash chooses is its own: nothing arrives only if one of them leads to a drop.
  if (arrivals.length === 0 && fate.verdict === 'deliver' && fate.drops.length > 0) return undefined;
  const wanted = ends
    .map(({ at, packet: header }) => `${at.kind === 'nic' ? `nic ${at.mark}` : at.kind} ${describeHeader(header)}`)
    .join(' | ');
  const hops = fate.hops.map(({ point, because }) => `${point} ${because}`).join('; ');
  return `${text}\n    oracle: ${wanted}\n      by: ${hops}\n    kernel: ${arrivals.length === 0 ? 'nothing' : arrivals.map(print).join(', ')}`;
}

/** Is this arrival the delivery that the oracle speaks of? */
function isAt({ at, packet, seen }: Arrival, { programs, end }: { programs: Programs; end: Delivered }): boolean {
  switch (end.at.kind) {
    case 'nic':
      return (
        at === `nic ${end.at.mark}` &&
        seen.tag !== undefined &&
        !seen.isEchoReply &&
        isSame(packet, end.packet, programs)
      );
    case 'internet':
    case 'operator':
      return at === end.at.kind && seen.tag !== undefined && isSame(packet, end.packet, programs);
    case 'infra':
      // Nothing listens there: the endpoint's refusal shows that its firewall let the packet in.
      return at === 'infra' && packet.source === end.packet.target;
    case 'router':
      return false;
  }
}

function isSame(seen: Header, wanted: Header, programs: Programs): boolean {
  const { sourcePort, ...rest } = wanted;
  if (
    seen.source !== rest.source ||
    seen.target !== rest.target ||
    seen.protocol !== rest.protocol ||
    seen.targetPort !== rest.targetPort
  )
    return false;
  return seen.sourcePort === sourcePort || inBlock(programs, seen);
}

function inBlock(programs: Programs, { source, sourcePort }: Header): boolean {
  const edge = programs['edge'];
  if (edge?.kind !== 'edge') return false;
  return Object.values(edge.blocks).some(
    ({ address, ports }) => address === source && sourcePort >= ports[0] && sourcePort <= ports[1],
  );
}

function describe(packet: Packet): string {
  const { origin } = packet;
  const from =
    origin.kind === 'nic' ? `nic ${origin.mark}` : origin.kind === 'probe' ? `probe ${origin.point}` : origin.kind;
  return `${from} ${describeHeader(packet)}`;
}

function describeHeader({ protocol, source, sourcePort, target, targetPort }: Header): string {
  return `${protocol} ${source}:${sourcePort} > ${target}:${targetPort}`;
}

function print({ at, packet, seen }: Arrival): string {
  return `${at} ${describeHeader(packet)}${seen.tag === undefined ? ' (untagged)' : ''}`;
}
