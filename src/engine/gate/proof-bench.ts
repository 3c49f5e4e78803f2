/** The proof on the prover's desk: the invariants in force, judged on the programs and the estate of the model that stands there. */

import { createHash } from 'node:crypto';
import { canonical } from '#base/json.ts';
import type { View } from '#model/resource.ts';
import type { Programs } from '#program/program.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';
import type { World } from '#verify/proof/standing.ts';
import type { Blast, Breach, Judgement } from '#verify/proof/verdict.ts';

/** What is judged: programs, and the resources that they and the invariants come from. */
export type ModelWorld = { readonly view: View; readonly programs: Programs; readonly estate: Estate };

/** Which invariants are in force for a set of resources: the same objects as long as nothing about them changed. */
export type Demands = (world: ModelWorld) => readonly Invariant[];

/** Holds one proof. A proposal stays open until it is kept or dropped. */
export class ProofBench {
  readonly #demands: Demands;
  readonly #proof = new Proof();
  #invariants: readonly Invariant[] = [];
  #digest: { readonly of: readonly Invariant[]; readonly text: string } | undefined;
  #before: readonly Invariant[] = [];

  constructor(demands: Demands) {
    this.#demands = demands;
  }

  /** The invariants of the state that was looked at last. */
  get invariants(): readonly Invariant[] {
    return this.#invariants;
  }

  /** The digest of the invariant set in force, for the record. */
  get digest(): string {
    if (this.#digest?.of !== this.#invariants) {
      const text = createHash('sha256').update(canonical(this.#invariants)).digest('hex');
      this.#digest = { of: this.#invariants, text };
    }
    return this.#digest.text;
  }

  /** Proves everything anew, and tells nothing of it. */
  fill(world: ModelWorld): void {
    this.#proof.fill(this.#worldOf(world));
  }

  /** Proves everything anew; answers what stands broken (`standing`). */
  load(world: ModelWorld): readonly Breach[] {
    return this.#proof.load(this.#worldOf(world));
  }

  /**
   * What is demanded may have changed with time alone (an exemption that ran out). Such demands are taken up on what stands, before
   * a change is judged: else they would be new together with it, and refuse nothing of it (decision D2.1).
   */
  settleDemands(world: ModelWorld): void {
    const before = this.#invariants;
    const next = this.#worldOf(world);
    if (next.invariants === before) return;
    this.#proof.propose(next);
    this.#proof.keep();
  }

  propose(world: ModelWorld): {
    readonly refused: readonly Breach[];
    readonly noted: readonly Breach[];
    readonly more: Judgement['more'];
    readonly steps: number;
  } {
    this.#before = this.#invariants;
    try {
      const { refused, noted, more, counters } = this.#proof.propose(this.#worldOf(world));
      return { refused, noted, more, steps: counters['steps'] ?? 0 };
    } catch (error) {
      this.#invariants = this.#before;
      throw error;
    }
  }

  keep(): void {
    this.#proof.keep();
  }

  drop(): void {
    this.#invariants = this.#before;
    this.#proof.drop();
  }

  /** A step of the proof's own housekeeping (`Proof.tend`); answers whether another is due. */
  tend(): boolean {
    return this.#proof.tend();
  }

  /** What stands broken, each with a packet that shows it: the first of each invariant. */
  standing(): readonly Breach[] {
    return this.#proof.standing();
  }

  /** What the open proposal makes possible or impossible. */
  blast(): Blast {
    return this.#proof.blast();
  }

  /** The proof itself, for questions about what stands. */
  get proof(): Proof {
    return this.#proof;
  }

  #worldOf(world: ModelWorld): World {
    this.#invariants = this.#demands(world);
    const { programs, estate } = world;
    return { programs, estate, invariants: this.#invariants };
  }
}
