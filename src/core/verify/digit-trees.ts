/** Trees over the hexadecimal digits of one field, equal ones kept once: sets of addresses, ports or protocols, and partitions of them. */

import { Bug } from '#base/wrong.ts';
import type { Budget } from '#verify/budget.ts';
import { Memo, unknownResult } from '#verify/memo.ts';
import { firstOwnOperation, leaves, operations, resultAtOnce } from '#verify/operation.ts';
import { Rows } from '#verify/rows.ts';

/** Ways out of one node: a digit has four bits (measured best for address lists: wider ones copy more, narrower ones go deeper). */
const fanout = 16;
/** 32 digits of an IPv6 address, and a tree within a tree at most once per level of a diagram. */
const deepest = 32 * 8;

/** Decides two leaves that are not both constants, which no set has; they are given and answered as leaves. */
export type Decide = (operation: number, left: number, right: number) => number;

export type DigitTreesOptions = { readonly budget: Budget; readonly memoBits: number; readonly decide: Decide };

/**
 * A tree is a number: not negative, a node with one child per digit; negative, a leaf (`~child`, so that leaves can name nodes
 * of a diagram) that holds for all digits to come. A node whose children are one leaf is that leaf, so equal functions have
 * equal numbers. A set is a tree whose leaves are `leaves.nothing` and `leaves.all`.
 */
export class DigitTrees {
  readonly rows = new Rows();
  readonly memo: Memo;
  readonly #budget: Budget;
  readonly #decide: Decide;
  readonly #stack = new Int32Array(fanout * deepest);
  #top = 0;

  constructor({ budget, memoBits, decide }: DigitTreesOptions) {
    this.#budget = budget;
    this.#decide = decide;
    this.memo = new Memo(memoBits);
  }

  /** After a refusal in the middle of an operation its half-made nodes are let go. */
  reset(): void {
    this.#top = 0;
  }

  child(tree: number, digit: number): number {
    return tree < 0 ? tree : (this.rows.pool[tree * fanout + digit] ?? leaves.nothing);
  }

  /** The leaf that a value leads to. */
  leafAt(tree: number, digits: readonly number[]): number {
    let at = tree;
    for (let index = 0; at >= 0; index++) {
      const digit = digits[index];
      if (digit === undefined) throw new Bug('A tree is deeper than its field has digits.');
      at = this.child(at, digit);
    }
    return at;
  }

  #node(base: number): number {
    const stack = this.#stack;
    const first = stack[base] ?? 0;
    let isOneLeaf = first < 0;
    for (let digit = 1; isOneLeaf && digit < fanout; digit++) isOneLeaf = stack[base + digit] === first;
    this.#top = base;
    if (isOneLeaf) return first;
    this.#budget.row(this.rows.count);
    return this.rows.intern(stack, base, fanout);
  }

  #open(): number {
    const base = this.#top;
    this.#top += fanout;
    if (this.#top > this.#stack.length) throw new Bug('A tree is deeper than any field.');
    return base;
  }

  /** The set of values from `first` to `last` of one digit, each leading to `inside`, all else to nothing. */
  #digits(first: number, last: number, inside: number): number {
    const base = this.#open();
    for (let digit = 0; digit < fanout; digit++) {
      this.#stack[base + digit] = digit >= first && digit <= last ? inside : leaves.nothing;
    }
    return this.#node(base);
  }

  /** The set of all values that begin with the first `length` bits of `digits`. */
  prefix(digits: readonly number[], length: number): number {
    const whole = length >> 2;
    const rest = length & 3;
    let tree: number = leaves.all;
    if (rest > 0) {
      const first = digits[whole] ?? 0;
      tree = this.#digits(first, first + (1 << (4 - rest)) - 1, tree);
    }
    for (let index = whole - 1; index >= 0; index--) {
      const digit = digits[index] ?? 0;
      tree = this.#digits(digit, digit, tree);
    }
    return tree;
  }

  /** The set of whole numbers from `first` to `last`, of fields with so many digits. */
  range(first: number, last: number, digits: number): number {
    if (first > last) return leaves.nothing;
    const size = fanout ** digits;
    if (first <= 0 && last >= size - 1) return leaves.all;
    const base = this.#open();
    const part = size / fanout;
    for (let digit = 0; digit < fanout; digit++) {
      const begin = digit * part;
      const isApart = last < begin || first >= begin + part;
      this.#stack[base + digit] = isApart ? leaves.nothing : this.range(first - begin, last - begin, digits - 1);
    }
    return this.#node(base);
  }

  intersection(left: number, right: number): number {
    return this.merge(operations.intersection, left, right);
  }

  union(left: number, right: number): number {
    return this.merge(operations.union, left, right);
  }

  difference(left: number, right: number): number {
    return this.merge(operations.difference, left, right);
  }

  /** The union of many sets; by halves, because that shares most. */
  unionOf(trees: readonly number[]): number {
    const { length } = trees;
    if (length <= 1) return trees[0] ?? leaves.nothing;
    const middle = length >> 1;
    return this.union(this.unionOf(trees.slice(0, middle)), this.unionOf(trees.slice(middle)));
  }

  /** An operation on two partitions, or sets: leaf by leaf. */
  merge(operation: number, left: number, right: number): number {
    const atOnce = resultAtOnce(operation, left, right);
    if (atOnce !== undefined) return atOnce;
    if (left < 0 && right < 0) return this.#decide(operation, left, right);
    const found = this.memo.find(operation, left, right);
    if (found !== unknownResult) return found;
    this.#budget.step();
    const base = this.#open();
    for (let digit = 0; digit < fanout; digit++) {
      this.#stack[base + digit] = this.merge(operation, this.child(left, digit), this.child(right, digit));
    }
    return this.memo.keep({ operation, left, right }, this.#node(base));
  }

  /** The partition with `leaf` wherever `label` holds, and as it was elsewhere. */
  paint(tree: number, label: number, leaf: number): number {
    if (label < 0) return label === leaves.all ? leaf : tree;
    if (tree === leaf) return tree;
    const operation = firstOwnOperation + 2 * ~leaf;
    const found = this.memo.find(operation, label, tree);
    if (found !== unknownResult) return found;
    this.#budget.step();
    const base = this.#open();
    for (let digit = 0; digit < fanout; digit++) {
      this.#stack[base + digit] = this.paint(this.child(tree, digit), this.child(label, digit), leaf);
    }
    return this.memo.keep({ operation, left: label, right: tree }, this.#node(base));
  }

  /** The set of values that lead to the leaf. */
  where(tree: number, leaf: number): number {
    if (tree < 0) return tree === leaf ? leaves.all : leaves.nothing;
    const operation = firstOwnOperation + 1 + 2 * ~leaf;
    const found = this.memo.find(operation, tree, 0);
    if (found !== unknownResult) return found;
    this.#budget.step();
    const base = this.#open();
    for (let digit = 0; digit < fanout; digit++) {
      this.#stack[base + digit] = this.where(this.child(tree, digit), leaf);
    }
    return this.memo.keep({ operation, left: tree, right: 0 }, this.#node(base));
  }

  /** The different leaves of a tree, or the first ones when there are more than `enough`. */
  leavesOf(tree: number, enough: number): Set<number> {
    const found = new Set<number>();
    const seen = new Set<number>();
    const open = [tree];
    for (let at = open.pop(); at !== undefined && found.size <= enough; at = open.pop()) {
      if (at < 0) found.add(at);
      else if (!seen.has(at)) {
        this.#budget.step();
        seen.add(at);
        for (let digit = 0; digit < fanout; digit++) open.push(this.child(at, digit));
      }
    }
    return found;
  }

  /** The smallest value that leads to a wanted leaf, as digits. */
  least(tree: number, digits: number, wanted: (leaf: number) => boolean): number[] | undefined {
    if (tree < 0) return wanted(tree) ? Array<number>(digits).fill(0) : undefined;
    for (let digit = 0; digit < fanout; digit++) {
      const rest = this.least(this.child(tree, digit), digits - 1, wanted);
      if (rest !== undefined) return [digit, ...rest];
    }
    return undefined;
  }
}
