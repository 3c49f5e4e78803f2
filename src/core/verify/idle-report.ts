/** The idle rules of all network security groups of a stamp's programs: what `ringwall show shadowed` tells. */

import { never, Refusal } from '#base/wrong.ts';
import type { Filter, Programs } from '#program/program.ts';
import { type GroupFilter, groupFilters, isDefaultRule } from '#verify/group-filters.ts';
import { type Idle, idleRules } from '#verify/idle-rules.ts';
import { PacketSets } from '#verify/packet-sets.ts';

/** One idle rule of one filter, with the VNet in which it was judged: sets such as `VirtualNetwork` are the VNet's own. */
type IdleRule = Idle & {
  readonly vnet: string;
  readonly filter: string;
  /** `nsg/<group>/<rule>` */
  readonly because: string;
  readonly says: string;
  /** Another VNet uses the group too, and there the rule is not idle: it cannot go. */
  readonly neededElsewhere: boolean;
};

/** A filter that was not judged, and why. */
type Unjudged = { readonly vnet: string; readonly filter: string; readonly says: string };

export type IdleReport = {
  readonly filters: number;
  readonly rules: number;
  readonly idle: readonly IdleRule[];
  readonly unjudged: readonly Unjudged[];
};

/** Judges each security group once per VNet that uses it. A group that no NIC or subnet uses is in no program. */
export function idleReport(programs: Programs, store = new PacketSets()): IdleReport {
  const filters = groupFilters(programs);
  const answers = filters.map((one) => ({ ...one, answer: judged(store, one) }));
  const needed = new Set<string>();
  for (const { name, filter, answer } of answers) {
    const idle = typeof answer === 'string' ? [] : answer.map(({ rule }) => rule);
    for (const key of Object.keys(filter.rules)) if (!idle.includes(key)) needed.add(`${name} ${key}`);
  }
  const idle = answers.flatMap(({ router, name, filter, answer }) =>
    typeof answer === 'string'
      ? []
      : answer.map((one) => ({
          vnet: router.vnet,
          filter: name,
          ...one,
          because: reasonOf(filter, one.rule),
          says: says(one, filter),
          neededElsewhere: needed.has(`${name} ${one.rule}`),
        })),
  );
  const unjudged = answers.flatMap(({ router, name, answer }) =>
    typeof answer === 'string' ? [{ vnet: router.vnet, filter: name, says: answer }] : [],
  );
  const rules = filters.reduce((sum, { filter }) => sum + Object.keys(filter.rules).length, 0);
  return { filters: filters.length, rules, idle, unjudged };
}

/** A filter that costs too much is told as not judged; what its proof had made is dropped, and the others go on. */
function judged(store: PacketSets, { router, name, filter }: GroupFilter): Idle[] | string {
  const mark = store.mark();
  store.budget.refill();
  try {
    const local = name.endsWith('/out') ? 'source' : 'target';
    return idleRules({ filter, sets: router.sets, local }, isDefaultRule, store);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'ProofBudgetExceeded') throw error;
    return error.message;
  } finally {
    store.rollback(mark);
  }
}

function reasonOf(filter: Filter, key: string): string {
  return filter.rules[key]?.because ?? key;
}

function says({ kind, by }: Idle, filter: Filter): string {
  const names = by.map((key) => reasonOf(filter, key)).join(', ');
  switch (kind) {
    case 'empty':
      return 'matches no packet: a named set of addresses is empty here';
    case 'shadowed':
      return `can never decide: earlier rules decide all that it matches (${names})`;
    case 'redundant':
      return `changes nothing: without it the same is said by ${names === '' ? 'the end of the filter' : names}`;
    default:
      return never(kind);
  }
}
