/** The prover's desk: its own copy of the model, the programs compiled from it, and the key that signs what they may become. */

import { createHash, type KeyObject } from 'node:crypto';
import { Fault, Refusal } from '#base/wrong.ts';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { digestOf, treeDifference, type TreeEdit } from '#base/tree.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { MemoryView } from '#model/memory.ts';
import type { Edit, Resource, StampFacts } from '#model/resource.ts';
import { signRecord, type ProofRecord } from '#engine/gate/record.ts';
import type { Prover, SignedRecord } from '#engine/ports.ts';

/** The digest of the invariant set in force; the set is empty until invariants exist (issue B), and the record says so. */
const noInvariants = createHash('sha256').update('[]').digest('hex');

type Undo = { readonly revision: number; readonly edits: readonly Edit[]; readonly programs: JsonObject };

/**
 * Compiles each proposed change on its own model and signs the digest of the programs before and after (decision D1).
 * `proofd` serves it over a socket; model mode and tests call it directly.
 */
export class ProofDesk implements Prover {
  readonly #stamp: StampFacts;
  readonly #key: KeyObject;
  readonly #memo = new CompileMemo();
  #view = new MemoryView();
  #programs: JsonObject = Object.freeze({});
  #revision = -1;
  #undo: Undo | undefined;

  constructor(stamp: StampFacts, key: KeyObject) {
    this.#stamp = stamp;
    this.#key = key;
  }

  load(revision: number, resources: readonly Resource[]): Promise<SignedRecord> {
    this.#view = new MemoryView(resources.map((resource) => deepFreeze(resource)));
    this.#revision = revision;
    this.#undo = undefined;
    this.#programs = this.#compiled();
    return Promise.resolve(this.#signed(revision, ''));
  }

  /** The programs of the revision that stands, with a record that allows them from any state. */
  current(): Promise<SignedRecord & { readonly programs: JsonObject }> {
    if (this.#revision < 0)
      return Promise.reject(new Fault('ProverEmpty', 'The prover has no model yet; load it first.'));
    return Promise.resolve({ ...this.#signed(this.#revision, ''), programs: this.#programs });
  }

  propose(revision: number, edits: readonly Edit[]): Promise<SignedRecord & { readonly edits: readonly TreeEdit[] }> {
    if (revision !== this.#revision + 1) {
      const says = `The prover stands at revision ${this.#revision} and cannot take ${revision}.`;
      return Promise.reject(new Fault('ProverBehind', says));
    }
    const before = this.#programs;
    const undo = edits
      .map((edit) => ({ id: edit.id, before: edit.after, after: this.#view.get(edit.id) }))
      .toReversed();
    try {
      this.#view.commit(deepFreeze(edits));
    } catch (error) {
      return Promise.reject(this.#abandoned(error));
    }
    this.#undo = { revision, edits: undo, programs: before };
    this.#revision = revision;
    try {
      this.#programs = this.#compiled();
    } catch (error) {
      this.#takeBack();
      return Promise.reject(
        error instanceof Refusal ? error : new Fault('ProverFailed', 'The change cannot be compiled.', error),
      );
    }
    return Promise.resolve({
      ...this.#signed(revision, digestOf(before)),
      edits: treeDifference(before, this.#programs),
    });
  }

  settle(revision: number, kept: boolean): Promise<void> {
    if (!kept && this.#undo?.revision === revision) this.#takeBack();
    return Promise.resolve();
  }

  #takeBack(): void {
    const undo = this.#undo;
    if (undo === undefined) return;
    this.#view.commit(undo.edits);
    this.#programs = undo.programs;
    this.#revision = undo.revision - 1;
    this.#undo = undefined;
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

  #signed(revision: number, base: string): SignedRecord {
    const record: ProofRecord = {
      stamp: this.#stamp.number,
      revision,
      base,
      root: digestOf(this.#programs),
      invariants: noInvariants,
    };
    return { record, signature: signRecord(record, this.#key) };
  }
}
