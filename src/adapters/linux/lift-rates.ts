/** The kernel's own list, read for rates: rules and elements by name, and what goes over a limit. It shares nothing with what writes rules. */

import type { ActualTable } from '#adapters/linux/ruleset.ts';

/** The rules of a chain, without their comments. */
export function rulesOf({ chains }: ActualTable, name: string): readonly string[] {
  return (chains.get(name)?.rules ?? []).map(({ text }) => text.replace(/ comment "(?:[^"\\]|\\.)*"$/, ''));
}

/** The elements of a set or map. */
export function elementsOf({ sets }: ActualTable, name: string): ReadonlySet<string> {
  return sets.get(name)?.elements ?? new Set();
}

const verdictMaps = new WeakMap<ReadonlySet<string>, ReadonlyMap<string, string>>();

/** What a verdict map says of a key. */
export function verdictOf(table: ActualTable, map: string, key: string): string | undefined {
  const elements = elementsOf(table, map);
  let verdicts = verdictMaps.get(elements);
  if (verdicts === undefined) {
    verdicts = new Map([...elements].map((one) => one.split(' : ', 2) as [string, string]));
    verdictMaps.set(elements, verdicts);
  }
  return verdicts.get(key);
}

/** A rate that a rule takes what goes over to `then`; undefined for any other rule. */
export function rateOf(rule: string | undefined, per: string, then: string): number | undefined {
  if (rule === `counter ${then}`) return 0;
  const [, rate, burst] =
    new RegExp(`^limit rate over (\\d+)/${per} burst (\\d+) packets counter ${then}$`).exec(rule ?? '') ?? [];
  return rate === undefined || rate !== burst || rate === '0' ? undefined : Number(rate);
}
