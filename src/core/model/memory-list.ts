/** A list of resources in order of creation that hands out plain arrays and copies one only when it must change a handed-out one. */

import type { Resource } from '#model/resource.ts';

/** Sorted by order. `items()` answers the same array until the next change; an array once handed out never changes. */
export class OrderedList {
  #orders: number[] = [];
  #resources: Resource[] = [];
  #isShared = false;

  /** A list of entries in any order. */
  static of(entries: readonly { readonly order: number; readonly resource: Resource }[]): OrderedList {
    const list = new OrderedList();
    const sorted = entries.toSorted((left, right) => left.order - right.order);
    list.#orders = sorted.map(({ order }) => order);
    list.#resources = sorted.map(({ resource }) => resource);
    return list;
  }

  get isEmpty(): boolean {
    return this.#orders.length === 0;
  }

  items(): readonly Resource[] {
    this.#isShared = true;
    return this.#resources;
  }

  /** Another list of the same content; both copy before they change. */
  copy(): OrderedList {
    const list = new OrderedList();
    list.#orders = this.#orders;
    list.#resources = this.#resources;
    list.#isShared = true;
    this.#isShared = true;
    return list;
  }

  /** Gives back the room that was kept for more: an array that grows takes up to half of its length too much, and 16 places. */
  trim(): void {
    if (this.#isShared) return;
    this.#orders = this.#orders.slice();
    this.#resources = this.#resources.slice();
  }

  /** Adds a resource at its place, or replaces the one of the same order. */
  put(order: number, resource: Resource): void {
    const at = this.#placeOf(order);
    const isKnown = this.#orders[at] === order;
    if (isKnown && this.#resources[at] === resource) return;
    this.#own();
    if (isKnown) {
      this.#resources[at] = resource;
      return;
    }
    this.#orders.splice(at, 0, order);
    this.#resources.splice(at, 0, resource);
  }

  delete(order: number): void {
    const at = this.#placeOf(order);
    if (this.#orders[at] !== order) return;
    this.#own();
    this.#orders.splice(at, 1);
    this.#resources.splice(at, 1);
  }

  #own(): void {
    if (!this.#isShared) return;
    this.#orders = [...this.#orders];
    this.#resources = [...this.#resources];
    this.#isShared = false;
  }

  /** The first place whose order is not below. */
  #placeOf(order: number): number {
    let low = 0;
    let high = this.#orders.length;
    if (high > 0 && order > (this.#orders[high - 1] ?? 0)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#orders[middle] ?? 0) < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
