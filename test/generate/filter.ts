/** Random filters with the shapes that access lists and firewalls have, and packets on both sides of every edge of their rules. */

import { bitsOf, type Family, lastOf, prefixOf, printAddress, printPrefix, tryPrefix } from '#base/prefix.ts';
import { deepFreeze } from '#base/json.ts';
import type { Header, Sets } from '#program/filter.ts';
import type { AddressMatch, Filter, PortRange, Protocol, Rule } from '#program/program.ts';
import type { Random } from '#test/generate/random.ts';

/**
 * `access`: prefixes on both sides, single ports (a provider's access list); `firewall`: many wildcards and ranges (a company's);
 * `mixed`: both families, every protocol, named sets, nested and empty matches: all that a rule can say.
 */
export type FilterStyle = 'access' | 'firewall' | 'mixed';

export type RandomFilter = { readonly filter: Filter; readonly sets: Sets };

/** A filter of so many rules. Prefixes come from a pool and are narrowed or widened, so that rules overlap as written ones do. */
export function randomFilter(random: Random, style: FilterStyle, count: number): RandomFilter {
  const pool = prefixPool(random, style, Math.max(8, count >> 3));
  const rules: { [key: string]: Rule } = {};
  for (let index = 0; index < count; index++) {
    rules[`${String(index).padStart(5, '0')}/r`] = randomRule(random, style, { pool, index });
  }
  const sets = {
    vnet: ['10.0.0.0/8', 'fd00::/8'],
    internet: random.chance(0.5) ? ['0.0.0.0/1', '128.0.0.0/2', '2000::/3'] : ['0.0.0.0/0', '::/0'],
    none: [],
  };
  return deepFreeze({ filter: { rules }, sets });
}

function prefixPool(random: Random, style: FilterStyle, size: number): string[] {
  return Array.from({ length: size }, () => {
    const family: Family = style === 'mixed' && random.chance(0.4) ? 6 : 4;
    const bits = bitsOf(family);
    const length = random.pick(family === 4 ? [8, 12, 16, 19, 22, 24, 24, 27, 30, 32, 32] : [16, 48, 56, 64, 125, 128]);
    let value = family === 4 ? BigInt(random.pick([10, 10, 172, 192, 203])) << 24n : 0xfdn << 120n;
    for (let bit = 8; bit < bits; bit += 4)
      value |= BigInt(random.below(random.chance(0.5) ? 3 : 16)) << BigInt(bits - bit - 4);
    return printPrefix(prefixOf({ family, value }, length));
  });
}

type Place = { readonly pool: readonly string[]; readonly index: number };

function randomRule(random: Random, style: FilterStyle, { pool, index }: Place): Rule {
  const wild = { access: 0.08, firewall: 0.35, mixed: 0.25 }[style];
  const protocols: readonly Protocol[] =
    style === 'mixed' ? ['any', 'any', 'tcp', 'udp', 'icmp', 'esp', 'ah'] : ['tcp', 'tcp', 'tcp', 'udp', 'any', 'icmp'];
  const match = () => (random.chance(wild) ? 'any' : randomMatch(random, style, pool));
  const [source, target] = [match(), match()];
  // One early rule for everything would hide all later ones: nobody writes that.
  const isWhole = style !== 'mixed' && source === 'any' && target === 'any';
  return {
    access: random.chance(0.6) ? 'allow' : 'deny',
    protocol: isWhole ? 'tcp' : random.pick(protocols),
    source,
    target,
    sourcePorts: random.chance(style === 'access' ? 0.02 : 0.15) ? [randomRange(random, style)] : [],
    targetPorts: isWhole || random.chance(0.75) ? [randomRange(random, style)] : [],
    because: `rule ${index}`,
  };
}

function randomMatch(random: Random, style: FilterStyle, pool: readonly string[]): AddressMatch {
  if (style !== 'mixed') return { prefixes: [random.pick(pool)], sets: [] };
  if (random.chance(0.2)) return { prefixes: [], sets: [random.pick(['vnet', 'internet', 'none', 'missing'])] };
  return {
    prefixes: Array.from({ length: random.below(4) }, () => random.pick(pool)),
    sets: random.chance(0.1) ? ['vnet'] : [],
  };
}

const services = [22, 25, 53, 80, 123, 143, 161, 389, 443, 993, 1433, 1521, 3306, 3389, 5432, 8080];
const ranges: readonly PortRange[] = [
  [1024, 65_535],
  [0, 1023],
  [137, 139],
  [6000, 6063],
  [49_152, 65_535],
];

function randomRange(random: Random, style: FilterStyle): PortRange {
  if (random.chance(style === 'access' ? 0.1 : 0.3)) return random.pick(ranges);
  const port = random.pick(services);
  return random.chance(0.2) ? [port, port + random.below(40)] : [port, port];
}

/** The same filter, written otherwise: every rule for all protocols with ports becomes two, and a dead copy of the first rule ends it. */
export function rewritten({ rules }: Filter): Filter {
  const entries = Object.entries(rules).flatMap(([key, rule]): [string, Rule][] => {
    const hasPorts = rule.sourcePorts.length + rule.targetPorts.length > 0;
    if (rule.protocol !== 'any' || !hasPorts) return [[key, rule]];
    return [
      [`${key}-tcp`, { ...rule, protocol: 'tcp' }],
      [`${key}-udp`, { ...rule, protocol: 'udp' }],
    ];
  });
  const first = entries[0];
  return { rules: Object.fromEntries(first === undefined ? entries : [...entries, ['99999/copy', first[1]]]) };
}

/** One rule turned: by itself the first one, which nothing shadows. */
export function turned({ rules }: Filter, at = 0): Filter {
  const one = Object.entries(rules)[at];
  if (one === undefined) return { rules };
  const [key, rule] = one;
  return { rules: { ...rules, [key]: { ...rule, access: rule.access === 'allow' ? 'deny' : 'allow' } } };
}

/** Packets at the first and last address and port of the rules, and one beside them; half of them all about one rule. */
export function boundaryPackets(random: Random, { filter, sets }: RandomFilter): () => Header {
  const rules = Object.values(filter.rules);
  const named = (match: AddressMatch) =>
    match === 'any' ? [] : [...match.prefixes, ...match.sets.flatMap((name) => sets[name] ?? [])];
  const all = edgesOf([...rules.flatMap(({ source, target }) => [...named(source), ...named(target)]), ...everywhere]);
  const ports = portEdges(rules.flatMap(({ sourcePorts, targetPorts }) => [...sourcePorts, ...targetPorts]));
  const own = rules.map(({ protocol, source, target, sourcePorts, targetPorts }) => ({
    protocol,
    source: edgesOf(named(source)),
    target: edgesOf(named(target)),
    sourcePorts: portEdges(sourcePorts),
    targetPorts: portEdges(targetPorts),
  }));
  const choose = <T>(wished: readonly T[] | undefined, others: readonly T[]): T =>
    random.pick(wished === undefined || wished.length === 0 ? others : wished);
  return () => {
    const rule = own.length > 0 && random.chance(0.5) ? random.pick(own) : undefined;
    const family: Family = random.chance(0.75) ? 4 : 6;
    const any = ['tcp', 'tcp', 'udp', 'udp', 'icmp', 'esp', 'ah'] as const;
    const protocol = rule === undefined || rule.protocol === 'any' ? random.pick(any) : rule.protocol;
    const hasPorts = protocol === 'tcp' || protocol === 'udp';
    return {
      source: choose(rule?.source[family], all[family]),
      target: choose(rule?.target[family], all[family]),
      protocol,
      sourcePort: hasPorts ? choose(rule?.sourcePorts, ports) : 0,
      targetPort: hasPorts ? choose(rule?.targetPorts, ports) : 0,
    };
  };
}

const everywhere = ['0.0.0.0/0', '::/0'];

function edgesOf(texts: readonly string[]): { readonly [family in Family]: readonly string[] } {
  const found: { readonly [family in Family]: Set<string> } = { 4: new Set(), 6: new Set() };
  for (const text of texts) {
    const prefix = tryPrefix(text);
    if (prefix === undefined) continue;
    const mask = (1n << BigInt(bitsOf(prefix.family))) - 1n;
    for (const value of [prefix.first - 1n, prefix.first, lastOf(prefix), lastOf(prefix) + 1n]) {
      found[prefix.family].add(printAddress({ family: prefix.family, value: value & mask }));
    }
  }
  return { 4: [...found[4]], 6: [...found[6]] };
}

function portEdges(ranges: readonly PortRange[]): number[] {
  const edges = ranges.flatMap(([first, last]) => [first - 1, first, last, last + 1]);
  return [...new Set([...edges.map((port) => port & 0xffff), 0, 50_000, 65_535])];
}
