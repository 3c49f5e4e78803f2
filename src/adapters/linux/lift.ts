/** The kernel's own list of a filter, read back into a filter: it shares nothing with what writes rules, and knows no expression that it was not told of. */

import { tryAddress, tryPrefix } from '#base/prefix.ts';
import type { AddressMatch, Filter, PortRange, Protocol, Rule } from '#program/program.ts';

/** A chain as `nft list` prints it: one rule a line, without handles; and the elements of the table's sets by name. */
export type Listing = {
  readonly rules: readonly string[];
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
};

/** `unknown`: an expression that nobody told us the meaning of; a filter with one is never equal to anything. */
export type Lifted =
  | { readonly kind: 'filter'; readonly filter: Filter }
  | { readonly kind: 'unknown'; readonly rule: string; readonly expression: string };

type Draft = {
  source: string[] | undefined;
  target: string[] | undefined;
  family: 4 | 6 | undefined;
  protocol: Protocol;
  sourcePorts: PortRange[];
  targetPorts: PortRange[];
  access: 'allow' | 'deny' | undefined;
};

const everything: { readonly [family in 4 | 6]: string } = { 4: '0.0.0.0/0', 6: '::/0' };

/** Lifts a chain. `allow` is the verdict that lets a packet on to the next filter. */
export function liftFilter({ rules, sets }: Listing, allow: 'return' | 'accept'): Lifted {
  const lifted: { [key: string]: Rule } = {};
  for (const [index, text] of rules.entries()) {
    const words = wordsOf(text);
    const draft: Draft = {
      source: undefined,
      target: undefined,
      family: undefined,
      protocol: 'any',
      sourcePorts: [],
      targetPorts: [],
      access: undefined,
    };
    const unknown = readRule(words, { draft, sets, allow });
    if (unknown !== undefined) return { kind: 'unknown', rule: text, expression: unknown };
    // A rule for a family alone speaks of that family's addresses at both ends.
    const both = draft.family === undefined ? undefined : [everything[draft.family]];
    lifted[String(index).padStart(8, '0')] = {
      access: draft.access ?? 'deny',
      protocol: draft.protocol,
      source: matchOf(draft.source ?? both),
      target: matchOf(draft.target ?? both),
      sourcePorts: draft.sourcePorts,
      targetPorts: draft.targetPorts,
      because: text,
    };
  }
  return { kind: 'filter', filter: { rules: lifted } };
}

function matchOf(prefixes: readonly string[] | undefined): AddressMatch {
  return prefixes === undefined ? 'any' : { prefixes, sets: [] };
}

/** Words of a rule; a quoted text is one word, what stands between braces too. */
function wordsOf(text: string): string[] {
  return text.match(/"(?:[^"\\]|\\.)*"|\{[^}]*\}|[^\s"{}]+/g) ?? [];
}

type Reading = {
  readonly draft: Draft;
  readonly sets: Listing['sets'];
  readonly allow: 'return' | 'accept';
};

/** Reads one rule into the draft; answers the first expression that it does not know. */
function readRule(words: string[], reading: Reading): string | undefined {
  while (words.length > 0) {
    const word = words.shift() ?? '';
    const isKnown = readExpression(word, words, reading);
    if (!isKnown) return [word, ...words.slice(0, 3)].join(' ');
  }
  return reading.draft.access === undefined ? 'no verdict' : undefined;
}

function readExpression(word: string, words: string[], { draft, sets, allow }: Reading): boolean {
  switch (word) {
    case 'ip':
    case 'ip6':
      return readAddress(word === 'ip' ? 4 : 6, words, { draft, sets });
    case 'tcp':
    case 'udp':
      return (draft.protocol === 'any' || draft.protocol === word) && readPort(word, words, draft);
    case 'meta':
      return readMeta(words, draft);
    case 'counter':
      // Counters of a rule that was listed with them.
      if (words[0] === 'packets') words.splice(0, 4);
      return true;
    case 'log':
      return readLog(words);
    case 'comment':
      return words.shift() !== undefined;
    case 'accept':
    case 'return':
    case 'drop':
      if (draft.access !== undefined || (word !== 'drop' && word !== allow)) return false;
      draft.access = word === 'drop' ? 'deny' : 'allow';
      return true;
    default:
      return false;
  }
}

/** What is logged is judged all the same. */
function readLog(words: string[]): boolean {
  for (const name of ['prefix', 'group', 'snaplen', 'queue-threshold']) {
    if (words[0] === name) words.splice(0, 2);
  }
  return true;
}

function readAddress(family: 4 | 6, words: string[], { draft, sets }: Pick<Reading, 'draft' | 'sets'>): boolean {
  const [field, value] = words.splice(0, 2);
  if (draft.family !== undefined && draft.family !== family) return false;
  draft.family = family;
  // The protocol as the IPv6 header itself names it.
  if (field === 'nexthdr' && family === 6) return readProtocol(value ?? '', draft);
  if ((field !== 'saddr' && field !== 'daddr') || value === undefined) return false;
  const listed = value.startsWith('@') ? sets.get(value.slice(1)) : undefined;
  if (value.startsWith('@') && listed === undefined) return false;
  const texts = listed === undefined ? [value] : [...listed];
  const prefixes = texts.flatMap((text) => prefixesOf(text));
  if (prefixes.some((prefix) => prefix === undefined)) return false;
  const side = field === 'saddr' ? 'source' : 'target';
  if (draft[side] !== undefined) return false;
  draft[side] = prefixes.filter((prefix) => prefix !== undefined);
  return true;
}

/** A prefix, an address, or a range of addresses as prefixes. */
function prefixesOf(text: string): readonly (string | undefined)[] {
  const [first = '', last] = text.split('-');
  if (last === undefined) {
    const prefix = tryPrefix(text);
    return [prefix === undefined ? undefined : text];
  }
  const [from, to] = [tryAddress(first), tryAddress(last)];
  if (from === undefined || to === undefined || from.family !== to.family) return [undefined];
  return rangePrefixes(from, to.value);
}

function rangePrefixes(from: { readonly family: 4 | 6; readonly value: bigint }, last: bigint): readonly string[] {
  const bits = from.family === 4 ? 32 : 128;
  const prefixes: string[] = [];
  for (let at = from.value; at <= last; ) {
    let size = 0;
    while (size < bits && (at & (1n << BigInt(size))) === 0n && at + (1n << BigInt(size + 1)) - 1n <= last) size += 1;
    prefixes.push(`${printed(from.family, at)}/${bits - size}`);
    at += 1n << BigInt(size);
  }
  return prefixes;
}

function printed(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
  return Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(
    ':',
  );
}

function readPort(protocol: 'tcp' | 'udp', words: string[], draft: Draft): boolean {
  draft.protocol = protocol;
  const [field, value] = words.splice(0, 2);
  const ranges = value === undefined ? undefined : rangesOf(value);
  if (ranges === undefined) return false;
  const side = field === 'dport' ? 'targetPorts' : field === 'sport' ? 'sourcePorts' : undefined;
  // Two conditions on one port would both have to hold: no filter says that.
  if (side === undefined || draft[side].length > 0) return false;
  draft[side] = ranges;
  return true;
}

function rangesOf(text: string): PortRange[] | undefined {
  const parts = text.replaceAll(/[{}\s]/g, '').split(',');
  const ranges = parts.map((part): PortRange | undefined => {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    return first === undefined ? undefined : [Number(first), Number(last ?? first)];
  });
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

const protocols: { readonly [word: string]: readonly [Protocol, (4 | 6)?] } = {
  tcp: ['tcp'],
  udp: ['udp'],
  icmp: ['icmp', 4],
  'ipv6-icmp': ['icmp', 6],
  esp: ['esp'],
  ah: ['ah'],
  '6': ['tcp'],
  '17': ['udp'],
  '1': ['icmp', 4],
  '58': ['icmp', 6],
  '50': ['esp'],
  '51': ['ah'],
};

function readMeta(words: string[], draft: Draft): boolean {
  const [field, value = ''] = words.splice(0, 2);
  if (field === 'nfproto') {
    // No packet is of this family: that is how a rule about nothing is written.
    if (value === '0' || value === 'unspec') {
      draft.source = [];
      return true;
    }
    const family = value === 'ipv4' ? 4 : value === 'ipv6' ? 6 : undefined;
    if (family === undefined || (draft.family !== undefined && draft.family !== family)) return false;
    draft.family = family;
    return true;
  }
  return field === 'l4proto' && readProtocol(value, draft);
}

function readProtocol(value: string, draft: Draft): boolean {
  const known = Object.hasOwn(protocols, value) ? protocols[value] : undefined;
  if (known === undefined || draft.protocol !== 'any') return false;
  const [protocol, family] = known;
  if (family !== undefined && draft.family !== undefined && draft.family !== family) return false;
  draft.protocol = protocol;
  draft.family = family ?? draft.family;
  return true;
}
