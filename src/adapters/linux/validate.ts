/** Translation validation: what the kernel lists for a filter is lifted and proved to allow the same packets as the program, all of them. */

import { createHash } from 'node:crypto';
import { Refusal } from '#base/wrong.ts';
import type { Sets } from '#program/filter.ts';
import type { Filter, Program, RouterProgram } from '#program/program.ts';
import { sameFilter } from '#verify/equivalence.ts';
import type { Difference } from '#engine/plane-port.ts';
import { kernelName } from '#adapters/linux/names.ts';
import { liftFilter, type Listing } from '#adapters/linux/lift.ts';
import type { ActualRuleset } from '#adapters/linux/ruleset.ts';

/** What was proved already: a filter and a text of the kernel that were equal once are equal for ever. */
type Proved = { readonly filter: Filter; readonly sets: Sets; readonly text: string };

/** Keeps what was proved, per point and filter; a stamp has as many entries as filters in use. */
export class Validator {
  readonly #proved = new Map<string, Map<string, Proved>>();

  /** The filters of a router that the kernel holds otherwise than the program says, each with a packet that shows it. */
  filters(point: string, program: Program | undefined, actual: ActualRuleset): readonly Difference[] {
    if (program?.kind !== 'router') {
      this.#proved.delete(point);
      return [];
    }
    const table = actual.get('inet');
    const sets = new Map([...(table?.sets ?? [])].map(([name, { elements }]) => [name, elements]));
    const before = this.#proved.get(point);
    const now = new Map<string, Proved>();
    const found = Object.entries(program.filters).flatMap(([key, filter]): Difference[] => {
      const rules = table?.chains.get(kernelName('f', key))?.rules.map(({ text }) => text);
      if (rules === undefined) return [{ point, kind: 'chain', says: `The chain of ${key} is not there.` }];
      const text = digest(rules, sets);
      const known = before?.get(key);
      const isKnown = known?.filter === filter && known.sets === program.sets && known.text === text;
      const says = isKnown ? undefined : unlike(program, { key, filter }, { rules, sets });
      if (says === undefined) now.set(key, { filter, sets: program.sets, text });
      return says === undefined ? [] : [{ point, kind: 'rule', says }];
    });
    this.#proved.set(point, now);
    return found;
  }
}

/** Of rules and of the sets that they name. */
function digest(rules: readonly string[], sets: Listing['sets']): string {
  const hash = createHash('sha256');
  const named = new Set<string>();
  for (const rule of rules) {
    hash.update(rule).update('\n');
    for (const [, name = ''] of rule.matchAll(/@(\w+)/g)) named.add(name);
  }
  for (const name of [...named].sort()) hash.update(`@${name} ${[...(sets.get(name) ?? [])].sort().join()}\n`);
  return hash.digest('base64');
}

type Named = { readonly key: string; readonly filter: Filter };

/** Why the kernel's filter is not the program's; undefined when both allow the same packets. */
function unlike({ sets }: RouterProgram, { key, filter }: Named, listing: Listing): string | undefined {
  const lifted = liftFilter(listing, 'return');
  if (lifted.kind === 'unknown')
    return `UnknownExpression: the kernel's rule "${lifted.rule}" of ${key} says "${lifted.expression}", which no filter says.`;
  try {
    const equivalence = sameFilter({ filter, sets }, { filter: lifted.filter, sets: {} });
    if (equivalence.kind === 'same') return undefined;
    const { packet, left, right } = equivalence;
    return `${key}: ${packet.protocol} ${packet.source}:${packet.sourcePort} -> ${packet.target}:${packet.targetPort} is ${right.verdict} in the kernel ("${right.because}") and ${left.verdict} in the program (${left.because}).`;
  } catch (error) {
    // Fails closed: what cannot be proved equal is told, and repaired to the text that was rendered.
    if (error instanceof Refusal) return `${key}: the kernel's rules are too costly to prove equal (${error.message})`;
    throw error;
  }
}
