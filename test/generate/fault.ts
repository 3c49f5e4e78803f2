/** Faults in what was rendered for a point: one changed text each, as a mistake of a renderer or a hand would make it. */

import type { Wanted } from '#adapters/linux/apply.ts';
import type { Network } from '#adapters/linux/network.ts';
import type { NftTable } from '#adapters/linux/ruleset.ts';

type Texts = 'routes' | 'rules' | 'neighbours' | 'forwarding';
/** Answers the texts with the fault, or undefined where there is nothing to spoil. */
export type Spoil = (texts: readonly string[]) => readonly string[] | undefined;

/** In a chain or a set of the `inet` table whose name fits, or in the texts of the network. */
export type Place = { readonly chain: RegExp } | { readonly set: RegExp } | { readonly network: Texts };

/** What is wanted with a fault at the first place that can have it. */
export function spoiled(wanted: Wanted, place: Place, spoil: Spoil): Wanted | undefined {
  if ('network' in place) {
    const texts = spoil([...wanted.network[place.network]]);
    const network: Network = { ...wanted.network, [place.network]: new Set(texts) };
    return texts === undefined ? undefined : { ...wanted, network };
  }
  const table = wanted.ruleset.get('inet');
  const changed = table === undefined ? undefined : spoiledTable(table, place, spoil);
  return changed === undefined ? undefined : { ...wanted, ruleset: new Map([...wanted.ruleset, ['inet', changed]]) };
}

function spoiledTable({ sets, chains }: NftTable, place: { chain: RegExp } | { set: RegExp }, spoil: Spoil) {
  if ('chain' in place) {
    for (const [name, chain] of chains) {
      const rules = place.chain.test(name) ? spoil(chain.rules) : undefined;
      if (rules !== undefined) return { sets, chains: new Map([...chains, [name, { ...chain, rules }]]) };
    }
    return undefined;
  }
  for (const [name, set] of sets) {
    const elements = place.set.test(name) ? spoil([...set.elements]) : undefined;
    if (elements !== undefined)
      return { chains, sets: new Map([...sets, [name, { ...set, elements: new Set(elements) }]]) };
  }
  return undefined;
}

/** The first text that fits, changed. */
export function changing(form: RegExp, into: string): Spoil {
  return (texts) => {
    const at = texts.findIndex((text) => form.test(text));
    return at < 0 ? undefined : texts.map((text, index) => (index === at ? text.replace(form, into) : text));
  };
}

/** Every text that fits, changed. */
export function changingAll(form: RegExp, into: string): Spoil {
  return (texts) => (texts.some((text) => form.test(text)) ? texts.map((text) => text.replace(form, into)) : undefined);
}

/** Without the first text that fits. */
export function losing(form: RegExp): Spoil {
  return (texts) => {
    const at = texts.findIndex((text) => form.test(text));
    return at < 0 ? undefined : texts.filter((_, index) => index !== at);
  };
}

/** With one more, first. */
export function gaining(text: string): Spoil {
  return (texts) => [text, ...texts];
}

/** The answers of two elements of a map, exchanged: of the first, and of the next that has another. */
export const swapping: Spoil = (texts) => {
  const pairs = texts.map((text) => text.split(' : '));
  const [key = '', one = ''] = pairs[0] ?? [];
  const at = pairs.findIndex(([, answer]) => answer !== one);
  const [other = '', two = ''] = pairs[at] ?? [];
  if (at < 0) return undefined;
  return [`${key} : ${two}`, ...texts.slice(1, at), `${other} : ${one}`, ...texts.slice(at + 1)];
};

/** The first text that fits goes to the beginning. */
export function first(form: RegExp): Spoil {
  return (texts) => {
    const at = texts.findIndex((text) => form.test(text));
    return at < 1 ? undefined : [texts[at] ?? '', ...texts.filter((_, index) => index !== at)];
  };
}
