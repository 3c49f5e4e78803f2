/** Rules of network security groups that open much to many: what `ringwall show broad` tells (claim S1.13). */

import { broadPortsMax } from '#base/limits.ts';
import { type Family, tryPrefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import type { Sets } from '#program/filter.ts';
import type { AddressMatch, Programs, Rule } from '#program/program.ts';
import { all } from '#verify/diagrams.ts';
import { rulesOf, ruleSet } from '#verify/filter-set.ts';
import { type GroupFilter, groupFilters, isDefaultRule } from '#verify/group-filters.ts';
import { type PacketSet, PacketSets } from '#verify/packet-sets.ts';

/** A rule that is over-broad, in one VNet that uses its group. */
export type BroadRule = {
  readonly vnet: string;
  readonly filter: string;
  /** Its key in the filter, and `nsg/<group>/<rule>`. */
  readonly rule: string;
  readonly because: string;
  /** The other end (`any`, prefixes, names of sets), and the services that it opens. */
  readonly remote: string;
  readonly services: string;
  /** NICs of the VNet on this host that the group judges. */
  readonly nics: number;
};

export type BroadReport = {
  readonly filters: number;
  readonly rules: number;
  readonly broad: readonly BroadRule[];
  readonly unjudged: readonly { readonly vnet: string; readonly filter: string; readonly says: string }[];
};

/** Networks of the other end that are larger than one of these are many. */
const shortPrefix: { readonly [family in Family]: number } = { 4: 8, 6: 32 };

/**
 * A rule is over-broad iff it allows, decides some packet that no earlier rule has decided, speaks of a network larger than a /8 (IPv6: a
 * /32) at the other end, and opens every protocol, every port or more than `broadPortsMax` ports there.
 */
export function broadReport(programs: Programs, store = new PacketSets()): BroadReport {
  const filters = groupFilters(programs);
  const answers = filters.map((one) => ({ one, answer: judged(store, one) }));
  return {
    filters: filters.length,
    rules: filters.reduce((sum, { filter }) => sum + Object.keys(filter.rules).length, 0),
    broad: answers.flatMap(({ one, answer }) =>
      typeof answer === 'string' ? [] : answer.map((key) => told(one, key)),
    ),
    unjudged: answers.flatMap(({ one, answer }) =>
      typeof answer === 'string' ? [{ vnet: one.router.vnet, filter: one.name, says: answer }] : [],
    ),
  };
}

/** The keys of the filter's over-broad rules; why it was not judged when it costs too much. */
function judged(store: PacketSets, { router, name, filter }: GroupFilter): readonly string[] | string {
  const local = localOf(name);
  const mark = store.mark();
  store.budget.refill();
  try {
    let open: PacketSet = all;
    return rulesOf(filter).flatMap(([key, rule]) => {
      const matches = ruleSet(store, { rule, sets: router.sets, local });
      const isLive = !store.isEmpty(store.intersection(open, matches));
      open = store.difference(open, matches);
      return isLive && !isDefaultRule(key) && isBroad(rule, router.sets, local) ? [key] : [];
    });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'ProofBudgetExceeded') throw error;
    return error.message;
  } finally {
    store.rollback(mark);
  }
}

type Local = 'source' | 'target';

function localOf(name: string): Local {
  return name.endsWith('/out') ? 'source' : 'target';
}

function remoteOf({ source, target }: Rule, local: Local): AddressMatch {
  return local === 'target' ? source : target;
}

function isBroad(rule: Rule, sets: Sets, local: Local): boolean {
  return rule.access === 'allow' && isMany(remoteOf(rule, local), sets) && portsOf(rule) > broadPortsMax;
}

function isMany(match: AddressMatch, sets: Sets): boolean {
  if (match === 'any') return true;
  const named = match.sets.flatMap((name) => (Object.hasOwn(sets, name) ? (sets[name] ?? []) : []));
  return [...match.prefixes, ...named].some((text) => {
    const prefix = tryPrefix(text);
    return prefix !== undefined && prefix.length < shortPrefix[prefix.family];
  });
}

/** How many ports it opens; all of them where it says none. A protocol without ports counts as none. */
function portsOf({ protocol, targetPorts }: Rule): number {
  if (protocol !== 'any' && protocol !== 'tcp' && protocol !== 'udp') return 0;
  if (targetPorts.length === 0) return 65_536;
  return targetPorts.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

function told({ router, name, filter }: GroupFilter, key: string): BroadRule {
  const local = localOf(name);
  const rule = filter.rules[key];
  const side = local === 'target' ? 'inbound' : 'outbound';
  const nics = Object.values(router.ports).filter((port) => port[side].includes(name)).length;
  return {
    vnet: router.vnet,
    filter: name,
    rule: key,
    because: rule?.because ?? key,
    remote: rule === undefined ? '' : remoteWords(remoteOf(rule, local)),
    services: rule === undefined ? '' : serviceWords(rule),
    nics,
  };
}

function remoteWords(match: AddressMatch): string {
  return match === 'any' ? 'any' : [...match.prefixes, ...match.sets].join(', ');
}

function serviceWords({ protocol, targetPorts }: Rule): string {
  const ports = targetPorts.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
  if (protocol === 'any' && ports === '') return 'every protocol';
  return `${protocol === 'any' ? 'tcp and udp' : protocol} ${ports === '' ? 'every port' : ports}`;
}
