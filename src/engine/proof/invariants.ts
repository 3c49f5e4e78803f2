/** The invariants in force: what the operator signed, and what policy assignments add to it. Nothing written through ARM takes any of it away. */

import { digestOf } from '#base/digest.ts';
import { deepFreeze } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { isSpent } from '#model/authorization/policy-exemption.ts';
import {
  policyAssignmentType,
  policyDefinitionType,
  policyExemptionType,
  policySetType,
} from '#model/authorization/policy-types.ts';
import { policyOf, reachesOf, type Reach } from '#model/authorization/reach-policy.ts';
import { typeOfId } from '#model/arm-id.ts';
import { planType } from '#model/plans/ids.ts';
import { holdersOf } from '#model/plans/plan.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import type { Resource, View } from '#model/resource.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';

/** What is demanded besides policies: the baseline and the operator's own, as signed. */
export type Signed = (world: { readonly estate: Estate }) => readonly Invariant[];

type Seen = { readonly view: View; readonly estate: Estate };

/**
 * The invariants of a set of resources. The same objects come back as long as no policy, no exemption and nothing signed changed: what is
 * the same object is not proved anew.
 */
export function demandsOf(signed: Signed): (world: Seen) => readonly Invariant[] {
  let last: { readonly inputs: readonly unknown[]; readonly invariants: readonly Invariant[] } | undefined;
  const kept = new Map<string, { readonly text: string; readonly invariant: Invariant }>();
  return ({ view, estate }) => {
    const own = signed({ estate });
    const lists = [policyAssignmentType, policyDefinitionType, policySetType, policyExemptionType, subscriptionType];
    const inputs = [own, ...lists.map((type) => view.ofType(type))];
    if (last !== undefined && last.inputs.every((input, index) => input === inputs[index])) return last.invariants;
    const assigned = [...view.ofType(policyAssignmentType)].flatMap((assignment) => assignedBy(assignment, view));
    const shared = assigned.map((invariant) => {
      const text = JSON.stringify(invariant);
      const before = kept.get(invariant.id);
      if (before?.text === text) return before.invariant;
      kept.set(invariant.id, { text, invariant: deepFreeze(invariant) });
      return invariant;
    });
    for (const id of kept.keys()) if (!shared.some((one) => one.id === id)) kept.delete(id);
    last = { inputs, invariants: Object.freeze([...own, ...shared]) };
    return last.invariants;
  };
}

/** What one assignment demands. One whose policy is gone, or does not fit its parameters any more, demands nothing and is left to whoever reads it. */
function assignedBy(assignment: Resource, view: View): readonly Invariant[] {
  const { id, properties } = assignment;
  const definition = policyOf(String(properties['policyDefinitionId']), view);
  if (definition === undefined) return [];
  const scope = String(properties['scope'] ?? '/');
  const places: readonly Place[] =
    typeOfId(scope) === planType ? placesOfPlan(assignment, view) : [{ id: id.toLowerCase(), scope, owner: 'tenant' }];
  return places.flatMap((place) => demandedAt(assignment, { definition, place, view }));
}

/** Where an assignment counts, and under which name. */
type Place = { readonly id: string; readonly scope: string; readonly owner: 'tenant' | 'operator' };

/**
 * What is assigned to a plan counts in every subscription that holds the plan. It is the operator's demand there: its name says nothing of where
 * the operator keeps it, and what of it holds is told to nobody (`policyStates`).
 */
function placesOfPlan({ id, name, properties }: Resource, view: View): readonly Place[] {
  const plan = view.get(String(properties['scope']));
  const mark = digestOf(id.toLowerCase()).slice(0, 8);
  return (plan === undefined ? [] : holdersOf(plan, view)).map((holder) => ({
    id: `plan/${name.toLowerCase()}-${mark}/${holder.name.toLowerCase()}`,
    scope: holder.id,
    owner: 'operator',
  }));
}

function demandedAt(
  assignment: Resource,
  { definition, place, view }: { readonly definition: Resource; readonly place: Place; readonly view: View },
): readonly Invariant[] {
  const { properties } = assignment;
  const { id, scope, owner } = place;
  const reaches = readable(() => reachesOf(definition, { scope: scope === '/' ? '' : scope, properties }, view));
  return reaches.flatMap((reach): Invariant[] => {
    if (reach.effect === 'disabled') return [];
    const isWatched = properties['enforcementMode'] === 'DoNotEnforce' || reach.effect === 'audit';
    const about = {
      id: reach.reference === '' ? id : `${id}#${reach.reference}`,
      title: titleOf(properties['displayName'], reach),
      effect: isWatched ? 'audit' : 'deny',
      owner,
      scope: scope.toLowerCase(),
      exclude: [...textsOf(properties['notScopes']), ...exemptedFrom(assignment, { reach, view })],
    } as const;
    return [{ ...about, ...reach.rule } as Invariant];
  });
}

function readable(read: () => readonly Reach[]): readonly Reach[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}

function titleOf(displayName: unknown, reach: Reach): string {
  return typeof displayName === 'string' && displayName !== '' ? displayName : reach.displayName;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string').map((one) => one.toLowerCase()) : [];
}

/** The scopes of exemptions of the assignment that have not run out. */
function exemptedFrom(
  { id }: Resource,
  { reach, view }: { readonly reach: Reach; readonly view: View },
): readonly string[] {
  return [...view.ofType(policyExemptionType)].flatMap((exemption) => {
    const { properties } = exemption;
    if (String(properties['policyAssignmentId']).toLowerCase() !== id.toLowerCase() || isSpent(exemption)) return [];
    const references = textsOf(properties['policyDefinitionReferenceIds']);
    const isMeant = references.length === 0 || references.includes(reach.reference.toLowerCase());
    return isMeant ? [scopeOf(exemption.id)] : [];
  });
}

/** The scope at which an exemption lies: its id before its own provider. */
function scopeOf(id: string): string {
  return id.slice(0, id.toLowerCase().lastIndexOf('/providers/microsoft.authorization/')).toLowerCase();
}
