/** What is done with a packet by any of its fields, as one diagram: equal diagrams do the same with every packet, and are the same number. */

import { decisionNodesMax, decisionStepsMax } from '#base/limits.ts';
import { assert } from '#base/wrong.ts';
import { Budget } from '#verify/budget.ts';

/**
 * What is done in the end. `isEnd`: nothing later decides any more; else the packet goes on to what comes next, with the mark
 * that it was given (undefined: the one that it had).
 */
export type Act = { readonly isEnd: boolean; readonly mark: bigint | undefined; readonly says: string };

/** Values of one field, both ends inclusive. */
export type Span = readonly [first: bigint, last: bigint];

/** A value for each field on the way to a difference, and what both sides do there. */
export type Apart = { readonly values: ReadonlyMap<number, bigint>; readonly left: Act; readonly right: Act };

/** A node looks at the field `level` and leads to the child of the first bound that is not below the value. */
type Node = { readonly level: number; readonly bounds: readonly bigint[]; readonly children: readonly number[] };

const leafLevel = Number.POSITIVE_INFINITY;

/**
 * Keeps each diagram once. A number names one; the two conditions `no` and `yes` and all acts are leaves. Fields are looked at in
 * ascending order of level. Each operation refuses with `ProofBudgetExceeded` when it would cost more than the store's budget.
 */
export class Decisions {
  readonly no: number;
  readonly yes: number;
  /** Nothing is done: the packet goes on as it is. */
  readonly on: number;
  readonly #last: readonly bigint[];
  readonly #budget: Budget;
  readonly #nodes: (Node | Act)[] = [];
  readonly #leaves = new Map<string, number>();
  /** Nodes by their hash. */
  readonly #buckets = new Map<number, number[]>();

  /** `lastValues`: the greatest value of each field, by level. */
  constructor(lastValues: readonly bigint[], budget = new Budget({ rows: decisionNodesMax, steps: decisionStepsMax })) {
    this.#last = lastValues;
    this.#budget = budget;
    this.no = this.#leaf('no', { isEnd: true, mark: undefined, says: 'no' });
    this.yes = this.#leaf('yes', { isEnd: true, mark: undefined, says: 'yes' });
    this.on = this.act({ isEnd: false, mark: undefined, says: '' });
  }

  /** The diagram that does the same with every packet. */
  act(act: Act): number {
    return this.#leaf(`act ${act.isEnd ? 'end' : 'on'} ${act.mark ?? ''} ${act.says}`, act);
  }

  /** The end with these words. */
  end(says: string): number {
    return this.act({ isEnd: true, mark: undefined, says });
  }

  /** Is the field's value in one of the spans? They may overlap and come in any order. */
  isIn(level: number, spans: Iterable<Span>): number {
    return this.bySpan(
      level,
      [...spans].map((span) => [span, this.yes] as const),
      this.no,
    );
  }

  /** By the value of one field; rows look at later fields only. Spans of one meaning may overlap, those of several do not. */
  bySpan(level: number, rows: readonly (readonly [span: Span, then: number])[], otherwise: number): number {
    const last = this.#last[level] ?? 0n;
    const sorted = rows.toSorted(([[left]], [[right]]) => (left < right ? -1 : left > right ? 1 : 0));
    const [bounds, children]: [bigint[], number[]] = [[], []];
    let next = 0n;
    for (const [[first, end], then] of sorted) {
      if (first > next) {
        bounds.push(first - 1n);
        children.push(otherwise);
      }
      if (end < next) continue;
      bounds.push(end);
      children.push(then);
      next = end + 1n;
    }
    if (next <= last) {
      bounds.push(last);
      children.push(otherwise);
    }
    return this.#node(level, bounds, children);
  }

  and(left: number, right: number): number {
    return this.#combined(left, right, {
      decide: (one, other) => (one === this.yes ? other : this.no),
      atOnce: (one, other) => (one === this.no || other === this.no ? this.no : one === this.yes ? other : undefined),
    });
  }

  not(condition: number): number {
    return this.#mapped(condition, (leaf) => (leaf === this.yes ? this.no : this.yes));
  }

  /** Where the condition holds `then`, else the packet goes on. */
  when(condition: number, then: number): number {
    return this.choose(condition, then, this.on);
  }

  /** Where the condition holds `then`, else `otherwise`. */
  choose(condition: number, then: number, otherwise: number): number {
    if (condition === this.yes || then === otherwise) return then;
    if (condition === this.no) return otherwise;
    const only = this.#combined(condition, then, {
      decide: (one, other) => (one === this.yes ? other : this.no),
      atOnce: (one) => (one === this.no ? this.no : undefined),
    });
    return this.#combined(only, otherwise, {
      decide: (one, other) => (one === this.no ? other : one),
      atOnce: (one, other) => (one === this.no ? other : this.#levelOf(one) === leafLevel ? one : undefined),
    });
  }

  /** One after the other: what the first does not end, the next decides, with the last mark that was given. */
  inOrder(list: readonly number[]): number {
    if (list.length === 0) return this.on;
    if (list.length === 1) return list[0] ?? this.on;
    const middle = list.length >>> 1;
    return this.#then(this.inOrder(list.slice(0, middle)), this.inOrder(list.slice(middle)));
  }

  #then(left: number, right: number): number {
    return this.#combined(left, right, {
      decide: (one, other) => {
        const [first, second] = [this.actOf(one), this.actOf(other)];
        return first.isEnd ? one : this.act({ ...second, mark: second.mark ?? first.mark });
      },
      atOnce: (one, other) => {
        if (one === this.on) return other;
        const node = this.#nodes[one];
        return node !== undefined && 'isEnd' in node && node.isEnd ? one : undefined;
      },
    });
  }

  /** The same with each act changed. */
  changed(diagram: number, change: (act: Act) => Act): number {
    return this.#mapped(diagram, (leaf) => this.act(change(this.actOf(leaf))));
  }

  /** Where the act of a diagram has a property. */
  condition(diagram: number, has: (act: Act) => boolean): number {
    return this.#mapped(diagram, (leaf) => (has(this.actOf(leaf)) ? this.yes : this.no));
  }

  /**
   * Forgets a field that was chosen by chance among the values 0 … `count` − 1: what each value would do becomes one act. The
   * field must be the last one.
   */
  collapsed(diagram: number, { level, count }: { level: number; count: number }, join: (acts: readonly Act[]) => Act) {
    const known = new Map<number, number>();
    const visit = (id: number): number => {
      const done = known.get(id);
      if (done !== undefined) return done;
      const node = this.#nodes[id];
      let result: number;
      if (node === undefined || 'isEnd' in node || node.level >= level)
        result = this.act(
          join(Array.from({ length: count }, (_, value) => this.actOf(this.#at(id, level, BigInt(value))))),
        );
      else result = this.#node(node.level, node.bounds, node.children.map(visit));
      known.set(id, result);
      return result;
    };
    return visit(diagram);
  }

  /** The act for a packet; a field that is not given has the value 0. */
  at(diagram: number, values: ReadonlyMap<number, bigint>): Act {
    let id = diagram;
    for (;;) {
      const node = this.#nodes[id];
      if (node === undefined || 'isEnd' in node) return this.actOf(id);
      id = this.#child(node, values.get(node.level) ?? 0n);
    }
  }

  /** What a leaf does. */
  actOf(id: number): Act {
    const node = this.#nodes[id];
    assert(node !== undefined && 'isEnd' in node, 'An act was looked for in a node that is none.');
    return node;
  }

  /** A packet for which the two do not do the same; undefined when there is none. */
  apart(left: number, right: number): Apart | undefined {
    if (left === right) return undefined;
    const values = new Map<number, bigint>();
    let [one, other] = [left, right];
    for (;;) {
      const level = Math.min(this.#levelOf(one), this.#levelOf(other));
      if (level === leafLevel) return { values, left: this.actOf(one), right: this.actOf(other) };
      const bound = this.#boundsOf(one, other, level).find(
        (last) => this.#at(one, level, last) !== this.#at(other, level, last),
      );
      assert(bound !== undefined, 'Two different diagrams have no packet that tells them apart.');
      values.set(level, bound);
      [one, other] = [this.#at(one, level, bound), this.#at(other, level, bound)];
    }
  }

  #levelOf(id: number): number {
    const node = this.#nodes[id];
    return node === undefined || 'isEnd' in node ? leafLevel : node.level;
  }

  #at(id: number, level: number, value: bigint): number {
    const node = this.#nodes[id];
    return node === undefined || 'isEnd' in node || node.level !== level ? id : this.#child(node, value);
  }

  #child({ bounds, children }: Node, value: bigint): number {
    let [low, high] = [0, bounds.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[middle] ?? 0n) < value) low = middle + 1;
      else high = middle;
    }
    return children[low] ?? this.no;
  }

  /** The bounds of both at a level, ascending, each once. */
  #boundsOf(left: number, right: number, level: number): readonly bigint[] {
    const boundsAt = (id: number): readonly bigint[] => {
      const node = this.#nodes[id];
      return node === undefined || 'isEnd' in node || node.level !== level ? [] : node.bounds;
    };
    const [one, other] = [boundsAt(left), boundsAt(right)];
    const merged: bigint[] = [];
    for (let [first, second] = [0, 0]; first < one.length || second < other.length; ) {
      const [mine, theirs] = [one[first], other[second]];
      const least = mine === undefined ? theirs : theirs === undefined || mine < theirs ? mine : theirs;
      if (least === undefined) break;
      merged.push(least);
      if (mine === least) first++;
      if (theirs === least) second++;
    }
    return merged;
  }

  #leaf(key: string, act: Act): number {
    const known = this.#leaves.get(key) ?? this.#added(act);
    this.#leaves.set(key, known);
    return known;
  }

  #shared(node: Node): number {
    const hash = hashOf(node);
    const same = this.#buckets.get(hash) ?? [];
    const known = same.find((id) => isEqual(this.#nodes[id], node));
    if (known !== undefined) return known;
    const id = this.#added(node);
    if (same.push(id) === 1) this.#buckets.set(hash, same);
    return id;
  }

  #added(node: Node | Act): number {
    this.#budget.row(this.#nodes.length);
    return this.#nodes.push(node) - 1;
  }

  /** The node with these children; neighbours that are equal become one, and a node with one child is that child. */
  #node(level: number, bounds: readonly bigint[], children: readonly number[]): number {
    const [keptBounds, keptChildren]: [bigint[], number[]] = [[], []];
    children.forEach((child, index) => {
      const bound = bounds[index] ?? 0n;
      if (keptChildren.at(-1) === child) keptBounds[keptBounds.length - 1] = bound;
      else {
        keptBounds.push(bound);
        keptChildren.push(child);
      }
    });
    const [only] = keptChildren;
    if (keptChildren.length === 1 && only !== undefined) return only;
    return this.#shared({ level, bounds: keptBounds, children: keptChildren });
  }

  #mapped(diagram: number, change: (leaf: number) => number): number {
    const known = new Map<number, number>();
    const visit = (id: number): number => {
      const done = known.get(id);
      if (done !== undefined) return done;
      this.#budget.step();
      const node = this.#nodes[id];
      const result =
        node === undefined || 'isEnd' in node
          ? change(id)
          : this.#node(node.level, node.bounds, node.children.map(visit));
      known.set(id, result);
      return result;
    };
    return visit(diagram);
  }

  #combined(
    left: number,
    right: number,
    {
      decide,
      atOnce,
    }: { decide: (left: number, right: number) => number; atOnce: (left: number, right: number) => number | undefined },
  ): number {
    const known = new Map<number, number>();
    const visit = (one: number, other: number): number => {
      const soon = atOnce(one, other);
      if (soon !== undefined) return soon;
      const key = one * 2 ** 26 + other;
      const done = known.get(key);
      if (done !== undefined) return done;
      const level = Math.min(this.#levelOf(one), this.#levelOf(other));
      let result: number;
      if (level === leafLevel) result = decide(one, other);
      else {
        const bounds = this.#boundsOf(one, other, level);
        const children = bounds.map((bound) => {
          this.#budget.step();
          return visit(this.#at(one, level, bound), this.#at(other, level, bound));
        });
        result = this.#node(level, bounds, children);
      }
      known.set(key, result);
      return result;
    };
    return visit(left, right);
  }
}

function hashOf({ level, bounds, children }: Node): number {
  let hash = level + 1;
  for (let index = 0; index < children.length; index++) {
    hash = Math.imul(hash ^ Number(BigInt.asUintN(32, bounds[index] ?? 0n)), 0x9e3779b1);
    hash = Math.imul((hash ^ (hash >>> 15)) + (children[index] ?? 0), 0x85ebca6b);
  }
  return hash ^ (hash >>> 13);
}

function isEqual(known: Node | Act | undefined, { level, bounds, children }: Node): boolean {
  if (known === undefined || 'isEnd' in known) return false;
  if (known.level !== level || known.children.length !== children.length) return false;
  return (
    known.children.every((child, index) => child === children[index]) &&
    known.bounds.every((bound, index) => bound === bounds[index])
  );
}
