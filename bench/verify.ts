/** What the prover's packet sets cost: a filter of many rules compiled, compared with an equal and with another one, and searched for idle rules. */

import type { JsonObject } from '#base/json.ts';
import { rounded } from '#bench/figures.ts';
import { sameFilter } from '#verify/equivalence.ts';
import { filterSet, type Policy } from '#verify/filter-set.ts';
import { idleRules } from '#verify/idle-rules.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { type FilterStyle, randomFilter, rewritten, turned } from '#test/generate/filter.ts';
import { randomFrom } from '#test/generate/random.ts';

const seed = 1;
/** Ten thousand rules twice in one store are more than a question may cost a stamp; here we want to see the figure. */
const limits = { rows: 8_000_000, steps: 40_000_000 } as const;
/** To search more rules than an Azure group may have for idle ones is no question of ours. */
const idleRulesMax = 1000;
/** The least of several runs is told, of large filters the only one. */
const runsOf = (rules: number): number => (rules > idleRulesMax ? 1 : 3);
const sizes: readonly (readonly [FilterStyle, number])[] = [
  ['access', 1000],
  ['firewall', 1000],
  ['mixed', 1000],
  ['access', 10_000],
  ['firewall', 10_000],
];

/** `npm run bench -- verify` */
export function benchVerify(): Promise<JsonObject> {
  return Promise.resolve({ seed, rows: sizes.map(([style, rules]) => measure(style, rules)) });
}

function measure(style: FilterStyle, rules: number): JsonObject {
  const policy: Policy = randomFilter(randomFrom(seed), style, rules);
  const equal = { ...policy, filter: rewritten(policy.filter) };
  const other = { ...policy, filter: turned(policy.filter) };
  const runs = runsOf(rules);
  let store = new PacketSets(limits);
  const compileMs = least(runs, () => {
    store = new PacketSets(limits);
    filterSet(store, policy);
  });
  const steps = store.budget.steps;
  const kinds = new Set<string>();
  const sameMs = least(runs, () => kinds.add(sameFilter(policy, equal, new PacketSets(limits)).kind));
  const differsMs = least(runs, () => kinds.add(sameFilter(policy, other, new PacketSets(limits)).kind));
  const isSearched = rules <= idleRulesMax;
  let idle = 0;
  const idleMs = isSearched ? least(runs, () => (idle = idleRules(policy, () => false).length)) : undefined;
  return {
    style,
    rules,
    compile_ms: compileMs,
    same_ms: sameMs,
    differs_ms: differsMs,
    verdicts: [...kinds].join(' '),
    idle_ms: idleMs,
    idle: isSearched ? idle : undefined,
    nodes: store.size.nodes,
    label_nodes: store.size.labelNodes,
    steps,
  };
}

function least(runs: number, work: () => unknown): number {
  const samples = Array.from({ length: runs }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return rounded(Math.min(...samples));
}
