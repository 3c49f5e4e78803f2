/** `npm run bench -- proof`: the large stamp proved whole, and again after one changed rule, against the baseline and one invariant of every other kind; beside Z3 on the same questions. */

import type { JsonObject } from '#base/json.ts';
import { flowVerdict } from '#compile/answer/flow.ts';
import { loadNow, rounded, spreadOf } from '#bench/figures.ts';
import { fairness } from '#bench/proof-fairness.ts';
import { memoryOf } from '#bench/proof-memory.ts';
import { changesPerRun, leastOf, msOf, ProofModel } from '#bench/proof-model.ts';
import { besideZ3 } from '#bench/proof-z3.ts';
import type { Programs } from '#program/program.ts';
import { Proof } from '#verify/proof/proof.ts';

const rounds = 5;
const batchSize = 1000;
const flows = 200_000;

/** `npm run bench -- proof` */
export async function benchProof(): Promise<JsonObject> {
  const model = new ProofModel();
  const memory = await memoryOf(model);
  // The first run fills what later ones find known: it is not one of the identical runs.
  model.run();
  const runs = Array.from({ length: rounds }, () => model.run());
  const { proofs, blasts } = leastOf(runs);
  const everyRuns = Array.from({ length: rounds }, () =>
    msOf(() => new Proof().fill({ ...model.world(), invariants: model.every })),
  );
  const proof = new Proof();
  proof.fill(model.world());
  const standing = proof.standingCount;
  let next = 2 * changesPerRun;
  const batches = Array.from({ length: rounds }, (_, round) => batch(model, proof, next + round * batchSize));
  next += rounds * batchSize;
  const fair = fairness(model, proof, next);
  const apart = model.kindsApart(next + 10_000);
  const managementMs = model.managementMs(rounds);
  const z3 = await besideZ3(model.programs, {
    fullMs: managementMs,
    nics: Object.keys(model.estate.nics).length,
    changeMs: model.managementChangeMs(next + 20_000, changesPerRun),
    nicsChanged: model.nicsPerGroup(),
  });
  return {
    what: `of each operation the least of ${rounds} identical runs, the raw runs beside`,
    nics: Object.keys(model.estate.nics).length,
    invariants: [...new Set(model.invariants.map(({ kind }) => kind))],
    standing,
    full_ms: rounded(Math.min(...runs.map(({ full }) => full))),
    full_every_kind_ms: rounded(Math.min(...everyRuns)),
    reproof_us: inUs(proofs),
    blast_us: inUs(blasts),
    batch_1000_ms: rounded(Math.min(...batches.map((one) => one.proof))),
    batch_1000_compile_ms: rounded(Math.min(...batches.map((one) => one.compile))),
    fairness: fair,
    apart,
    ipflow_per_s: Math.round(flowsPerSecond(model.programs, Infinity)),
    ipflow_1000_nics_per_s: Math.round(flowsPerSecond(model.programs, 1000)),
    store_mb: rounded((runs[0]?.store ?? 0) / 1e6),
    rss_mb: Math.round(memory.loaded / 1e6),
    rss_after_changes_mb: Math.round(memory.changed / 1e6),
    vs_z3: z3,
    counters: {
      loaded: runs[0]?.loaded ?? {},
      changes: (runs[0]?.changes ?? []).reduce((sum, { steps }) => sum + steps, 0),
    },
    raw: {
      full_ms: runs.map(({ full }) => rounded(full)),
      full_every_kind_ms: everyRuns.map(rounded),
      reproof_us: runs.map(({ changes }) => inUs(changes.map((one) => one.proof))),
      blast_us: runs.map(({ changes }) => inUs(changes.map((one) => one.blast))),
      batches,
    },
    load: loadNow(),
  };
}

function inUs(samples: readonly number[]): JsonObject {
  const { p50_ms, p99_ms } = spreadOf(samples);
  return { p50: rounded(p50_ms * 1000), p99: rounded(p99_ms * 1000), max: rounded(Math.max(...samples) * 1000) };
}

type Batch = { readonly compile: number; readonly proof: number };

/** A thousand changed rules in one write, in ms: compiled, then proved and kept. */
function batch(model: ProofModel, proof: Proof, from: number): Batch {
  const compiled = performance.now();
  const world = model.changed(from, batchSize);
  const begun = performance.now();
  const judged = proof.propose(world);
  if (judged.refused.length === 0) proof.keep();
  else proof.drop();
  return { compile: begun - compiled, proof: performance.now() - begun };
}

/** Flows asked of NICs, in and out: both filters, the one that decides and its rule (`flowVerdict`, what the network watcher answers from). */
export function flowsPerSecond(programs: Programs, nics: number): number {
  const all = Object.values(programs).flatMap((program) =>
    program.kind === 'router' ? Object.values(program.ports).map((port) => ({ router: program, port })) : [],
  );
  const places = all.slice(0, nics).map((placed) => ({ placed, address: Object.keys(placed.port.addresses)[0] ?? '' }));
  const remotes = Array.from({ length: 250 }, (_, index) => `203.0.113.${index}`);
  const ask = (count: number): number =>
    msOf(() => {
      // A question is made when it is asked; its NIC is any of them (numbers of Numerical Recipes' generator).
      for (let index = 0, seed = 1; index < count; index++) {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
        const { placed, address } = places[(seed >>> 8) % places.length] as (typeof places)[number];
        flowVerdict(programs, placed, {
          direction: index % 2 === 0 ? 'inbound' : 'outbound',
          protocol: index % 3 === 0 ? 'udp' : 'tcp',
          local: { address, port: (index * 61) % 65_536 },
          remote: { address: remotes[index % remotes.length] ?? '', port: 40_000 },
        });
      }
    });
  ask(flows);
  return (flows / Math.min(...Array.from({ length: rounds }, () => ask(flows)))) * 1000;
}
