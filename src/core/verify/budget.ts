/** What a proof may cost: rows held and steps taken; beyond it the question is refused, never answered by half. */

import { proofRowsMax, proofStepsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';

export type BudgetLimits = { readonly rows?: number; readonly steps?: number };

/** Counts down; a question that would go on beyond it is refused with `ProofBudgetExceeded`. */
export class Budget {
  readonly #rowsMax: number;
  readonly #stepsMax: number;
  /** Steps since the last `refill`: counted, not timed, so that the same question costs the same everywhere. */
  steps = 0;

  constructor({ rows = proofRowsMax, steps = proofStepsMax }: BudgetLimits = {}) {
    this.#rowsMax = rows;
    this.#stepsMax = steps;
  }

  /** A new question begins. */
  refill(): void {
    this.steps = 0;
  }

  step(): void {
    this.steps++;
    if (this.steps > this.#stepsMax) throw refusal(`${this.#stepsMax} steps`);
  }

  /** `rows`: how many are held before one more is made. */
  row(rows: number): void {
    if (rows >= this.#rowsMax) throw refusal(`${this.#rowsMax} rows`);
  }
}

function refusal(bound: string): Refusal {
  return new Refusal(
    'ProofBudgetExceeded',
    `The proof needs more than ${bound}; fewer rules, or rules with fewer ranges and wildcards, are accepted.`,
    { status: 429 },
  );
}
