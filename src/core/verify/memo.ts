/** Remembers results of operations in a table of fixed size, and forgets those of a time that is rolled back. */

/** Answered when nothing is remembered; never the result of an operation. */
export const unknownResult = -0x8000_0000;

/** Slots written since the first mark that are remembered one by one; beyond it a rollback forgets everything. */
const logLengthMax = 1 << 16;

/**
 * A direct-mapped memory of `(operation, left, right) -> result`. A result may name a row that a rollback drops and that
 * is used anew for another row: so every slot written since a mark is logged and wiped by the rollback.
 */
export class Memo {
  readonly #cells: Int32Array;
  readonly #mask: number;
  readonly #log = new Int32Array(logLengthMax);
  #logged = 0;
  #logging = false;
  /** How often it was asked, and how often it was then told a result: counted, so that the same work counts the same everywhere. */
  asked = 0;
  told = 0;

  constructor(bits: number) {
    this.#cells = new Int32Array(4 << bits);
    this.#mask = (1 << bits) - 1;
  }

  find(operation: number, left: number, right: number): number {
    this.asked++;
    const at = this.#slotOf(operation, left, right);
    const cells = this.#cells;
    return cells[at] === operation && cells[at + 1] === left && cells[at + 2] === right
      ? (cells[at + 3] ?? unknownResult)
      : unknownResult;
  }

  /** Operations are numbered from 1: 0 is a free slot. */
  keep(key: { readonly operation: number; readonly left: number; readonly right: number }, result: number): number {
    this.told++;
    const at = this.#slotOf(key.operation, key.left, key.right);
    const cells = this.#cells;
    cells[at] = key.operation;
    cells[at + 1] = key.left;
    cells[at + 2] = key.right;
    cells[at + 3] = result;
    // One more than fits is counted too: it says that the log is not complete.
    if (this.#logging && this.#logged <= logLengthMax) this.#log[this.#logged++] = at;
    return result;
  }

  #slotOf(operation: number, left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77) ^ Math.imul(operation, 0xc2b2ae3d);
    hash ^= hash >>> 15;
    return (hash & this.#mask) << 2;
  }

  /** From here on writes are logged. Answers what `rollback` wants. */
  mark(): number {
    this.#logging = true;
    return this.#logged;
  }

  /** Forgets all that was written since the mark. */
  rollback(mark: number): void {
    if (this.#logged > logLengthMax) this.#cells.fill(0);
    else for (let index = mark; index < this.#logged; index++) this.#cells[this.#log[index] ?? 0] = 0;
    this.#logged = mark;
  }

  /** What was written stays: the log is let go. */
  commit(): void {
    this.#logging = false;
    this.#logged = 0;
  }
}
