/** Holds the flows of the flow logs against the programs that were in force when they began, apart from the keeper that told of them. */

import { flowSettleMs, flowsJudgedMax, flowsQueuedMax } from '#base/limits.ts';
import type { Flow, FlowBatch } from '#engine/flow-logs/flow.ts';
import { judgeFlow } from '#engine/flow-logs/flow-judge.ts';
import type { Clock } from '#engine/ports.ts';
import type { Programs, RouterProgram } from '#program/program.ts';

export type FlowCheckerParts = {
  /** The revision that stands. */
  readonly revision: () => number;
  /** The revision that the kernel has confirmed; undefined while it follows a change. */
  readonly confirmed: () => number | undefined;
  readonly programs: () => Promise<Programs>;
  readonly clock: Pick<Clock, 'now'>;
};

/** What was found, with what the program says instead. */
export type FlowDisagreement = { readonly flow: Flow; readonly says: string };

/** How many flows were judged since the start, and how many could not be: they began while the programs changed, or there were too many. */
export type FlowCounts = { readonly judged: number; readonly passedOver: number; readonly disagreements: number };

type Standing = { readonly program: RouterProgram; readonly since: number };

/**
 * A flow is told of when it is read, not when it began: that was after the reading before, less the time in which the kernel
 * gathers its messages. It is judged only when its router's program was confirmed by then and is the same still: a flow that began
 * while a change went through may have met either. Only beginnings are judged: what was let in earlier goes on by decision D2.2.
 */
export class FlowChecker {
  readonly #parts: FlowCheckerParts;
  readonly #standing = new Map<string, Standing>();
  /** From when on the flows of the next batch began; undefined when that is not known. */
  #from: number | undefined;
  #judged = 0;
  #passedOver = 0;
  #disagreements = 0;

  constructor(parts: FlowCheckerParts) {
    this.#parts = parts;
  }

  get counts(): FlowCounts {
    return { judged: this.#judged, passedOver: this.#passedOver, disagreements: this.#disagreements };
  }

  /** Judges a sample of a batch that was asked for at `askedAt` (milliseconds since 1970); at most `flowsJudgedMax` of it. */
  async check(batch: FlowBatch, askedAt: number): Promise<readonly FlowDisagreement[]> {
    const from = this.#from;
    // A full batch leaves the rest in the kernel: nobody can tell when that began.
    this.#from = batch.flows.length >= flowsQueuedMax ? undefined : askedAt - flowSettleMs;
    const begun = batch.flows.filter(({ carried }) => carried === undefined);
    const isConfirmed = await this.#look();
    const sample = sampleOf(begun, flowsJudgedMax);
    this.#passedOver += begun.length - sample.length;
    const found: FlowDisagreement[] = [];
    const places = this.#places();
    for (const flow of sample) {
      const standing = places.get(flow.nic);
      if (!isConfirmed || from === undefined || standing === undefined || standing.since > from) {
        this.#passedOver += 1;
        continue;
      }
      const judgement = judgeFlow(standing.program, flow);
      if (judgement.kind === 'unspoken') this.#passedOver += 1;
      else this.#judged += 1;
      if (judgement.kind === 'differs') found.push({ flow, says: judgement.says });
    }
    this.#disagreements += found.length;
    return found;
  }

  /** By NIC: the router's program that it stands in. Made anew: a NIC may have moved. */
  #places(): ReadonlyMap<string, Standing> {
    const all = [...this.#standing.values()];
    return new Map(all.flatMap((one) => Object.values(one.program.ports).map(({ nic }) => [nic, one] as const)));
  }

  /** Notes which router's program is another one than at the last look. False while a change is on its way to the kernel. */
  async #look(): Promise<boolean> {
    const { revision, confirmed, programs, clock } = this.#parts;
    const before = confirmed();
    const all = await programs();
    const isConfirmed = before !== undefined && before === revision() && before === confirmed();
    for (const point of this.#standing.keys()) if (!Object.hasOwn(all, point)) this.#standing.delete(point);
    for (const [point, program] of Object.entries(all)) {
      if (program.kind !== 'router') continue;
      if (this.#standing.get(point)?.program === program) continue;
      // One that is only on its way may be in force in part: it counts from the look at which it is confirmed.
      if (isConfirmed) this.#standing.set(point, { program, since: clock.now() });
      else this.#standing.delete(point);
    }
    return isConfirmed;
  }
}

/** Evenly over all, so that a flood of one sender does not hide the others. */
function sampleOf<T>(items: readonly T[], max: number): readonly T[] {
  if (items.length <= max) return items;
  return Array.from({ length: max }, (_, index) => items[Math.floor((index * items.length) / max)]).filter(
    (item) => item !== undefined,
  );
}
