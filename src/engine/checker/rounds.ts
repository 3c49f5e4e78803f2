/** Checks the prover of a live stamp in the background: a few packets a round, other ones each time; a disagreement is a critical alert. */

import { checkerEveryMs, checkerPacketsPerRound, checkerPortsMax } from '#base/limits.ts';
import { openAlert } from '#engine/alerts/alerts.ts';
import { check, type Claim, type Disagreement } from '#engine/checker/checker.ts';
import type { Gate } from '#engine/gate/gate.ts';
import type { Clock } from '#engine/ports.ts';
import type { Store } from '#engine/store/store.ts';
import type { Programs } from '#program/program.ts';

export type RoundParts = {
  readonly gate: Pick<Gate, 'ask' | 'standing' | 'revision'>;
  /** How many NICs the stamp has: the prover of a large one is not asked for all that it holds. */
  readonly nics: () => number;
  readonly store: Store;
  readonly clock: Clock;
  readonly onTrouble: (what: string, error: unknown) => void;
};

const code = 'ProofDisagrees';

/** Rounds on a timer. What was checked last: the revision and how many packets, for whoever wonders. */
export class CheckerRounds {
  readonly #parts: RoundParts;
  #timer: NodeJS.Timeout | undefined;
  #seed = 1;
  #isBusy = false;
  #claim: { readonly revision: number; readonly claim: Claim } | undefined;
  packets = 0;
  disagreements = 0;

  constructor(parts: RoundParts) {
    this.#parts = parts;
    this.#seed = Math.floor(parts.clock.now() % 0x7fff_ffff);
  }

  start(): void {
    this.#timer = setInterval(() => void this.round(), checkerEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One round; answers what it found. On a stamp too large for the slow oracle it does nothing: the suites check those. */
  async round(): Promise<readonly Disagreement[]> {
    if (this.#isBusy) return [];
    this.#isBusy = true;
    try {
      if (this.#parts.nics() > checkerPortsMax) return [];
      const claim = await this.#claimNow();
      this.#seed += 1;
      const found = check(claim, { seed: this.#seed, packets: checkerPacketsPerRound });
      this.packets += checkerPacketsPerRound;
      this.disagreements += found.length;
      if (found.length > 0) await this.#alarm(found);
      return found;
    } catch (error) {
      this.#parts.onTrouble('checking the prover', error);
      return [];
    } finally {
      this.#isBusy = false;
    }
  }

  /** Asked for anew when something changed; a stamp at rest is asked once. */
  async #claimNow(): Promise<Claim> {
    const { gate } = this.#parts;
    if (this.#claim?.revision === gate.revision) return this.#claim.claim;
    const { record, programs } = await gate.standing();
    const { estate, invariants, told, revision } = await gate.ask((prover) => prover.evidence());
    const claim: Claim = { programs: programs as unknown as Programs, estate, invariants, told };
    // Between the two questions a write may have come: then this claim is of no single revision and is not kept.
    if (revision === record.revision) this.#claim = { revision, claim };
    else throw new Error('The stamp changed between two questions; the next round asks again.');
    return claim;
  }

  /** The evidence is the packet: anybody can ask the oracle about it. */
  async #alarm(found: readonly Disagreement[]): Promise<void> {
    const { store, clock } = this.#parts;
    for (const { invariant, kind, packet, fate } of found) {
      const says = `The prover ${kind === 'missed' ? 'missed a violation of' : 'shows a packet against'} ${invariant} that the oracle sees otherwise: ${JSON.stringify(packet)} is ${fate.verdict === 'deliver' ? 'delivered' : `dropped (${fate.because})`} at seed ${this.#seed}.`;
      await openAlert(store, { code, resource: invariant, severity: 'Critical', says }, { at: clock.now() });
    }
  }
}
