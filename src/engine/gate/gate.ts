/** The only way to change the stamp: one change at a time is drafted, proved, made durable, and handed to the followers. */

import { Fault, Refusal } from '#base/wrong.ts';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { gateWaitingMax } from '#base/limits.ts';
import { FairQueue } from '#engine/gate/fair-queue.ts';
import { ProofBudget } from '#engine/gate/proof-budget.ts';
import { MemoryDraft, type MemoryView } from '#model/memory.ts';
import type { Edit, Resource } from '#model/resource.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { Clock, Judged, Planned, ProofQuestions, Proposal, Prover, SignedRecord } from '#engine/ports.ts';
import { Disallowed } from '#engine/proof/refusal.ts';
import { proofLines } from '#engine/proof/lines.ts';
import type { Store } from '#engine/store/store.ts';
import type { TreeEdit } from '#base/tree.ts';

/** What a change leaves behind besides resources; the audit entry is written in the same transaction. */
export type ChangeAbout = {
  readonly subscription: string;
  readonly audit?: AuditEntry;
  /** Further rows of the same transaction: operations, deployments. */
  readonly puts?: readonly { readonly table: string; readonly key: string; readonly value: JsonObject }[];
  readonly deletes?: readonly { readonly table: string; readonly key: string }[];
};

/** A durable change, as followers hear of it, in order. */
export type Commit = {
  readonly revision: number;
  readonly edits: readonly Edit[];
  readonly signed: SignedRecord;
  readonly programEdits: readonly TreeEdit[];
};

/** A step of the programs that the prover vouches for. */
export type ProvedStep = Pick<Commit, 'signed' | 'programEdits'>;

export type GateParts = {
  readonly view: MemoryView;
  readonly revision: number;
  readonly store: Store;
  readonly prover: Prover;
  readonly clock: Pick<Clock, 'now'>;
  /** Rows that a change writes besides its own: of the meters. */
  readonly meter?: (edits: readonly Edit[]) => Pick<ChangeAbout, 'puts' | 'deletes'>;
  /** Called once a change is proved, before it is durable: it may still come to nothing. */
  readonly onProved?: (step: ProvedStep) => void;
  /** Called in order, synchronously, once a change is durable. */
  readonly onCommit: (commit: Commit) => void;
};

/** What stands, as the prover vouches for it: the durable revision's record and programs. */
export type Standing = SignedRecord & { readonly programs: JsonObject };

type Change<T> = { readonly value: T; readonly revision: number; readonly edits: readonly Edit[] };
type Refused = Extract<Proposal, { verdict: 'refused' }>;
type Proposed = Extract<Proposal, { verdict: 'proved' }> & { readonly judged: Judged };

/**
 * The gate. `change` drafts on the current view, asks the prover, appends to the store, and only then lets the view and the
 * followers see it. A refusal by the draft or the prover leaves nothing behind; a fault of the store is rolled back at the
 * prover.
 */
export class Gate {
  readonly #parts: GateParts;
  #revision: number;
  readonly #queue = new FairQueue();
  readonly #budget = new ProofBudget();
  #waiting = 0;
  #stopped: Fault | undefined;
  /** What was answered last about what stands, while somebody holds it: all who ask at one revision share it. */
  #standing: WeakRef<Standing> | undefined;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#revision = parts.revision;
  }

  get revision(): number {
    return this.#revision;
  }

  /**
   * Runs `draw` on a draft and makes its edits real. A draft without edits writes nothing (and answers revision now). Owners
   * take turns; `owner` is the subscription that asks, empty for the stamp itself.
   */
  async change<T>(
    draw: (draft: MemoryDraft) => { readonly value: T; readonly about: ChangeAbout },
    owner = '',
  ): Promise<Change<T>> {
    return await this.#admitted(() => this.#queue.run(owner, () => this.#change(draw, owner)));
  }

  /** What somebody asks for waits with so many others at most. */
  async #admitted<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= gateWaitingMax) {
      const message = `${gateWaitingMax} writes are waiting already; try again in a second.`;
      throw new Refusal('TooManyRequests', message, { status: 429, retryAfterS: 1 });
    }
    this.#waiting += 1;
    try {
      return await work();
    } finally {
      this.#waiting -= 1;
    }
  }

  /**
   * The record and programs of the durable revision, asked for between two changes: what is only proposed is never seen
   * here, and a prover that lost its model or kept a change that did not become durable is given the model first.
   */
  standing(): Promise<Standing> {
    return this.#queue.run('', async () => {
      const shared = this.#standing?.deref();
      if (shared?.record.revision === this.#revision) return shared;
      const standing = deepFreeze(await this.#current());
      this.#standing = new WeakRef(standing);
      return standing;
    });
  }

  async #current(): Promise<Standing> {
    const { prover } = this.#parts;
    const current = await prover.current().catch((error: unknown) => {
      if (error instanceof Fault) return undefined;
      throw error;
    });
    if (current?.record.revision === this.#revision) return current;
    await this.#reload();
    return await prover.current();
  }

  /** A question to the prover about what stands, between two changes; a subscription that asks takes its turn (`change`). */
  ask<T>(question: (prover: ProofQuestions) => Promise<T>, owner = ''): Promise<T> {
    const ask = (): Promise<T> => this.#queue.run(owner, () => this.#asked(question));
    return owner === '' ? ask() : this.#admitted(ask);
  }

  async #asked<T>(question: (prover: ProofQuestions) => Promise<T>): Promise<T> {
    const { prover } = this.#parts;
    return await question(prover).catch(async (error: unknown) => {
      if (!(error instanceof Fault)) throw error;
      await this.#reload();
      return await question(prover);
    });
  }

  /** What the proof would say of edits on what stands now, charged to the owner like a write. */
  plan(edits: readonly Edit[], owner: string): Promise<Planned> {
    return this.#queue.run(owner, async () => {
      const { prover, clock } = this.#parts;
      this.#budget.check(owner, clock.now());
      const planned = await prover.plan(edits).catch(async (error: unknown) => {
        if (!(error instanceof Fault)) throw error;
        await this.#reload();
        return await prover.plan(edits);
      });
      this.#budget.charge(owner, clock.now(), planned.steps);
      return planned;
    });
  }

  async #change<T>(
    draw: (draft: MemoryDraft) => { readonly value: T; readonly about: ChangeAbout },
    owner: string,
  ): Promise<Change<T>> {
    if (this.#stopped !== undefined) throw this.#stopped;
    const { view, clock } = this.#parts;
    this.#budget.check(owner, clock.now());
    const draft = new MemoryDraft(view);
    const { value, about } = draw(draft);
    const edits = deepFreeze(draft.edits());
    if (edits.length === 0) return { value, revision: this.#revision, edits };
    const revision = this.#revision + 1;
    const proposal = await this.#proposed(revision, edits);
    this.#budget.charge(owner, clock.now(), proposal.steps);
    if (proposal.verdict === 'refused') throw new Disallowed(proposal.refused, proposal.refusedMore);
    const proposed: Proposed = proposal;
    await this.#durable(revision, edits, { about, signed: proposed }).catch((cause: unknown) =>
      this.#rolledBack(revision, cause),
    );
    this.#revision = revision;
    view.commit(edits);
    this.#parts.onCommit({ revision, edits, signed: proposed, programEdits: proposed.edits });
    return { value, revision, edits };
  }

  /** Asks the prover; one that restarted since is given the model first. A Refusal passes through. */
  async #proposed(revision: number, edits: readonly Edit[]): Promise<Refused | Proposed> {
    try {
      return await this.#proved(revision, edits);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      await this.#reload();
      return await this.#proved(revision, edits);
    }
  }

  /** The kernel's keeper prepares what is proved, while the prover works out what is told of it. */
  async #proved(revision: number, edits: readonly Edit[]): Promise<Refused | Proposed> {
    const { prover, onProved } = this.#parts;
    const proposal = await prover.propose(revision, edits);
    if (proposal.verdict === 'refused') return proposal;
    onProved?.({ signed: proposal, programEdits: proposal.edits });
    const judged = await prover.judged(revision).catch(async (error: unknown) => {
      await prover.settle(revision, false).catch(() => undefined);
      throw error;
    });
    return { ...proposal, judged };
  }

  async #reload(): Promise<void> {
    const { prover, view } = this.#parts;
    await prover.load(this.#revision, [...view.all()]);
  }

  /**
   * The prover takes the change back; should it not hear of that, it is given the model anew at the next change. A refusal
   * of the store (too large, too many waiting) and a full disk leave the store as it was; after anything else it is unknown
   * whether the entry is on disk, and only a fresh start may tell.
   */
  async #rolledBack(revision: number, cause: unknown): Promise<never> {
    await this.#parts.prover.settle(revision, false).catch(() => undefined);
    if (cause instanceof Refusal) throw cause;
    const isWhole = cause instanceof Fault && cause.code === 'StoreFull';
    const says = isWhole ? 'The disk is full; nothing was changed.' : 'The change could not be made durable.';
    const fault = new Fault(isWhole ? 'StoreFull' : 'StoreFault', says, cause);
    if (!isWhole) this.#stopped = fault;
    throw fault;
  }

  async #durable(
    revision: number,
    edits: readonly Edit[],
    { about, signed }: { about: ChangeAbout; signed: Proposed },
  ): Promise<void> {
    const audit = about.audit === undefined ? undefined : { ...about.audit, ...proofLines(signed.judged) };
    const metered = this.#parts.meter?.(edits) ?? {};
    const rows = edits.map((edit) => ({ key: edit.id.toLowerCase(), after: edit.after }));
    await this.#parts.store.append({
      subscription: about.subscription,
      kind: 'change',
      payload: { revision, record: signed.record, signature: signed.signature },
      puts: [
        ...rows.flatMap(({ key, after }) =>
          after === undefined ? [] : [{ table: 'resources', key, value: asRow(after) }],
        ),
        { table: 'stamp', key: 'revision', value: { revision } },
        ...(about.puts ?? []),
        ...(metered.puts ?? []),
      ],
      deletes: [
        ...rows.flatMap(({ key, after }) => (after === undefined ? [{ table: 'resources', key }] : [])),
        ...(about.deletes ?? []),
        ...(metered.deletes ?? []),
      ],
      ...(audit === undefined ? {} : { audit }),
    });
  }
}

function asRow(resource: Resource): JsonObject {
  return resource as unknown as JsonObject;
}
