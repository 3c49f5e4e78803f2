/** Does a tenant who writes the worst rules there are slow down another's writes? Both change their groups in turn. */

import type { JsonObject } from '#base/json.ts';
import { medianOf, rounded, spreadOf } from '#bench/figures.ts';
import { msOf, type ProofModel } from '#bench/proof-model.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';
import type { RuleRow } from '#test/generate/build.ts';
import type { Proof } from '#verify/proof/proof.ts';

const turns = 400;
const worstRules = 1000;
const rulesPerTurn = 20;

/** The other's writes alone, and between the heavy ones: what each costs the prover, and with waiting for the heavy one before it. */
export function fairness(model: ProofModel, proof: Proof, from: number): JsonObject {
  const random = randomFrom(77);
  const [heavy = ''] = model.groups;
  let at = from;
  const light = (): number => msOf(() => proposed(model, proof, model.edits((at += 1), 1)));
  const quiet = Array.from({ length: turns }, light);
  proposed(model, proof, model.ruled(heavy, worstRows(random, worstRules)));
  const pairs = Array.from({ length: turns }, () => {
    const heavyMs = msOf(() => proposed(model, proof, model.ruled(heavy, worstRows(random, rulesPerTurn))));
    // The prover's housekeeping goes on between calls: a step of it may be in the way.
    const stepMs = msOf(() => proof.tend());
    return { heavyMs, stepMs, lightMs: light() };
  });
  const [alone, between] = [spreadOf(quiet), spreadOf(pairs.map(({ lightMs }) => lightMs))];
  const waited = spreadOf(pairs.map(({ heavyMs, stepMs, lightMs }) => heavyMs + stepMs + lightMs));
  return {
    quiet_p99_us: us(alone.p99_ms),
    busy_p99_us: us(between.p99_ms),
    ratio: rounded(between.p99_ms / alone.p99_ms),
    waiting_p99_us: us(waited.p99_ms),
    waiting_max_us: us(Math.max(...pairs.map(({ heavyMs, stepMs, lightMs }) => heavyMs + stepMs + lightMs))),
    step_max_us: us(Math.max(...pairs.map(({ stepMs }) => stepMs))),
    heavy_median_us: us(medianOf(pairs.map(({ heavyMs }) => heavyMs))),
  };
}

function us(ms: number): number {
  return rounded(ms * 1000);
}

function proposed(model: ProofModel, proof: Proof, edits: ReturnType<ProofModel['edits']>): void {
  proof.propose(model.after(edits));
  proof.keep();
}

/** Ranges of ports and prefixes that cross each other everywhere: no two rules can be told as one. */
function worstRows(random: Random, count: number): readonly RuleRow[] {
  return Array.from({ length: count }, (_, index): RuleRow => {
    const first = 2000 + random.below(50_000);
    const network = `${11 + random.below(80)}.${random.below(256)}`;
    const source = random.chance(0.5) ? `${network}.0.0/16` : `${network}.${random.below(256)}.0/24`;
    const access = random.below(2) === 0 ? 'Allow' : 'Deny';
    return [`w${index}`, 1000 + index, 'In', access, 'Tcp', source, '*', `${first}-${first + random.below(8000)}`];
  });
}
