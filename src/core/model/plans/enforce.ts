/** Do a write's edits stay within what their subscriptions may use? Only what grows is judged: who is over already may shrink. */

import { allowanceOf } from '#model/plans/allowance.ts';
import type { Excess } from '#model/plans/over-quota.ts';
import { addEdits } from '#model/plans/use.ts';
import type { Edit, Resource, View } from '#model/resource.ts';

/** What is in use before the edits. */
export type UsedBefore = (subscription: string, field: string) => number;

/** What a judgement needs besides the edits. `told`: `subscription/field` of what was refused before and is not told again. */
export type Judging = {
  readonly used: UsedBefore;
  readonly location: string;
  readonly told?: ReadonlySet<string>;
};

/**
 * The first field that the edits take over its limit; undefined when there is none. `view` is the draft: an allowance that
 * the same write changes counts as changed. Subscriptions without plans have no limits.
 */
export function excessOf(view: View, edits: readonly Edit[], { used, location, told }: Judging): Excess | undefined {
  for (const [subscription, fields] of addEdits(new Map(), edits)) {
    const grown = [...fields].filter(([field, growth]) => growth > 0 && told?.has(`${subscription}/${field}`) !== true);
    const allowance = grown.length === 0 ? undefined : allowanceOf(view, `/subscriptions/${subscription}`);
    if (allowance === undefined) continue;
    for (const [field, wanted] of grown) {
      const limit = allowance.get(field) ?? 0;
      const before = used(subscription, field);
      if (before + wanted > limit) return { field, limit, used: before, wanted, location, subscription };
    }
  }
  return undefined;
}

/** What resources use, by subscription and field: each counted, for whoever keeps no count. */
export function useOf(resources: Iterable<Resource>): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const edits = [...resources].map((after): Edit => ({ id: after.id, after }));
  return addEdits(new Map(), edits);
}
