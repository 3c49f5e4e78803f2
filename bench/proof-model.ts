/** The large stamp as a model that is changed rule by rule, with the invariants that are measured on it. */

import type { JsonObject } from '#base/json.ts';
import { medianOf, rounded } from '#bench/figures.ts';
import { type ProofStamp, type ProofStampSize, proofStamp } from '#bench/proof-stamp.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { baselineDemands } from '#engine/proof/baseline.ts';
import { estateOf } from '#engine/proof/estate.ts';
import type { MemoryView } from '#model/memory.ts';
import type { Edit } from '#model/resource.ts';
import type { Programs } from '#program/program.ts';
import { addRule, idOf, newBuild, type RuleRow, viewOf } from '#test/generate/build.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';
import type { World } from '#verify/proof/standing.ts';

/** The stamp, changed rule by rule. */
export class ProofModel {
  readonly #stamp: ProofStamp;
  readonly #view: MemoryView;
  readonly #memo = new CompileMemo();
  readonly #estates = new CompileMemo();
  readonly #others: readonly Invariant[];
  readonly invariants: readonly Invariant[];
  programs: Programs;
  estate: Estate;

  constructor(size?: ProofStampSize) {
    this.#stamp = proofStamp(size === undefined ? {} : { size });
    this.#view = viewOf(this.#stamp.build);
    const facts = this.#stamp.build.stamp;
    this.programs = compileStamp(this.#view, facts, this.#memo);
    this.estate = estateOf(this.#view, facts, this.#estates);
    this.#others = others(this.#stamp);
    this.invariants = [
      ...baselineDemands()({ estate: this.estate }),
      ...this.#others.filter(({ kind }) => !apart.has(kind)),
    ];
  }

  world(): World {
    return { programs: this.programs, estate: this.estate, invariants: this.invariants };
  }

  /** Invariants of every kind. */
  get every(): readonly Invariant[] {
    return [...this.invariants, ...this.#others.filter(({ kind }) => apart.has(kind))];
  }

  /** The world after `count` rules of as many groups took another port. */
  changed(from: number, count: number): World {
    return this.after(this.edits(from, count));
  }

  /** All resources as they are now, and the facts of the stamp. */
  get resources() {
    return {
      stamp: this.#stamp.build.stamp,
      resources: [...this.#stamp.build.resources.keys()].flatMap((id) => this.#view.get(id) ?? []),
    };
  }

  get groups(): readonly string[] {
    return this.#stamp.groups;
  }

  /** The changes of `changed`, not made yet. */
  edits(from: number, count: number): readonly Edit[] {
    const { build, groups } = this.#stamp;
    const edits = new Map<string, ReturnType<typeof addRule>>();
    for (let index = from; index < from + count; index++) {
      const row: RuleRow = ['r5', 105, 'In', 'Allow', 'Tcp', 'Internet', '*', String(2000 + (index % 60_000))];
      const made = addRule(newBuild(build.stamp), groups[(index * 37) % groups.length] ?? '', row);
      edits.set(made.id, made);
    }
    return [...edits.values()].map((after) => ({ id: after.id, before: this.#view.get(after.id), after }));
  }

  /** One group's rules, all others than before. */
  ruled(group: string, rows: readonly RuleRow[]): readonly Edit[] {
    return rows.map((row) => {
      const after = addRule(newBuild(this.#stamp.build.stamp), group, row);
      return { id: after.id, before: this.#view.get(after.id), after };
    });
  }

  /** The world after edits. */
  after(edits: readonly Edit[]): World {
    const { build } = this.#stamp;
    this.#view.commit([...edits]);
    this.programs = compileStamp(this.#view, build.stamp, this.#memo);
    this.estate = estateOf(this.#view, build.stamp, this.#estates);
    return this.world();
  }

  /** One change against the baseline and one invariant of a kind that is measured apart: medians, in ms. */
  kindsApart(from: number): JsonObject {
    const kinds = this.#others.filter(({ kind }) => apart.has(kind));
    return Object.fromEntries(
      kinds.map((invariant, place) => {
        const invariants = [...this.invariants, invariant];
        const proof = new Proof();
        const full = msOf(() => proof.fill({ ...this.world(), invariants }));
        const samples = Array.from({ length: changesApart }, (_, index) => {
          const next = { ...this.changed(from + place * changesApart + index, 1), invariants };
          return msOf(() => proof.propose(next)) + msOf(() => proof.keep());
        });
        return [
          invariant.kind,
          {
            full_ms: rounded(full),
            change_ms: rounded(medianOf(samples)),
            change_max_ms: rounded(Math.max(...samples)),
          },
        ];
      }),
    );
  }

  /** The one question of management ports, for all NICs: the least of some runs, in ms. */
  managementMs(runs: number): number {
    const invariants = this.invariants.filter(({ id }) => id === 'baseline/management-ports');
    const samples = Array.from({ length: runs }, () => msOf(() => new Proof().fill({ ...this.world(), invariants })));
    return Math.min(...samples);
  }

  /** The same question after one changed rule: the median, in ms. */
  managementChangeMs(from: number, count: number): number {
    const invariants = this.invariants.filter(({ id }) => id === 'baseline/management-ports');
    const proof = new Proof();
    proof.load({ ...this.world(), invariants });
    const samples = Array.from({ length: count }, (_, index) => {
      const next = { ...this.changed(from + index, 1), invariants };
      return msOf(() => proof.propose(next)) + msOf(() => proof.keep());
    });
    return medianOf(samples);
  }

  /** How many NICs a group judges, in the middle of all. */
  nicsPerGroup(): number {
    const users = new Map<string, number>();
    for (const program of Object.values(this.programs)) {
      if (program.kind !== 'router') continue;
      for (const { inbound } of Object.values(program.ports))
        for (const key of inbound) users.set(key, (users.get(key) ?? 0) + 1);
    }
    return [...users.values()].reduce((sum, count) => sum + count, 0) / users.size;
  }

  /**
   * The same changes from the same state, with a proof of its own: proved anew, then change by change, each kept; the first half of
   * them is not measured, for a stamp is not changed the first time since its start. What becomes possible is measured beside. The model
   * is left as it was.
   */
  run(): Run {
    const proof = new Proof();
    const full = msOf(() => proof.fill(this.world()));
    const loaded = proof.counters();
    const store = proof.storeBytes;
    const undo: Edit[] = [];
    const changes = Array.from({ length: 2 * changesPerRun }, (_, index): Change => {
      const edits = this.edits(index, 1);
      undo.unshift(...edits.map(({ id, before, after }) => ({ id, before: after, after: before })));
      const next = this.after(edits);
      const proposed = msOf(() => proof.propose(next));
      const { steps } = proof.counters();
      const blast = msOf(() => proof.blast());
      return { proof: proposed + msOf(() => proof.keep()), blast, steps };
    });
    this.after(undo);
    return { full, loaded, store, changes: changes.slice(changesPerRun) };
  }
}

export const changesPerRun = 400;

/** One change: ms of its proof, ms of what it makes possible, steps of the proof. */
type Change = { readonly proof: number; readonly blast: number; readonly steps: number };

/** One run: ms of the whole proof, what is held after it, its bytes, and the changes. */
export type Run = {
  readonly full: number;
  readonly loaded: ReturnType<Proof['counters']>;
  readonly store: number;
  readonly changes: readonly Change[];
};

/** Of each operation the least of some identical runs; in ms. The steps must be the same in all. */
export function leastOf(runs: readonly Run[]): {
  readonly proofs: readonly number[];
  readonly blasts: readonly number[];
} {
  const [first] = runs;
  const steps = (run: Run | undefined): string => (run?.changes ?? []).map((one) => one.steps).join(' ');
  if (runs.some((run) => steps(run) !== steps(first)))
    throw new Error('Runs that should be identical took other steps.');
  const least = (pick: (one: Change) => number): readonly number[] =>
    (first?.changes ?? []).map((_, index) => Math.min(...runs.flatMap((run) => run.changes[index] ?? []).map(pick)));
  return { proofs: least((one) => one.proof), blasts: least((one) => one.blast) };
}

/** Kinds whose cost for one change is measured apart: what they judge grows with all that a NIC may be reached by. */
const apart = new Set(['only', 'isolated', 'unchanged']);
const changesApart = 25;

/** One invariant of each kind that the baseline does not have. */
function others({ routed, appliances }: ProofStamp): Invariant[] {
  const about = { title: 'measured', effect: 'audit', owner: 'operator', exclude: [] } as const;
  const scope = (...ids: string[]) => [{ kind: 'scope' as const, ids: ids.map((id) => idOf(id).toLowerCase()) }];
  const subnets = routed.map((path) => `virtualNetworks/${path.split('/')[0]}/subnets/${path.split('/')[1]}`);
  const [first = ''] = subnets;
  const network = first.split('/subnets/')[0] ?? '';
  const web = [{ protocol: 'tcp', ports: [[80, 80]] }] as const;
  return [
    {
      ...about,
      id: 'via',
      kind: 'via',
      from: scope(...subnets),
      to: [{ kind: 'internet' }],
      through: scope(...appliances.map((name) => `networkInterfaces/${name}`)),
    },
    { ...about, id: 'only', kind: 'only', from: scope(network), to: scope(first), services: web },
    { ...about, id: 'isolated', kind: 'isolated', inside: scope(first), except: scope(network) },
    { ...about, id: 'always', kind: 'always', from: scope(first), to: scope(first), services: web },
    { ...about, id: 'exposure', kind: 'exposure', of: [{ kind: 'nics' }], max: 5000 },
    { ...about, id: 'unchanged', kind: 'unchanged', scope: idOf(network).toLowerCase(), declared: [] },
  ];
}

export function msOf(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
