/** Network security groups: each becomes one filter per direction, each rule one rule, compiled once as long as it stands. */

import { Alike } from '#base/alike.ts';
import type { JsonObject } from '#base/json.ts';
import { derived } from '#base/lineage.ts';
import { printPrefix, tryPrefix } from '#base/prefix.ts';
import { assert, Bug } from '#base/wrong.ts';
import type { CompileMemo } from '#compile/memo.ts';
import { groupSetKey } from '#compile/sdn/asg.ts';
import { idsAt, lastName, numberAt, parentId, shortKey, textAt, textsAt } from '#compile/read.ts';
import type { Resource } from '#model/resource.ts';
import type { AddressMatch, Filter, PortRange, Protocol, Rule } from '#program/program.ts';

/** The two filters of an NSG. */
export type NsgFilters = { readonly inbound: Filter; readonly outbound: Filter };

/** The key of an NSG's filter; unique among the NSGs that one VNet's router may see (one subscription). */
export function filterKey(nsgId: string, direction: 'inbound' | 'outbound'): string {
  return `nsg/${shortKey(nsgId)}/${direction === 'inbound' ? 'in' : 'out'}`;
}

/** Compiles an NSG with its own rules and Azure's default rules (Azure doc "Network security groups", "Default security rules"). */
export function compileNsg(name: string, rules: readonly Resource[], memo: CompileMemo): NsgFilters {
  const kept = memo.stable('rules', rules);
  return memo.remember('filters', [kept, name], (_, before: NsgFilters | undefined) => {
    const old = before === undefined ? undefined : madeOf.get(before);
    const filters =
      before !== undefined && old?.name === name
        ? changedFilters(before, changesOf(old.rules, kept))
        : newFilters(name, kept);
    madeOf.set(filters, { name, rules: kept });
    return filters;
  });
}

type Direction = 'inbound' | 'outbound';

/** How many different parts of rules are kept to be shared, and how many prefixes such a one has at most. */
const partsMax = 1 << 14;
const sharedPrefixesMax = 8;

/** What filters were made of, for those that are made from them. */
const madeOf = new WeakMap<NsgFilters, { readonly name: string; readonly rules: readonly Resource[] }>();

// Frozen before they are shared: a thousand rules are already known objects, no need to look into them again.
function newFilters(name: string, rules: readonly Resource[]): NsgFilters {
  const made: { readonly [direction in Direction]: { [key: string]: Rule } } = { inbound: {}, outbound: {} };
  for (const rule of rules) {
    const { direction, key } = placeOf(rule);
    made[direction][key] = compiledRule(rule);
  }
  const defaults = defaultRules(name);
  const filterOf = (direction: Direction): Filter => {
    const mine = made[direction];
    for (const [key, rule] of defaults[direction]) mine[key] = frozenRule(rule);
    return Object.freeze({ rules: Object.freeze(mine) });
  };
  return { inbound: filterOf('inbound'), outbound: filterOf('outbound') };
}

type Changes = { readonly [direction in Direction]: Map<string, JsonObject | undefined> };

/** Made from the filters before: of a thousand rules a change concerns a few, and everyone after us sees which (base/lineage.ts). */
function changedFilters(before: NsgFilters, changes: Changes): NsgFilters {
  const filterOf = (direction: Direction): Filter => {
    const filter = before[direction];
    if (changes[direction].size === 0) return filter;
    const rules = derived(filter.rules as unknown as JsonObject, changes[direction]);
    return derived(filter as unknown as JsonObject, new Map([['rules', rules]])) as unknown as Filter;
  };
  return { inbound: filterOf('inbound'), outbound: filterOf('outbound') };
}

/** Rules that go, then rules that come: one that is replaced under its key does both. */
function changesOf(before: readonly Resource[], after: readonly Resource[]): Changes {
  let first = 0;
  while (first < before.length && first < after.length && before[first] === after[first]) first += 1;
  let [left, right] = [before.length, after.length];
  for (; left > first && right > first && before[left - 1] === after[right - 1]; left--) right--;
  const changes: Changes = { inbound: new Map(), outbound: new Map() };
  for (const { direction, key } of before.slice(first, left).map(placeOf)) changes[direction].set(key, undefined);
  for (const come of after.slice(first, right)) {
    const { direction, key } = placeOf(come);
    changes[direction].set(key, compiledRule(come) as unknown as JsonObject);
  }
  return changes;
}

/** Where a rule goes: the filter, and its place there. */
type RulePlace = { readonly direction: Direction; readonly key: string };

function placeOf({ id, name, properties }: Resource): RulePlace {
  const direction = directionOf(textAt(properties, 'direction'));
  const priority = numberAt(properties, 'priority');
  assert(direction !== undefined, `Rule ${id} has no direction.`);
  assert(priority !== undefined, `Rule ${id} has no priority.`);
  return { direction, key: `${String(priority).padStart(4, '0')}/${name}` };
}

function compiledRule(resource: Resource): Rule {
  const { id, name, properties } = resource;
  return frozenRule({
    access: textAt(properties, 'access')?.toLowerCase() === 'allow' ? 'allow' : 'deny',
    protocol: protocolOf(textAt(properties, 'protocol')),
    source: matchOf(resource, 'source'),
    target: matchOf(resource, 'destination'),
    sourcePorts: portsOf(resource, 'source'),
    targetPorts: portsOf(resource, 'destination'),
    // Joined, for a text that is put together with `+` or a template keeps its parts beside it.
    because: ['nsg', lastName(parentId(id)), name].join('/'),
  });
}

function frozenRule(rule: Rule): Rule {
  for (const match of [rule.source, rule.target]) {
    if (match === 'any') continue;
    for (const part of [match.prefixes, match.sets, match]) Object.freeze(part);
  }
  for (const ranges of [rule.sourcePorts, rule.targetPorts]) {
    for (const range of ranges) Object.freeze(range);
    Object.freeze(ranges);
  }
  return Object.freeze(rule);
}

function directionOf(text: string | undefined): Direction | undefined {
  return (['inbound', 'outbound'] as const).find((direction) => direction === text?.toLowerCase());
}

const protocols = ['any', 'tcp', 'udp', 'icmp', 'esp', 'ah'] as const satisfies readonly Protocol[];

function protocolOf(text: string | undefined): Protocol {
  const wanted = text === undefined || text === '*' ? 'any' : text.toLowerCase();
  const protocol = protocols.find((one) => one === wanted);
  if (protocol === undefined) throw new Bug(`A rule's protocol is ${JSON.stringify(text)}.`);
  return protocol;
}

/** Service tags that are sets of the router (decisions D2.6, D2.7); the model refuses all others. */
const tagSets: { readonly [tag: string]: string } = {
  virtualnetwork: 'vnet',
  internet: 'internet',
  azureloadbalancer: 'probe',
};

function matchOf(resource: Resource, side: 'source' | 'destination'): AddressMatch {
  const { properties } = resource;
  const single = textAt(properties, `${side}AddressPrefix`);
  const texts = [
    ...(single === undefined || single === '' ? [] : [single]),
    ...textsAt(properties, `${side}AddressPrefixes`),
  ];
  const groups = idsAt(properties, `${side}ApplicationSecurityGroups`);
  assert(texts.length + groups.length > 0, `Rule ${resource.id} names no ${side} address.`);
  if (texts.some((text) => text === '*' || text.toLowerCase() === 'any')) return 'any';
  const prefixes = new Set<string>();
  const sets = new Set(groups.map(groupSetKey));
  for (const text of texts) {
    const tag = tagSets[text.toLowerCase()];
    const prefix = tag === undefined ? tryPrefix(text) : undefined;
    if (tag !== undefined) sets.add(tag);
    else if (prefix !== undefined) prefixes.add(printPrefix(prefix));
    // To leave out what we do not know would turn a deny into nothing.
    else
      throw new Bug(
        `Rule ${resource.id} names the ${side} ${JSON.stringify(text)}, which is no prefix and no known tag.`,
      );
  }
  return sharedMatch([...prefixes].sort(), [...sets].sort());
}

/** Rules say the same of addresses and ports again and again: what is equal is one object, so it is kept, and made into sets, once. */
const matches = new Alike<AddressMatch>(partsMax);
const ports = new Alike<PortRange[]>(partsMax);

function sharedMatch(prefixes: readonly string[], sets: readonly string[]): AddressMatch {
  const match = (): AddressMatch =>
    Object.freeze({ prefixes: Object.freeze(prefixes), sets: Object.freeze(sets) }) as AddressMatch;
  return prefixes.length > sharedPrefixesMax ? match() : matches.of(`${prefixes.join()} ${sets.join()}`, match);
}

function portsOf(resource: Resource, side: 'source' | 'destination'): PortRange[] {
  const { properties } = resource;
  const single = textAt(properties, `${side}PortRange`);
  const texts = [
    ...(single === undefined || single === '' ? [] : [single]),
    ...textsAt(properties, `${side}PortRanges`),
  ];
  if (texts.includes('*')) return ports.of('', () => []);
  const ranges = texts.map((text): PortRange => {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim()) ?? [];
    assert(first !== undefined, `Rule ${resource.id} names the ${side} port ${JSON.stringify(text)}.`);
    return [Number(first), Number(last ?? first)];
  });
  const sorted = ranges.toSorted((left, right) => left[0] - right[0] || left[1] - right[1]);
  const said = sorted.some(([first, last]) => first === 0 && last === 65_535) ? [] : sorted;
  return ports.of(said.join(), () => said);
}

type DefaultRules = { readonly [direction in Direction]: readonly (readonly [string, Rule])[] };

function defaultRules(nsg: string): DefaultRules {
  const row = (
    priority: number,
    name: string,
    [access, source, target]: ['allow' | 'deny', AddressMatch, AddressMatch],
  ): [string, Rule] => {
    const because = ['nsg', nsg, name].join('/');
    return [
      `${priority}/${name}`,
      { access, protocol: 'any', source, target, sourcePorts: anyPort, targetPorts: anyPort, because },
    ];
  };
  const set = (name: string): AddressMatch => sharedMatch([], [name]);
  const anyPort = ports.of('', () => []);
  return {
    inbound: [
      row(65_000, 'AllowVnetInBound', ['allow', set('vnet'), set('vnet')]),
      row(65_001, 'AllowAzureLoadBalancerInBound', ['allow', set('probe'), 'any']),
      row(65_500, 'DenyAllInBound', ['deny', 'any', 'any']),
    ],
    outbound: [
      row(65_000, 'AllowVnetOutBound', ['allow', set('vnet'), set('vnet')]),
      row(65_001, 'AllowInternetOutBound', ['allow', 'any', set('internet')]),
      row(65_500, 'DenyAllOutBound', ['deny', 'any', 'any']),
    ],
  };
}

/** The filter of a NIC that has a Standard public address or pool but no NSG: closed to the outside (Azure: "secure by default"). */
export const closedFilterKey = 'standard-closed';

const closedRule = (access: 'allow' | 'deny', source: AddressMatch, name: string): Rule =>
  frozenRule({
    access,
    protocol: 'any',
    source,
    target: 'any',
    sourcePorts: [],
    targetPorts: [],
    because: `${closedFilterKey}/${name}`,
  });

/** See `closedFilterKey`: only the virtual network and health probes get in. */
export const closedFilter: Filter = Object.freeze({
  rules: Object.freeze({
    '0100/vnet': closedRule('allow', { prefixes: [], sets: ['vnet'] }, 'vnet'),
    '0200/probe': closedRule('allow', { prefixes: [], sets: ['probe'] }, 'probe'),
    '0300/outside': closedRule('deny', 'any', 'outside'),
  }),
});
