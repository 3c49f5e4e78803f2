/** The proof on the prover's desk: the invariants in force, judged on the programs and the estate of the model that stands there. */

import { createHash } from 'node:crypto';
import { canonical } from '#base/json.ts';
import type { View } from '#model/resource.ts';
import type { Programs } from '#program/program.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import type { Blast, Breach } from '#verify/proof/verdict.ts';

/** What is judged: programs, and the resources that they and the invariants come from. */
export type ModelWorld = { readonly view: View; readonly programs: Programs; readonly estate: Estate };

const noBlast: Blast = { gained: [], lost: [], more: { gained: 0, lost: 0 } };

/** Holds one proof. A proposal stays open until it is kept or dropped. */
export class ProofBench {
  #invariants: readonly Invariant[] = [];

  /** The digest of the invariant set in force, for the record. */
  get digest(): string {
    return createHash('sha256').update(canonical(this.#invariants)).digest('hex');
  }

  load(_world: ModelWorld): void {
    this.#invariants = [];
  }

  propose(_world: ModelWorld): {
    readonly refused: readonly Breach[];
    readonly noted: readonly Breach[];
    readonly steps: number;
  } {
    return { refused: [], noted: [], steps: 0 };
  }

  keep(): void {
    this.#invariants = [];
  }

  drop(): void {
    this.#invariants = [];
  }

  standing(): readonly Breach[] {
    return [];
  }

  blast(): Blast {
    return noBlast;
  }
}
