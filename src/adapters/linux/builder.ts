/** Puts an nftables table together: sets, maps and chains with their rules, in nft's own text. */

import type { Family } from '#base/prefix.ts';
import type { NftChain, NftSet, NftTable } from '#adapters/linux/ruleset.ts';

/** A table under construction; what it holds is immutable, so untouched parts keep their identity from one render to the next. */
export class TableBuilder {
  readonly #sets = new Map<string, NftSet>();
  readonly #chains = new Map<string, NftChain>();

  set(name: string, spec: readonly string[], elements: Iterable<string>): this {
    this.#sets.set(name, { kind: 'set', spec, elements: new Set(elements) });
    return this;
  }

  map(name: string, spec: readonly string[], elements: Iterable<string>): this {
    this.#sets.set(name, { kind: 'map', spec, elements: new Set(elements) });
    return this;
  }

  put(name: string, set: NftSet): this {
    this.#sets.set(name, set);
    return this;
  }

  chain(name: string, rules: readonly string[], hook?: string): this {
    this.#chains.set(name, { hook, rules });
    return this;
  }

  putChain(name: string, chain: NftChain): this {
    this.#chains.set(name, chain);
    return this;
  }

  table(): NftTable {
    return { sets: this.#sets, chains: this.#chains };
  }
}

/** The line of a base chain, as nft lists it. */
export function hook(kind: 'filter' | 'nat', at: string, policy: 'accept' | 'drop'): string {
  return `type ${kind} hook ${at}; policy ${policy};`;
}

/** A quoted interface name. */
export function quoted(name: string): string {
  return `"${name}"`;
}

/** A mark as nft lists it. */
export function markText(mark: number): string {
  return `0x${(mark >>> 0).toString(16).padStart(8, '0')}`;
}

export const families = [4, 6] as const;

/** One rule for each family. */
export function both(rule: (word: 'ip' | 'ip6', family: Family) => string): string[] {
  return families.map((family) => rule(familyWord(family), family));
}

/** The words of a family in rules. */
export function familyWord(family: Family): 'ip' | 'ip6' {
  return family === 4 ? 'ip' : 'ip6';
}

/** The family of an address or prefix text. */
export function familyOf(text: string): Family {
  return text.includes(':') ? 6 : 4;
}
