/** The kinds by name: one file each. */

import { always } from '#verify/invariant/always.ts';
import { exposure } from '#verify/invariant/exposure.ts';
import { infrastructure } from '#verify/invariant/infrastructure.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { isolated } from '#verify/invariant/isolated.ts';
import { lockout } from '#verify/invariant/lockout.ts';
import { loops } from '#verify/invariant/loops.ts';
import { never } from '#verify/invariant/never.ts';
import { only } from '#verify/invariant/only.ts';
import { returns } from '#verify/invariant/return.ts';
import { spoofing } from '#verify/invariant/spoofing.ts';
import { tenants } from '#verify/invariant/tenants.ts';
import { unchanged } from '#verify/invariant/unchanged.ts';
import { via } from '#verify/invariant/via.ts';
import type { Kind } from '#verify/proof/kind.ts';

const kinds: { readonly [K in Invariant['kind']]: Kind<Extract<Invariant, { readonly kind: K }>> | Kind<never> } = {
  never,
  only,
  via,
  isolated,
  always,
  exposure,
  unchanged,
  tenants,
  infrastructure,
  spoofing,
  loops,
  return: returns,
  lockout,
};

/** The kind of an invariant. */
export function kindOf<I extends Invariant>({ kind }: I): Kind<I> {
  return kinds[kind] as Kind<I>;
}
