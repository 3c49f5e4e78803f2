/** Which resources of a view were changed lately: a bounded list, so that what was made from the view is kept up at the cost of the changes. */

import { journalMax } from '#base/limits.ts';
import type { Journal } from '#model/resource.ts';

/** Keeps the last changes; when there are too many the older half is forgotten. */
export class MemoryJournal implements Journal {
  #ids: string[] = [];
  #first = 0;

  get mark(): number {
    return this.#first + this.#ids.length;
  }

  since(mark: number): ReadonlySet<string> | undefined {
    return mark < this.#first ? undefined : new Set(this.#ids.slice(mark - this.#first));
  }

  /** Notes a change of the resource with this id (lower case). */
  note(id: string): void {
    this.#ids.push(id);
    if (this.#ids.length <= journalMax) return;
    const gone = this.#ids.length >> 1;
    this.#ids = this.#ids.slice(gone);
    this.#first += gone;
  }
}
