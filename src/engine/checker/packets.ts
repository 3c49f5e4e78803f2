/** Packets worth a look: ends of prefixes and ranges that the programs speak of, one step to either side, and public names of NICs. */

import { bitsOf, type Family, parsePrefix, printAddress, tryAddress } from '#base/prefix.ts';
import type { Header } from '#program/filter.ts';
import type { Origin, Packet } from '#program/packet.ts';
import type { EdgeProgram, Programs, RouterProgram, Rule } from '#program/program.ts';
import { oneOf, type Throw } from '#engine/checker/dice.ts';
import type { Estate } from '#verify/invariant/estate.ts';

/** What packets are drawn from, gathered once per set of programs. */
export type Deck = {
  readonly programs: Programs;
  readonly estate: Estate;
  readonly marks: readonly number[];
  readonly rules: readonly Rule[];
  readonly prefixes: readonly string[];
  /** By family: a packet has one. */
  readonly near: { readonly [family in Family]: readonly string[] };
  readonly publics: { readonly [family in Family]: readonly string[] };
  readonly points: readonly string[];
};

/** Gathers what packets are drawn from. */
export function deckOf(programs: Programs, estate: Estate): Deck {
  const routers = Object.values(programs).filter((program) => program.kind === 'router');
  const edge = Object.values(programs).find((program) => program.kind === 'edge');
  const rules = routers.flatMap(({ filters }) =>
    Object.values(filters).flatMap((filter) => Object.values(filter.rules)),
  );
  const prefixes = new Set(['0.0.0.0/0', '::/0', ...estate.closed, ...estate.internet]);
  for (const prefix of routers.flatMap(prefixesOf)) prefixes.add(prefix);
  for (const prefix of rules.flatMap(({ source, target }) => [source, target].flatMap(listed))) prefixes.add(prefix);
  return {
    programs,
    estate,
    marks: routers.flatMap(({ ports }) => Object.values(ports).map(({ mark }) => mark)),
    rules,
    prefixes: [...prefixes],
    near: byFamily([...prefixes]),
    publics: byFamily(edge === undefined ? [] : publicsOf(edge)),
    points: Object.keys(programs).filter((point) => point.startsWith('router/')),
  };
}

function byFamily(texts: readonly string[]): Deck['near'] {
  return { 4: texts.filter((text) => !text.includes(':')), 6: texts.filter((text) => text.includes(':')) };
}

function prefixesOf({ tables, space, sets }: RouterProgram): string[] {
  return [
    ...space,
    ...Object.values(tables).flatMap(({ routes }) => Object.keys(routes)),
    ...Object.values(sets).flat(),
  ];
}

function listed(match: Rule['source']): readonly string[] {
  return match === 'any' ? [] : match.prefixes;
}

function publicsOf({ publics, balances, published }: EdgeProgram): string[] {
  return [
    ...Object.keys(publics),
    ...Object.values(balances).map(({ frontend }) => frontend),
    ...Object.values(published).map(({ address }) => address),
  ];
}

/** An address at or beside an end of one of the prefixes. */
function addressNear(prefixes: readonly string[], dice: Throw): string {
  const { family, first, length } = parsePrefix(oneOf(prefixes, dice) ?? '0.0.0.0/0');
  const last = first + (1n << BigInt(bitsOf(family) - length)) - 1n;
  const ends = [first, last, first - 1n, last + 1n, first + (last - first) / 2n];
  const top = family === 4 ? 0xffff_ffffn : (1n << 128n) - 1n;
  const value = oneOf(ends, dice) ?? first;
  return printAddress({ family, value: value < 0n ? 0n : value > top ? top : value });
}

const known = [22, 53, 80, 443, 3389, 4789, 5985, 5986, 0, 65_535] as const;

function portNear({ rules }: Deck, dice: Throw): number {
  const rule = oneOf(rules, dice);
  const range = oneOf(rule?.targetPorts ?? [], dice);
  if (range === undefined || dice(3) === 0) return oneOf(known, dice) ?? 443;
  const port = (oneOf(range, dice) ?? 443) + dice(3) - 1;
  return Math.min(65_535, Math.max(0, port));
}

const protocols = ['tcp', 'tcp', 'tcp', 'udp', 'udp', 'icmp', 'esp', 'ah'] as const;

/** What a drawn packet should be about; what is left out is drawn. */
export type Wish = {
  readonly origin?: Origin;
  readonly source?: string;
  readonly target?: string;
  readonly protocol?: Header['protocol'];
  readonly targetPort?: number;
};

/** A packet from anywhere to anywhere, of one family. */
export function drawPacket(deck: Deck, dice: Throw, wish: Wish = {}): Packet {
  const origin = wish.origin ?? drawOrigin(deck, dice);
  const source = wish.source ?? drawSource(deck, origin, dice);
  const target = wish.target ?? drawTarget(deck, { origin, source }, dice);
  const protocol = wish.protocol ?? oneOf(protocols, dice) ?? 'tcp';
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  return {
    origin,
    source,
    target,
    protocol,
    sourcePort: hasPorts ? 1024 + dice(64_512) : 0,
    targetPort: hasPorts ? (wish.targetPort ?? portNear(deck, dice)) : 0,
  };
}

function drawOrigin({ marks, points }: Deck, dice: Throw): Origin {
  const kind = dice(10);
  const mark = oneOf(marks, dice);
  if (kind < 5 && mark !== undefined) return { kind: 'nic', mark };
  const point = oneOf(points, dice);
  if (kind === 5 && point !== undefined) return { kind: 'probe', point };
  return kind === 6 ? { kind: 'operator' } : { kind: 'internet' };
}

function drawSource(deck: Deck, origin: Origin, dice: Throw): string {
  const { estate, prefixes } = deck;
  switch (origin.kind) {
    case 'nic': {
      const own = estate.nics[String(origin.mark)]?.addresses ?? [];
      return dice(20) === 0 ? addressNear(prefixes, dice) : (oneOf(own, dice) ?? addressNear(prefixes, dice));
    }
    case 'internet':
      return addressNear(dice(2) === 0 ? estate.internet : prefixes, dice);
    case 'operator':
      return addressNear([estate.operator], dice);
    case 'probe':
      return '168.63.129.16';
  }
}

function drawTarget(deck: Deck, from: { readonly origin: Origin; readonly source: string }, dice: Throw): string {
  const { estate, publics, near } = deck;
  const family = tryAddress(from.source)?.family ?? 4;
  const isOutside = from.origin.kind === 'internet' || from.origin.kind === 'operator';
  if (isOutside && dice(10) > 0) return oneOf(publics[family], dice) ?? addressNear(near[family], dice);
  if (dice(3) === 0) return addressNear(near[family], dice);
  const nic = estate.nics[String(oneOf(deck.marks, dice) ?? 0)];
  const own = (nic?.addresses ?? []).filter((text) => tryAddress(text)?.family === family);
  return oneOf(own, dice) ?? addressNear(near[family], dice);
}
