/** The estate of a set of resources for tests below the engine: the same that the engine takes from them. */

import { CompileMemo } from '#compile/stamp.ts';
import { estateOf } from '#engine/proof/estate.ts';
import type { StampFacts, View } from '#model/resource.ts';
import type { Estate } from '#verify/invariant/estate.ts';

/** The estate of a view. */
export function testEstate(view: View, stamp: StampFacts): Estate {
  return estateOf(view, stamp, new CompileMemo());
}
