/** The prover beside Z3 on the same questions in the same run: management ports of NICs, one changed rule, equality of two large filters. */

import type { JsonObject } from '#base/json.ts';
import { medianOf, rounded } from '#bench/figures.ts';
import { managementPorts } from '#engine/proof/baseline.ts';
import type { Port, Programs, RouterProgram } from '#program/program.ts';
import { type FilterStyle, randomFilter, rewritten } from '#test/generate/filter.ts';
import { randomFrom } from '#test/generate/random.ts';
import { filterSmt, packetSmt } from '#test/oracle/smt.ts';
import { Solver } from '#test/oracle/solver.ts';
import { sameFilter } from '#verify/equivalence.ts';
import type { Policy } from '#verify/filter-set.ts';
import { PacketSets } from '#verify/packet-sets.ts';

const nicsAsked = 200;
const equalRules = 10_000;

/** Ours, in ms: the question of management ports for all NICs, and for those that one changed rule concerns. */
export type Ours = {
  readonly fullMs: number;
  readonly nics: number;
  readonly changeMs: number;
  readonly nicsChanged: number;
};

/** How many times faster than Z3; what of it was measured and what multiplied is told. */
export async function besideZ3(programs: Programs, ours: Ours): Promise<JsonObject> {
  const solver = new Solver();
  try {
    const samples = await nicQuestions(solver, programs);
    const each = samples.reduce((sum, ms) => sum + ms, 0) / samples.length;
    const [z3Full, z3Change] = [each * ours.nics, medianOf(samples) * ours.nicsChanged];
    const access = await equality('access');
    const firewall = await equality('firewall');
    return {
      full: Math.round(z3Full / ours.fullMs),
      change: Math.round(z3Change / ours.changeMs),
      equivalence_10k: access.ratio,
      equivalence_10k_wide: firewall.ratio,
      ms: {
        ours_full: rounded(ours.fullMs),
        z3_full_extrapolated: Math.round(z3Full),
        z3_nics_measured: samples.length,
        z3_nic_median: rounded(medianOf(samples)),
        ours_change: rounded(ours.changeMs),
        z3_change_extrapolated: rounded(z3Change),
        nics_of_a_change: ours.nicsChanged,
        equal: access,
        equal_wide: firewall,
      },
    };
  } finally {
    solver.close();
  }
}

/** For one NIC after another: does any packet of the internet reach a management port through its filters? */
async function nicQuestions(solver: Solver, programs: Programs): Promise<readonly number[]> {
  const nics = Object.values(programs).flatMap((program) =>
    program.kind === 'router' ? Object.values(program.ports).map((port) => ({ port, router: program })) : [],
  );
  const step = Math.max(1, Math.floor(nics.length / nicsAsked));
  const asked = nics.filter((_, index) => index % step === 0).slice(0, nicsAsked);
  const samples: number[] = [];
  for (const one of asked) {
    const question = nicQuestion(one, programs);
    const start = performance.now();
    solver.tell(question);
    const answer = await solver.ask('(check-sat)');
    samples.push(performance.now() - start);
    solver.tell('(pop 1)');
    if (answer !== 'unsat') throw new Error(`z3 answers ${answer} where the stamp is proved closed.`);
  }
  return samples;
}

function nicQuestion(
  { port, router }: { readonly port: Port; readonly router: RouterProgram },
  { edge }: Programs,
): string {
  const [address = ''] = Object.keys(port.addresses);
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const bogons = edge?.kind === 'edge' ? edge.bogons : [];
  const outside: Policy = { filter: { rules: { a: sourceRule(bogons) } }, sets: {} };
  const names = port.inbound.map((_, index) => `f${index}`);
  return [
    '(push 1)',
    packetSmt(4),
    filterSmt('bogon', outside, 4),
    ...port.inbound.map((key, index) =>
      filterSmt(names[index] ?? '', { filter: router.filters[key] ?? { rules: {} }, sets: router.sets }, 4),
    ),
    `(assert (= t #x${value.toString(16).padStart(8, '0')}))`,
    '(assert (not bogon))',
    '(assert (= p (_ bv0 3)))',
    `(assert (or ${managementPorts.map((number) => `(= tp #x${number.toString(16).padStart(4, '0')})`).join(' ')}))`,
    ...names.map((name) => `(assert ${name})`),
  ].join('\n');
}

function sourceRule(prefixes: readonly string[]) {
  return {
    access: 'allow',
    protocol: 'any',
    source: { prefixes, sets: [] },
    target: 'any',
    sourcePorts: [],
    targetPorts: [],
    because: 'bogon',
  } as const;
}

type Equality = { readonly ratio: number; readonly ours_ms: number; readonly z3_ms: number; readonly z3_says: string };

/** Of the ways to ask Z3 for equality the quickest that was found. */
const fastest = '(check-sat-using (then simplify solve-eqs bit-blast sat))';
const equalRuns = 10;

/**
 * Two filters of 10,000 rules that say the same in other words (rules for every protocol with ports are two, a dead copy ends them);
 * ours is the least of some runs, each in a store of its own. Z3 gives up after a minute: the ratio is then a lower bound.
 */
async function equality(style: FilterStyle): Promise<Equality> {
  const policy: Policy = randomFilter(randomFrom(1), style, equalRules);
  const other: Policy = { ...policy, filter: rewritten(policy.filter) };
  const samples = Array.from({ length: equalRuns }, () => {
    const start = performance.now();
    const { kind } = sameFilter(policy, other, new PacketSets({ rows: 8_000_000, steps: 40_000_000 }));
    if (kind !== 'same') throw new Error('Two filters that say the same are found to differ.');
    return performance.now() - start;
  });
  const solver = new Solver();
  const question = [
    '(set-logic QF_BV)',
    packetSmt(4),
    filterSmt('left', policy, 4),
    filterSmt('right', other, 4),
    '(assert (xor left right))',
  ].join('\n');
  const begun = performance.now();
  solver.tell(question);
  const says = await solver.ask(fastest);
  const z3Ms = performance.now() - begun;
  solver.close();
  const oursMs = Math.min(...samples);
  return { ratio: Math.round(z3Ms / oursMs), ours_ms: rounded(oursMs), z3_ms: rounded(z3Ms), z3_says: says };
}
