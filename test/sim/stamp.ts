/** A simulated stamp: the real engine, gate, prover and keeper, over a disk, a kernel and links that fail as the seed says. */

import { generateKeyPairSync } from 'node:crypto';
import { deepFreeze, type Json } from '#base/json.ts';
import { digestOf } from '#base/tree.ts';
import { Fault } from '#base/wrong.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { startDeployments } from '#engine/deployments/deployments.ts';
import type { Operation } from '#engine/engine.ts';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import { Keeper } from '#engine/keeper/keeper.ts';
import type { Plane } from '#engine/plane-port.ts';
import type { PlaneLink, Prover, SignedRecord } from '#engine/ports.ts';
import { PlaneFollower } from '#engine/reconcile/plane-follower.ts';
import { StampEngine } from '#engine/stamp-engine.ts';
import { MemoryView } from '#model/memory.ts';
import { nouns } from '#model/nouns.ts';
import type { Resource } from '#model/resource.ts';
import { labStamp } from '#test/generate/build.ts';
import type { Random } from '#test/generate/random.ts';
import { SimClock } from '#test/sim/clock.ts';
import { SimDisk, simStore } from '#test/sim/disk.ts';
import { Faults, type Odds } from '#test/sim/faults.ts';
import type { Entry } from '#engine/store/store.ts';
import { watchedStore } from '#engine/store/watched.ts';

const keys = generateKeyPairSync('ed25519');

/** What one incarnation of the control plane has. */
export type Incarnation = { readonly engine: StampEngine; readonly follower: PlaneFollower; readonly faults: Faults };

/** What the simulation must never see is thrown here, and ends the seed. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** Everything that outlives a crash of the control plane, and the incarnation that runs now. */
export class SimStamp {
  readonly clock = new SimClock();
  readonly disk = new SimDisk();
  readonly random: Random;
  readonly #odds: Odds;
  readonly crashes: string[] = [];
  readonly bugs: unknown[] = [];
  broken: Broken | undefined;
  /** False while the supervisor waits or the start goes on. */
  isUp = false;
  isHealed = true;
  isRestarting = false;
  #faults: Faults | undefined;
  #read = 0;
  /** What each revision left: id to etag. */
  readonly #history = new Map<number, ReadonlyMap<string, string>>([[0, new Map()]]);
  readonly #written = new Map<string, number>();
  #guids = 0;
  #desk: ProofDesk;
  #keeper: Keeper;
  #revisionSeen = 0;
  #sameSeen = 0;
  readonly #roots = new Map<number, string>();
  #now: Incarnation | undefined;

  constructor(random: Random, odds: Odds) {
    this.random = random;
    this.#odds = odds;
    this.#desk = this.#newDesk();
    this.#keeper = this.#newKeeper();
  }

  get now(): Incarnation {
    if (this.#now === undefined) throw new Error('The stamp was not started.');
    return this.#now;
  }

  /** Has the process that runs, or that was starting, died? */
  get isDead(): boolean {
    return this.#faults?.isDead === true;
  }

  /** From here on nothing goes wrong any more, or it does again. */
  heal(isHealed: boolean): void {
    this.isHealed = isHealed;
    if (this.#faults !== undefined) this.#faults.isHealed = isHealed;
  }

  get keeper(): Keeper {
    return this.#keeper;
  }

  /** The revision that is on disk. */
  durableRevision(): number {
    const text = this.disk.table('stamp').get('revision');
    return text === undefined ? 0 : (JSON.parse(text) as { revision: number }).revision;
  }

  /** The resources as a fresh start reads them. */
  durable(): Resource[] {
    return [...this.disk.table('resources').values()].map((text) => deepFreeze(JSON.parse(text) as Resource));
  }

  /** What stood at a revision, by the log alone: revisions go up by one, each entry is whole. */
  historyAt(revision: number): ReadonlyMap<string, string> {
    for (; this.#read < this.disk.log.length; this.#read += 1)
      this.#learn(JSON.parse(this.disk.log[this.#read] ?? '') as Entry);
    const found = this.#history.get(revision);
    if (found === undefined) throw new Broken(`revision ${revision} is not in the log`);
    return found;
  }

  /** The revision that wrote this state of a resource; undefined when the log has none. */
  wroteAt({ id, etag }: Resource): number | undefined {
    this.historyAt(this.durableRevision());
    return this.#written.get(`${id.toLowerCase()} ${etag}`);
  }

  /** The highest revision that a keeper has ever confirmed. */
  get confirmed(): number {
    return Math.max(this.#revisionSeen, this.#sameSeen);
  }

  /** A keeper whose programs are those of a revision enforces it, by whichever record it took them. */
  #confirmSame(root: string): void {
    for (const [revision, own] of this.#roots) if (own === root) this.#sameSeen = Math.max(this.#sameSeen, revision);
  }

  #learn(entry: Entry): void {
    if (entry.kind !== 'change') return;
    const { revision } = entry.payload as { revision: number };
    const before = this.#history.get(revision - 1);
    if (before === undefined || this.#history.has(revision))
      throw new Broken(`revision ${revision} does not follow the one before`);
    const after = new Map(before);
    for (const { table, key, value } of entry.puts ?? []) {
      if (table !== 'resources') continue;
      const { etag } = value as unknown as Resource;
      after.set(key, etag);
      this.#written.set(`${key} ${etag}`, revision);
    }
    for (const { table, key } of entry.deletes ?? []) if (table === 'resources') after.delete(key);
    this.#history.set(revision, after);
  }

  /** The digest of the programs that the durable resources give, compiled from nothing. */
  durableRoot(): string {
    return digestOf(compileStamp(new MemoryView(this.durable()), labStamp, new CompileMemo()) as unknown as Json);
  }

  /** Kills what runs (if it does) and starts again from disk; prover and keeper may die with it. */
  async start(): Promise<Incarnation> {
    this.#faults?.kill();
    this.#now?.follower.stop();
    if (this.random.chance(0.3)) this.#desk = this.#newDesk();
    if (this.random.chance(0.3)) this.#keeper = this.#newKeeper();
    const faults = new Faults({
      clock: this.clock,
      random: this.random,
      odds: this.#odds,
      onCrash: (place) => this.crashes.push(place),
    });
    faults.isHealed = this.isHealed;
    this.#faults = faults;
    const prover = this.#proverOf(faults);
    const view = new MemoryView(this.durable().sort((left, right) => (left.createdAt < right.createdAt ? -1 : 1)));
    const revision = this.durableRevision();
    // The links are down for as long as they are; the start waits for the prover, as the process supervisor makes it.
    for (;;) {
      try {
        await prover.load(revision, [...view.all()]);
        break;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        await this.clock.sleep(200);
      }
    }
    this.#now = this.#assembled({ faults, prover, view, revision });
    this.#now.follower.start();
    this.#now.engine.resume();
    this.isUp = true;
    return this.#now;
  }

  #assembled(at: { faults: Faults; prover: Prover; view: MemoryView; revision: number }): Incarnation {
    const { faults, prover, view, revision } = at;
    const { clock } = this;
    const store = watchedStore(simStore(this.disk, faults), () => {
      // The process ends and its supervisor starts it again.
      if (!faults.isDead) this.crashes.push('the store stopped');
      faults.kill();
    });
    const follower = new PlaneFollower({
      plane: this.#planeOf(faults),
      standing: () => engine.gate.standing(),
      clock: {
        now: () => clock.now(),
        sleep: async (ms) => await faults.pause('the follower waits').then(() => clock.sleep(ms)),
      },
      onTrouble: () => undefined,
      onReplaced: () => undefined,
    });
    const engine: StampEngine = new StampEngine({
      store,
      prover,
      view,
      revision,
      operations: [...store.rows('operations')].map(({ value }) => value as unknown as Operation),
      clock,
      dice: { guid: () => this.guid() },
      stamp: labStamp,
      nouns,
      world: {
        onProved: (step) => follower.prepare(step),
        onCommit: (commit) => {
          this.#roots.set(commit.revision, commit.signed.record.root);
          follower.push(commit);
        },
        follow: (wanted) => follower.reached(wanted),
      },
      deployments: startDeployments,
      auditTrail: { page: () => Promise.resolve({ lines: [] }) },
      apiVersionsOf: () => ['2021-04-01'],
      environment: {},
      inlineMs: 50,
      // A full disk and a broken link are no bugs.
      onBug: (error) => (error instanceof Fault ? undefined : this.bugs.push(error)),
    });
    return { engine, follower, faults };
  }

  guid(): string {
    this.#guids += 1;
    return `00000000-0000-4000-8000-${this.#guids.toString(16).padStart(12, '0')}`;
  }

  #newDesk(): ProofDesk {
    return new ProofDesk(labStamp, keys.privateKey);
  }

  /** A keeper that has just started: it knows nothing but the revision it once wrote down. */
  #newKeeper(): Keeper {
    const plane: Pick<Plane, 'apply' | 'prepare'> = {
      prepare: () => Promise.resolve(),
      apply: () => Promise.resolve({ points: [], ruleOperations: 0, networkLines: 0, waves: 1, windowMs: 0 }),
    };
    const keeper = new Keeper({
      stamp: labStamp.number,
      plane: plane as Plane,
      key: keys.publicKey,
      clock: this.clock,
      revisionSeen: {
        read: () => this.#revisionSeen,
        write: (revision) => {
          if (revision > this.durableRevision())
            this.#break(`the keeper took revision ${revision} before it was durable`);
          this.#revisionSeen = revision;
        },
      },
      onDrift: () => undefined,
      onPortsLost: () => undefined,
      onTrouble: () => undefined,
    });
    // Reading back runs on real timers; it is tested beside the keeper.
    void keeper.stop();
    return keeper;
  }

  #break(says: string): void {
    this.broken ??= new Broken(says);
  }

  #proverOf(faults: Faults): Prover {
    return {
      load: (revision, resources) =>
        faults.call('the prover (load)', () => this.#desk.load(revision, parsed(resources))),
      current: () => faults.call('the prover (current)', () => this.#desk.current()),
      propose: async (revision, edits) => {
        if (!faults.isHealed && faults.chance(0.02)) this.#desk = this.#newDesk();
        return await faults.call('the prover (propose)', () => this.#desk.propose(revision, parsed(edits)));
      },
      judged: (revision) => faults.call('the prover (judged)', () => this.#desk.judged(revision)),
      findings: () => this.#desk.findings(),
      exposure: () => this.#desk.exposure(),
      matrix: (scope) => this.#desk.matrix(scope),
      compliance: (scope) => this.#desk.compliance(scope),
      evidence: () => this.#desk.evidence(),
      prove: (id) => this.#desk.prove(id),
      plan: (edits) => faults.call('the prover (plan)', () => this.#desk.plan(parsed(edits))),
      settle: (revision, kept) => faults.call('the prover (settle)', () => this.#desk.settle(revision, kept)),
    };
  }

  #planeOf(faults: Faults): PlaneLink {
    const missing = (): never => {
      throw new Error('The simulation has no such plane call.');
    };
    return {
      state: () =>
        faults.call('the keeper (state)', () => {
          this.#confirmSame(this.#keeper.state().root);
          return Promise.resolve(this.#keeper.state());
        }),
      replace: (signed, programs) =>
        faults.call('the keeper (replace)', () => this.#keeper.replace(signed, parsed(programs))),
      prepare: (signed, edits) =>
        faults.call('the keeper (prepare)', () => this.#keeper.prepare(signed, parsed(edits))),
      apply: async (signed: SignedRecord, edits) => {
        if (!faults.isHealed && faults.chance(0.03)) {
          this.#keeper = this.#newKeeper();
          this.#now?.follower.lost();
        }
        const before = this.#keeper.state().revision;
        if (signed.record.revision <= before)
          this.#break(`revision ${signed.record.revision} was asked for after ${before}`);
        await faults.call('the keeper (apply)', () => this.#keeper.apply(signed, parsed(edits)));
      },
      attach: missing,
      probes: missing,
      drift: missing,
    };
  }
}

/** What crosses a link is a copy. */
function parsed<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
