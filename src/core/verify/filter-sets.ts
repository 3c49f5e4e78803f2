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
    let best = from;
    let root = from < to ? nodes[from] : undefined;
    if (root === undefined) return undefined;
    for (let index = from + 1; index < to; index++) {
      const node = nodes[index];
      if (node !== undefined && isAbove(node, root)) [best, root] = [index, node];
    }
    return this.#node(root, this.#joined(nodes, from, best), this.#joined(nodes, best + 1, to));
  }

  #changed(
    tree: Tree | undefined,
    { rules, keys, plane }: { rules: Filter['rules']; keys: readonly string[]; plane: Plane },
  ): Tree | undefined {
    let result = tree;
    for (const key of keys) {
      const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
      result = rule === undefined ? this.#without(result, key) : this.#with(result, this.#leaf(key, rule, plane));
    }
    return result;
  }

  /** The tree with the leaf's rule, in the place of the one of its key: above that nothing but values changes. */
  #with(tree: Tree | undefined, leaf: Tree): Tree {
    if (tree === undefined) return leaf;
    if (tree.key === leaf.key) return this.#node(leaf, tree.left, tree.right);
    if (isAbove(leaf, tree)) return this.#node(leaf, ...this.#split(tree, leaf.key));
    return leaf.key < tree.key
      ? this.#node(tree, this.#with(tree.left, leaf), tree.right)
      : this.#node(tree, tree.left, this.#with(tree.right, leaf));
  }

  #without(tree: Tree | undefined, key: string): Tree | undefined {
    if (tree === undefined) return undefined;
    if (tree.key === key) return this.#merge(tree.left, tree.right);
    return key < tree.key
      ? this.#node(tree, this.#without(tree.left, key), tree.right)
      : this.#node(tree, tree.left, this.#without(tree.right, key));
  }

  /** The rules before the key, which the tree does not have, and those after it. */
  #split(tree: Tree | undefined, key: string): [Tree | undefined, Tree | undefined] {
    if (tree === undefined) return [undefined, undefined];
    if (key < tree.key) {
      const [before, after] = this.#split(tree.left, key);
      return [before, this.#node(tree, after, tree.right)];
    }
    const [before, after] = this.#split(tree.right, key);
    return [this.#node(tree, tree.left, before), after];
  }

  #merge(left: Tree | undefined, right: Tree | undefined): Tree | undefined {
    if (left === undefined || right === undefined) return left ?? right;
    return isAbove(left, right)
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

/** Which of two nodes is nearer to the root. */
function isAbove(one: Tree, other: Tree): boolean {
  return one.rank > other.rank || (one.rank === other.rank && one.key < other.key);
}

/** FNV-1a, 32 bits, mixed: neighbours in order must not be neighbours in rank. */
function rankOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
