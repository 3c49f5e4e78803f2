/** Decision diagrams over a few fields, equal ones kept once: a set of packets is a number, and equal sets are the same number. */

import { assert, Bug } from '#base/wrong.ts';
import type { Budget } from '#verify/budget.ts';
import { DigitTrees } from '#verify/digit-trees.ts';
import { Memo, unknownResult } from '#verify/memo.ts';
import { firstOwnOperation, leaves, operations, resultAtOnce } from '#verify/operation.ts';
import { Rows } from '#verify/rows.ts';

/** The constants. `unsaid` is for policies that leave some packets to the next one; no set holds it. */
export const nothing = 0;
export const all = 1;
export const unsaid = 2;
const firstNode = 3;

/** Up to this many different children a node keeps an edge with a label for each; beyond it, one tree that leads to them. */
const edgesMax = 12;
/** Added to the level of a node that keeps a tree. */
const wide = 64;
const constantLevel = 63;
/** Pairs of child and label that are under way: the product of two nodes' edges on each of a few levels. */
const edgesUnderWay = 2 * 8 * (edgesMax * edgesMax + 1);
const treeOperation = firstOwnOperation;

/** A point in time to which the store can go back. */
export type Mark = {
  readonly rows: number;
  readonly treeRows: number;
  readonly memo: number;
  readonly treeMemo: number;
};

/**
 * A node looks at one field (its level) and leads to a child by the field's value. Narrow nodes hold sorted pairs of child and
 * label (the set of values, shared by all nodes that speak of the same addresses); wide ones hold one tree of digits whose
 * leaves name the children. The number of children decides which, so each function has one form.
 */
export class Diagrams {
  readonly rows = new Rows();
  readonly trees: DigitTrees;
  readonly #memo: Memo;
  readonly #budget: Budget;
  #edges = new Int32Array(edgesUnderWay);
  #top = 0;

  constructor(budget: Budget, memoBits: number) {
    this.#budget = budget;
    this.#memo = new Memo(memoBits);
    const decide = (operation: number, left: number, right: number) => ~this.apply(operation, ~left, ~right);
    this.trees = new DigitTrees({ budget, memoBits, decide });
  }

  /** After a refusal in the middle of an operation its half-made nodes are let go. */
  reset(): void {
    this.#top = 0;
    this.trees.reset();
  }

  /** Operations on two nodes or labels since the store was made, and those of them whose result was not remembered. */
  get counts(): { readonly operations: number; readonly misses: number } {
    const { memo } = this.trees;
    return { operations: this.#memo.asked + memo.asked, misses: this.#memo.told + memo.told };
  }

  levelOf(node: number): number {
    return node < firstNode ? constantLevel : this.#head(node) & (wide - 1);
  }

  #head(node: number): number {
    return this.rows.pool[this.rows.start(node - firstNode)] ?? constantLevel;
  }

  #isWide(node: number, level: number): boolean {
    return node >= firstNode && this.#head(node) === level + wide;
  }

  /** The node that leads to `inside` for the values of the label, and to `outside` for all others; both lie below the level. */
  branch(level: number, label: number, [inside, outside]: readonly [inside: number, outside: number]): number {
    if (label === leaves.nothing || inside === outside) return outside;
    if (label === leaves.all) return inside;
    assert(this.levelOf(inside) > level && this.levelOf(outside) > level, 'A branch leads upwards.');
    const base = this.#top;
    this.#add(base, inside, label);
    this.#add(base, outside, this.trees.difference(leaves.all, label));
    return this.#close(level, base);
  }

  /** One of the four operations of `operation.ts`. */
  apply(operation: number, left: number, right: number): number {
    const atOnce = resultAtOnce(operation, ~left, ~right);
    if (atOnce !== undefined) return ~atOnce;
    const found = this.#memo.find(operation, left, right);
    if (found !== unknownResult) return found;
    this.#budget.step();
    const level = Math.min(this.levelOf(left), this.levelOf(right));
    const isSweep = this.#isWide(left, level) || this.#isWide(right, level);
    const result = isSweep
      ? this.#sweep(operation, { left, right, level })
      : this.#pair(operation, { left, right, level });
    return this.#memo.keep({ operation, left, right }, result);
  }

  /** Both nodes are narrow: each edge of one with each of the other. */
  #pair(operation: number, { left, right, level }: { left: number; right: number; level: number }): number {
    const base = this.#top;
    const leftEdges = this.#edgesAt(left, level);
    const rightEdges = this.#edgesAt(right, level);
    for (let index = 0; index < leftEdges.length; index += 2) {
      const child = leftEdges[index] ?? nothing;
      let rest = leftEdges[index + 1] ?? leaves.nothing;
      if (decidesAlone(operation, child)) {
        this.#add(base, child, rest);
        continue;
      }
      for (let other = 0; other < rightEdges.length && rest !== leaves.nothing; other += 2) {
        const label = rightEdges[other + 1] ?? leaves.nothing;
        const shared = this.trees.intersection(rest, label);
        if (shared === leaves.nothing) continue;
        this.#add(base, this.apply(operation, child, rightEdges[other] ?? nothing), shared);
        rest = shared === rest ? leaves.nothing : this.trees.difference(rest, label);
      }
    }
    return this.#close(level, base);
  }

  /** One of them is wide: both as trees, leaf by leaf. */
  #sweep(operation: number, { left, right, level }: { left: number; right: number; level: number }): number {
    const tree = this.trees.merge(operation, this.#treeAt(left, level), this.#treeAt(right, level));
    if (tree < 0) return ~tree;
    const found = this.trees.leavesOf(tree, edgesMax);
    if (found.size > edgesMax) return this.#wideNode(level, tree);
    const base = this.#top;
    for (const leaf of found) this.#add(base, ~leaf, this.trees.where(tree, leaf));
    return this.#close(level, base);
  }

  /** Child and label, in turn. A node below the level is its own child for all values. */
  #edgesAt(node: number, level: number): Int32Array {
    if (this.levelOf(node) !== level) return Int32Array.of(node, leaves.all);
    const row = node - firstNode;
    return this.rows.pool.slice(this.rows.start(row) + 1, this.rows.start(row + 1));
  }

  #treeAt(node: number, level: number): number {
    if (this.levelOf(node) !== level) return ~node;
    if (this.#isWide(node, level)) return this.rows.pool[this.rows.start(node - firstNode) + 1] ?? leaves.nothing;
    const found = this.#memo.find(treeOperation, node, 0);
    if (found !== unknownResult) return found;
    const edges = this.#edgesAt(node, level);
    return this.#memo.keep({ operation: treeOperation, left: node, right: 0 }, this.#painted(edges));
  }

  #painted(edges: Int32Array): number {
    let tree = ~(edges[0] ?? nothing);
    for (let index = 2; index < edges.length; index += 2) {
      tree = this.trees.paint(tree, edges[index + 1] ?? leaves.nothing, ~(edges[index] ?? nothing));
    }
    return tree;
  }

  #add(base: number, child: number, label: number): void {
    const edges = this.#edges;
    for (let index = base; index < this.#top; index += 2) {
      if (edges[index] !== child) continue;
      edges[index + 1] = this.trees.union(edges[index + 1] ?? leaves.nothing, label);
      return;
    }
    if (this.#top + 2 > edges.length) throw new Bug('More edges are under way than two nodes can have.');
    edges[this.#top] = child;
    edges[this.#top + 1] = label;
    this.#top += 2;
  }

  /** Makes the node of the edges from `base` on. */
  #close(level: number, base: number): number {
    const edges = this.#edges;
    const end = this.#top;
    this.#top = base;
    if (end - base === 2) return edges[base] ?? nothing;
    if ((end - base) / 2 > edgesMax) return this.#wideNode(level, this.#painted(edges.slice(base, end)));
    sortPairs(edges, base, end);
    const row = new Int32Array(end - base + 1);
    row[0] = level;
    row.set(edges.subarray(base, end), 1);
    return this.#node(row);
  }

  #wideNode(level: number, tree: number): number {
    return this.#node(Int32Array.of(level + wide, tree));
  }

  #node(row: Int32Array): number {
    this.#budget.row(this.rows.count + this.trees.rows.count);
    return this.rows.intern(row, 0, row.length) + firstNode;
  }

  /** The children of a node at a level with the labels that lead to them. A node below the level is its own child for all values. */
  edgesOf(node: number, level: number): readonly (readonly [child: number, label: number])[] {
    if (this.levelOf(node) !== level) return [[node, leaves.all]];
    if (this.#isWide(node, level)) {
      const tree = this.#treeAt(node, level);
      const found = [...this.trees.leavesOf(tree, Number.MAX_SAFE_INTEGER)];
      return found.map((leaf) => [~leaf, this.trees.where(tree, leaf)]);
    }
    const edges = this.#edgesAt(node, level);
    return Array.from({ length: edges.length / 2 }, (_, index) => [
      edges[2 * index] ?? nothing,
      edges[2 * index + 1] ?? leaves.nothing,
    ]);
  }

  /** Where a value of the level's field leads. */
  follow(node: number, level: number, digits: readonly number[]): number {
    if (this.levelOf(node) !== level) return node;
    if (this.#isWide(node, level)) return ~this.trees.leafAt(this.#treeAt(node, level), digits);
    const { pool } = this.rows;
    const end = this.rows.start(node - firstNode + 1);
    for (let index = this.rows.start(node - firstNode) + 1; index < end; index += 2) {
      const leaf = this.trees.leafAt(pool[index + 1] ?? leaves.nothing, digits);
      if (leaf === leaves.all) return pool[index] ?? nothing;
    }
    throw new Bug('No edge of a node holds a value.');
  }

  /** The smallest value of the level's field that does not lead to nothing, as digits. */
  least(node: number, level: number, digits: number): number[] {
    const tree = this.#treeAt(node, level);
    const found = this.trees.least(tree, digits, (leaf) => ~leaf !== nothing);
    if (found === undefined) throw new Bug('A node leads to nothing only.');
    return found;
  }

  /** From here on the store can go back. Marks may lie within each other. */
  mark(): Mark {
    return {
      rows: this.rows.count,
      treeRows: this.trees.rows.count,
      memo: this.#memo.mark(),
      treeMemo: this.trees.memo.mark(),
    };
  }

  /** Drops all that was made since the mark, and everything remembered of it: its numbers will be given to others. */
  rollback(mark: Mark): void {
    this.reset();
    this.#memo.rollback(mark.memo);
    this.trees.memo.rollback(mark.treeMemo);
    this.rows.truncate(mark.rows);
    this.trees.rows.truncate(mark.treeRows);
  }

  /** What was made stays; all marks end. */
  commit(): void {
    this.#memo.commit();
    this.trees.memo.commit();
  }
}

function decidesAlone(operation: number, left: number): boolean {
  switch (operation) {
    case operations.union:
      return left === all;
    case operations.overlay:
      return left === all || left === nothing;
    default:
      return left === nothing;
  }
}

/** Insertion sort by child: a dozen pairs at most. */
function sortPairs(edges: Int32Array, begin: number, end: number): void {
  for (let index = begin + 2; index < end; index += 2) {
    const child = edges[index] ?? 0;
    const label = edges[index + 1] ?? 0;
    let at = index;
    for (; at > begin && (edges[at - 2] ?? 0) > child; at -= 2) {
      edges[at] = edges[at - 2] ?? 0;
      edges[at + 1] = edges[at - 1] ?? 0;
    }
    edges[at] = child;
    edges[at + 1] = label;
  }
}
