/** What a canary shows: whether the kernel did with it what the oracle says of exactly this packet. */

import { canaryPlacesMax } from '#base/limits.ts';
import {
  type CanaryAnswer,
  type CanaryOrder,
  type CanaryPlace,
  type CanarySighting,
  placeText,
} from '#engine/canary/canary.ts';
import type { Drawn } from '#engine/canary/draw.ts';
import { evaluate } from '#program/eval.ts';
import type { Delivered, Fate } from '#program/packet.ts';
import type { Program, Programs } from '#program/program.ts';

/** A canary with what the oracle says of it, and the programs that the oracle asked on the way. */
export type Foretold = {
  readonly drawn: Drawn;
  readonly fate: Fate;
  readonly order: CanaryOrder;
  readonly by: ReadonlyMap<string, Program>;
};

/**
 * What is expected of a canary; undefined when it cannot be seen where it ends: at an appliance, which would send it on; at a router
 * itself; at a balance of which some targets drop it; or when a just-in-time opening lets it in, which only the kernel's clock ends.
 */
export function foretell(programs: Programs, drawn: Drawn): Foretold | undefined {
  const fate = evaluate(programs, drawn.packet);
  const { origin, source, target, sourcePort, targetPort } = drawn.packet;
  if (origin.kind !== 'nic' && origin.kind !== 'internet') return undefined;
  const watch = fate.verdict === 'drop' ? drawn.watch : placesOf(fate);
  if (watch === undefined || watch.length === 0 || watch.length > canaryPlacesMax) return undefined;
  // At the endpoints it is seen before their own firewall, which is the last to say no.
  if (fate.verdict === 'drop' && fate.hops.at(-1)?.point === 'infra') return undefined;
  const by = new Map<string, Program>();
  for (const point of ['edge', 'switch', 'infra', ...fate.hops.map((hop) => hop.point)]) {
    const program = Object.hasOwn(programs, point) ? programs[point] : undefined;
    if (program !== undefined) by.set(point, program);
  }
  if (evaluate(withoutOpenings(programs), drawn.packet).verdict !== fate.verdict) return undefined;
  const marks = watch.flatMap((place) => (place.kind === 'nic' ? [place.mark] : []));
  if (fate.verdict === 'deliver' && marks.some((mark) => isAppliance(programs, mark))) return undefined;
  return { drawn, fate, order: { origin, source, target, sourcePort, targetPort, watch }, by };
}

const closed = new WeakMap<Programs, Programs>();

/** The same programs as if every opening were over; itself when there is none. */
function withoutOpenings(programs: Programs): Programs {
  const known = closed.get(programs);
  if (known !== undefined) return known;
  const isOpened = Object.values(programs).some((one) => one.kind === 'router' && one.openings !== undefined);
  const entries = Object.entries(programs).map(([point, one]) => {
    return [point, one.kind === 'router' ? { ...one, openings: {} } : one] as const;
  });
  const made = isOpened ? Object.fromEntries(entries) : programs;
  closed.set(programs, made);
  return made;
}

function placesOf({ to, drops }: Extract<Fate, { verdict: 'deliver' }>): readonly CanaryPlace[] | undefined {
  if (drops.length > 0) return undefined;
  const places = to.map(({ at }) => placeOf(at));
  if (places.some((place) => place === undefined)) return undefined;
  return [...new Map(places.flatMap((place) => (place === undefined ? [] : [[placeText(place), place]]))).values()];
}

function placeOf(at: Delivered['at']): CanaryPlace | undefined {
  switch (at.kind) {
    case 'nic':
      return { kind: 'nic', mark: at.mark };
    case 'internet':
    case 'infra':
      return { kind: at.kind };
    case 'operator':
    case 'router':
      return undefined;
  }
}

function isAppliance(programs: Programs, mark: number): boolean {
  return Object.values(programs).some(
    (program) =>
      program.kind === 'router' && Object.values(program.ports).some((port) => port.mark === mark && port.forwarding),
  );
}

/** Are these the programs still that the oracle asked? Only then may the kernel be held to what it said. */
export function standsStill({ by }: Foretold, programs: Programs): boolean {
  return [...by].every(([point, program]) => programs[point] === program);
}

/**
 * `leaked`: it arrived where it is forbidden to. `altered`: it arrived as another packet than the oracle says. `lost`: it did not
 * arrive where it is promised to. `strayed`: a guest that saw its own canary had somebody else send it.
 */
export type CanaryVerdict = 'agrees' | 'untried' | 'leaked' | 'altered' | 'lost' | 'strayed';

export function judgeCanary({ fate, order }: Foretold, answer: CanaryAnswer, programs: Programs): CanaryVerdict {
  if (answer.state === 'untried') return 'untried';
  const { seen } = answer;
  if (fate.verdict === 'drop') {
    if (seen.length === 0) return 'agrees';
    return seen.some((one) => isSenders(order, one, programs)) ? 'leaked' : 'strayed';
  }
  if (seen.length === 0) return 'lost';
  const others = seen.filter((one) => !fate.to.some((wanted) => isAs(wanted, one)));
  if (others.length === 0) return 'agrees';
  // It came as promised, and something else with its mark besides: only its sender, a guest, can have made that.
  return others.length < seen.length && order.origin.kind === 'nic' ? 'strayed' : 'altered';
}

/** Source ports are not compared: a block of them stands for every one, and a translation may have to change one that is taken. */
function isAs({ at, packet }: Delivered, one: CanarySighting): boolean {
  const place = placeOf(at);
  return (
    place !== undefined &&
    placeText(place) === placeText(one.at) &&
    packet.source === one.source &&
    packet.target === one.target &&
    packet.targetPort === one.targetPort
  );
}

/**
 * Nobody but its sender knows a canary's mark. A guest may look at what leaves its own link, so what comes from a guest counts when
 * its source is one that only this NIC, or this canary itself, could have.
 */
function isSenders({ origin, source }: CanaryOrder, one: CanarySighting, programs: Programs): boolean {
  if (origin.kind !== 'nic' || one.source === source) return true;
  const ports = Object.values(programs).flatMap((program) =>
    program.kind === 'router' ? Object.values(program.ports).filter(({ mark }) => mark === origin.mark) : [],
  );
  const labels = ports.flatMap(({ addresses }) => Object.values(addresses).map(({ label }) => label));
  const edge = programs['edge'];
  if (labels.includes(one.source) || edge?.kind !== 'edge') return labels.includes(one.source);
  const outside = Object.values(edge.blocks).filter(({ mark }) => mark === origin.mark);
  return (
    labels.some((label) => edge.ones[label]?.address === one.source) ||
    outside.some(({ address }) => address === one.source)
  );
}

/** What happened, with the packet and its path: anybody can ask the oracle about it. */
export function canaryWords({ drawn, fate, order }: Foretold, answer: CanaryAnswer): string {
  const { source, target, sourcePort, targetPort, origin } = order;
  const path = fate.hops.map(({ point, step, because }) => `${point} ${step}: ${because}`).join('; ');
  const told =
    fate.verdict === 'deliver'
      ? `delivered to ${fate.to.map(({ at, packet }) => `${placeTextOf(at)} as ${packet.source} > ${packet.target}:${packet.targetPort}`).join(', ')}`
      : `dropped (${fate.because})`;
  const seen = answer.state === 'sent' ? answer.seen : [];
  const saw = seen.map(
    (one) => `${placeText(one.at)} as ${one.source}:${one.sourcePort} > ${one.target}:${one.targetPort}`,
  );
  return (
    `The kernel does otherwise than the programs with ${drawn.about}: tcp ${source}:${sourcePort} > ${target}:${targetPort} from ${placeText(origin)} ` +
    `is ${told} by the programs in force; it was ${saw.length === 0 ? 'seen nowhere' : `seen at ${saw.join(', ')}`}. Path: ${path}.`
  );
}

function placeTextOf(at: Delivered['at']): string {
  const place = placeOf(at);
  return place === undefined ? at.kind : placeText(place);
}
