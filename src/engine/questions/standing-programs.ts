/** The programs in force, as the prover vouches for them: asked for once, then kept up by the edits that each commit brings. */

import { deepFreeze, type JsonObject } from '#base/json.ts';
import { standingEditsMax, standingTriesMax } from '#base/limits.ts';
import { treePatch } from '#base/tree.ts';
import type { Programs } from '#program/program.ts';
import type { Commit, Gate } from '#engine/gate/gate.ts';

type Known = { readonly revision: number; readonly programs: JsonObject };
type Heard = Pick<Commit, 'revision' | 'programEdits'>;

/** Keeps programs from the first question on: a tenant who asks after every write must not make the whole stamp travel each time. */
export class StandingPrograms {
  readonly #gate: Pick<Gate, 'revision' | 'standing'>;
  #known: Known | undefined;
  #asking: Promise<Known> | undefined;
  // Applied when somebody asks, so that a write does no work for questions that nobody has.
  #heard: Heard[] = [];

  constructor(gate: Pick<Gate, 'revision' | 'standing'>) {
    this.#gate = gate;
  }

  /** Must hear of every commit, in order. */
  onCommit({ revision, programEdits }: Heard): void {
    if (this.#known === undefined && this.#asking === undefined) return;
    this.#heard.push({ revision, programEdits });
    if (this.#heard.length <= standingEditsMax) return;
    this.#known = undefined;
    this.#heard = [];
  }

  /** Programs of the revision that stands when they are handed out; should that never be reached, of one that stood a moment ago. */
  async get(): Promise<Programs> {
    let asked: Known | undefined;
    for (let tries = 0; ; tries += 1) {
      const known = this.#caughtUp();
      if (known?.revision === this.#gate.revision) return known.programs as unknown as Programs;
      if (asked !== undefined && tries >= standingTriesMax) return asked.programs as unknown as Programs;
      asked = await this.#asked();
    }
  }

  /** What is known with all that was heard since; nothing when a commit is missing in between. */
  #caughtUp(): Known | undefined {
    const heard = this.#heard;
    this.#heard = [];
    for (const { revision, programEdits } of heard) {
      const known = this.#known;
      if (known === undefined || revision <= known.revision) continue;
      this.#known =
        revision === known.revision + 1 ? { revision, programs: treePatch(known.programs, programEdits) } : undefined;
    }
    return this.#known;
  }

  /** One question to the prover serves all who wait for it. */
  #asked(): Promise<Known> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<Known> {
    const { record, programs } = await this.#gate.standing();
    this.#known = { revision: record.revision, programs: deepFreeze(programs) };
    return this.#known;
  }
}
