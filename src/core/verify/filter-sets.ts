/** Compiled filters, kept: a changed rule costs as many operations as the tree over its filter's rules is high. */

import { originOf } from '#base/lineage.ts';
import type { Sets } from '#program/filter.ts';
import type { Filter, Rule } from '#program/program.ts';
import { all, nothing, unsaid } from '#verify/diagrams.ts';
import { ruleDiagram } from '#verify/filter-set.ts';
import { Kept } from '#verify/kept.ts';
import { operations } from '#verify/operation.ts';
import type { LocalEnd, PacketSet, PacketSets } from '#verify/packet-sets.ts';

/**
 * A tree over the rules in order of evaluation. Its shape hangs on the keys alone (a treap whose ranks are hashes of them), so that the same
 * rules make the same tree, however they came together. `value`: what the rules of the tree say, laid over each other.
 */
type Tree = {
  readonly key: string;
  readonly rank: number;
  readonly leaf: number;
  readonly left: Tree | undefined;
  readonly right: Tree | undefined;
  readonly value: number;
};

type Compiled = { readonly tree: Tree | undefined; readonly set: PacketSet };
type Plane = { readonly sets: Sets; readonly local: LocalEnd };

type KeptRules = Kept<Filter['rules'], Compiled>;
type Planes = { readonly [local in LocalEnd]: KeptRules };

/** One per store. */
export class FilterSets {
  readonly #store: PacketSets;
  /** By the text of the named sets, so that routers of one network share what is compiled; found by identity after the first time. */
  readonly #planes = new WeakMap<Sets, Planes>();
  readonly #texts = new Map<string, Planes>();

  constructor(store: PacketSets) {
    this.#store = store;
  }

  /** The packets that the filter allows (`filterVerdict`). */
  setOf(filter: Filter, sets: Sets, local: LocalEnd): PacketSet {
    const kept = this.#planesOf(sets)[local];
    return kept.of(filter.rules, () => this.#compiled(filter.rules, { sets, local }, kept)).set;
  }

  #planesOf(sets: Sets): Planes {
    const known = this.#planes.get(sets);
    if (known !== undefined) return known;
    const text = JSON.stringify(sets);
    const planes = this.#texts.get(text) ?? this.#newPlanes(text);
    if (Object.isFrozen(sets)) this.#planes.set(sets, planes);
    return planes;
  }

  #newPlanes(text: string): Planes {
    const fresh = (): KeptRules => this.#store.register(new Kept<Filter['rules'], Compiled>());
    const planes = { source: fresh(), target: fresh() };
    this.#texts.set(text, planes);
    return planes;
  }

  #compiled(rules: Filter['rules'], plane: Plane, kept: KeptRules): Compiled {
    const origin = originOf(rules);
    const before = origin === undefined ? undefined : kept.get(origin.from as unknown as Filter['rules']);
    const tree =
      origin !== undefined && before !== undefined
        ? this.#changed(before.tree, { rules, keys: origin.keys, plane })
        : this.#built(rules, plane);
    const { diagrams } = this.#store;
    diagrams.reset();
    return { tree, set: diagrams.apply(operations.overlay, tree?.value ?? unsaid, nothing) };
  }

  #built(rules: Filter['rules'], plane: Plane): Tree | undefined {
    const entries = Object.keys(rules).sort();
    const nodes = entries.flatMap((key): Tree | readonly [] => {
      const rule = rules[key];
      return rule === undefined ? [] : this.#leaf(key, rule, plane);
    });
    return this.#joined(nodes, 0, nodes.length);
  }

  /** The node of the highest rank is the root. */
  #joined(nodes: readonly Tree[], from: number, to: number): Tree | undefined {
    let best: number | undefined;
    for (let index = from; index < to; index++) {
      const rank = nodes[index]?.rank ?? 0;
      if (best === undefined || rank > (nodes[best]?.rank ?? 0)) best = index;
    }
    const root = best === undefined ? undefined : nodes[best];
    if (root === undefined || best === undefined) return undefined;
    return this.#node(root, this.#joined(nodes, from, best), this.#joined(nodes, best + 1, to));
  }

  #changed(
    tree: Tree | undefined,
    { rules, keys, plane }: { rules: Filter['rules']; keys: readonly string[]; plane: Plane },
  ): Tree | undefined {
    let result = tree;
    for (const key of keys) {
      const [before, , after] = this.#split(result, key);
      const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
      const middle = rule === undefined ? undefined : this.#leaf(key, rule, plane);
      result = this.#merge(this.#merge(before, middle), after);
    }
    return result;
  }

  /** The rules before the key, the one of the key, those after it. */
  #split(tree: Tree | undefined, key: string): [Tree | undefined, Tree | undefined, Tree | undefined] {
    if (tree === undefined) return [undefined, undefined, undefined];
    if (tree.key === key) return [tree.left, tree, tree.right];
    if (key < tree.key) {
      const [before, middle, after] = this.#split(tree.left, key);
      return [before, middle, this.#node(tree, after, tree.right)];
    }
    const [before, middle, after] = this.#split(tree.right, key);
    return [this.#node(tree, tree.left, before), middle, after];
  }

  #merge(left: Tree | undefined, right: Tree | undefined): Tree | undefined {
    if (left === undefined || right === undefined) return left ?? right;
    return left.rank > right.rank
      ? this.#node(left, left.left, this.#merge(left.right, right))
      : this.#node(right, this.#merge(left, right.left), right.right);
  }

  #node(root: Tree, left: Tree | undefined, right: Tree | undefined): Tree {
    if (root.left === left && root.right === right) return root;
    const { diagrams } = this.#store;
    diagrams.reset();
    const lower = right === undefined ? root.leaf : diagrams.apply(operations.overlay, root.leaf, right.value);
    const value = left === undefined ? lower : diagrams.apply(operations.overlay, left.value, lower);
    return { key: root.key, rank: root.rank, leaf: root.leaf, left, right, value };
  }

  #leaf(key: string, rule: Rule, { sets, local }: Plane): Tree {
    const leaf = ruleDiagram(this.#store, { rule, sets, local }, [rule.access === 'allow' ? all : nothing, unsaid]);
    return { key, rank: rankOf(key), leaf, left: undefined, right: undefined, value: leaf };
  }
}

/** FNV-1a, 32 bits, mixed: neighbours in order must not be neighbours in rank. */
function rankOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
