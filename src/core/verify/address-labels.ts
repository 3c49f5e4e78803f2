/** Labels of lists of prefixes, made once per frozen list: a stamp's policies speak of the same few sets again and again. */

import { type Family, tryPrefix } from '#base/prefix.ts';
import type { DigitTrees } from '#verify/digit-trees.ts';
import { digitsOf } from '#verify/digits.ts';

type Lists = WeakMap<readonly string[], number>;

export class AddressLabels {
  readonly #trees: DigitTrees;
  #lists: { readonly [family in Family]: Lists } = { 4: new WeakMap(), 6: new WeakMap() };

  constructor(trees: DigitTrees) {
    this.#trees = trees;
  }

  /** The addresses of one family in any of the prefixes. Text that is no prefix holds none. */
  labelOf(prefixes: readonly string[], family: Family): number {
    const known = this.#lists[family].get(prefixes);
    if (known !== undefined) return known;
    const parsed = prefixes.map((text) => tryPrefix(text)).filter((prefix) => prefix?.family === family);
    const labels = parsed.map((prefix) =>
      prefix === undefined ? [] : [this.#trees.prefix(digitsOf({ family, value: prefix.first }), prefix.length)],
    );
    const label = this.#trees.unionOf(labels.flat());
    if (Object.isFrozen(prefixes)) this.#lists[family].set(prefixes, label);
    return label;
  }

  /** A rollback gives the numbers of dropped labels to others. */
  forget(): void {
    this.#lists = { 4: new WeakMap(), 6: new WeakMap() };
  }
}
