/** `npm run bench -- proof`: the large stamp proved whole, and again after one changed rule, against the baseline and one invariant of every other kind. */

import type { JsonObject } from '#base/json.ts';
import { loadNow, medianOf, rounded, spreadOf } from '#bench/figures.ts';
import { type ProofStamp, proofStamp } from '#bench/proof-stamp.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { baselineDemands } from '#engine/proof/baseline.ts';
import { estateOf } from '#engine/proof/estate.ts';
import type { MemoryView } from '#model/memory.ts';
import { filterVerdict, type Header } from '#program/filter.ts';
import type { Programs } from '#program/program.ts';
import { addRule, idOf, newBuild, type RuleRow, viewOf } from '#test/generate/build.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { Proof, type World } from '#verify/proof/proof.ts';

const rounds = 5;
const changesPerRound = 400;
const batchSize = 1000;
const flows = 200_000;

/** `npm run bench -- proof` */
export function benchProof(): Promise<JsonObject> {
  const model = new Model();
  const fullRuns: number[] = [];
  let proof = new Proof();
  for (let count = 0; count < rounds; count++) {
    proof = new Proof();
    fullRuns.push(msOf(() => proof.load(model.world())));
  }
  const standing = proof.standing().length;
  const loaded = proof.counters();
  const changes = Array.from({ length: rounds }, (_, round) => model.round(proof, round));
  const batchMs = msOf(() => {
    const judged = proof.propose(model.changed(rounds * changesPerRound, batchSize));
    if (judged.refused.length === 0) proof.keep();
    else proof.drop();
  });
  const least = (pick: (one: Round) => number): number => rounded(Math.min(...changes.map(pick)));
  return Promise.resolve({
    what: 'minima over 5 runs, the raw runs beside; one process that also generates and compiles the stamp',
    nics: Object.keys(model.estate.nics).length,
    invariants: [...new Set(model.invariants.map(({ kind }) => kind))],
    standing,
    full_ms: rounded(Math.min(...fullRuns)),
    reproof_us: { p50: least(({ p50 }) => p50), p99: least(({ p99 }) => p99), max: least(({ max }) => max) },
    blast_us: { p50: least(({ blast }) => blast) },
    batch_1000_ms: rounded(batchMs),
    apart: model.kindsApart(rounds * changesPerRound + batchSize),
    ipflow_per_s: Math.round(flowsPerSecond(model.programs)),
    rss_mb: Math.round(process.memoryUsage().rss / 1e6),
    counters: { loaded, one_change: changes[0]?.steps ?? 0 },
    raw: { full_ms: fullRuns.map(rounded), changes },
    load: loadNow(),
  });
}

type Round = {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly blast: number;
  readonly steps: number;
};

/** The stamp, changed rule by rule. */
class Model {
  readonly #stamp: ProofStamp = proofStamp();
  readonly #view: MemoryView = viewOf(this.#stamp.build);
  readonly #memo = new CompileMemo();
  readonly #estates = new CompileMemo();
  readonly #others: readonly Invariant[];
  readonly invariants: readonly Invariant[];
  programs: Programs;
  estate: Estate;

  constructor() {
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

  /** The world after `count` rules of as many groups took another port. */
  changed(from: number, count: number): World {
    const { build, groups } = this.#stamp;
    const edits = new Map<string, ReturnType<typeof addRule>>();
    for (let index = from; index < from + count; index++) {
      const row: RuleRow = ['r5', 105, 'In', 'Allow', 'Tcp', 'Internet', '*', String(2000 + (index % 60_000))];
      const made = addRule(newBuild(build.stamp), groups[(index * 37) % groups.length] ?? '', row);
      edits.set(made.id, made);
    }
    this.#view.commit([...edits.values()].map((after) => ({ id: after.id, before: this.#view.get(after.id), after })));
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
        const full = msOf(() => proof.load({ ...this.world(), invariants }));
        const samples = Array.from({ length: changesApart }, (_, index) => {
          const next = { ...this.changed(from + place * changesApart + index, 1), invariants };
          return msOf(() => proof.propose(next)) + msOf(() => proof.keep());
        });
        return [invariant.kind, { full_ms: rounded(full), change_ms: rounded(medianOf(samples)) }];
      }),
    );
  }

  /** One round of changes, each proved and kept; in µs. What becomes possible is measured beside. */
  round(proof: Proof, round: number): Round {
    const samples: number[] = [];
    const blasts: number[] = [];
    let steps = 0;
    for (let index = 0; index < changesPerRound; index++) {
      const next = this.changed(round * changesPerRound + index, 1);
      const proposed = msOf(() => proof.propose(next));
      steps += proof.counters().steps;
      blasts.push(msOf(() => proof.blast()));
      samples.push(proposed + msOf(() => proof.keep()));
    }
    const { p50_ms, p99_ms } = spreadOf(samples);
    return {
      p50: rounded(p50_ms * 1000),
      p99: rounded(p99_ms * 1000),
      max: rounded(Math.max(...samples) * 1000),
      blast: rounded(spreadOf(blasts).p50_ms * 1000),
      steps,
    };
  }
}

/** One invariant of each kind that the baseline does not have. */
/** Kinds whose cost for one change is measured apart: what they judge grows with all that a NIC may be reached by. */
const apart = new Set(['only', 'isolated', 'unchanged']);
const changesApart = 5;

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

/** Single packets through the filters of NICs, with the rule that decides. */
function flowsPerSecond(programs: Programs): number {
  const routers = Object.values(programs).flatMap((program) => (program.kind === 'router' ? [program] : []));
  const filters = routers.flatMap(({ filters: all, sets }) =>
    Object.values(all)
      .slice(0, 2)
      .map((filter) => ({ filter, sets })),
  );
  const packet = (index: number): Header => ({
    source: `203.0.113.${index % 250}`,
    target: '10.0.0.4',
    protocol: 'tcp',
    sourcePort: 40_000,
    targetPort: index % 65_536,
  });
  const packets = Array.from({ length: 1000 }, (_, index) => packet(index * 61));
  const ms = msOf(() => {
    for (let index = 0; index < flows; index++) {
      const { filter, sets } = filters[index % filters.length] ?? { filter: { rules: {} }, sets: {} };
      filterVerdict(filter, sets, packets[index % packets.length] as Header);
    }
  });
  return (flows / ms) * 1000;
}

function msOf(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
