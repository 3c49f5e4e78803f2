/** What a template's model breaks of the invariants in force, each with its packet, its path and what would be accepted. */

import { CompileMemo } from '#compile/stamp.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { toldBreach, type ToldBreach } from '#engine/proof/told.ts';
import type { StampFacts, View } from '#model/resource.ts';
import type { TemplateModel } from '#main/command/verify-model.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';

/** The invariants in force on a set of resources: the stamp's own, and those that the template assigns. */
export type InvariantsOf = (view: View, estate: Estate, facts: StampFacts) => readonly Invariant[];

/** All that stands broken, told whole: whoever has the template may read all that is in it. */
export function standingOf(
  { view, programs }: TemplateModel,
  facts: StampFacts,
  invariantsOf: InvariantsOf,
): readonly ToldBreach[] {
  const estate = estateOf(view, facts, new CompileMemo());
  const breaches = new Proof().load({ programs, estate, invariants: invariantsOf(view, estate, facts) });
  return breaches.map((breach) => toldBreach(breach, { programs, view }));
}
