/** Which rules of a filter could go without any packet noticing, and why. */

import { idleRuleReasonsMax } from '#base/limits.ts';
import { assert } from '#base/wrong.ts';
import type { Rule } from '#program/program.ts';
import { nothing } from '#verify/diagrams.ts';
import { type Policy, rulesOf, ruleSet } from '#verify/filter-set.ts';
import { type PacketSet, PacketSets } from '#verify/packet-sets.ts';

/**
 * Why a rule is idle. `empty`: it speaks of no packet. `shadowed`: earlier rules (`by`) decide every packet that it speaks of, so it can never
 * decide. `redundant`: it decides some, and without it later rules (`by`; none: the end of the filter) would say the same.
 */
export type Idle = {
  readonly kind: 'empty' | 'shadowed' | 'redundant';
  readonly rule: string;
  /** Keys of the rules that decide in its place, the first few. */
  readonly by: readonly string[];
};

type Entry = {
  readonly key: string;
  readonly rule: Rule;
  /** What it speaks of, and what of that no earlier rule has decided. */
  readonly matches: PacketSet;
  readonly decides: PacketSet;
};

/**
 * The idle rules in order of evaluation, such that any of them may be removed, one or several or all. From the end on, a
 * rule is listed if and only if to remove it, together with any of those listed after it, changes no packet's verdict.
 * `keep`: rules that are not the writer's to remove; they take part and are not listed.
 */
export function idleRules(policy: Policy, keep: (key: string) => boolean, store = new PacketSets()): Idle[] {
  const entries = entriesOf(policy, store);
  const idle: Idle[] = [];
  // What the filter says from here on: built from its end.
  let rest: Rest = { surely: nothing, perhaps: nothing };
  for (const [index, entry] of [...entries.entries()].reverse()) {
    const found = keep(entry.key) ? undefined : idleOf(store, { entries, index, rest });
    if (found !== undefined) idle.unshift(found);
    rest = found === undefined ? withRule(store, rest, entry) : withIdleRule(store, rest, entry);
  }
  return idle;
}

/** What the later rules allow whichever idle ones of them are removed, and what they allow when some certain ones are. */
type Rest = { readonly surely: PacketSet; readonly perhaps: PacketSet };

function withRule(store: PacketSets, { surely, perhaps }: Rest, { rule, matches }: Entry): Rest {
  return rule.access === 'allow'
    ? { surely: store.union(surely, matches), perhaps: store.union(perhaps, matches) }
    : { surely: store.difference(surely, matches), perhaps: store.difference(perhaps, matches) };
}

function withIdleRule(store: PacketSets, { surely, perhaps }: Rest, { rule, matches }: Entry): Rest {
  return rule.access === 'allow'
    ? { surely, perhaps: store.union(perhaps, matches) }
    : { surely: store.difference(surely, matches), perhaps };
}

function entriesOf({ filter, sets, local }: Policy, store: PacketSets): Entry[] {
  let decided: PacketSet = nothing;
  return rulesOf(filter).map(([key, rule]) => {
    const matches = ruleSet(store, { rule, sets, ...(local === undefined ? {} : { local }) });
    const decides = store.difference(matches, decided);
    decided = store.union(decided, matches);
    return { key, rule, matches, decides };
  });
}

type Question = { readonly entries: readonly Entry[]; readonly index: number; readonly rest: Rest };

function idleOf(store: PacketSets, { entries, index, rest }: Question): Idle | undefined {
  const entry = entries[index];
  assert(entry !== undefined, `There is no rule ${index}.`);
  const { key, rule, matches, decides } = entry;
  if (store.isEmpty(matches)) return { kind: 'empty', rule: key, by: [] };
  if (store.isEmpty(decides)) {
    return { kind: 'shadowed', rule: key, by: deciders(store, entries.slice(0, index), matches) };
  }
  const otherwise =
    rule.access === 'allow' ? store.difference(decides, rest.surely) : store.intersection(decides, rest.perhaps);
  if (!store.isEmpty(otherwise)) return undefined;
  return { kind: 'redundant', rule: key, by: deciders(store, entries.slice(index + 1), decides) };
}

/** The first few of the rules that decide packets of the set, among these alone and in their order. */
function deciders(store: PacketSets, entries: readonly Entry[], set: PacketSet): string[] {
  const keys: string[] = [];
  let open = set;
  for (const { key, matches } of entries) {
    if (keys.length === idleRuleReasonsMax || store.isEmpty(open)) break;
    const rest = store.difference(open, matches);
    if (rest !== open) keys.push(key);
    open = rest;
  }
  return keys;
}
