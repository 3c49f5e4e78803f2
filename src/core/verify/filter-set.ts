/** The exact set of packets that a filter allows, or that one of its rules speaks of. */

import { never } from '#base/wrong.ts';
import type { Sets } from '#program/filter.ts';
import type { AddressMatch, Filter, Rule } from '#program/program.ts';
import { all, nothing, unsaid } from '#verify/diagrams.ts';
import { leaves, operations } from '#verify/operation.ts';
import {
  familyDigits,
  labelOfPorts,
  levels,
  type LocalEnd,
  type PacketSet,
  type PacketSets,
  protocolDigits,
} from '#verify/packet-sets.ts';

/** A filter with the named sets of the program that it is part of, and which end of its packets is ours. */
export type Policy = { readonly filter: Filter; readonly sets: Sets; readonly local?: LocalEnd };

/**
 * The packets that the filter allows: exactly those for which `filterVerdict` says so (`Filter` in program.ts). Rules are laid
 * over each other by halves: neighbours share most, and a changed rule leaves the other halves as they were.
 */
export function filterSet(store: PacketSets, { filter, sets, local = 'target' }: Policy): PacketSet {
  const policies = rulesOf(filter).map(([, rule]) =>
    ruleDiagram(store, { rule, sets, local }, [rule.access === 'allow' ? all : nothing, unsaid]),
  );
  store.diagrams.reset();
  const whole = overlaid(store, policies);
  // When no rule matches the packet is denied.
  return store.diagrams.apply(operations.overlay, whole, nothing);
}

/** What rules say together, the earlier ones first; `unsaid` of packets of which none speaks. */
export function overlaid(store: PacketSets, policies: readonly number[]): number {
  const { length } = policies;
  if (length <= 1) return policies[0] ?? unsaid;
  const middle = length >> 1;
  return store.diagrams.apply(
    operations.overlay,
    overlaid(store, policies.slice(0, middle)),
    overlaid(store, policies.slice(middle)),
  );
}

/** The rules in order of evaluation, with their keys. */
export function rulesOf(filter: Filter): readonly (readonly [key: string, rule: Rule])[] {
  return Object.keys(filter.rules)
    .sort()
    .flatMap((key) => {
      const rule = filter.rules[key];
      return rule === undefined ? [] : [[key, rule] as const];
    });
}

/** A rule with the named sets of its program. */
export type PolicyRule = { readonly rule: Rule; readonly sets: Sets; readonly local?: LocalEnd };

/** The packets that the rule speaks of, whatever it says of them. */
export function ruleSet(store: PacketSets, one: PolicyRule): PacketSet {
  return ruleDiagram(store, one, [all, nothing]);
}

type Ends = readonly [inside: number, outside: number];

/** The rule as a diagram: `inside` for the packets that it speaks of, `outside` for the others. */
export function ruleDiagram(
  store: PacketSets,
  { rule, sets, local = 'target' }: PolicyRule,
  [inside, outside]: Ends,
): number {
  const { diagrams } = store;
  diagrams.reset();
  const here = local === 'target' ? rule.target : rule.source;
  const there = local === 'target' ? rule.source : rule.target;
  const service = serviceDiagram(store, rule, [inside, outside]);
  const [four, six] = ([4, 6] as const).map((family) => {
    const label = (match: AddressMatch) => addressLabel(store, { match, sets, family });
    const remote = diagrams.branch(levels.remote, label(there), [service, outside]);
    return diagrams.branch(levels.local, label(here), [remote, outside]);
  });
  const [firstOfSix, lastOfSix] = familyDigits[6];
  const isSix = diagrams.trees.range(firstOfSix, lastOfSix, 1);
  return diagrams.branch(levels.family, isSix, [six ?? outside, four ?? outside]);
}

/** Protocol and ports (`Rule` in program.ts): a rule of protocol `any` with ports speaks of TCP and UDP alone; ports of the others say nothing. */
function serviceDiagram({ diagrams }: PacketSets, rule: Rule, [inside, outside]: Ends): number {
  const protocolLabel = (...protocols: (keyof typeof protocolDigits)[]) =>
    diagrams.trees.unionOf(protocols.map((name) => diagrams.trees.range(...protocolDigits[name], 1)));
  const withPorts = (label: number): number => {
    const source = diagrams.branch(levels.sourcePort, labelOfPorts(diagrams, rule.sourcePorts), [inside, outside]);
    const protocol = diagrams.branch(levels.protocol, label, [source, outside]);
    return diagrams.branch(levels.targetPort, labelOfPorts(diagrams, rule.targetPorts), [protocol, outside]);
  };
  switch (rule.protocol) {
    case 'icmp':
    case 'esp':
    case 'ah':
      return diagrams.branch(levels.protocol, protocolLabel(rule.protocol), [inside, outside]);
    case 'tcp':
    case 'udp':
      return withPorts(protocolLabel(rule.protocol));
    case 'any':
      return rule.sourcePorts.length + rule.targetPorts.length === 0 ? inside : withPorts(protocolLabel('tcp', 'udp'));
    default:
      return never(rule.protocol);
  }
}

type Addresses = { readonly match: AddressMatch; readonly sets: Sets; readonly family: 4 | 6 };

/** The addresses of one family that a match speaks of. A set that the program lacks is empty, and so is text that is no prefix. */
function addressLabel(store: PacketSets, { match, sets, family }: Addresses): number {
  if (match === 'any') return leaves.all;
  const named = match.sets.map((name) => (Object.hasOwn(sets, name) ? (sets[name] ?? []) : []));
  const lists = [match.prefixes, ...named].map((list) => store.labels.labelOf(list, family));
  return store.diagrams.trees.unionOf(lists);
}
