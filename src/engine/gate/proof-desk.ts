/** The prover's desk: its own copy of the model, the programs compiled from it, and the key that signs what they may become. */

import type { KeyObject } from 'node:crypto';
import { Fault, Refusal } from '#base/wrong.ts';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { digestOf, treeDifference } from '#base/tree.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { MemoryView } from '#model/memory.ts';
import type { Edit, Resource, StampFacts } from '#model/resource.ts';
import { ModelParts } from '#engine/gate/model-parts.ts';
import { signRecord, type ProofRecord } from '#engine/gate/record.ts';
import { type Demands, ProofBench, type ModelWorld } from '#engine/gate/proof-bench.ts';
import type {
  Compliance,
  Evidence,
  Exposed,
  Findings,
  Judged,
  Planned,
  ProofQuestions,
  Proposal,
  Prover,
  SignedRecord,
} from '#engine/ports.ts';
import { baselineDemands } from '#engine/proof/baseline.ts';
import { complianceOf } from '#engine/proof/compliance.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { demandsOf } from '#engine/proof/invariants.ts';
import { toldBreach, type ToldBreach } from '#engine/proof/told.ts';
import type { Programs } from '#program/program.ts';
import { exposureOf, matrixOf } from '#verify/proof/questions.ts';
import type { Breach } from '#verify/proof/verdict.ts';

/** Packets that show what stands broken, for the checker: each is replayed there. */
const evidenceTelling = { each: 10, all: 50, isBare: true } as const;

type Undo = {
  readonly revision: number;
  readonly edits: readonly Edit[];
  readonly programs: JsonObject;
  /** What is told of the change, once it is proved. */
  readonly judge?: () => Judged;
};

/**
 * Compiles each proposed change on its own model, proves it, and signs the digest of the programs before and after (decision
 * D1). `proofd` serves it over a socket; model mode and tests call it directly. The proof of a change that stands is kept at
 * the next call: until then the change can be taken back.
 */
export class ProofDesk implements Prover, ProofQuestions {
  readonly #stamp: StampFacts;
  readonly #key: KeyObject;
  readonly #bench: ProofBench;
  readonly #memo = new CompileMemo();
  readonly #estates = new CompileMemo();
  #view = new MemoryView();
  readonly #parts = new ModelParts();
  #programs: JsonObject = Object.freeze({});
  #revision = -1;
  #isTending = false;
  #undo: Undo | undefined;

  constructor(stamp: StampFacts, key: KeyObject, demands: Demands = demandsOf(baselineDemands())) {
    this.#stamp = stamp;
    this.#key = key;
    this.#bench = new ProofBench(demands);
  }

  /** Takes a part of a model that is sent in several, numbered from 0; the first one forgets those of a model that was not sent to its end. */
  part(index: number, resources: readonly Resource[]): Promise<void> {
    const wrong = this.#parts.take(index, resources);
    return wrong === undefined ? Promise.resolve() : Promise.reject(wrong);
  }

  /** Loads the model of which so many parts came. */
  loadParts(revision: number, count: number): Promise<SignedRecord> {
    const resources = this.#parts.whole(count);
    return resources instanceof Fault ? Promise.reject(resources) : this.load(revision, resources);
  }

  async load(revision: number, resources: readonly Resource[]): Promise<SignedRecord> {
    // Nothing is loaded until all of it is: what fails half-way must not be signed for.
    this.#revision = -1;
    this.#undo = undefined;
    this.#programs = Object.freeze({});
    this.#view = new MemoryView(resources.map((resource) => deepFreeze(resource)));
    this.#programs = this.#compiled();
    this.#bench.fill(this.#world());
    this.#revision = revision;
    return await Promise.resolve(this.#signed(revision, ''));
  }

  /** The programs of the revision that stands, with a record that allows them from any state. */
  current(): Promise<SignedRecord & { readonly programs: JsonObject }> {
    if (this.#revision < 0)
      return Promise.reject(new Fault('ProverEmpty', 'The prover has no model yet; load it first.'));
    return Promise.resolve({ ...this.#signed(this.#revision, ''), programs: this.#programs });
  }

  propose(revision: number, edits: readonly Edit[]): Promise<Proposal> {
    if (this.#revision < 0 || revision !== this.#revision + 1) {
      const says = `The prover stands at revision ${this.#revision} and cannot take ${revision}.`;
      return Promise.reject(new Fault('ProverBehind', says));
    }
    const before = this.#programs;
    return this.#tried(edits, () => {
      const { refused, noted, more, steps } = this.#bench.propose(this.#world());
      if (refused.length > 0) {
        const told = this.#toldAll(refused);
        this.#takeBack();
        return { verdict: 'refused', refused: told, refusedMore: more.refused, steps };
      }
      this.#judgeSoon(() => ({ noted: this.#toldAll(noted), notedMore: more.noted, blast: this.#bench.blast() }));
      const changed = treeDifference(before, this.#programs);
      return { verdict: 'proved', ...this.#signed(revision, digestOf(before)), edits: changed, steps };
    });
  }

  judged(revision: number): Promise<Judged> {
    const judge = this.#undo?.revision === revision ? this.#undo.judge : undefined;
    if (judge === undefined)
      return Promise.reject(new Fault('ProverBehind', `The prover has no open change to revision ${revision}.`));
    try {
      return Promise.resolve(judge());
    } catch (error) {
      this.#takeBack();
      return Promise.reject(
        error instanceof Refusal ? error : new Fault('ProverFailed', 'The change cannot be told.', error),
      );
    }
  }

  /** Works out what is told of the open change when its answer has gone out, or when it is asked for. */
  #judgeSoon(make: () => Judged): void {
    if (this.#undo === undefined) return;
    let made: Judged | undefined;
    const judge = (): Judged => (made ??= make());
    this.#undo = { ...this.#undo, judge };
    setImmediate(() => {
      try {
        if (this.#undo?.judge === judge) judge();
      } catch {
        // Whoever asks for it is told.
      }
    });
  }

  plan(edits: readonly Edit[]): Promise<Planned> {
    if (this.#revision < 0)
      return Promise.reject(new Fault('ProverEmpty', 'The prover has no model yet; load it first.'));
    return this.#tried(edits, () => {
      const { refused, noted, more, steps } = this.#bench.propose(this.#world());
      const blast = this.#bench.blast();
      const planned: Planned = {
        refused: this.#toldAll(refused),
        refusedMore: more.refused,
        noted: this.#toldAll(noted),
        notedMore: more.noted,
        blast,
        steps,
      };
      this.#takeBack();
      return planned;
    });
  }

  settle(revision: number, kept: boolean): Promise<void> {
    if (!kept && this.#undo?.revision === revision) this.#takeBack();
    return Promise.resolve();
  }

  /** The demands changed: all is proved anew, and what stands broken is told. Nothing that stands is taken back for it (decision D2.1). */
  reprove(): Promise<Findings> {
    return this.#asked(() => {
      this.#bench.fill(this.#world());
      return this.#found();
    });
  }

  /** What stands broken now. */
  findings(): Promise<Findings> {
    return this.#asked(() => this.#found());
  }

  #found(): Findings {
    const told = this.#toldAll(this.#bench.standing());
    return { told, more: this.#bench.proof.standingCount - told.length };
  }

  exposure(): Promise<readonly Exposed[]> {
    return this.#asked(() => exposureOf(this.#bench.proof.world));
  }

  matrix(scope?: string): ReturnType<ProofQuestions['matrix']> {
    return this.#asked(() => matrixOf(this.#bench.proof.world, scope === undefined ? [] : [scope]));
  }

  compliance(scope: string): Promise<Compliance> {
    return this.#asked(() => {
      this.#bench.settleDemands(this.#world());
      const { invariants, proof } = this.#bench;
      return complianceOf({ invariants, estate: proof.world.estate, brokenAt: proof.brokenAt() }, scope);
    });
  }

  evidence(): Promise<Evidence> {
    return this.#asked(() => {
      const { invariants, proof } = this.#bench;
      const shown = proof.standing(evidenceTelling).map(({ invariant, subject, witness }) => ({
        invariant: invariant.id,
        mark: subject.kind === 'nic' ? subject.mark : undefined,
        ...(witness === undefined ? {} : { witness: { packet: witness.packet, verdict: witness.fate.verdict } }),
      }));
      const told = [...shown, ...proof.brokenAt()];
      return { revision: this.#revision, estate: proof.world.estate, invariants, told };
    });
  }

  prove(id: string): ReturnType<ProofQuestions['prove']> {
    return this.#asked(() => {
      const invariant = this.#bench.invariants.find((one) => one.id.toLowerCase() === id.toLowerCase());
      if (invariant === undefined) {
        const known = this.#bench.invariants.map((one) => one.id).join(', ');
        throw new Refusal('InvariantNotFound', `There is no invariant "${id.slice(0, 200)}". In force are: ${known}.`, {
          status: 404,
          target: 'id',
        });
      }
      const { breaches, more } = this.#bench.proof.ask(invariant);
      return { holds: breaches.length === 0, broken: this.#toldAll(breaches), more };
    });
  }

  /** A question about what stands: a proposal that was answered stands from now on. */
  #asked<T>(ask: () => T): Promise<T> {
    if (this.#revision < 0)
      return Promise.reject(new Fault('ProverEmpty', 'The prover has no model yet; load it first.'));
    this.#keep();
    try {
      return Promise.resolve(ask());
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Fault('ProverFailed', 'The question failed.', error));
    }
  }

  /** Makes the edits on our model and answers what `judge` says; whatever it throws takes them back. */
  #tried<T>(edits: readonly Edit[], judge: () => T): Promise<T> {
    this.#keep();
    this.#bench.settleDemands(this.#world());
    const undo = edits
      .map((edit) => ({ id: edit.id, before: edit.after, after: this.#view.get(edit.id) }))
      .toReversed();
    try {
      this.#view.commit(deepFreeze(edits));
    } catch (error) {
      return Promise.reject(this.#abandoned(error));
    }
    this.#undo = { revision: this.#revision + 1, edits: undo, programs: this.#programs };
    this.#revision += 1;
    try {
      this.#programs = this.#compiled();
      return Promise.resolve(judge());
    } catch (error) {
      this.#takeBack();
      return Promise.reject(
        error instanceof Refusal ? error : new Fault('ProverFailed', 'The change cannot be proved.', error),
      );
    }
  }

  #toldAll(breaches: readonly Breach[]): readonly ToldBreach[] {
    const parts = { programs: this.#programs as unknown as Programs, view: this.#view };
    return breaches.map((breach) => toldBreach(breach, parts));
  }

  /** The last change stands: it can no longer be taken back. */
  #keep(): void {
    if (this.#undo === undefined) return;
    this.#undo = undefined;
    this.#bench.keep();
    this.#tendSoon();
  }

  /** The proof's housekeeping, in small steps whenever no call is waiting. */
  #tendSoon(): void {
    if (this.#isTending) return;
    const step = (): void => {
      this.#isTending = this.#bench.tend();
      if (this.#isTending) setImmediate(step);
    };
    this.#isTending = true;
    setImmediate(step);
  }

  #takeBack(): void {
    const undo = this.#undo;
    if (undo === undefined) return;
    this.#view.commit(undo.edits);
    this.#programs = undo.programs;
    this.#revision = undo.revision - 1;
    this.#undo = undefined;
    this.#bench.drop();
  }

  /** A change that was made on another model: ours may be half changed now, so it is dropped whole and must be loaded anew. */
  #abandoned(cause: unknown): Fault {
    this.#revision = -1;
    this.#undo = undefined;
    this.#view = new MemoryView();
    this.#programs = Object.freeze({});
    return new Fault('ProverBehind', "The change does not fit the prover's model.", cause);
  }

  #compiled(): JsonObject {
    return compileStamp(this.#view, this.#stamp, this.#memo) as unknown as JsonObject;
  }

  #world(): ModelWorld {
    return {
      view: this.#view,
      programs: this.#programs as unknown as Programs,
      estate: estateOf(this.#view, this.#stamp, this.#estates),
    };
  }

  #signed(revision: number, base: string): SignedRecord {
    const record: ProofRecord = {
      stamp: this.#stamp.number,
      revision,
      base,
      root: digestOf(this.#programs),
      invariants: this.#bench.digest,
    };
    return { record, signature: signRecord(record, this.#key) };
  }
}
