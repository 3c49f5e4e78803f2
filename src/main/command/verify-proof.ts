/** What a template's model breaks of the invariants in force on a stamp without a policy of its own: the baseline, and the template's own assignments. */

import { CompileMemo } from '#compile/stamp.ts';
import { ProofBench } from '#engine/gate/proof-bench.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { toldBreach, type ToldBreach } from '#engine/proof/told.ts';
import type { StampFacts } from '#model/resource.ts';
import type { TemplateModel } from '#main/command/verify-model.ts';

/** All that stands broken, told whole: whoever has the template may read all that is in it. */
export function standingOf({ view, programs }: TemplateModel, facts: StampFacts): readonly ToldBreach[] {
  const bench = new ProofBench();
  bench.load({ view, programs, estate: estateOf(view, facts, new CompileMemo()) });
  return bench.standing().map((breach) => toldBreach(breach, { programs, view }));
}
