/** Are two filters the same for every packet? If not, here is one that they treat differently. */

import { assert } from '#base/wrong.ts';
import { type FilterVerdict, filterVerdict, type Header } from '#program/filter.ts';
import { apart } from '#verify/aligned.ts';
import { filterSet, type Policy } from '#verify/filter-set.ts';
import { PacketSets } from '#verify/packet-sets.ts';

export type Equivalence =
  | { readonly kind: 'same' }
  | {
      readonly kind: 'differs';
      readonly packet: Header;
      readonly left: FilterVerdict;
      readonly right: FilterVerdict;
    };

/**
 * Compares two filters for all packets of both families. The packet that tells them apart is judged by the oracle before it is
 * answered: one that does not tell them apart there is our mistake. Refuses with `ProofBudgetExceeded` when that costs too much.
 */
export function sameFilter(left: Policy, right: Policy, store = new PacketSets()): Equivalence {
  store.budget.refill();
  const [leftSet, rightSet] = apart(store, atTarget(left), atTarget(right)) ?? [
    filterSet(store, atTarget(left)),
    filterSet(store, atTarget(right)),
  ];
  if (leftSet === rightSet) return { kind: 'same' };
  const packet =
    store.example(store.difference(leftSet, rightSet)) ?? store.example(store.difference(rightSet, leftSet));
  assert(packet !== undefined, 'Two different sets have no packet that is in one alone.');
  const verdicts = {
    left: filterVerdict(left.filter, left.sets, packet),
    right: filterVerdict(right.filter, right.sets, packet),
  };
  assert(verdicts.left.verdict !== verdicts.right.verdict, `The oracle sees no difference: ${JSON.stringify(packet)}.`);
  return { kind: 'differs', packet, ...verdicts };
}

function atTarget(policy: Policy): Policy {
  return { ...policy, local: 'target' };
}
