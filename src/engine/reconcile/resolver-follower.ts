/** Keeps the resolver at the names of the newest revision: only the last program counts, and it is given again until it is taken. */

import { planeQueueMax } from '#base/limits.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import { digestOf, treePatch } from '#base/tree.ts';
import { Fault } from '#base/wrong.ts';
import type { Commit, Standing } from '#engine/gate/gate.ts';
import { resolverPoint } from '#engine/keeper/resolver-keeper.ts';
import type { Clock, EdgeLink, SignedRecord } from '#engine/ports.ts';

export type ResolverFollowerParts = {
  readonly edge: EdgeLink;
  /** The record and programs of the durable revision. */
  readonly standing: () => Promise<Standing>;
  readonly clock: Clock;
  /** Told when the resolver could not follow, and when it follows again. */
  readonly onTrouble: (trouble: { readonly says: string; readonly over: boolean }) => void;
};

type Known = { readonly signed: SignedRecord; readonly programs: JsonObject };

const retryFirstMs = 100;
const retryLastMs = 5000;

/** Follows the gate: `push` every commit. Names are behind by one message; no operation waits for them. */
export class ResolverFollower {
  readonly #parts: ResolverFollowerParts;
  #known: Known | undefined;
  /** Commits that came while all programs were being read. */
  #early: Commit[] = [];
  #given: unknown;
  #isRunning = false;
  /** Before the start there is nothing that stands to be read. */
  #isStopped = true;

  constructor(parts: ResolverFollowerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#isStopped = false;
    this.#kick();
  }

  stop(): void {
    this.#isStopped = true;
  }

  push(commit: Commit): void {
    if (this.#known === undefined) {
      this.#early.push(commit);
      if (this.#early.length > planeQueueMax) this.#early = [];
    } else this.#known = patched(this.#known, commit);
    this.#kick();
  }

  /** The resolver was restarted or its link broke: it is given its program again. */
  lost(): void {
    this.#given = undefined;
    this.#kick();
  }

  #kick(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    void this.#run().finally(() => {
      this.#isRunning = false;
      // What came while the last round ended has not been looked at.
      if (this.#isBehind()) this.#kick();
    });
  }

  #isBehind(): boolean {
    return this.#known === undefined || this.#known.programs[resolverPoint] !== this.#given;
  }

  async #run(): Promise<void> {
    let waitMs = retryFirstMs;
    let isTroubled = false;
    while (!this.#isStopped) {
      try {
        this.#known ??= await this.#load();
        const { signed, programs } = this.#known;
        const program = programs[resolverPoint];
        if (program === this.#given || !isObject(program)) break;
        await this.#parts.edge.resolve(signed, program, digestsBeside(programs));
        this.#given = program;
        waitMs = retryFirstMs;
      } catch (error) {
        isTroubled = true;
        this.#known = undefined;
        this.#parts.onTrouble({ says: error instanceof Error ? error.message : String(error), over: false });
        await this.#parts.clock.sleep(waitMs);
        waitMs = Math.min(waitMs * 2, retryLastMs);
      }
    }
    if (isTroubled && !this.#isStopped) this.#parts.onTrouble({ says: 'The resolver follows again.', over: true });
  }

  /** What stands, with what was committed since. */
  async #load(): Promise<Known> {
    this.#early = [];
    const { record, signature, programs } = await this.#parts.standing();
    const later = this.#early.filter((commit) => commit.revision > record.revision);
    this.#early = [];
    let known: Known = { signed: { record, signature }, programs };
    for (const commit of later) {
      const next = patched(known, commit);
      if (next === undefined) throw new Fault('ResolverBehind', 'A revision was missed; all programs are read again.');
      known = next;
    }
    return known;
  }
}

/** The programs after a commit; undefined when it does not follow what is known. */
function patched({ signed: before, programs }: Known, { signed, programEdits }: Commit): Known | undefined {
  if (signed.record.base !== before.record.root) return undefined;
  return { signed, programs: treePatch(programs, programEdits) };
}

/** The digests of all programs but the resolver's. */
function digestsBeside(programs: JsonObject): { readonly [point: string]: string } {
  const others = Object.keys(programs).filter((point) => point !== resolverPoint);
  return Object.fromEntries(others.map((point) => [point, digestOf(programs[point])]));
}
