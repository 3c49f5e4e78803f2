/** A filter made ready to judge many packets: the first rule that matches is found by a few look-ups, however many rules there are. */

import { type Family, fourOf, lastOf, type Prefix, tryAddress } from '#base/prefix.ts';
import { type FilterVerdict, type Header, parsedPrefixes, type Sets } from '#program/filter.ts';
import type { AddressMatch, Filter, PortRange, Rule } from '#program/program.ts';

/** Rules of a filter as bits: rule `i` is bit `i % 32` of word `i / 32`. */
type Bits = Uint32Array;
const wordBits = 32;

const noMatch: FilterVerdict = Object.freeze({ verdict: 'deny', because: 'no rule matched' });

/**
 * The same answers as `filterVerdict`, its oracle. Each field's values are cut where some rule's range begins or ends; each piece keeps the
 * rules that speak of it, and the lowest bit that all fields of a packet share is the rule that decides (Lakshman and Stiliadis, 1998).
 */
export class FilterLookup {
  readonly #verdicts: readonly FilterVerdict[];
  /** All of it in a row, so that a question touches few lines of memory: a head (`head`) of places, and what lies there. */
  readonly #pool: Uint32Array;
  readonly #sources: OtherAddresses;
  readonly #targets: OtherAddresses;

  constructor({ rules }: Filter, sets: Sets) {
    const entries = Object.entries(rules).sort(([left], [right]) => (left < right ? -1 : 1));
    const ordered = entries.map(([, rule]) => rule);
    this.#verdicts = entries.map(([key, { access, because }]) =>
      Object.freeze({ verdict: access, because, rule: key }),
    );
    const pool = new Pool(headSize);
    pool.head(head.words, Math.ceil(ordered.length / wordBits));
    for (const protocol of ['tcp', 'udp', 'icmp', 'esp', 'ah'] as const)
      pool.head(head[protocol], pool.bits(bitsWhere(ordered, (rule) => speaksOf(rule, protocol))));
    pool.head(head.sourcePorts, pool.pieces(portPieces(ordered.map(({ sourcePorts }) => sourcePorts))));
    pool.head(head.targetPorts, pool.pieces(portPieces(ordered.map(({ targetPorts }) => targetPorts))));
    const addresses = (place: number, pick: (rule: Rule) => AddressMatch): OtherAddresses => {
      const [four, others] = addressPlaces(pool, ordered.map(pick), sets);
      pool.head(place, four);
      return others;
    };
    this.#sources = addresses(head.sources, ({ source }) => source);
    this.#targets = addresses(head.targets, ({ target }) => target);
    this.#pool = pool.all();
  }

  /** The verdict on a packet, with the rule that decides (`FilterVerdict`). The same object for the same rule. */
  verdict(packet: Header): FilterVerdict {
    return this.verdictOf(packet, numberOf(packet.source), numberOf(packet.target));
  }

  /** As `verdict`, for a packet that several filters judge: its addresses are read once (`numberOf`). */
  verdictOf({ protocol, sourcePort, targetPort }: Header, source: AddressNumber, target: AddressNumber): FilterVerdict {
    const pool = this.#pool;
    const protocols = pool[head[protocol]] ?? 0;
    const sources = typeof source === 'number' ? bitsAt(pool, head.sources, source) : otherBits(this.#sources, source);
    const targets = typeof target === 'number' ? bitsAt(pool, head.targets, target) : otherBits(this.#targets, target);
    const hasPorts = protocol === 'tcp' || protocol === 'udp';
    const sourcePorts = hasPorts ? bitsAt(pool, head.sourcePorts, sourcePort) : protocols;
    const targetPorts = hasPorts ? bitsAt(pool, head.targetPorts, targetPort) : protocols;
    const words = pool[head.words] ?? 0;
    for (let word = 0; word < words; word++) {
      const shared =
        (pool[protocols + word] ?? 0) &
        (pool[sources + word] ?? 0) &
        (pool[targets + word] ?? 0) &
        (pool[sourcePorts + word] ?? 0) &
        (pool[targetPorts + word] ?? 0);
      if (shared !== 0) return this.#verdicts[word * wordBits + lowestBit(shared)] ?? noMatch;
    }
    return noMatch;
  }
}

const known = new WeakMap<Sets, WeakMap<Filter, FilterLookup>>();

/** The filter's lookup, made once for frozen filters and sets and forgotten with them. */
export function lookupOf(filter: Filter, sets: Sets): FilterLookup {
  const found = known.get(sets)?.get(filter);
  if (found !== undefined) return found;
  const made = new FilterLookup(filter, sets);
  if (!Object.isFrozen(filter) || !Object.isFrozen(filter.rules) || !Object.isFrozen(sets)) return made;
  const ofSets = known.get(sets) ?? new WeakMap<Filter, FilterLookup>();
  known.set(sets, ofSets.set(filter, made));
  return made;
}

/** By protocol alone: a rule of any protocol with ports speaks of the two that have ports (`Rule` in program.ts). */
function speaksOf({ protocol, sourcePorts, targetPorts }: Rule, asked: Header['protocol']): boolean {
  if (protocol !== 'any') return protocol === asked;
  return asked === 'tcp' || asked === 'udp' || sourcePorts.length + targetPorts.length === 0;
}

function lowestBit(bits: number): number {
  return wordBits - 1 - Math.clz32(bits & -bits);
}

function bitsWhere<T>(items: readonly T[], holds: (item: T) => boolean): Bits {
  const bits = new Uint32Array(Math.ceil(items.length / wordBits));
  for (const [index, item] of items.entries()) if (holds(item)) setBit(bits, index);
  return bits;
}

function setBit(bits: Bits, index: number): void {
  const word = Math.floor(index / wordBits);
  bits[word] = (bits[word] ?? 0) | (1 << (index % wordBits));
}

/** A range of values, first and last, of which the rule of a number speaks. */
type Range<T> = { readonly rule: number; readonly first: T; readonly last: T };

/** The values of a field in pieces: piece `i` begins at `starts[i]`, the first one at the least value, and has the rules of `bits[i]`. */
type Pieces<T> = { readonly starts: readonly T[]; readonly bits: readonly Bits[] };

/** `always`: the rules that speak of every value. */
function piecesOf<T extends number | bigint>(
  ranges: readonly Range<T>[],
  { always, least, next }: { always: Bits; least: T; next: (value: T) => T },
): Pieces<T> {
  const cuts = new Set<T>([least]);
  for (const { first, last } of ranges) cuts.add(first).add(next(last));
  const starts = [...cuts].sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));
  const bits = starts.map(() => always);
  for (const { rule, first, last } of ranges) {
    for (let at = pieceOf(starts, first); at < bits.length && (starts[at] ?? last) <= last; at++) {
      if (bits[at] === always) bits[at] = always.slice();
      setBit(bits[at] ?? always, rule);
    }
  }
  return { starts, bits };
}

/** The last piece that does not begin behind the value. */
function pieceOf<T extends number | bigint>(starts: readonly T[], value: T): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? value) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What the first numbers of a pool say: how many words bits have, and where the bits of a protocol and the pieces of a field lie. */
const head = {
  words: 0,
  tcp: 1,
  udp: 2,
  icmp: 3,
  esp: 4,
  ah: 5,
  sourcePorts: 6,
  targetPorts: 7,
  sources: 8,
  targets: 9,
} as const;
const headSize = Object.keys(head).length;

/** Numbers below 2^32 laid one behind the other; bits that are there already are not laid twice. */
class Pool {
  readonly #numbers: number[];
  readonly #known = new Map<string, number>();

  constructor(size: number) {
    this.#numbers = Array.from({ length: size }, () => 0);
  }

  head(index: number, number: number): void {
    this.#numbers[index] = number;
  }

  /** Where the bits lie. */
  bits(bits: Bits): number {
    const text = bits.join();
    const place = this.#known.get(text) ?? this.#numbers.length;
    if (place === this.#numbers.length) this.#numbers.push(...bits);
    this.#known.set(text, place);
    return place;
  }

  /** Where the pieces lie: how many, their starts, the places of their bits. */
  pieces({ starts, bits }: Pieces<number>): number {
    const places = bits.map((one) => this.bits(one));
    const place = this.#numbers.length;
    this.#numbers.push(starts.length);
    for (const start of starts) this.#numbers.push(start);
    for (const one of places) this.#numbers.push(one);
    return place;
  }

  all(): Uint32Array {
    return Uint32Array.from(this.#numbers);
  }
}

/** The place of the bits of the piece that holds the value, of the field that the head names at `index`. */
function bitsAt(pool: Uint32Array, index: number, value: number): number {
  const place = pool[index] ?? 0;
  const count = pool[place] ?? 0;
  let low = place + 1;
  let high = place + count;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pool[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return pool[low + count] ?? 0;
}

function portPieces(rules: readonly (readonly PortRange[])[]): Pieces<number> {
  const ranges = rules.flatMap((ports, rule) => ports.map(([first, last]) => ({ rule, first, last })));
  const always = bitsWhere(rules, ({ length }) => length === 0);
  return piecesOf(ranges, { always, least: 0, next: (port) => port + 1 });
}

/** What is no IPv4 address: the pieces of IPv6, and where the bits of the rules about any address lie, which are all that speak of what is no address. */
type OtherAddresses = {
  readonly starts: readonly bigint[];
  readonly bits: readonly number[];
  readonly always: number;
};

function otherBits({ starts, bits, always }: OtherAddresses, address: bigint | undefined): number {
  return address === undefined ? always : (bits[pieceOf(starts, address)] ?? always);
}

/** Where the pieces of IPv4 addresses lie, and the others. */
function addressPlaces(pool: Pool, matches: readonly AddressMatch[], sets: Sets): [number, OtherAddresses] {
  const always = bitsWhere(matches, (match) => match === 'any');
  const ranges = matches.flatMap((match, rule) => prefixesOf(match, sets).map((prefix) => ({ rule, prefix })));
  const of = (family: Family) => ranges.filter(({ prefix }) => prefix.family === family);
  // The piece behind the last IPv4 address is cut off: its start is no number of 32 bits, and no address lies there.
  const four = piecesOf(
    of(4).map(({ rule, prefix }) => ({ rule, first: Number(prefix.first), last: Number(lastOf(prefix)) })),
    { always, least: 0, next: (value) => value + 1 },
  );
  const count = four.starts.filter((start) => start < 2 ** 32).length;
  const six = piecesOf(
    of(6).map(({ rule, prefix }) => ({ rule, first: prefix.first, last: lastOf(prefix) })),
    { always, least: 0n, next: (value) => value + 1n },
  );
  return [
    pool.pieces({ starts: four.starts.slice(0, count), bits: four.bits.slice(0, count) }),
    { starts: six.starts, bits: six.bits.map((bits) => pool.bits(bits)), always: pool.bits(always) },
  ];
}

function prefixesOf(match: AddressMatch, sets: Sets): readonly Prefix[] {
  if (match === 'any') return [];
  const named = match.sets.flatMap((name) => (Object.hasOwn(sets, name) ? parsedPrefixes(sets[name] ?? []) : []));
  return [...parsedPrefixes(match.prefixes), ...named];
}

/** An IPv4 address is a number, one of IPv6 a bigint; undefined is text that is no address. */
export type AddressNumber = number | bigint | undefined;

/** Reads an address in its usual text form, as `tryAddress` does. */
export function numberOf(text: string): AddressNumber {
  const four = fourOf(text);
  return four >= 0 ? four : tryAddress(text)?.value;
}
