/** Policy states: of each resource, by which policy it is judged and whether a finding stands; what the asker may not read is left out. */

import { scopeHolds } from '#access/scope.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import { policySetType } from '#model/authorization/policy-types.ts';
import { membersOf, policyOf } from '#model/authorization/reach-policy.ts';
import type { Resource, View } from '#model/resource.ts';
import type { Compliance, Stated } from '#engine/ports.ts';
import type { MayRead } from '#engine/proof/refusal.ts';

/** One resource under one policy. */
export type PolicyState = {
  readonly resource: Resource;
  readonly policy: StatedPolicy;
  readonly isCompliant: boolean;
};

/** Which policy it is, and who assigned it. The baseline and the operator's own have the invariant's id where a tenant's have ARM ids. */
export type StatedPolicy = {
  readonly assignment: Named & { readonly scope: string; readonly parameters: JsonObject };
  readonly definition: Named & { readonly category: string };
  /** The set that the definition was assigned in. */
  readonly set?: Named & { readonly category: string };
  readonly reference: string;
  readonly action: Stated['effect'];
  /** May the asker read the assignment? */
  readonly isReadable: boolean;
};

type Named = { readonly id: string; readonly name: string };

/** What the states are made of, besides where the invariants stand. */
export type StateParts = { readonly view: View; readonly mayRead: MayRead };

/**
 * The states in the order of their resources. What the operator demands beyond the baseline is told only where it is broken: that it holds names
 * an invariant which may be about somebody else. An assignment is told to those who may read it, and of what its scope contains by name: who puts
 * an interface into another's network learns nothing of what is assigned to that network.
 */
export function policyStates({ invariants, nics, whole }: Compliance, parts: StateParts): readonly PolicyState[] {
  const policies = invariants.map((stated) => policyOfInvariant(stated, parts));
  const stateOf = (index: number, resource: Resource, isCompliant: boolean): readonly PolicyState[] => {
    const policy = policies[index];
    if (policy === undefined || (isCompliant && invariants[index]?.owner === 'operator')) return [];
    return policy.isReadable || scopeHolds(policy.assignment.scope, resource.id)
      ? [{ resource, policy, isCompliant }]
      : [];
  };
  const ofWhole = whole.flatMap(({ invariant, isBroken }) => {
    const resource = readable(invariants[invariant]?.scope ?? '', parts);
    return resource === undefined ? [] : stateOf(invariant, resource, !isBroken);
  });
  const ofNics = nics.flatMap(({ nic, judged, broken }) => {
    const resource = readable(nic, parts);
    return resource === undefined ? [] : judged.flatMap((index) => stateOf(index, resource, !broken.includes(index)));
  });
  return [...ofWhole, ...ofNics];
}

/** The resource of an id, when it is there and the asker may read it. */
function readable(id: string, { view, mayRead }: StateParts): Resource | undefined {
  const resource = view.get(id);
  return resource !== undefined && mayRead(resource.id) ? resource : undefined;
}

/** Undefined when the assignment went meanwhile. */
function policyOfInvariant(stated: Stated, parts: StateParts): StatedPolicy | undefined {
  const { id, owner, effect } = stated;
  if (owner === 'tenant') return assignedPolicy(stated, parts);
  const named = { id, name: id.slice(id.indexOf('/') + 1) };
  return {
    assignment: { ...named, scope: stated.scope ?? '/', parameters: {} },
    definition: { ...named, category: 'Network' },
    reference: '',
    action: effect,
    isReadable: true,
  };
}

function assignedPolicy({ id, effect, scope = '/' }: Stated, { view, mayRead }: StateParts): StatedPolicy | undefined {
  const [assignmentId = '', ...rest] = id.split('#');
  const reference = rest.join('#');
  const assignment = view.get(assignmentId);
  const assigned = policyOf(String(assignment?.properties['policyDefinitionId']), view);
  if (assignment === undefined || assigned === undefined) return undefined;
  const isSet = assigned.type === policySetType;
  const definition = isSet
    ? membersOf(assigned, view).find((member) => sameId(member.reference, reference))?.policy
    : assigned;
  if (definition === undefined) return undefined;
  const { parameters, scope: stated } = assignment.properties;
  const isReadable = mayRead(assignment.id);
  return {
    assignment: {
      id: assignment.id,
      name: assignment.name,
      scope: typeof stated === 'string' ? stated : scope,
      parameters: isObject(parameters) && isReadable ? parameters : {},
    },
    definition: namedPolicy(definition),
    ...(isSet ? { set: namedPolicy(assigned) } : {}),
    reference,
    action: effect,
    isReadable,
  };
}

function namedPolicy({ id, properties }: Resource): Named & { readonly category: string } {
  const { metadata } = properties;
  const category = isObject(metadata) ? metadata['category'] : undefined;
  return { id, name: nameOfId(id), category: typeof category === 'string' ? category : '' };
}
