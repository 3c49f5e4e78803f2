/** The estate of a set of resources for tests below the engine: the same that the engine takes from them. */

import { CompileMemo } from '#compile/stamp.ts';
import { estateOf } from '#engine/proof/estate.ts';
import type { StampFacts, View } from '#model/resource.ts';
import type { Estate } from '#verify/invariant/estate.ts';

/** The estate of a view; with a memo that is kept, what did not change is the same objects. */
export function testEstate(view: View, stamp: StampFacts, memo = new CompileMemo()): Estate {
  return estateOf(view, stamp, memo);
}
