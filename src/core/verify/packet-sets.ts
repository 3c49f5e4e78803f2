/** Sets of packets: made of filters, combined, compared by number, and shown by one packet of them. */

import { bitsOf, type Family, tryAddress } from '#base/prefix.ts';
import { assert } from '#base/wrong.ts';
import type { Header } from '#program/filter.ts';
import { AddressLabels } from '#verify/address-labels.ts';
import { Budget, type BudgetLimits } from '#verify/budget.ts';
import { all, Diagrams, type Mark, nothing } from '#verify/diagrams.ts';
import { addressOf, digitsOf, digitsOfPort, numberOf, portDigits } from '#verify/digits.ts';
import { type Undoable } from '#verify/kept.ts';
import { operations } from '#verify/operation.ts';

/** The number of a set: two sets of one store are equal if and only if their numbers are. */
export type PacketSet = number;

/** Which end of a flow is ours: a filter that judges what comes in has the target here, one for what goes out the source. */
export type LocalEnd = 'source' | 'target';

/** The fields in order, as levels of the diagram. The local address is early, so that one look-up narrows a policy to a NIC. */
export const levels = { family: 0, local: 1, remote: 2, targetPort: 3, protocol: 4, sourcePort: 5 } as const;

/**
 * The digit of each protocol. The last of the digits that mean the same is the end of its range: every digit is some
 * protocol's (and some family's), so that a set of all protocols is the set of everything, whichever way it was written.
 */
export const protocolDigits: { readonly [protocol in Header['protocol']]: readonly [first: number, last: number] } = {
  tcp: [0, 0],
  udp: [1, 1],
  icmp: [2, 2],
  esp: [3, 3],
  ah: [4, 15],
};
export const familyDigits: { readonly [family in Family]: readonly [first: number, last: number] } = {
  4: [0, 0],
  6: [1, 15],
};

/** Size of each memory of results: 1 MiB, so that it stays in the processor's cache; four times as much was not faster. */
const usualMemoBits = 16;

export type Counters = {
  readonly operations: number;
  readonly misses: number;
  readonly nodes: number;
  readonly labelNodes: number;
};

/** A point in time to which a store can go back, with all that was remembered of it. */
export type StoreMark = { readonly diagrams: Mark; readonly kept: readonly number[] };

/** A store of packet sets. Ports say nothing of a protocol that has none: its sets hold all ports or no port. */
export class PacketSets {
  readonly diagrams: Diagrams;
  readonly labels: AddressLabels;
  readonly budget: Budget;
  readonly #kept: Undoable[];
  #isMarked = false;

  constructor({ memoBits = usualMemoBits, ...limits }: BudgetLimits & { readonly memoBits?: number } = {}) {
    this.budget = new Budget(limits);
    this.diagrams = new Diagrams(this.budget, memoBits);
    this.labels = new AddressLabels(this.diagrams.trees);
    this.#kept = [...this.labels.kept];
  }

  union(left: PacketSet, right: PacketSet): PacketSet {
    return this.#apply(operations.union, left, right);
  }

  intersection(left: PacketSet, right: PacketSet): PacketSet {
    return this.#apply(operations.intersection, left, right);
  }

  difference(left: PacketSet, right: PacketSet): PacketSet {
    return this.#apply(operations.difference, left, right);
  }

  complement(set: PacketSet): PacketSet {
    return this.#apply(operations.difference, all, set);
  }

  #apply(operation: number, left: PacketSet, right: PacketSet): PacketSet {
    this.diagrams.reset();
    return this.diagrams.apply(operation, left, right);
  }

  isEmpty(set: PacketSet): boolean {
    return set === nothing;
  }

  /** How many rows the store holds: nodes of diagrams, and nodes of labels. */
  get size(): { readonly nodes: number; readonly labelNodes: number } {
    return { nodes: this.diagrams.rows.count, labelNodes: this.diagrams.trees.rows.count };
  }

  /** Bytes of all rows: what was remembered of operations comes on top, in memories of fixed size. */
  get bytes(): number {
    return this.diagrams.rows.bytes + this.diagrams.trees.rows.bytes;
  }

  /** What was done since the store was made: the same work gives the same figures on every machine. */
  counters(): Counters {
    return { ...this.diagrams.counts, ...this.size };
  }

  /** Is the packet in the set? Both addresses must be of one family. */
  holds(set: PacketSet, packet: Header, local: LocalEnd = 'target'): boolean {
    const values = valuesOf(packet, local);
    return values !== undefined && this.holdsValues(set, values);
  }

  /** As `holds`, for a packet that is asked of many sets. */
  holdsValues(set: PacketSet, values: FieldValues): boolean {
    return values.reduce((node, value, level) => this.diagrams.follow(node, level, value), set) === all;
  }

  /** One packet of the set, the same for the same set: undefined when it is empty. Values that people know go first. */
  example(set: PacketSet, local: LocalEnd = 'target'): Header | undefined {
    if (set === nothing) return undefined;
    let at = set;
    const take = (level: number, digits: number, wishes: readonly (readonly number[])[]): readonly number[] => {
      const wish = wishes.find((value) => this.diagrams.follow(at, level, value) !== nothing);
      const value = wish ?? this.diagrams.least(at, level, digits);
      at = this.diagrams.follow(at, level, value);
      return value;
    };
    const familyDigit = take(levels.family, 1, [[0], [1]])[0] ?? 0;
    const family: Family = familyDigit < familyDigits[6][0] ? 4 : 6;
    const addressDigits = bitsOf(family) / 4;
    const here = addressOf(family, take(levels.local, addressDigits, wishedAddresses[family].local));
    const there = addressOf(family, take(levels.remote, addressDigits, wishedAddresses[family].remote));
    const targetPort = numberOf(take(levels.targetPort, portDigits, wishedPorts));
    const protocol = protocolOf(take(levels.protocol, 1, [[0], [1], [2]])[0] ?? 0);
    const sourcePort = numberOf(take(levels.sourcePort, portDigits, [digitsOfPort(50_000)]));
    assert(at === all, 'The example of a set is not in it.');
    const hasPorts = protocol === 'tcp' || protocol === 'udp';
    return {
      source: local === 'target' ? there : here,
      target: local === 'target' ? here : there,
      protocol,
      sourcePort: hasPorts ? sourcePort : 0,
      targetPort: hasPorts ? targetPort : 0,
    };
  }

  /** Whatever remembers numbers of sets must go back with the store: also what joins after a mark, which a rollback then empties. */
  register<T extends Undoable>(kept: T): T {
    if (this.#isMarked) kept.mark();
    this.#kept.push(kept);
    return kept;
  }

  /** See `Diagrams`. Marks may lie within each other. */
  mark(): StoreMark {
    this.#isMarked = true;
    return { diagrams: this.diagrams.mark(), kept: this.#kept.map((one) => one.mark()) };
  }

  rollback({ diagrams, kept }: StoreMark): void {
    this.diagrams.rollback(diagrams);
    for (const [index, one] of this.#kept.entries()) one.rollback(kept[index] ?? 0);
  }

  commit(): void {
    this.#isMarked = false;
    this.diagrams.commit();
    for (const one of this.#kept) one.commit();
  }
}

/** A packet's fields as digits, in the order of the levels. */
export type FieldValues = readonly (readonly number[])[];

/** The fields of a packet; undefined when its addresses are not of one family. */
export function valuesOf(packet: Header, local: LocalEnd): FieldValues | undefined {
  const source = tryAddress(packet.source);
  const target = tryAddress(packet.target);
  if (source === undefined || target === undefined || source.family !== target.family) return undefined;
  return [
    [familyDigits[source.family][0]],
    digitsOf(local === 'target' ? target : source),
    digitsOf(local === 'target' ? source : target),
    digitsOfPort(packet.targetPort),
    [protocolDigits[packet.protocol][0]],
    digitsOfPort(packet.sourcePort),
  ];
}

/** The label of ranges of ports; no range means all ports. */
export function labelOfPorts({ trees }: Diagrams, ranges: readonly (readonly [number, number])[]): number {
  if (ranges.length === 0) return trees.range(0, 65_535, portDigits);
  return trees.unionOf(ranges.map(([first, last]) => trees.range(first, last, portDigits)));
}

/** Addresses that an example takes when the set has them: private here, public there. */
const wishedAddresses: {
  readonly [family in Family]: { readonly local: readonly number[][]; readonly remote: readonly number[][] };
} = {
  4: { local: [textDigits('10.0.0.4')], remote: [textDigits('203.0.113.9'), textDigits('10.0.0.5')] },
  6: { local: [textDigits('fd00::4')], remote: [textDigits('2001:db8:ffff::9'), textDigits('fd00::5')] },
};
const wishedPorts = [22, 443, 80].map(digitsOfPort);

function textDigits(text: string): number[] {
  const address = tryAddress(text);
  assert(address !== undefined, `${text} is no address.`);
  return digitsOf(address);
}

function protocolOf(digit: number): Header['protocol'] {
  const found = entriesOf(protocolDigits).find(([, [first, last]]) => digit >= first && digit <= last);
  assert(found !== undefined, `No protocol has the digit ${digit}.`);
  return found[0];
}

function entriesOf<Key extends string, Value>(record: { readonly [key in Key]: Value }): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}
