/** A network configuration diagnostic: what each group at an interface says of traffic, given as prefixes and ports, rule by rule. */

import {
  bitsOf,
  contains,
  mergePrefixes,
  parsePrefix,
  type Prefix,
  prefixOf,
  printPrefix,
  tryAddress,
  tryPrefix,
} from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import type { Layer, Placed } from '#compile/answer/port.ts';
import { ruleName } from '#compile/answer/rule.ts';
import { familyOf } from '#compile/read.ts';
import type { AddressMatch, PortRange, RouterProgram, Rule } from '#program/program.ts';
import { rulesOf, ruleSet } from '#verify/filter-set.ts';
import { PacketSets } from '#verify/packet-sets.ts';

/** One row of traffic. A side is `*`, an address, a prefix, or a service tag. */
export type Profile = {
  readonly direction: 'inbound' | 'outbound';
  readonly protocol: 'any' | 'tcp' | 'udp';
  readonly source: string;
  readonly target: string;
  readonly ports: PortRange;
};

/** Which members of a rule speak of all of the traffic. */
export type RuleMatch = {
  readonly name: string;
  readonly protocol: boolean;
  readonly source: boolean;
  readonly sourcePort: boolean;
  readonly target: boolean;
  readonly targetPort: boolean;
};

/**
 * What one layer says, exactly: `allow` when it lets all of the traffic through, else `deny`, and `isPartial` when some of it passes.
 * `matched`: the first rule that decides some of it so; none: the end of the layer denies.
 */
export type LayerVerdict = {
  readonly layer: Layer;
  readonly access: 'allow' | 'deny';
  readonly isPartial: boolean;
  readonly matched?: string;
  readonly rules: readonly RuleMatch[];
};

/** The layers of one direction, in the order in which they judge; a layer behind one that denies all is not asked. */
export function diagnosed(profile: Profile, placed: Placed, layers: readonly Layer[]): readonly LayerVerdict[] {
  const traffic = trafficOf(profile, placed);
  const names = profile.direction === 'inbound' ? placed.port.inbound : placed.port.outbound;
  const store = new PacketSets();
  const verdicts: LayerVerdict[] = [];
  for (const name of names) {
    const layer = layers.find(({ inbound, outbound }) => inbound === name || outbound === name);
    if (layer === undefined) continue;
    const verdict = verdictOf(store, traffic, { name, layer, router: placed.router, direction: profile.direction });
    verdicts.push(verdict);
    if (verdict.access === 'deny' && !verdict.isPartial) break;
  }
  return verdicts;
}

type Traffic = Pick<Profile, 'protocol' | 'ports'> & {
  readonly source: readonly Prefix[];
  readonly target: readonly Prefix[];
};

/** Only of families that the interface has addresses of: what it cannot get or send is no part of the answer. */
function trafficOf({ protocol, ports, source, target }: Profile, { router, port }: Placed): Traffic {
  const families = new Set(Object.keys(port.addresses).map(familyOf));
  const side = (text: string, member: string): readonly Prefix[] =>
    prefixesOf(text, member, router).filter(({ family }) => families.has(family));
  return { protocol, ports, source: side(source, 'source'), target: side(target, 'destination') };
}

const everywhere = ['0.0.0.0/0', '::/0'].map((text) => parsePrefix(text));
const tags: { readonly [word: string]: string } = {
  virtualnetwork: 'vnet',
  internet: 'internet',
  azureloadbalancer: 'probe',
};

function prefixesOf(text: string, member: string, { sets }: RouterProgram): readonly Prefix[] {
  if (text === '*') return everywhere;
  const address = tryAddress(text);
  const prefix = address === undefined ? tryPrefix(text) : prefixOf(address, bitsOf(address.family));
  if (prefix !== undefined) return [prefix];
  const set = tags[text.toLowerCase()];
  if (set !== undefined) return (sets[set] ?? []).flatMap((each) => tryPrefix(each) ?? []);
  const says = `'${text.slice(0, 100)}' is no '*', address, prefix or service tag (VirtualNetwork, Internet, AzureLoadBalancer).`;
  throw new Refusal('InvalidParameter', says, { target: `/profiles/${member}` });
}

type Where = {
  readonly name: string;
  readonly layer: Layer;
  readonly router: RouterProgram;
  readonly direction: Profile['direction'];
};

function verdictOf(store: PacketSets, traffic: Traffic, { name, layer, router, direction }: Where): LayerVerdict {
  const local = direction === 'inbound' ? 'target' : 'source';
  const filter = (Object.hasOwn(router.filters, name) ? router.filters[name] : undefined) ?? { rules: {} };
  const first: { allow?: string; deny?: string } = {};
  const rules: RuleMatch[] = [];
  let open = ruleSet(store, { rule: ruleOf(traffic), sets: {}, local });
  let isDenied = false;
  for (const [key, rule] of rulesOf(filter)) {
    const told = ruleName(name, key);
    rules.push(matchOf(traffic, { rule, name: told, router }));
    const matches = ruleSet(store, { rule, sets: router.sets, local });
    if (store.isEmpty(store.intersection(open, matches))) continue;
    open = store.difference(open, matches);
    first[rule.access] ??= told;
    if (rule.access === 'deny') isDenied = true;
  }
  const access = isDenied || !store.isEmpty(open) ? 'deny' : 'allow';
  const matched = first[access];
  const isPartial = access === 'deny' && first.allow !== undefined;
  return { layer, access, isPartial, rules, ...(matched === undefined ? {} : { matched }) };
}

/** The traffic as a rule that speaks of exactly it. */
function ruleOf({ protocol, source, target, ports }: Traffic): Rule {
  const match = (prefixes: readonly Prefix[]): AddressMatch => ({ prefixes: prefixes.map(printPrefix), sets: [] });
  const isEveryPort = ports[0] === 0 && ports[1] === 65_535;
  const targetPorts = isEveryPort ? [] : [ports];
  const sides = { source: match(source), target: match(target) };
  return { access: 'allow', protocol, ...sides, sourcePorts: [], targetPorts, because: 'asked' };
}

type OneRule = { readonly rule: Rule; readonly name: string; readonly router: RouterProgram };

function matchOf(traffic: Traffic, { rule, name, router }: OneRule): RuleMatch {
  const { protocol, sourcePorts, targetPorts } = rule;
  // A rule of any protocol with ports speaks of TCP and UDP alone, which is less than every protocol.
  const isWide = protocol === 'any' && (traffic.protocol !== 'any' || sourcePorts.length + targetPorts.length === 0);
  return {
    name,
    protocol: isWide || protocol === traffic.protocol,
    source: holdsAll(rule.source, traffic.source, router),
    sourcePort: holdsPorts(sourcePorts, [0, 65_535]),
    target: holdsAll(rule.target, traffic.target, router),
    targetPort: holdsPorts(targetPorts, traffic.ports),
  };
}

function holdsPorts(ranges: readonly PortRange[], [first, last]: PortRange): boolean {
  if (ranges.length === 0) return true;
  let next = first;
  for (const [from, to] of ranges.toSorted(([left], [right]) => left - right)) {
    if (from > next) return false;
    if (to >= next) next = to + 1;
    if (next > last) return true;
  }
  return false;
}

/** Does the match hold every address of the traffic? Prefixes that only together hold one count: they are merged first. */
function holdsAll(match: AddressMatch, wanted: readonly Prefix[], { sets }: RouterProgram): boolean {
  if (match === 'any') return true;
  const texts = [
    ...match.prefixes,
    ...match.sets.flatMap((name) => (Object.hasOwn(sets, name) ? (sets[name] ?? []) : [])),
  ];
  const held = mergePrefixes(texts.flatMap((text) => tryPrefix(text) ?? []));
  return wanted.length > 0 && wanted.every((prefix) => held.some((each) => contains(each, prefix)));
}
