/** How a change goes through several namespaces so that every mix of old and new is inside what both allow (decision D3.1). */

import type { ActualRule, NftChain, NftSet, NftTable, Ruleset } from '#adapters/linux/ruleset.ts';
import { quoted } from '#adapters/linux/builder.ts';
import { portName } from '#adapters/linux/names.ts';
import { heldSet } from '#adapters/linux/router-place.ts';
import type { SpaceState, Wanted } from '#adapters/linux/apply.ts';

/** What a change does to one namespace: does anything go, does anything come, and is it filters' rules alone? */
export type Direction = { readonly removes: boolean; readonly adds: boolean; readonly isFilterOnly: boolean };

/** Judges a change of rules and network. */
export function directionOf({ actual, applied, network }: SpaceState, wanted: Wanted): Direction {
  const state = { removes: false, adds: false, isFilterOnly: true };
  for (const family of new Set([...actual.keys(), ...wanted.ruleset.keys()])) {
    const [old, young] = [actual.get(family), wanted.ruleset.get(family)];
    const known = applied.get(family);
    for (const name of new Set([...(old?.sets.keys() ?? []), ...(young?.sets.keys() ?? [])])) {
      const [before, after] = [old?.sets.get(name)?.elements ?? none, young?.sets.get(name)?.elements ?? none];
      if (note(state, before, after)) state.isFilterOnly = false;
      if (haveOtherEnds(old?.sets.get(name), young?.sets.get(name))) Object.assign(state, otherEnds);
    }
    for (const name of new Set([...(old?.chains.keys() ?? []), ...(young?.chains.keys() ?? [])])) {
      const chain = young?.chains.get(name);
      if (chain !== undefined && chain === known?.chains.get(name)) continue;
      const [before, after] = differing(old?.chains.get(name)?.rules ?? [], chain?.rules ?? []);
      if (note(state, new Set(before), new Set(after)) && !name.startsWith('f_')) state.isFilterOnly = false;
    }
  }
  for (const part of ['routes', 'rules', 'neighbours', 'forwarding', 'addresses'] as const) {
    if (note(state, network[part], wanted.network[part])) state.isFilterOnly = false;
  }
  return state;
}

const none: ReadonlySet<string> = new Set();

/** Elements that end sooner, or later: it is not told apart. */
const otherEnds: Direction = { removes: true, adds: true, isFilterOnly: false };

function haveOtherEnds(before: NftSet | undefined, after: NftSet | undefined): boolean {
  return [...(after?.ends ?? [])].some(
    ([element, end]) => before?.elements.has(element) === true && before.ends?.get(element) !== end,
  );
}

/** Both lists without the ends that they have in common: of a thousand rules, a change touches a few. */
function differing(before: readonly ActualRule[], after: readonly string[]): [readonly string[], readonly string[]] {
  const { first, left, right } = commonEnds(before, after);
  return [before.slice(first, left).map(({ text }) => text), after.slice(first, right)];
}

/** Where the lists begin to differ, and from where on (in each) they are equal again. */
function commonEnds(
  before: readonly ActualRule[],
  after: readonly string[],
): { readonly first: number; readonly left: number; readonly right: number } {
  let first = 0;
  while (first < before.length && first < after.length && before[first]?.text === after[first]) first += 1;
  let [left, right] = [before.length, after.length];
  while (left > first && right > first && before[left - 1]?.text === after[right - 1]) {
    left -= 1;
    right -= 1;
  }
  return { first, left, right };
}

function note(
  state: { removes: boolean; adds: boolean },
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): boolean {
  if (before === after) return false;
  let differs = false;
  for (const text of before) if (!after.has(text)) state.removes = differs = true;
  for (const text of after) if (!before.has(text)) state.adds = differs = true;
  return differs;
}

/**
 * The first wave of a change of filters: rules that allowed and go, go; rules that deny and come, come; nothing else moves.
 * Each step only takes packets away from the old, and the second wave only gives packets to this: so it lies inside both.
 */
export function narrowed({ actual, applied }: Pick<SpaceState, 'actual' | 'applied'>, wanted: Ruleset): Ruleset {
  const tables = new Map<string, NftTable>();
  for (const [family, table] of wanted) {
    const old = actual.get(family);
    const chains = new Map<string, NftChain>();
    for (const [name, chain] of table.chains) {
      const before = old?.chains.get(name);
      const isUnchanged = chain === applied.get(family)?.chains.get(name);
      chains.set(
        name,
        before === undefined || isUnchanged || !name.startsWith('f_')
          ? chain
          : { hook: chain.hook, rules: narrowRules(before.rules, chain.rules) },
      );
    }
    tables.set(family, { sets: table.sets, chains });
  }
  return tables;
}

function narrowRules(before: readonly ActualRule[], after: readonly string[]): string[] {
  const [gone, fresh] = differing(before, after);
  const { first, right } = commonEnds(before, after);
  const middle = narrowMiddle(gone, fresh);
  return [...after.slice(0, first), ...middle, ...after.slice(right)];
}

function narrowMiddle(before: readonly string[], after: readonly string[]): string[] {
  const [old, young] = [new Set(before), new Set(after)];
  const rules: string[] = [];
  let at = 0;
  for (const text of after) {
    if (!old.has(text)) {
      if (isDeny(text)) rules.push(text);
      continue;
    }
    // What stood before the rule that stays and is going: only what denies may still stand.
    while (at < before.length && before[at] !== text) {
      const going = before[at++] ?? '';
      if (!young.has(going) && isDeny(going)) rules.push(going);
    }
    at++;
    rules.push(text);
  }
  for (const going of before.slice(at)) if (!young.has(going) && isDeny(going)) rules.push(going);
  return rules;
}

function isDeny(text: string): boolean {
  return / drop( comment |$)/.test(text);
}

/** The ruleset with new flows of all ports held: those that are, and those that will be. */
export function held(ruleset: Ruleset, marks: Iterable<number>): Ruleset {
  const inet = ruleset.get('inet');
  const set = inet?.sets.get(heldSet);
  if (inet === undefined || set === undefined) return ruleset;
  const sets = new Map(inet.sets).set(heldSet, {
    ...set,
    elements: new Set([...marks].map((mark) => quoted(portName(mark)))),
  });
  return new Map(ruleset).set('inet', { sets, chains: inet.chains });
}
