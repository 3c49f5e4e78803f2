/** Few and readable rules that admit given flows: equal ones merged, long lists widened where a judge allows it. */

import { mergePrefixes, parsePrefix, prefixOf, printPrefix, tryAddress, type Prefix } from '#base/prefix.ts';
import type { SeenFlow } from '#engine/flow-logs/record.ts';
import type { PortRange, Rule } from '#program/program.ts';

/** A rule in the making. `remote` and `local` are prefixes of one family; ports of the target. */
export type LeastRule = {
  readonly protocol: SeenFlow['protocol'];
  readonly remote: readonly string[];
  readonly local: readonly string[];
  readonly ports: readonly PortRange[];
};

/** May the rule stand? Asked before anything is widened; what was seen itself is not asked about. */
export type Judge = (rule: LeastRule) => boolean;

/** Lists longer than this are widened: nobody reads them. */
const prefixesShown = 8;
const portsShown = 8;
const widths = { 4: [24, 16, 0], 6: [64, 48, 0] } as const;

/** The rules for flows of one direction; `direction` says which end is ours. */
export function leastRules(flows: readonly SeenFlow[], judge: Judge): LeastRule[] {
  const exact = new Map<string, LeastRule>();
  for (const { direction, protocol, source, target, targetPort } of flows) {
    const [remote, local] = direction === 'inbound' ? [source, target] : [target, source];
    const hasPorts = protocol === 'tcp' || protocol === 'udp';
    const ports: PortRange[] = hasPorts ? [[targetPort, targetPort]] : [];
    const rule = { protocol, remote: [hostPrefix(remote)], local: [hostPrefix(local)], ports };
    exact.set(JSON.stringify(rule), rule);
  }
  const merged = settled([...exact.values()]);
  return settled(merged.map((rule) => widened(rule, judge)));
}

/** Merges until nothing more merges: two of the three members equal, the third becomes the union. */
function settled(rules: readonly LeastRule[]): LeastRule[] {
  let known = [...rules];
  for (;;) {
    const before = known.length;
    for (const member of ['remote', 'ports', 'local'] as const) known = mergedBy(known, member);
    if (known.length === before) return known.sort(byService);
  }
}

function mergedBy(rules: readonly LeastRule[], member: 'remote' | 'local' | 'ports'): LeastRule[] {
  const groups = Map.groupBy(rules, (rule) =>
    JSON.stringify([{ ...rule, [member]: [] }, rule.remote.map(isSix).includes(true)]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    if (member === 'ports') return [{ ...first, ports: mergePorts(group.flatMap(({ ports }) => ports)) }];
    return [{ ...first, [member]: mergeTexts(group.flatMap((rule) => rule[member])) }];
  });
}

function widened(rule: LeastRule, judge: Judge): LeastRule {
  let known = rule;
  for (const member of ['remote', 'local'] as const) {
    for (const length of widths[isSix(rule.remote[0] ?? '') ? 6 : 4]) {
      if (known[member].length <= prefixesShown) break;
      const wide = { ...known, [member]: mergeTexts(known[member].map((text) => cut(parsePrefix(text), length))) };
      if (judge(wide)) known = wide;
    }
  }
  const [low, high] = [known.ports[0]?.[0], known.ports.at(-1)?.[1]];
  if (known.ports.length <= portsShown || low === undefined || high === undefined) return known;
  const wide = { ...known, ports: [[low, high] as const] };
  return judge(wide) ? wide : known;
}

/** The rule as one of a filter. */
export function ruleOf({ protocol, remote, local, ports }: LeastRule, direction: SeenFlow['direction']): Rule {
  const [source, target] = direction === 'inbound' ? [remote, local] : [local, remote];
  const match = (prefixes: readonly string[]) => ({ prefixes, sets: [] });
  const ends = { source: match(source), target: match(target), sourcePorts: [], targetPorts: ports };
  return { access: 'allow', protocol, ...ends, because: 'suggestion' };
}

function mergePorts(ranges: readonly PortRange[]): PortRange[] {
  const merged: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((left, right) => left[0] - right[0])) {
    const top = merged.at(-1);
    if (top !== undefined && first <= top[1] + 1) top[1] = Math.max(top[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

function mergeTexts(texts: readonly string[]): string[] {
  return mergePrefixes([...new Set(texts)].map((text) => parsePrefix(text))).map(printPrefix);
}

function cut(prefix: Prefix, length: number): string {
  if (prefix.length <= length) return printPrefix(prefix);
  return printPrefix(prefixOf({ family: prefix.family, value: prefix.first }, length));
}

function hostPrefix(address: string): string {
  const known = tryAddress(address);
  return known === undefined ? address : `${address}/${known.family === 4 ? 32 : 128}`;
}

function isSix(text: string): boolean {
  return text.includes(':');
}

function byService(left: LeastRule, right: LeastRule): number {
  const [one, other] = [left, right].map(({ protocol, ports, remote }) => [
    protocol,
    ports[0]?.[0] ?? 0,
    remote[0] ?? '',
  ]);
  for (const index of [0, 1, 2]) {
    const [a, b] = [one?.[index] ?? '', other?.[index] ?? ''];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}
