/** Labels of lists of prefixes, made once per frozen list: a stamp's policies speak of the same few sets again and again. */

import { type Family, tryPrefix } from '#base/prefix.ts';
import type { DigitTrees } from '#verify/digit-trees.ts';
import { Kept, type Undoable } from '#verify/kept.ts';
import { digitsOf } from '#verify/digits.ts';

export class AddressLabels {
  readonly #trees: DigitTrees;
  readonly #lists: { readonly [family in Family]: Kept<readonly string[], number> } = { 4: new Kept(), 6: new Kept() };

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

  /** What takes part in the store's marks: a rollback gives the numbers of dropped labels to others. */
  get kept(): readonly Undoable[] {
    return [this.#lists[4], this.#lists[6]];
  }
}
