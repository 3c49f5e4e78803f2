/** Which rules in force at a NIC ever decide a packet there, and which could go, with the rules that decide in their place. */

import { setImmediate } from 'node:timers/promises';
import { idleStepsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Layer, Placed } from '#compile/answer/port.ts';
import type { Sets } from '#program/filter.ts';
import type { Filter, RouterProgram, Rule } from '#program/program.ts';
import { all } from '#verify/diagrams.ts';
import { filterSet, type Policy, rulesOf, ruleSet } from '#verify/filter-set.ts';
import { isDefaultRule } from '#verify/group-filters.ts';
import { idleRules } from '#verify/idle-rules.ts';
import { type PacketSet, PacketSets } from '#verify/packet-sets.ts';

/**
 * `live`: some packet's verdict hangs on it. `empty`: it speaks of no packet. `shadowed`: earlier rules of its group (`by`) decide all
 * that it speaks of. `redundant`: without it later rules (`by`; none: the end of the group) say the same. `dead`: it allows only what
 * another layer of the same NIC denies. `unjudged`: too costly to tell.
 */
export type RuleState = {
  readonly state: 'live' | 'empty' | 'shadowed' | 'redundant' | 'dead' | 'unjudged';
  /** Keys of rules of the same filter, the first few. */
  readonly by: readonly string[];
};

/** The states of the rules of one layer, by filter and key. */
export type LayerStates = ReadonlyMap<string, States>;
type States = ReadonlyMap<string, RuleState>;

const live: RuleState = Object.freeze({ state: 'live', by: [] });

/** The states of all rules of the layers at a NIC. Others have their turn between two filters. */
export async function layerStates({ router }: Placed, layers: readonly Layer[]): Promise<LayerStates> {
  const store = new PacketSets({ steps: idleStepsMax });
  const states = new Map<string, ReadonlyMap<string, RuleState>>();
  for (const local of ['target', 'source'] as const) {
    const names = layers.flatMap(({ inbound, outbound }) => (local === 'target' ? inbound : outbound) ?? []);
    for (const name of names) {
      const others = names.filter((other) => other !== name);
      const question = { router, name, others, local };
      states.set(
        name,
        judged(store, policyOf(router, name), () => filterStates(store, question)),
      );
      await setImmediate();
    }
  }
  return states;
}

type Question = {
  readonly router: RouterProgram;
  readonly name: string;
  readonly others: readonly string[];
  readonly local: 'target' | 'source';
};

/** What is too costly is told as unjudged, never guessed. */
function judged(store: PacketSets, filter: Filter, work: () => States): States {
  store.budget.refill();
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'ProofBudgetExceeded') throw error;
    return new Map(Object.keys(filter.rules).map((key) => [key, { state: 'unjudged', by: [] }]));
  }
}

function filterStates(store: PacketSets, question: Question): States {
  const { router, name, local } = question;
  const policy: Policy = { filter: policyOf(router, name), sets: router.sets, local };
  const states = new Map(idleStates(store, policy));
  for (const key of deadRules(store, { ...question, policy, idle: states })) states.set(key, { state: 'dead', by: [] });
  for (const [key] of rulesOf(policy.filter)) if (!states.has(key)) states.set(key, live);
  return states;
}

// A group of a thousand rules takes a third of a second, and is asked about again and again: judged once as long as it stands.
const known = new WeakMap<Filter, { readonly sets: Sets; readonly states: States }>();

function idleStates(store: PacketSets, policy: Policy): States {
  const { filter, sets } = policy;
  const before = known.get(filter);
  if (before?.sets === sets) return before.states;
  const states = new Map<string, RuleState>();
  // The writer's rules are judged with Azure's own in place, and these with the writer's: what cannot be removed is not in the way.
  for (const { rule, kind, by } of idleRules(policy, isDefaultRule, store)) states.set(rule, { state: kind, by });
  for (const { rule, kind, by } of idleRules(policy, (key) => !isDefaultRule(key), store)) {
    // The last default says what the end of the group would say: that is its purpose.
    if (kind !== 'redundant') states.set(rule, { state: kind, by });
  }
  if (Object.isFrozen(filter)) known.set(filter, { sets, states });
  return states;
}

/** Rules that allow something here, none of which every other layer lets through. */
function deadRules(
  store: PacketSets,
  { router, others, local, policy, idle }: Question & { readonly policy: Policy; readonly idle: States },
): readonly string[] {
  if (others.length === 0) return [];
  const passed = others
    .map((other) => filterSet(store, { filter: policyOf(router, other), sets: router.sets, local }))
    .reduce((left, right) => store.intersection(left, right));
  const dead: string[] = [];
  let open: PacketSet = all;
  for (const [key, rule] of rulesOf(policy.filter)) {
    const matches = ruleSet(store, { rule, sets: router.sets, local });
    const decides = store.intersection(open, matches);
    open = store.difference(open, matches);
    if (!idle.has(key) && isAllowed(rule) && store.isEmpty(store.intersection(decides, passed))) dead.push(key);
  }
  return dead;
}

function isAllowed({ access }: Rule): boolean {
  return access === 'allow';
}

function policyOf({ filters }: RouterProgram, name: string): Filter {
  return (Object.hasOwn(filters, name) ? filters[name] : undefined) ?? { rules: {} };
}
