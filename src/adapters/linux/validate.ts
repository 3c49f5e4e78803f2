/** Translation validation: what the kernel lists of filters, routes and translations is lifted and proved to do the same as the program, with every packet. */

import { createHash } from 'node:crypto';
import { Refusal } from '#base/wrong.ts';
import type { Sets } from '#program/filter.ts';
import type { Filter, Program, Programs, RouterProgram } from '#program/program.ts';
import { sameFilter } from '#verify/equivalence.ts';
import type { Difference } from '#engine/plane-port.ts';
import { kernelName } from '#adapters/linux/names.ts';
import { unlikeBudgets } from '#adapters/linux/lift-budget.ts';
import { liftFilter, type Listing } from '#adapters/linux/lift.ts';
import { aroundRouter } from '#adapters/linux/meant-routes.ts';
import type { ActualRuleset } from '#adapters/linux/ruleset.ts';
import { type PointGiven, type PointListing, unlikePoint } from '#adapters/linux/validate-point.ts';

/** What was proved already: a filter and a text of the kernel that were equal once are equal for ever. */
type Proved = { readonly filter: Filter; readonly sets: Sets; readonly text: string };

/** The same for a point's routes and translations: what of its program they hang on, what the kernel listed of them, and what was found. */
type ProvedWays = {
  readonly parts: readonly unknown[];
  readonly text: string;
  readonly found: readonly Difference[];
};

/** Keeps what was proved, per point and filter; a stamp has as many entries as filters in use, and one for each point. */
export class Validator {
  readonly #proved = new Map<string, Map<string, Proved>>();
  readonly #provedWays = new Map<string, ProvedWays>();

  /** All of a point that the kernel holds otherwise than the programs say, each with a packet that shows it. */
  differences(given: PointGiven): readonly Difference[] {
    const { programs, point, listing } = given;
    const program = programs[point];
    const table = listing.ruleset.get('inet');
    return [
      ...this.filters(point, program, listing.ruleset),
      ...this.ways(given),
      ...(program === undefined || table === undefined ? [] : unlikeBudgets(point, program, table)),
    ];
  }

  /** Where the kernel sends a point's packets, and as whom, otherwise than the program says, each with a packet that shows it. */
  ways(given: PointGiven): readonly Difference[] {
    const { programs, point, listing } = given;
    const program = programs[point];
    if (program === undefined) {
      this.#provedWays.delete(point);
      return [];
    }
    const parts = partsOf(programs, program);
    const text = digestWays(listing, program);
    const known = this.#provedWays.get(point);
    if (known?.text === text && known.parts.every((part, index) => part === parts[index])) return known.found;
    const found = unlikePoint(given);
    this.#provedWays.set(point, { parts, text, found });
    return found;
  }

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

/** What of the programs a point's routes and translations hang on: rules of filters are no part of it. */
function partsOf(programs: Programs, program: Program): readonly unknown[] {
  switch (program.kind) {
    case 'router': {
      const { ports, remotes, peers, tables, balances, gateways } = program;
      return [ports, remotes, peers, tables, balances, gateways, JSON.stringify(aroundRouter(programs, program))];
    }
    case 'switch': {
      const hosts = Object.values(programs).flatMap((one) => (one.kind === 'host' ? [[one.host, one.underlay]] : []));
      return [program, JSON.stringify(hosts)];
    }
    case 'host': {
      const routers = Object.entries(programs).flatMap(([point, one]) => (one.kind === 'router' ? [point] : []));
      return [program, routers.join()];
    }
    case 'edge':
    case 'infra':
    case 'resolver':
      return [program];
  }
}

/** The hooks whose chains are read for routes and translations: those of the boundary judge new flows in `mangle` too. */
const hooks = {
  router: /^type (?:nat hook|filter hook (?:prerouting priority raw|ingress))/,
  edge: /^type (?:nat hook|filter hook prerouting)/,
} as const;

/** Of all that is read for routes and translations. */
function digestWays({ ruleset, routing, gone }: PointListing, { kind }: Program): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(routing))
    .update([...gone].join());
  if (kind !== 'router' && kind !== 'edge') return hash.digest('base64');
  for (const [family, { chains, sets }] of ruleset) {
    const elements = new Map([...sets].map(([name, set]) => [name, set.elements]));
    const left = [...chains].flatMap(([name, { hook }]) =>
      hook !== undefined && hooks[kind].test(hook) ? [name] : [],
    );
    const seen = new Set<string>();
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      const chain = chains.get(name);
      const rules = (chain?.rules ?? []).map(({ text }) => text);
      hash.update(`${family} ${name} ${chain?.hook ?? ''} ${digest(rules, elements)}\n`);
      for (const text of [...rules, ...namedElements(rules, elements)])
        for (const [, , next = ''] of text.matchAll(/\b(goto|jump) (\w+)/g)) left.push(next);
    }
  }
  return hash.digest('base64');
}

/** The elements of maps from links to chains. */
function namedElements(rules: readonly string[], elements: Listing['sets']): readonly string[] {
  return rules.flatMap((rule) =>
    [...rule.matchAll(/vmap @(\w+)/g)].flatMap(([, name = '']) => [...(elements.get(name) ?? [])]),
  );
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
