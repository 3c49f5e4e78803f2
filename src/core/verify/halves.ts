/** What is left of a packet set at one local address: sets over the other end, ports and protocol. They are packet sets themselves. */

import type { Family } from '#base/prefix.ts';
import { parseAddress } from '#base/prefix.ts';
import type { Header } from '#program/filter.ts';
import type { PortRange, Protocol } from '#program/program.ts';
import { all, nothing } from '#verify/diagrams.ts';
import { digitsOf, digitsOfPort, numberOf, portDigits } from '#verify/digits.ts';
import { Kept } from '#verify/kept.ts';
import { leaves } from '#verify/operation.ts';
import {
  familyDigits,
  labelOfPorts,
  levels,
  type PacketSet,
  type PacketSets,
  protocolDigits,
} from '#verify/packet-sets.ts';

/** A packet set that says nothing of family and local address. */
export type Half = PacketSet;

/** An address, taken apart once. */
export type Digits = { readonly family: Family; readonly digits: readonly number[] };

const known = new Map<string, Digits>();
const knownMax = 1 << 16;

/** The digits of an address; what was asked lately is remembered. */
export function addressDigits(text: string): Digits {
  const found = known.get(text);
  if (found !== undefined) return found;
  if (known.size >= knownMax) known.clear();
  const address = parseAddress(text);
  const digits = { family: address.family, digits: digitsOf(address) };
  known.set(text, digits);
  return digits;
}

/** A protocol, and ports at the target; none: all. */
export type Served = { readonly protocol: Protocol; readonly ports: readonly PortRange[] };

/** Builds and narrows halves in a store. */
export class Halves {
  readonly store: PacketSets;
  /** Made once per frozen list: the same few are asked for again and again. */
  readonly #remotes: { readonly [family in Family]: Kept<readonly string[], Half> };
  readonly #services: Kept<readonly Served[], Half>;

  constructor(store: PacketSets) {
    this.store = store;
    this.#remotes = { 4: store.register(new Kept()), 6: store.register(new Kept()) };
    this.#services = store.register(new Kept());
  }

  /** The half of a set at a local address. */
  of(set: PacketSet, local: string): Half {
    const { diagrams } = this.store;
    const { family, digits } = addressDigits(local);
    return diagrams.follow(diagrams.follow(set, levels.family, familyDigits[family].slice(0, 1)), levels.local, digits);
  }

  /** All packets whose remote address is in one of the prefixes of the family. */
  remote(prefixes: readonly string[], family: Family): Half {
    const make = (): Half => this.remoteIs(this.store.labels.labelOf(prefixes, family));
    return Object.isFrozen(prefixes) ? this.#remotes[family].of(prefixes, make) : make();
  }

  /** Whole sets: all packets whose local address is in one of the prefixes, of both families. */
  within(prefixes: readonly string[]): PacketSet {
    return this.#bothFamilies((family) => {
      const { diagrams, labels } = this.store;
      return diagrams.branch(levels.local, labels.labelOf(prefixes, family), [all, nothing]);
    });
  }

  /** Whole sets: all packets whose remote address is in one of the prefixes, of both families. */
  apart(prefixes: readonly string[]): PacketSet {
    return this.#bothFamilies((family) => this.remote(prefixes, family));
  }

  #bothFamilies(make: (family: Family) => number): PacketSet {
    const { diagrams } = this.store;
    diagrams.reset();
    const [four, six] = [make(4), make(6)];
    diagrams.reset();
    const isSix = diagrams.trees.range(familyDigits[6][0], familyDigits[6][1], 1);
    return diagrams.branch(levels.family, isSix, [six, four]);
  }

  /** All packets whose remote address the label holds. */
  remoteIs(label: number): Half {
    const { diagrams } = this.store;
    diagrams.reset();
    return diagrams.branch(levels.remote, label, [all, nothing]);
  }

  /** All packets of one of the services. */
  services(list: readonly Served[]): Half {
    const make = (): Half =>
      list.reduce((sum, { protocol, ports }) => this.store.union(sum, this.service(protocol, ports)), nothing as Half);
    return Object.isFrozen(list) ? this.#services.of(list, make) : make();
  }

  /** All packets of a protocol to these ports, whoever they are from. No ports: all. */
  service(protocol: Protocol, ports: readonly PortRange[]): Half {
    const { diagrams } = this.store;
    diagrams.reset();
    const { trees } = diagrams;
    const label = (...names: (keyof typeof protocolDigits)[]): number =>
      trees.unionOf(names.map((name) => trees.range(...protocolDigits[name], 1)));
    if (protocol === 'any' && ports.length === 0) return all;
    const protocols = protocol === 'any' ? label('tcp', 'udp') : label(protocol);
    const inner = diagrams.branch(levels.protocol, protocols, [all, nothing]);
    const hasPorts = protocol === 'any' || protocol === 'tcp' || protocol === 'udp';
    return hasPorts ? diagrams.branch(levels.targetPort, labelOfPorts(diagrams, ports), [inner, nothing]) : inner;
  }

  /** All packets with a source port in the range. */
  sourcePorts(range: PortRange): Half {
    const { diagrams } = this.store;
    diagrams.reset();
    return diagrams.branch(levels.sourcePort, labelOfPorts(diagrams, [range]), [all, nothing]);
  }

  /** What the half says of one remote address: ports and protocol alone. */
  at(half: Half, remote: string): Half {
    return this.store.diagrams.follow(half, levels.remote, addressDigits(remote).digits);
  }

  /** What was sent to port `from` as it arrives at port `to` (0 and 0: as it is): the port changes, all else stays. */
  moved(half: Half, from: number, to: number): Half {
    if (from === 0) return half;
    const { diagrams } = this.store;
    const digits = digitsOfPort(from);
    const label = diagrams.trees.range(to, to, portDigits);
    let result: Half = nothing;
    for (const [child, remotes] of diagrams.edgesOf(half, levels.remote)) {
      if (child === nothing) continue;
      const rest = diagrams.follow(child, levels.targetPort, digits);
      diagrams.reset();
      const moved = diagrams.branch(levels.targetPort, label, [rest, nothing]);
      const part = diagrams.branch(levels.remote, remotes, [moved, nothing]);
      result = this.store.union(result, part);
    }
    return result;
  }

  /** The half for all packets whatever their source port, if any of them is in it. */
  anySourcePort(half: Half): Half {
    return this.#project(half, levels.sourcePort);
  }

  /** The remote addresses of the half, with every port and protocol. */
  remotes(half: Half): Half {
    const { diagrams } = this.store;
    let label: number = leaves.nothing;
    for (const [child, remotes] of diagrams.edgesOf(half, levels.remote)) {
      if (child !== nothing) label = diagrams.trees.union(label, remotes);
    }
    return this.remoteIs(label);
  }

  #project(half: Half, level: number): Half {
    const { diagrams } = this.store;
    const here = diagrams.levelOf(half);
    if (half === nothing || half === all) return half;
    if (here >= level) return all;
    let result: Half = nothing;
    for (const [child, label] of diagrams.edgesOf(half, here)) {
      const inner = this.#project(child, level);
      if (inner === nothing) continue;
      diagrams.reset();
      result = this.store.union(result, diagrams.branch(here, label, [inner, nothing]));
    }
    return result;
  }

  /** Services of the half in words: `tcp/22`, `udp/1000-2000`, `icmp`, `all`; the first `most`. */
  words(half: Half, most: number): readonly string[] {
    const { diagrams } = this.store;
    if (half === all) return ['all'];
    const names: string[] = [];
    for (const protocol of ['tcp', 'udp', 'icmp', 'esp', 'ah'] as const) {
      const only = this.store.intersection(half, this.service(protocol, []));
      if (only === nothing) continue;
      const ports = this.#portsOf(only);
      const isWhole = protocol !== 'tcp' && protocol !== 'udp';
      if (isWhole) names.push(protocol);
      else names.push(...rangesOf(diagrams, ports, most).map((range) => `${protocol}/${range}`));
      if (names.length >= most) break;
    }
    return names.slice(0, most);
  }

  /** The label of target ports for which any packet is in the half. */
  #portsOf(half: Half): number {
    const { diagrams } = this.store;
    let label: number = leaves.nothing;
    for (const [child] of diagrams.edgesOf(half, levels.remote)) {
      if (child === nothing) continue;
      for (const [below, ports] of diagrams.edgesOf(child, levels.targetPort)) {
        if (below !== nothing) label = diagrams.trees.union(label, ports);
      }
    }
    return label;
  }

  /** One packet of the half, as it arrives at (or leaves from) the local address: what people know goes first. */
  example(half: Half, local: string, end: 'source' | 'target'): Header | undefined {
    if (half === nothing) return undefined;
    const { family } = addressDigits(local);
    const whole = this.store.intersection(half, this.remoteIs(leaves.all));
    const { diagrams } = this.store;
    diagrams.reset();
    const single = diagrams.branch(
      levels.local,
      diagrams.trees.prefix(addressDigits(local).digits, family === 4 ? 32 : 128),
      [whole, nothing],
    );
    const six = diagrams.trees.range(familyDigits[6][0], familyDigits[6][1], 1);
    const isFamily = family === 6 ? six : diagrams.trees.difference(leaves.all, six);
    return this.store.example(diagrams.branch(levels.family, isFamily, [single, nothing]), end);
  }
}

function rangesOf(diagrams: PacketSets['diagrams'], label: number, most: number): readonly string[] {
  const ranges: string[] = [];
  const { trees } = diagrams;
  for (let from = 0; from <= 65_535 && ranges.length < most; ) {
    const open = trees.intersection(label, trees.range(from, 65_535, portDigits));
    const first = trees.least(open, portDigits, (leaf) => leaf === leaves.all);
    if (first === undefined) break;
    const begin = numberOf(first);
    const closed = trees.difference(trees.range(begin, 65_535, portDigits), label);
    const after = trees.least(closed, portDigits, (leaf) => leaf === leaves.all);
    const end = after === undefined ? 65_535 : numberOf(after) - 1;
    ranges.push(begin === end ? String(begin) : `${begin}-${end}`);
    from = end + 1;
  }
  return ranges;
}
