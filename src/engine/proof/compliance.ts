/** Where the invariants in force stand within a scope: which NICs each of them judges, and at which it is broken. */

import { scopeHolds } from '#access/scope.ts';
import { policyStatesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Compliance } from '#engine/ports.ts';
import type { Estate, NicEstate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { isJudged } from '#verify/invariant/zone.ts';

/** What is known of the state that stands. `brokenAt`: each finding's NIC, by its mark; undefined where no NIC shows it. */
export type Stood = {
  readonly invariants: readonly Invariant[];
  readonly estate: Pick<Estate, 'nics'>;
  readonly brokenAt: readonly { readonly invariant: string; readonly mark: number | undefined }[];
};

/** Kinds that no single NIC breaks: they speak of a number of NICs, of what a write makes possible, or of the stamp's own parts. */
const wholeKinds: ReadonlySet<Invariant['kind']> = new Set([
  'exposure',
  'unchanged',
  'infrastructure',
  'return',
  'lockout',
]);

/** Rows of the NICs within a scope, in the order of their ids, and of what is judged as a whole there. */
export function complianceOf(stood: Stood, scope: string): Compliance {
  const { invariants, estate } = stood;
  const place = scope.toLowerCase();
  const broken = brokenOf(stood);
  const byScope = indexOf(invariants);
  let count = 0;
  const nics = nicsWithin(estate, place).flatMap(([mark, nic]) => {
    const judged = judgedAt(nic, invariants, byScope);
    count += judged.length;
    checkCount(count);
    const own = broken.nics.get(mark);
    const at = own === undefined ? [] : judged.filter((index) => own.has(index));
    return judged.length === 0 ? [] : [{ nic: nic.nic, judged, broken: at }];
  });
  return {
    invariants: invariants.map(({ id, kind, effect, owner, scope: own }) => {
      return { id, kind, effect, owner, ...(own === undefined ? {} : { scope: own }) };
    }),
    nics,
    whole: [...invariants.entries()].flatMap(([index, { kind, scope: own = '' }]) => {
      const isBroken = broken.whole.has(index);
      if (!scopeHolds(place, own) || !(wholeKinds.has(kind) || isBroken)) return [];
      return [{ invariant: index, isBroken }];
    }),
  };
}

type Broken = { readonly nics: ReadonlyMap<number, ReadonlySet<number>>; readonly whole: ReadonlySet<number> };

/** Places of the broken invariants: by the mark of the NIC that shows it, and of those that no judged NIC shows. */
function brokenOf({ invariants, estate, brokenAt }: Stood): Broken {
  const places = new Map([...invariants.entries()].map(([index, about]) => [about.id, { index, about }]));
  const nics = new Map<number, Set<number>>();
  const whole = new Set<number>();
  for (const { invariant, mark } of brokenAt) {
    const found = places.get(invariant);
    if (found === undefined) continue;
    const { index, about } = found;
    const isOfNic = mark !== undefined && !wholeKinds.has(about.kind) && isJudged(about, estate.nics[String(mark)]);
    if (isOfNic) nics.set(mark, (nics.get(mark) ?? new Set()).add(index));
    else whole.add(index);
  }
  return { nics, whole };
}

/** The invariants that judge single NICs, by their scope in lower case; under the empty text those of the whole stamp. */
function indexOf(invariants: readonly Invariant[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [index, { kind, scope }] of invariants.entries()) {
    if (wholeKinds.has(kind)) continue;
    const key = scope === undefined || scope === '/' ? '' : scope.toLowerCase();
    const list = found.get(key);
    if (list === undefined) found.set(key, [index]);
    else list.push(index);
  }
  return found;
}

/** Places of the invariants that judge a NIC: `isJudged` of each, without asking those of other scopes. */
function judgedAt(
  nic: NicEstate,
  invariants: readonly Invariant[],
  byScope: ReadonlyMap<string, readonly number[]>,
): readonly number[] {
  const found: number[] = [];
  for (const scope of new Set(['', ...nic.scopes])) {
    for (const index of byScope.get(scope) ?? []) {
      const about = invariants[index];
      if (about !== undefined && isJudged(about, nic)) found.push(index);
    }
  }
  return found;
}

function nicsWithin({ nics }: Pick<Estate, 'nics'>, place: string): readonly (readonly [number, NicEstate])[] {
  return Object.entries(nics)
    .filter(([, nic]) => nic.scopes.includes(place))
    .map(([mark, nic]) => [Number(mark), nic] as const)
    .toSorted(([, left], [, right]) => (left.nic < right.nic ? -1 : left.nic > right.nic ? 1 : 0));
}

function checkCount(count: number): void {
  if (count <= policyStatesMax) return;
  const says = `There are more than ${policyStatesMax} policy states at this scope; ask for a resource group or a resource in it.`;
  throw new Refusal('TooManyPolicyStates', says, { target: 'scope' });
}
