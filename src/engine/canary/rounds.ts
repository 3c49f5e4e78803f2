/** Sends a few canaries every few seconds while the stamp runs, and raises a critical alert when the kernel does otherwise than the programs. */

import { canariesPerKind, canaryDrawsMax, canaryEveryMs, canaryLeastMs, canaryNicsMax } from '#base/limits.ts';
import { openAlert } from '#engine/alerts/alerts.ts';
import { type CanaryAnswer, type CanaryKeeper, placeText } from '#engine/canary/canary.ts';
import { type CanaryDeck, canaryDeckOf, canarySourcePort, drawCanary } from '#engine/canary/draw.ts';
import {
  canaryWords,
  type CanaryVerdict,
  foretell,
  type Foretold,
  judgeCanary,
  standsStill,
} from '#engine/canary/judge.ts';
import { throwsFrom, type Throw } from '#engine/checker/dice.ts';
import type { Clock } from '#engine/ports.ts';
import type { Store } from '#engine/store/store.ts';
import type { Programs } from '#program/program.ts';

export type CanaryParts = {
  readonly keeper: CanaryKeeper;
  /** The revision that stands. */
  readonly revision: () => number;
  /** The revision that the kernel has confirmed; undefined while it follows a change. */
  readonly confirmed: () => number | undefined;
  readonly programs: () => Promise<Programs>;
  /** ARM ids, in lower case, of the NICs of machines. */
  readonly running: () => ReadonlySet<string>;
  readonly store: Store;
  readonly clock: Clock;
  readonly onTrouble: (what: string, error: unknown) => void;
};

/** What became of the canaries since the start. `lost`: promised ones that did not arrive, also those that did when sent once more. */
export type CanaryCounts = {
  readonly forbidden: number;
  readonly promised: number;
  readonly untried: number;
  readonly passedOver: number;
  readonly lost: number;
  readonly strayed: number;
  readonly disagreements: number;
};

const code = 'CanaryDisagrees';
/** What the keeper grants, and a little for the way to it. */
const roundLeastMs = canaryLeastMs + 50;
const stillLooksMax = 50;
const stillEveryMs = 20;

/** `isAgain`: the one before it was lost. */
type Sent = Foretold & { readonly isAgain: boolean };

/**
 * One that is forbidden and arrives alarms at once: nothing but a hole explains it. One that is promised and does not arrive is sent
 * once more, as a packet of another flow, and alarms when that is lost too: no network promises every packet (a full backlog of the
 * kernel under load drops one), but a rule, a route or a translation that takes it takes the next one as well. Each loss is counted.
 * Either counts only when the programs on its way were confirmed before it was sent and are the same ones afterwards.
 */
export class CanaryRounds {
  readonly #parts: CanaryParts;
  readonly #dice: Throw;
  readonly #counts = { forbidden: 0, promised: 0, untried: 0, passedOver: 0, lost: 0, strayed: 0, disagreements: 0 };
  /** Promised ones that were lost once. */
  #doubts: readonly Foretold[] = [];
  #deck: { readonly programs: Programs; readonly running: string; readonly deck: CanaryDeck } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastAt = 0;
  #isBusy = false;
  #isTroubled = false;

  constructor(parts: CanaryParts) {
    this.#parts = parts;
    this.#dice = throwsFrom(Math.floor(parts.clock.now() % 0x7fff_ffff));
  }

  get counts(): CanaryCounts {
    return { ...this.#counts };
  }

  start(): void {
    // One that was asked for a moment ago counts for the schedule too; a clock that was set back does not.
    this.#timer = setInterval(() => {
      if (Math.abs(this.#parts.clock.now() - this.#lastAt) >= canaryEveryMs / 2) void this.round();
    }, canaryEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One round; answers the verdicts, in the order sent. */
  async round(): Promise<readonly CanaryVerdict[]> {
    if (this.#isBusy) return [];
    this.#isBusy = true;
    try {
      const verdicts = await this.#round();
      this.#isTroubled = false;
      return verdicts;
    } catch (error) {
      // The keeper may be starting again; once is enough to say so.
      if (!this.#isTroubled) this.#parts.onTrouble('canaries', error);
      this.#isTroubled = true;
      return [];
    } finally {
      this.#isBusy = false;
    }
  }

  async #round(): Promise<readonly CanaryVerdict[]> {
    const { keeper, programs, clock } = this.#parts;
    const restMs = Math.min(roundLeastMs, this.#lastAt + roundLeastMs - clock.now());
    if (restMs > 0) await clock.sleep(restMs);
    const nics = this.#parts.running().size;
    if (nics === 0 || nics > canaryNicsMax) return [];
    await this.#still();
    const before = await programs();
    if (!this.#isStill()) return [];
    const flock = [...this.#again(before), ...this.#fresh(before)];
    this.#doubts = [];
    if (flock.length === 0) return [];
    this.#lastAt = clock.now();
    const answers = await keeper.canaries(flock.map(({ order }) => order));
    await this.#still();
    const behind = await programs();
    const isConfirmed = this.#isStill();
    const verdicts: CanaryVerdict[] = [];
    for (const [index, one] of flock.entries()) {
      const answer = answers[index] ?? { state: 'untried', because: 'no answer' };
      if (!isConfirmed || !standsStill(one, behind)) this.#counts.passedOver += 1;
      else verdicts.push(await this.#judge(one, answer, behind));
    }
    return verdicts;
  }

  /** Waits, not for long, until the kernel has what stands: a stamp that is written to all the time is seldom still by chance. */
  async #still(): Promise<void> {
    for (let look = 0; look < stillLooksMax && !this.#isStill(); look++) await this.#parts.clock.sleep(stillEveryMs);
  }

  #isStill(): boolean {
    return this.#parts.confirmed() === this.#parts.revision();
  }

  async #judge(one: Sent, answer: CanaryAnswer, programs: Programs): Promise<CanaryVerdict> {
    const verdict = judgeCanary(one, answer, programs);
    const counts = this.#counts;
    switch (verdict) {
      case 'untried':
        counts.untried += 1;
        return verdict;
      case 'strayed':
        counts.strayed += 1;
        return verdict;
      case 'lost':
        counts.lost += 1;
        if (one.isAgain) await this.#alarm(one, answer);
        else this.#doubts = [...this.#doubts, one];
        break;
      case 'leaked':
      case 'altered':
        await this.#alarm(one, answer);
        break;
      case 'agrees':
        break;
    }
    counts[one.fate.verdict === 'drop' ? 'forbidden' : 'promised'] += 1;
    return verdict;
  }

  /** What was lost once, under another source port: another flow, which no tracker knows. */
  #again(programs: Programs): readonly Sent[] {
    return this.#doubts.slice(0, canariesPerKind - 1).flatMap((one) => {
      if (!standsStill(one, programs)) {
        this.#counts.passedOver += 1;
        return [];
      }
      const packet = { ...one.drawn.packet, sourcePort: canarySourcePort(this.#dice) };
      const again = foretell(programs, { ...one.drawn, packet });
      if (again?.fate.verdict !== 'deliver') return [];
      return [{ ...again, isAgain: true }];
    });
  }

  /** A few forbidden and a few promised ones, of as many classes as there are. */
  #fresh(programs: Programs): readonly Sent[] {
    const deck = this.#deckOf(programs);
    const found = new Map<string, Foretold>();
    const count = { drop: 0, deliver: 0 };
    for (let draw = 0; draw < canaryDrawsMax; draw++) {
      const drawn = drawCanary(deck, this.#dice);
      const one = drawn === undefined ? undefined : foretell(programs, drawn);
      if (one === undefined) continue;
      const { verdict } = one.fate;
      const key = `${verdict} ${one.drawn.about}`;
      if (found.has(key) || count[verdict] >= canariesPerKind) continue;
      count[verdict] += 1;
      found.set(key, one);
    }
    return [...found.values()].map((one) => ({ ...one, isAgain: false }));
  }

  #deckOf(programs: Programs): CanaryDeck {
    const running = this.#parts.running();
    const text = [...running].sort().join();
    if (this.#deck?.programs !== programs || this.#deck.running !== text)
      this.#deck = { programs, running: text, deck: canaryDeckOf(programs, (nic) => running.has(nic.toLowerCase())) };
    return this.#deck.deck;
  }

  async #alarm(one: Foretold, answer: CanaryAnswer): Promise<void> {
    const { store, clock } = this.#parts;
    this.#counts.disagreements += 1;
    // By where it went: as many alerts as there are ends, however many pairs a hole joins.
    const [end] = one.order.watch;
    const kind = one.fate.verdict === 'drop' ? 'forbidden' : 'promised';
    const resource = `canary/${kind}/${end === undefined ? 'nowhere' : placeText(end)}`;
    const condition = { code, resource, severity: 'Critical', says: canaryWords(one, answer) } as const;
    await openAlert(store, condition, { at: clock.now() });
  }
}
