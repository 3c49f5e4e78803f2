/** The fields of a packet in a namespace, and the store of diagrams over them in which what the kernel does and what a program means are compared. */

import { type Family, lastOf, type Prefix, printAddress, tryPrefix } from '#base/prefix.ts';
import { type Act, type Apart, Decisions, type Span } from '#verify/decisions.ts';

/** In the order in which diagrams look at them. `pick` is what a hash over the packet chose. */
export const levels = {
  in: 0,
  out: 1,
  mark: 2,
  protocol: 3,
  target: 4,
  targetPort: 5,
  mac: 6,
  source: 7,
  sourcePort: 8,
  targetMac: 9,
  pick: 10,
} as const;

export type Field = keyof typeof levels;

const fields = Object.keys(levels) as Field[];
const bits = (count: number): bigint => (1n << BigInt(count)) - 1n;

export const protocolNumbers: { readonly [word: string]: bigint } = {
  icmp: 1n,
  tcp: 6n,
  udp: 17n,
  esp: 50n,
  ah: 51n,
  'ipv6-icmp': 58n,
};

/** One family's packets in one namespace. */
export class Ground {
  readonly family: Family;
  readonly store: Decisions;
  readonly #names = new Map<string, bigint>();
  readonly #prefixes = new Map<string, Prefix | undefined>();

  constructor(family: Family) {
    this.family = family;
    const address = bits(family === 4 ? 32 : 128);
    const widths: { readonly [field in Field]: bigint } = {
      in: bits(32),
      out: bits(32),
      mark: bits(32),
      protocol: bits(8),
      target: address,
      targetPort: bits(16),
      mac: bits(48),
      source: address,
      sourcePort: bits(16),
      targetMac: bits(48),
      pick: bits(32),
    };
    this.store = new Decisions(fields.map((field) => widths[field]));
  }

  /** The number that stands for a link's name; names that nobody speaks of are the numbers that nobody has. */
  link(name: string): bigint {
    const known = this.#names.get(name) ?? BigInt(this.#names.size + 1);
    this.#names.set(name, known);
    return known;
  }

  isLink(field: 'in' | 'out', names: Iterable<string>): number {
    return this.isOneOf(
      field,
      [...names].map((name) => this.link(name)),
    );
  }

  /** By the link that a packet comes in by, or leaves by. */
  byLink(field: 'in' | 'out', rows: Iterable<readonly [name: string, then: number]>, otherwise: number): number {
    const parts = [...rows].map(([name, then]) => [[this.link(name), this.link(name)], then] as const);
    return this.store.bySpan(levels[field], parts, otherwise);
  }

  isOneOf(field: Field, values: Iterable<bigint>): number {
    return this.store.isIn(
      levels[field],
      [...values].map((value): Span => [value, value]),
    );
  }

  isBetween(field: Field, span: Span): number {
    return this.store.isIn(levels[field], [span]);
  }

  /** Is the address in one of the prefixes? Those of the other family hold none. */
  isWithin(field: 'source' | 'target', prefixes: Iterable<string>): number {
    const spans = [...prefixes].flatMap((text): Span[] => {
      const prefix = this.prefix(text);
      return prefix === undefined ? [] : [[prefix.first, lastOf(prefix)]];
    });
    return this.store.isIn(levels[field], spans);
  }

  isProtocol(...words: readonly (string | undefined)[]): number {
    return this.isOneOf(
      'protocol',
      words.map((word) => protocolNumbers[word ?? ''] ?? 0n),
    );
  }

  all(...conditions: readonly number[]): number {
    return conditions.reduce((left, right) => this.store.and(left, right), this.store.yes);
  }

  /** The prefix, or the address as one; undefined when it is none of this family. */
  prefix(text: string): Prefix | undefined {
    if (this.#prefixes.has(text)) return this.#prefixes.get(text);
    const parsed = tryPrefix(text);
    const prefix = parsed?.family === this.family ? parsed : undefined;
    this.#prefixes.set(text, prefix);
    return prefix;
  }

  /** The address as a number; undefined when it is none of this family. */
  address(text: string): bigint | undefined {
    return text.includes('/') ? undefined : this.prefix(text)?.first;
  }

  /** Where two diagrams do not do the same, in words; `where` holds the packets that count. */
  difference(says: string, pair: { readonly kernel: number; readonly program: number }, where = this.store.yes) {
    const outside = this.store.end('cannot be');
    const [kernel, program] = [pair.kernel, pair.program].map((one) => this.store.choose(where, one, outside));
    const apart = this.store.apart(kernel ?? outside, program ?? outside);
    if (apart === undefined) return undefined;
    return `${says}${this.#witness(apart)} is "${told(apart.left)}" in the kernel and "${told(apart.right)}" in the program.`;
  }

  #witness({ values }: Apart): string {
    const words = [...values]
      .toSorted(([left], [right]) => left - right)
      .map(([level, value]) => `${wordsOf[fields[level] ?? 'in']} ${this.#print(fields[level] ?? 'in', value)}`);
    return words.length === 0 ? ' any packet' : ` the packet ${words.join(', ')}`;
  }

  #print(field: Field, value: bigint): string {
    switch (field) {
      case 'in':
      case 'out':
        return [...this.#names].find(([, number]) => number === value)?.[0] ?? 'another link';
      case 'source':
      case 'target':
        return printAddress({ family: this.family, value });
      case 'mark':
        return `0x${value.toString(16)}`;
      case 'mac':
      case 'targetMac':
        return macText(value);
      case 'protocol':
        return Object.entries(protocolNumbers).find(([, number]) => number === value)?.[0] ?? String(value);
      default:
        return String(value);
    }
  }
}

const wordsOf: { readonly [field in Field]: string } = {
  in: 'by',
  out: 'leaving by',
  mark: 'with mark',
  protocol: 'of protocol',
  target: 'to',
  targetPort: 'to port',
  mac: 'of hardware address',
  source: 'from',
  sourcePort: 'from port',
  targetMac: 'for hardware address',
  pick: 'of hash',
};

function told({ isEnd, mark, says }: Act): string {
  const words = [says, mark === undefined ? '' : `mark 0x${mark.toString(16)}`].filter((word) => word !== '');
  return words.length > 0 ? words.join(', ') : isEnd ? 'nothing' : 'nothing more';
}

/** A hardware address as a number. */
export function macOf(text: string): bigint {
  return BigInt(`0x${text.replaceAll(':', '')}`);
}

function macText(value: bigint): string {
  return (value.toString(16).padStart(12, '0').match(/../g) ?? []).join(':');
}
