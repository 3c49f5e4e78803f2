/** The rules in force at a NIC, layer by layer, with tags and groups written out (Azure: effective security rules). */

import { effectivePrefixesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { closedFilterKey } from '#compile/sdn/nsg.ts';
import type { Layer, Placed } from '#compile/answer/port.ts';
import type { AddressMatch, PortRange, Protocol, RouterProgram, Rule } from '#program/program.ts';

/** One rule as it is enforced: `key` of the router's `filter`. `stated`: what it says, with tags by name; `expanded`: the prefixes that its tags mean at this revision. */
export type EffectiveRule = {
  readonly filter: string;
  readonly key: string;
  readonly name: string;
  readonly priority: number;
  readonly direction: 'inbound' | 'outbound';
  readonly access: 'allow' | 'deny';
  readonly protocol: Protocol;
  readonly source: EffectiveSide;
  readonly target: EffectiveSide;
};

export type EffectiveSide = {
  readonly ports: readonly PortRange[];
  readonly stated: readonly string[];
  readonly expanded: readonly string[];
};

/** The rules of one layer at a NIC: inbound, then outbound, in order of evaluation, Azure's default rules last. */
export function effectiveRules(
  { router }: Placed,
  { inbound, outbound }: Pick<Layer, 'inbound' | 'outbound'>,
): readonly EffectiveRule[] {
  const rules: EffectiveRule[] = [];
  let prefixes = 0;
  for (const [direction, filter] of [
    ['inbound', inbound],
    ['outbound', outbound],
  ] as const) {
    for (const [key, rule] of rulesOf(router, filter)) {
      const { access, protocol } = rule;
      const source = sideOf(router, rule.source, rule.sourcePorts);
      const target = sideOf(router, rule.target, rule.targetPorts);
      for (const { stated, expanded } of [source, target]) prefixes += stated.length + expanded.length;
      if (prefixes > effectivePrefixesMax) throw tooManyPrefixes();
      rules.push({
        filter: filter ?? '',
        key,
        name: ruleName(filter ?? '', key),
        priority: priorityOf(key),
        direction,
        access,
        protocol,
        source,
        target,
      });
    }
  }
  return rules;
}

function rulesOf({ filters }: RouterProgram, name: string | undefined): readonly (readonly [string, Rule])[] {
  const filter = name !== undefined && Object.hasOwn(filters, name) ? filters[name] : undefined;
  return Object.entries(filter?.rules ?? {}).toSorted(([left], [right]) => (left < right ? -1 : 1));
}

function tooManyPrefixes(): Refusal {
  const says = `The rules in force stand for more than ${effectivePrefixesMax} prefixes, more than one answer tells. Ask about single flows instead.`;
  return new Refusal('EffectiveRulesTooLarge', says);
}

/** The first priority of Azure's own rules; a user's end at 4096. */
const defaultPriority = 65_000;

function priorityOf(key: string): number {
  return Number(key.slice(0, key.indexOf('/')));
}

/** A rule's name as Azure's questions tell it: `securityRules/<name>`, `defaultSecurityRules/<name>`; our own closed filter has no NSG. */
export function ruleName(filter: string, key: string): string {
  const list =
    filter === closedFilterKey
      ? closedFilterKey
      : priorityOf(key) < defaultPriority
        ? 'securityRules'
        : 'defaultSecurityRules';
  return `${list}/${key.slice(key.indexOf('/') + 1)}`;
}

const tags: { readonly [set: string]: string } = {
  vnet: 'VirtualNetwork',
  internet: 'Internet',
  probe: 'AzureLoadBalancer',
};
const everywhere = ['0.0.0.0/0', '::/0'];

function sideOf({ sets }: RouterProgram, match: AddressMatch, ports: readonly PortRange[]): EffectiveSide {
  if (match === 'any') return { ports, stated: everywhere, expanded: [] };
  const members = (name: string): readonly string[] => (Object.hasOwn(sets, name) ? sets[name] : undefined) ?? [];
  const named = match.sets.filter((name) => tags[name] !== undefined);
  // An application security group has no word of its own here: its members are told, as Azure does.
  const groups = match.sets.filter((name) => tags[name] === undefined).flatMap(members);
  const stated = [...named.map((name) => tags[name] ?? name), ...match.prefixes, ...groups];
  const expanded = named.length === 0 ? [] : [...named.flatMap(members), ...match.prefixes, ...groups];
  return { ports, stated, expanded };
}
