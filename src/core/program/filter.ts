/** What a filter says of one packet: the first rule that matches decides, and gives its reason. */

import { type Address, holds, type Prefix, tryAddress, tryPrefix } from '#base/prefix.ts';
import { never } from '#base/wrong.ts';
import type { Packet } from '#program/packet.ts';
import type { AddressMatch, Filter, PortRange, Rule } from '#program/program.ts';

/** The named sets of prefixes of a program. */
export type Sets = { readonly [key: string]: readonly string[] };

/** The header fields that a rule looks at. */
export type Header = Omit<Packet, 'origin'>;

/** A filter's answer; `rule` is the key of the rule that decided, absent when none matched. */
export type FilterVerdict = { readonly verdict: 'allow' | 'deny'; readonly because: string; readonly rule?: string };

/** The verdict of a filter on a packet (program.ts, `Filter`). When no rule matches: deny, because `no rule matched`. */
export function filterVerdict(filter: Filter, sets: Sets, packet: Header): FilterVerdict {
  for (const key of orderedKeys(filter)) {
    const rule = filter.rules[key];
    if (rule !== undefined && ruleMatches(rule, sets, packet)) {
      return { verdict: rule.access, because: rule.because, rule: key };
    }
  }
  return { verdict: 'deny', because: 'no rule matched' };
}

/** Does the rule speak of this packet? */
function ruleMatches(rule: Rule, sets: Sets, packet: Header): boolean {
  return (
    protocolMatches(rule, packet) &&
    matchesAddress(rule.source, sets, packet.source) &&
    matchesAddress(rule.target, sets, packet.target)
  );
}

function protocolMatches(rule: Rule, packet: Header): boolean {
  const hasPorts = packet.protocol === 'tcp' || packet.protocol === 'udp';
  switch (rule.protocol) {
    case 'icmp':
    case 'esp':
    case 'ah':
      return packet.protocol === rule.protocol;
    case 'tcp':
    case 'udp':
      return packet.protocol === rule.protocol && portsMatch(rule, packet);
    case 'any':
      // A rule with ports speaks of the two protocols that have ports; without, of every protocol.
      return hasPorts ? portsMatch(rule, packet) : rule.sourcePorts.length === 0 && rule.targetPorts.length === 0;
    default:
      return never(rule.protocol);
  }
}

function portsMatch(rule: Rule, packet: Header): boolean {
  return inRanges(rule.sourcePorts, packet.sourcePort) && inRanges(rule.targetPorts, packet.targetPort);
}

function inRanges(ranges: readonly PortRange[], port: number): boolean {
  return ranges.length === 0 || ranges.some(([first, last]) => port >= first && port <= last);
}

/** Is the address in the match: in one of its prefixes, or in one of its sets? A set that the program lacks is empty. */
function matchesAddress(match: AddressMatch, sets: Sets, address: string): boolean {
  if (match === 'any') return true;
  return (
    isIn(match.prefixes, address) ||
    match.sets.some((name) => Object.hasOwn(sets, name) && isIn(sets[name] ?? [], address))
  );
}

/** Does one of the prefixes hold the address? Text that is no prefix holds nothing. */
export function isIn(prefixes: readonly string[], address: string): boolean {
  const parsed = tryAddress(address);
  return parsed !== undefined && parsedPrefixes(prefixes).some((prefix) => holds(prefix, parsed));
}

/** The longest prefix of a table's keys that holds the address. */
export function longestPrefix(keys: readonly string[], address: Address): string | undefined {
  let best: { key: string; length: number } | undefined;
  for (const key of keys) {
    const prefix = tryPrefix(key);
    if (prefix !== undefined && holds(prefix, address) && prefix.length > (best?.length ?? -1)) {
      best = { key, length: prefix.length };
    }
  }
  return best?.key;
}

// Parsed once per frozen list: the oracle is asked about thousands of packets on the same programs.
const parsedLists = new WeakMap<readonly string[], readonly Prefix[]>();

/** The prefixes of a list, without text that is none. */
export function parsedPrefixes(prefixes: readonly string[]): readonly Prefix[] {
  const known = parsedLists.get(prefixes);
  if (known !== undefined) return known;
  const parsed = prefixes.map((text) => tryPrefix(text)).filter((prefix) => prefix !== undefined);
  if (Object.isFrozen(prefixes)) parsedLists.set(prefixes, parsed);
  return parsed;
}

const orders = new WeakMap<Filter, readonly string[]>();

function orderedKeys(filter: Filter): readonly string[] {
  const known = orders.get(filter);
  if (known !== undefined) return known;
  const keys = Object.keys(filter.rules).sort();
  if (Object.isFrozen(filter) && Object.isFrozen(filter.rules)) orders.set(filter, keys);
  return keys;
}
