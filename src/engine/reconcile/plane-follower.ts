/** Brings the kernel's keeper to the programs of every revision, in log order, and from scratch when it lost its place. */

import { planeQueueMax } from '#base/limits.ts';
import type { Commit, ProvedStep, Standing } from '#engine/gate/gate.ts';
import type { Clock, PlaneLink } from '#engine/ports.ts';

export type PlaneParts = {
  readonly plane: PlaneLink;
  /** The record and programs of the durable revision; never of one that is only proposed. */
  readonly standing: () => Promise<Standing>;
  readonly clock: Clock;
  /** Told when the plane could not follow, and when it follows again. */
  readonly onTrouble: (trouble: { readonly says: string; readonly over: boolean }) => void;
  /** Called after the plane was compared whole: guests' links are to be checked again. */
  readonly onReplaced: () => void;
};

const retryFirstMs = 100;
const retryLastMs = 5000;

/** Follows the gate: `push` every commit; `reached(revision)` resolves once the kernel has confirmed that revision. */
export class PlaneFollower {
  readonly #parts: PlaneParts;
  #queue: Commit[] = [];
  #reached = -1;
  #waiters: { readonly revision: number; readonly resolve: () => void }[] = [];
  #isRunning = false;
  #inStep = false;
  /** Counts the losses: one that comes while the plane is compared must not be covered by that comparison. */
  #losses = 0;
  /** Counts how often the queue was dropped, for the same reason. */
  #drops = 0;
  #isStopped = false;
  /** Commits before the start only wait: there is nothing yet to compare them with. */
  #isStarted = false;

  constructor(parts: PlaneParts) {
    this.#parts = parts;
  }

  /** Starts by comparing what the plane has with the revision that stands. */
  start(): void {
    this.#isStarted = true;
    this.#kick();
  }

  stop(): void {
    this.#isStopped = true;
  }

  push(commit: Commit): void {
    this.#queue.push(commit);
    if (this.#queue.length > planeQueueMax) {
      // The plane has not followed for long: it is given everything when it does, so single steps need not be kept.
      this.#queue = [];
      this.#drops += 1;
      this.#inStep = false;
    }
    this.#kick();
  }

  /** The step that most likely comes next, while it is being made durable. It is no loss when the plane cannot take it. */
  prepare({ signed, programEdits }: ProvedStep): void {
    if (this.#isStopped || !this.#inStep || this.#queue.length > 0) return;
    this.#parts.plane.prepare(signed, programEdits).catch(() => undefined);
  }

  /** The plane was restarted or its link broke: what it has must be compared again. */
  lost(): void {
    this.#losses += 1;
    this.#inStep = false;
    this.#kick();
  }

  /** Resolves when the kernel has confirmed the revision or a later one. */
  reached(revision: number): Promise<void> {
    if (revision <= this.#reached) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ revision, resolve });
    });
  }

  /** The revision that the kernel has confirmed; undefined while a change is on its way, or the plane must be compared anew. */
  get confirmed(): number | undefined {
    return this.#inStep && this.#queue.length === 0 ? this.#reached : undefined;
  }

  #kick(): void {
    if (!this.#isStarted || this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    void this.#run().finally(() => {
      this.#isRunning = false;
      if (!this.#inStep || this.#queue.length > 0) this.#kick();
    });
  }

  async #run(): Promise<void> {
    let waitMs = retryFirstMs;
    let isTroubled = false;
    while (!this.#isStopped) {
      try {
        if (!this.#inStep) await this.#compare();
        else if (this.#queue.length > 0) await this.#step();
        else break;
        waitMs = retryFirstMs;
      } catch (error) {
        this.#inStep = false;
        isTroubled = true;
        this.#parts.onTrouble({ says: error instanceof Error ? error.message : String(error), over: false });
        await this.#parts.clock.sleep(waitMs);
        waitMs = Math.min(waitMs * 2, retryLastMs);
      }
    }
    if (isTroubled && this.#inStep) this.#parts.onTrouble({ says: 'The data plane follows again.', over: true });
  }

  /** Takes the next step of the queue. A step that is behind what was reached by comparing is done already. */
  async #step(): Promise<void> {
    const next = this.#queue[0];
    if (next === undefined) return;
    if (next.revision > this.#reached) await this.#parts.plane.apply(next.signed, next.programEdits);
    // While we waited, the queue may have been dropped for being too long.
    if (this.#queue[0] === next) this.#queue.shift();
    this.#arrived(next.revision);
  }

  /** Compares digests; only a plane that differs is given everything. */
  async #compare(): Promise<void> {
    const { plane, standing } = this.#parts;
    const drops = this.#drops;
    const current = await standing();
    const state = await plane.state();
    const losses = this.#losses;
    if (state.root !== current.record.root) await plane.replace(current, current.programs);
    const { revision } = current.record;
    this.#queue = this.#queue.filter((commit) => commit.revision > revision);
    this.#inStep = losses === this.#losses && drops === this.#drops;
    this.#arrived(revision);
    this.#parts.onReplaced();
  }

  #arrived(revision: number): void {
    this.#reached = Math.max(this.#reached, revision);
    const ready = this.#waiters.filter((waiter) => waiter.revision <= this.#reached);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#reached);
    for (const waiter of ready) waiter.resolve();
  }
}
