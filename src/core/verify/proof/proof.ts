/** The proof of a stamp, kept up change by change: what stands broken, and what a proposed state breaks anew (decision D2.1). */

import {
  changeToldEachMax,
  changeToldMax,
  proofRowsMax,
  proofStepsMax,
  slowProofFactor,
  standingToldEachMax,
  standingToldMax,
} from '#base/limits.ts';
import { assert, Refusal } from '#base/wrong.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { PacketSets, type StoreMark } from '#verify/packet-sets.ts';
import { blastBetween } from '#verify/proof/blast.ts';
import { type Broken, type Telling, type Told, toldFirst } from '#verify/proof/breach.ts';
import { type Changed, changedBetween, concernsAppliance } from '#verify/proof/changed.ts';
import { judgeOne, type Verdict } from '#verify/proof/judge.ts';
import {
  atOnce,
  broken,
  fullStanding,
  type Standing,
  standingSteps,
  type State,
  type World,
} from '#verify/proof/standing.ts';
import type { Blast, Breach, Judgement } from '#verify/proof/verdict.ts';
import type { Judged } from '#verify/proof/world.ts';
import { keepRelays } from '#verify/reach/inward.ts';
import { Reach, type ReachParts, reachParts } from '#verify/reach/reach.ts';

type Proposed = {
  readonly state: State;
  readonly changed: Changed;
  readonly mark: StoreMark;
};

/**
 * Sizes that tests make small: the memory of results, the rows beyond which the store is made anew at once from what stands, and those
 * beyond which this is begun beside the writes.
 */
export type ProofOptions = { readonly memoBits?: number; readonly rowsKeptMax?: number; readonly rowsEasyMax?: number };

/** A store that is being filled with what stood when it was begun, beside the one that is in use. */
type Renewal = {
  readonly store: PacketSets;
  readonly parts: ReachParts;
  readonly steps: Generator<undefined, State, undefined>;
  /** What stood then, when all of it is proved. */
  state?: State;
};

/** A store is made anew beside the writes when it holds so many times what is needed, and no fewer rows than this. */
const liveFactor = 4;
const proofRowsEasyMin = 200_000;

/**
 * Holds the state that stands, and at most one that is proposed. Sets are kept in one store by what they were made of, so that a
 * changed rule costs its filter and the NICs behind it.
 */
export class Proof {
  readonly #options: ProofOptions;
  #store: PacketSets;
  #parts: ReachParts;
  #state: State | undefined;
  #proposed: Proposed | undefined;
  #renewal: Renewal | undefined;
  /** Rows that what stands needs, known since the store was filled last. */
  #rowsLive = 0;

  constructor(options: ProofOptions = {}) {
    this.#options = options;
    this.#store = this.#openStore(1);
    this.#parts = reachParts(this.#store);
  }

  /** Proves everything anew; answers what stands broken (`standing`). */
  load(world: World): readonly Breach[] {
    this.fill(world);
    return this.standing();
  }

  /** As `load`, without telling what stands broken. */
  fill(world: World): void {
    this.#proposed = undefined;
    this.#store = this.#openStore(slowProofFactor);
    this.#parts = reachParts(this.#store);
    this.#state = undefined;
    this.#state = this.#proved(world);
  }

  /** Judges another state against the one that stands. It is open until `keep` or `drop`. */
  propose(next: World): Judgement {
    assert(this.#proposed === undefined, 'A proposal is open.');
    const state = this.#standingState();
    try {
      return this.#judged(state, next);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'ProofBudgetExceeded') throw error;
      return this.#slowly(state, next);
    }
  }

  /** The proposed state stands. */
  keep(): void {
    const proposed = this.#settled();
    if (proposed === undefined) return;
    const rows = rowsOf(this.#store);
    if (rows > (this.#options.rowsKeptMax ?? proofRowsMax)) this.#renew(1);
    else if (rows > (this.#options.rowsEasyMax ?? Math.max(proofRowsEasyMin, liveFactor * this.#rowsLive)))
      this.#renewal ??= this.#begunRenewal(proposed.state.world);
    if (this.#renewal?.state !== undefined) this.#adopt();
  }

  /**
   * One step of making the store anew, when it holds much that nothing needs any more; answers whether another step is due. To be called
   * between writes: the store changes hands when all is proved in the new one, and no proposal is open.
   */
  tend(): boolean {
    const renewal = this.#renewal;
    if (renewal === undefined || renewal.state !== undefined) return false;
    try {
      const step = renewal.steps.next();
      if (step.done !== true) return true;
      renewal.state = step.value;
      if (this.#proposed === undefined) this.#adopt();
    } catch (error) {
      // Too costly beside the writes: it is done at once when there is no room any more.
      this.#renewal = undefined;
      if (!(error instanceof Refusal)) throw error;
    }
    return false;
  }

  #settled(): Proposed | undefined {
    const proposed = this.#proposed;
    if (proposed === undefined) return undefined;
    this.#proposed = undefined;
    this.#store.commit();
    this.#state = proposed.state;
    return proposed;
  }

  /** The proposed state is forgotten. */
  drop(): void {
    const proposed = this.#proposed;
    if (proposed === undefined) return;
    this.#proposed = undefined;
    this.#store.rollback(proposed.mark);
    this.#store.commit();
    if (this.#renewal?.state !== undefined) this.#adopt();
  }

  /** What is broken in the state that stands, each with a packet that shows it: the first of each invariant (`standingCount` counts all). */
  standing(telling = standingTelling): readonly Breach[] {
    const { judged } = this.#standingState();
    this.#store.budget.refill();
    const { breaches } = toldFirst(this.#broken(), judged, telling);
    if (this.#proposed === undefined) this.#store.commit();
    return breaches;
  }

  get standingCount(): number {
    return this.#broken().reduce((sum, { findings }) => sum + findings.length, 0);
  }

  /** Where each invariant stands broken: at which NICs, or (undefined) elsewhere. */
  brokenAt(): readonly { readonly invariant: string; readonly mark: number | undefined }[] {
    return this.#broken().flatMap(({ invariant, findings }) =>
      findings.map(({ end, row }) => ({ invariant: invariant.id, mark: end?.mark ?? row?.mark })),
    );
  }

  #broken(): readonly Broken[] {
    const { world, standing } = this.#standingState();
    return world.invariants.map((invariant) => ({
      invariant,
      findings: broken(invariant, standing.get(invariant.id) ?? none),
    }));
  }

  /** What the proposed state makes possible or impossible. */
  blast(): Blast {
    const proposed = this.#proposed;
    if (proposed === undefined) return { gained: [], lost: [], more: { gained: 0, lost: 0 } };
    return blastBetween(this.#standingState().judged, proposed.state.judged, proposed.changed);
  }

  /** Asks whether an invariant holds of what stands, without making it one of the stamp's. */
  ask(invariant: Invariant): Told {
    const { judged } = this.#standingState();
    this.#store.budget.refill();
    const mark = this.#store.mark();
    try {
      const findings = broken(invariant, fullStanding(invariant, judged));
      return toldFirst([{ invariant, findings }], judged, standingTelling);
    } finally {
      this.#store.rollback(mark);
      if (this.#proposed === undefined) this.#store.commit();
    }
  }

  /** What stands, for questions. */
  get world(): Judged {
    return this.#standingState().judged;
  }

  /** Rows held and steps taken since the last proposal: the same for the same history everywhere. */
  counters(): { readonly nodes: number; readonly labelNodes: number; readonly steps: number } {
    return { ...this.#store.size, steps: this.#store.budget.steps };
  }

  /** Bytes that the sets take. */
  get storeBytes(): number {
    return this.#store.bytes;
  }

  #standingState(): State {
    assert(this.#state !== undefined, 'Nothing is loaded.');
    return this.#state;
  }

  #proved(world: World): State {
    this.#renewal = undefined;
    this.#store.budget.refill();
    const state = atOnce(standingSteps(world, { reach: new Reach(world.programs, this.#parts), estate: world.estate }));
    this.#store.commit();
    this.#rowsLive = rowsOf(this.#store);
    return state;
  }

  #judged(state: State, next: World): Judgement {
    this.#store.budget.refill();
    const mark = this.#store.mark();
    try {
      const reach = new Reach(next.programs, this.#parts, state.judged.reach);
      const { before: _, ...old } = state.judged;
      const judged: Judged = { reach, estate: next.estate, before: old };
      const changed = changedBetween(old, judged);
      if (!changed.all && !changed.structure && !concernsAppliance(changed, reach)) keepRelays(reach, old.reach);
      const verdicts = next.invariants.map((one) => judgeOne(one, { state, judged, changed }));
      const { before: __, ...kept } = judged;
      const standing = new Map(verdicts.map(({ id, standing: own }) => [id, own]));
      this.#proposed = { state: { world: next, judged: kept, standing }, changed, mark };
      return this.#told(verdicts, judged);
    } catch (error) {
      this.#proposed = undefined;
      this.#store.rollback(mark);
      this.#store.commit();
      throw error;
    }
  }

  #told(verdicts: readonly Verdict[], judged: Judged): Judgement {
    const isRefused = ({ invariant, isNew }: Verdict): boolean => invariant.effect === 'deny' && !isNew;
    const [refused, noted] = [true, false].map((wanted) =>
      toldFirst(
        verdicts
          .filter((verdict) => isRefused(verdict) === wanted)
          .map(({ invariant, newly }) => ({ invariant, findings: newly })),
        judged,
        { each: changeToldEachMax, all: changeToldMax },
      ),
    );
    const counters = this.counters();
    return {
      refused: refused?.breaches ?? [],
      noted: noted?.breaches ?? [],
      more: { refused: refused?.more ?? 0, noted: noted?.more ?? 0 },
      mended: verdicts.reduce((sum, { mended }) => sum + mended, 0),
      counters: { ...counters },
    };
  }

  /** The slow lane: a store of its own with a larger budget, proved from the start. It is asked for by the proof alone, never by a caller. */
  #slowly(state: State, next: World): Judgement {
    const [store, parts] = [this.#store, this.#parts];
    try {
      this.#renewFrom(state, slowProofFactor);
      return this.#judged(this.#standingState(), next);
    } catch (error) {
      [this.#store, this.#parts, this.#state] = [store, parts, state];
      throw error;
    }
  }

  #begunRenewal(world: World): Renewal {
    const store = this.#openStore(slowProofFactor);
    const parts = reachParts(store);
    return {
      store,
      parts,
      steps: standingSteps(world, { reach: new Reach(world.programs, parts), estate: world.estate }),
    };
  }

  /** The new store is in use from here on; what was changed while it was filled is judged in it, and stands as it stood. */
  #adopt(): void {
    const { store, parts, state } = this.#renewal ?? {};
    this.#renewal = undefined;
    if (store === undefined || parts === undefined || state === undefined) return;
    const [oldStore, oldParts, stands] = [this.#store, this.#parts, this.#standingState()];
    assert(this.#proposed === undefined, 'A store changes hands under a proposal.');
    store.commit();
    [this.#store, this.#parts, this.#state] = [store, parts, state];
    this.#rowsLive = rowsOf(store);
    try {
      if (state.world === stands.world) return;
      this.#judged(state, stands.world);
      this.#settled();
    } catch (error) {
      [this.#store, this.#parts, this.#state] = [oldStore, oldParts, stands];
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #renew(factor: number): void {
    this.#renewFrom(this.#standingState(), factor);
  }

  #renewFrom({ world }: State, factor: number): void {
    this.#store = this.#openStore(Math.max(factor, slowProofFactor));
    this.#parts = reachParts(this.#store);
    this.#state = this.#proved(world);
  }

  #openStore(factor: number): PacketSets {
    const { memoBits } = this.#options;
    const limits = { rows: proofRowsMax * factor, steps: proofStepsMax * factor };
    return new PacketSets(memoBits === undefined ? limits : { ...limits, memoBits });
  }
}

const none: Standing = new Map();
const standingTelling: Telling = { each: standingToldEachMax, all: standingToldMax };

function rowsOf({ size: { nodes, labelNodes } }: PacketSets): number {
  return nodes + labelNodes;
}
