/** What a template's model breaks of the invariants in force, each with its packet, its path and what would be accepted. */

import { CompileMemo } from '#compile/stamp.ts';
import { type Demands, ProofBench } from '#engine/gate/proof-bench.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { toldBreach, type ToldBreach } from '#engine/proof/told.ts';
import type { StampFacts } from '#model/resource.ts';
import type { TemplateModel } from '#main/command/verify-model.ts';

/** All that stands broken, told whole: whoever has the template may read all that is in it. */
export function standingOf(
  { view, programs }: TemplateModel,
  facts: StampFacts,
  demands: Demands,
): readonly ToldBreach[] {
  const estate = estateOf(view, facts, new CompileMemo());
  const breaches = new ProofBench(demands).load({ view, programs, estate });
  return breaches.map((breach) => toldBreach(breach, { programs, view }));
}
