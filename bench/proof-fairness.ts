/** Does a tenant who writes the worst rules there are slow down another's writes? Both change their groups in turn. */

import type { JsonObject } from '#base/json.ts';
import { medianOf, rounded, spreadOf } from '#bench/figures.ts';
import { msOf, type ProofModel } from '#bench/proof-model.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';
import type { RuleRow } from '#test/generate/build.ts';
import type { Proof } from '#verify/proof/proof.ts';

const turns = 400;
const rounds = 3;
const worstRules = 1000;
const rulesPerTurn = 20;

type Turn = { readonly heavyMs: number; readonly stepMs: number; readonly lightMs: number };
type Round = { readonly quiet: readonly number[]; readonly turns: readonly Turn[] };

/**
 * The other's writes alone, and the same ones (other ports) between the heavy ones: what each costs the prover, and with waiting for the
 * heavy one before it. Three rounds; the ratio is the middle one of theirs.
 */
export function fairness(model: ProofModel, proof: Proof, from: number): JsonObject {
  const random = randomFrom(77);
  const [heavy = ''] = model.groups;
  proposed(model, proof, model.ruled(heavy, worstRows(random, worstRules)));
  const light = (turn: number, lap: number): number =>
    msOf(() => proposed(model, proof, model.edits(from + turn + lap * model.groups.length, 1)));
  const ran = Array.from({ length: rounds }, (_, round): Round => {
    const quiet = Array.from({ length: turns }, (__, turn) => light(turn, 2 * round));
    const between = Array.from({ length: turns }, (__, turn): Turn => {
      const heavyMs = msOf(() => proposed(model, proof, model.ruled(heavy, worstRows(random, rulesPerTurn))));
      // The prover's housekeeping goes on between calls: a step of it may be in the way.
      const stepMs = msOf(() => proof.tend());
      return { heavyMs, stepMs, lightMs: light(turn, 2 * round + 1) };
    });
    return { quiet, turns: between };
  });
  const p99 = (samples: readonly number[]): number => spreadOf(samples).p99_ms;
  const told = ran.map(({ quiet, turns: between }) => {
    const [alone, busy] = [p99(quiet), p99(between.map(({ lightMs }) => lightMs))];
    return { quiet_p99_us: us(alone), busy_p99_us: us(busy), ratio: rounded(busy / alone) };
  });
  const waited = ran.flatMap((round) => round.turns.map(({ heavyMs, stepMs, lightMs }) => heavyMs + stepMs + lightMs));
  const steps = ran.flatMap((round) => round.turns.map(({ stepMs }) => stepMs));
  return {
    ratio: medianOf(told.map(({ ratio }) => ratio)),
    rounds: told,
    waiting_p99_us: us(p99(waited)),
    waiting_max_us: us(Math.max(...waited)),
    step_max_us: us(Math.max(...steps)),
    heavy_median_us: us(medianOf(ran.flatMap((round) => round.turns.map(({ heavyMs }) => heavyMs)))),
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
