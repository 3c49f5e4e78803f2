/** Filters as plain nft rules: each rule is written out as the product of its prefixes and ports, never with anonymous sets. */

import type { JsonObject } from '#base/json.ts';
import { originOf, ownMember } from '#base/lineage.ts';
import { rulesExpandedMax } from '#base/limits.ts';
import { lastOf, printAddress, printPrefix, tryPrefix, type Family } from '#base/prefix.ts';
import { Fault } from '#base/wrong.ts';
import { flowLogGroup, flowPrefix } from '#adapters/linux/flow-log-prefix.ts';
import { kernelName } from '#adapters/linux/names.ts';
import type { NftChain, NftSet } from '#adapters/linux/ruleset.ts';
import type { AddressMatch, Filter, PortRange, Rule } from '#program/program.ts';

/** What a rule's verdict becomes: in a router an allowed packet returns to be judged by the next filter. */
export type Verdicts = {
  readonly allow: 'return' | 'accept';
  readonly deny: 'drop';
  /** Each rule tells the kernel's log of its verdict; the text stands for the filter (`flow-log-prefix.ts`). */
  readonly log?: string;
};

type Rules = Filter['rules'];

/** A filter's chain with what its next of kin is made from: the rules' keys in order, and the texts of each. */
type Written = {
  readonly keys: readonly string[];
  readonly texts: readonly (readonly string[])[];
  readonly chain: NftChain;
};

/** Rules written, by how: the same rules may stand in several filters and speak with several verdicts. */
const writings = new WeakMap<Rules, Map<string, Written>>();

/**
 * The chain of a filter; its last rule denies what nothing matched. Memoised by identity: an untouched filter is the same
 * object, and of one that was made from another only what was changed is written anew.
 */
export function filterChain(key: string, { rules }: Filter, verdicts: Verdicts): NftChain {
  let known = writings.get(rules);
  if (known === undefined) writings.set(rules, (known = new Map()));
  const way = `${verdicts.allow} ${verdicts.log ?? ''} ${key}`;
  const done = known.get(way);
  if (done !== undefined) return done.chain;
  const origin = originOf(rules);
  const before = origin === undefined ? undefined : writings.get(origin.from as Rules)?.get(way);
  const written =
    before !== undefined && origin !== undefined
      ? rewritten(before, { rules, changed: origin.keys, verdicts })
      : writtenAnew(key, rules, verdicts);
  if (written.chain.rules.length > rulesExpandedMax * 50)
    throw new Fault('FilterTooLarge', `The filter ${key} expands to too many rules.`);
  known.set(way, written);
  return written.chain;
}

function writtenAnew(key: string, rules: Rules, verdicts: Verdicts): Written {
  const keys: string[] = [];
  const lists: (readonly string[])[] = [];
  const lines: string[] = [];
  for (const name of Object.keys(rules).sort()) {
    const rule = rules[name];
    if (rule === undefined) continue;
    const own = ruleTexts(name, rule, verdicts);
    keys.push(name);
    lists.push(own);
    for (const text of own) lines.push(text);
    if (lines.length > rulesExpandedMax * 50) break;
  }
  lines.push(`${logText(verdicts, '', 'deny')}counter drop${comment(`${key}: no rule matched`)}`);
  return { keys, texts: lists, chain: { hook: undefined, rules: lines } };
}

type Rewrite = { readonly rules: Rules; readonly changed: readonly string[]; readonly verdicts: Verdicts };

function rewritten(before: Written, { rules, changed, verdicts }: Rewrite): Written {
  const keys = [...before.keys];
  const lists = [...before.texts];
  const lines = [...before.chain.rules];
  for (const name of changed) {
    const place = placeOf(keys, name);
    const old = keys[place] === name ? lists[place] : undefined;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    const own = rule === undefined ? undefined : ruleTexts(name, rule, verdicts);
    let line = 0;
    for (let index = 0; index < place; index++) line += lists[index]?.length ?? 0;
    lines.splice(line, old?.length ?? 0, ...(own ?? []));
    const gone = old === undefined ? 0 : 1;
    keys.splice(place, gone, ...(own === undefined ? [] : [name]));
    lists.splice(place, gone, ...(own === undefined ? [] : [own]));
  }
  return { keys, texts: lists, chain: { hook: undefined, rules: lines } };
}

/** The first place in a sorted list whose text is not below. */
function placeOf(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many rules speak of each set. */
const spokenSets = new WeakMap<Rules, ReadonlyMap<string, number>>();

/** The named sets that a filter's rules speak of. */
export function filterSets({ rules }: Filter): readonly string[] {
  return [...setCounts(rules).keys()];
}

function setCounts(rules: Rules): ReadonlyMap<string, number> {
  const known = spokenSets.get(rules);
  if (known !== undefined) return known;
  const origin = originOf(rules);
  const before = origin === undefined ? undefined : spokenSets.get(origin.from as Rules);
  const counts = new Map(before);
  const count = (rule: Rule | undefined, by: number) => {
    for (const match of rule === undefined ? [] : [rule.source, rule.target]) {
      for (const name of match === 'any' ? [] : match.sets) {
        const sum = (counts.get(name) ?? 0) + by;
        if (sum > 0) counts.set(name, sum);
        else counts.delete(name);
      }
    }
  };
  if (before === undefined || origin === undefined) for (const rule of Object.values(rules)) count(rule, 1);
  else {
    for (const key of new Set(origin.keys)) {
      count(ownMember(origin.from, key) as Rule | undefined, -1);
      count(ownMember(rules as unknown as JsonObject, key) as Rule | undefined, 1);
    }
  }
  spokenSets.set(rules, counts);
  return counts;
}

const texts = new WeakMap<Rule, { key: string; way: string; texts: readonly string[] }>();

/** One rule in nft's own form, once per combination of prefixes, ports and protocols that it speaks of. */
export function ruleTexts(key: string, rule: Rule, verdicts: Verdicts): readonly string[] {
  const known = texts.get(rule);
  const way = `${verdicts.allow} ${verdicts.log ?? ''}`;
  if (known?.key === key && known.way === way) return known.texts;
  const verdict = rule.access === 'allow' ? verdicts.allow : verdicts.deny;
  const tail = `${logText(verdicts, key, rule.access)}counter ${verdict}${comment(`${key} ${rule.because}`)}`;
  const [sources, targets] = [sides(rule.source, 'saddr'), sides(rule.target, 'daddr')];
  const count =
    sources.length * targets.length * Math.max(1, rule.sourcePorts.length) * Math.max(1, rule.targetPorts.length);
  if (count > rulesExpandedMax) throw new Fault('RuleTooLarge', `The rule ${rule.because} expands to ${count} rules.`);
  const written: string[] = [];
  for (const source of sources) {
    for (const target of targets) {
      if (source.family !== undefined && target.family !== undefined && source.family !== target.family) continue;
      const family = source.family ?? target.family;
      const addresses = [source.text, target.text].filter((text) => text !== '');
      for (const protocol of protocolTexts(rule, family)) written.push([...addresses, ...protocol, tail].join(' '));
    }
  }
  texts.set(rule, { key, way, texts: written });
  return written;
}

/** The statement that logs a verdict, as nft prints it; it neither matches nor decides. */
function logText({ log }: Verdicts, key: string, access: Rule['access']): string {
  return log === undefined ? '' : `log prefix "${flowPrefix(log, key, access)}" group ${flowLogGroup} `;
}

type Side = { readonly family: Family | undefined; readonly text: string };

function sides(match: AddressMatch, field: 'saddr' | 'daddr'): readonly Side[] {
  if (match === 'any') return [{ family: undefined, text: '' }];
  const found: Side[] = [];
  for (const text of match.prefixes) {
    const prefix = tryPrefix(text);
    if (prefix === undefined) continue;
    found.push({ family: prefix.family, text: prefixMatch(text, field) });
  }
  for (const name of match.sets) {
    found.push({ family: 4, text: `ip ${field} @${prefixSetName(name, 4)}` });
    found.push({ family: 6, text: `ip6 ${field} @${prefixSetName(name, 6)}` });
  }
  return found;
}

/** A match of one prefix, in the form that nft lists. */
function prefixMatch(text: string, field: 'saddr' | 'daddr'): string {
  const prefix = tryPrefix(text);
  if (prefix === undefined) return 'meta nfproto 0';
  const word = prefix.family === 4 ? 'ip' : 'ip6';
  return `${word} ${field} ${prefixText(text)}`;
}

/** A prefix as nft lists it: a single address without its length. */
export function prefixText(text: string): string {
  const prefix = tryPrefix(text);
  if (prefix === undefined) return text;
  const isWhole = prefix.length === (prefix.family === 4 ? 32 : 128);
  return isWhole ? printAddress({ family: prefix.family, value: prefix.first }) : printPrefix(prefix);
}

function protocolTexts(rule: Rule, family: Family | undefined): readonly (readonly string[])[] {
  switch (rule.protocol) {
    case 'tcp':
    case 'udp':
      return portTexts(rule, rule.protocol);
    case 'icmp': {
      const four = ['meta l4proto icmp'];
      const six = ['meta l4proto ipv6-icmp'];
      return family === 4 ? [four] : family === 6 ? [six] : [four, six];
    }
    case 'esp':
      return [['meta l4proto esp']];
    case 'ah': {
      // The kernel looks through an IPv6 authentication header (RFC 4302 makes it an extension header), so only the fixed
      // header's field can tell.
      const four = ['meta l4proto ah'];
      const six = ['ip6 nexthdr ah'];
      return family === 4 ? [four] : family === 6 ? [six] : [four, six];
    }
    case 'any':
      if (rule.sourcePorts.length === 0 && rule.targetPorts.length === 0) return [[]];
      return [...portTexts(rule, 'tcp'), ...portTexts(rule, 'udp')];
  }
}

function portTexts(rule: Rule, protocol: 'tcp' | 'udp'): readonly (readonly string[])[] {
  const found: string[][] = [];
  for (const source of rule.sourcePorts.length === 0 ? [undefined] : rule.sourcePorts) {
    for (const target of rule.targetPorts.length === 0 ? [undefined] : rule.targetPorts) {
      const parts: string[] = [];
      if (source !== undefined && !isEvery(source)) parts.push(`${protocol} sport ${rangeText(source)}`);
      if (target !== undefined && !isEvery(target)) parts.push(`${protocol} dport ${rangeText(target)}`);
      found.push(parts.length === 0 ? [`meta l4proto ${protocol}`] : parts);
    }
  }
  return found;
}

function isEvery([first, last]: PortRange): boolean {
  return first === 0 && last === 65_535;
}

function rangeText([first, last]: PortRange): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

/** nft keeps 128 bytes of a comment; what does not fit is cut, odd characters are replaced. */
export function comment(text: string): string {
  const clean = text.replace(/[^ !#-[\]-~]/g, '?');
  return ` comment "${clean.length > 120 ? `${clean.slice(0, 117)}...` : clean}"`;
}

/** The name of one family's half of a named set of prefixes. */
export function prefixSetName(key: string, family: Family): string {
  return kernelName(`s${family}`, key);
}

const prefixSets = new WeakMap<readonly string[], Map<Family, NftSet>>();

/** One family's half of a list of prefixes, as an interval set of disjoint elements. */
export function prefixSet(prefixes: readonly string[], family: Family): NftSet {
  let known = prefixSets.get(prefixes);
  if (known === undefined) prefixSets.set(prefixes, (known = new Map()));
  const old = known.get(family);
  if (old !== undefined) return old;
  const set: NftSet = {
    kind: 'set',
    spec: [`type ipv${family}_addr`, 'flags interval'],
    elements: new Set(intervalTexts(prefixes, family)),
  };
  known.set(family, set);
  return set;
}

/** Disjoint elements that hold exactly the given prefixes of one family, as nft lists them: a prefix, or first-last. */
export function intervalTexts(prefixes: readonly string[], family: Family): string[] {
  const spans = prefixes
    .map((text) => tryPrefix(text))
    .filter((prefix) => prefix !== undefined)
    .filter((prefix) => prefix.family === family)
    .map((prefix) => ({ first: prefix.first, last: lastOf(prefix) }))
    .sort((left, right) => (left.first < right.first ? -1 : left.first > right.first ? 1 : 0));
  const merged: { first: bigint; last: bigint }[] = [];
  for (const span of spans) {
    const top = merged.at(-1);
    if (top !== undefined && span.first <= top.last + 1n) top.last = span.last > top.last ? span.last : top.last;
    else merged.push({ ...span });
  }
  return merged.map((span) => spanText(span, family));
}

/** The span as one prefix when it is one, else as first-last. */
function spanText({ first, last }: { first: bigint; last: bigint }, family: Family): string {
  const size = last - first + 1n;
  const bits = family === 4 ? 32 : 128;
  const log = size.toString(2).length - 1;
  const print = (value: bigint) => printAddress({ family, value });
  if (size === 1n) return print(first);
  if (1n << BigInt(log) === size && first % size === 0n) return `${print(first)}/${bits - log}`;
  return `${print(first)}-${print(last)}`;
}
