/** Policy definitions and assignments as resources; those of the mode `Ringwall.Reachability` state what the proof holds every write to. */

import { policyNotScopesMax } from '#base/limits.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { nameOfId, sameId, tryId, typeOfId } from '#model/arm-id.ts';
import { keepPlain, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import {
  finish,
  listOf,
  member,
  missing,
  note,
  objectOf,
  oneOf,
  shorten,
  textOf,
  textsOf,
  type Reader,
} from '#model/parse.ts';
import type { Draft, Resource } from '#model/resource.ts';
import { builtInPolicy } from '#model/authorization/built-in-policies.ts';
import {
  policyAssignmentType,
  policyDefinitionType,
  policyExemptionType,
  policySetType,
  reachMode,
} from '#model/authorization/policy-types.ts';
import { checkReachDefinition, policyOf, reachesOf } from '#model/authorization/reach-policy.ts';
import { planType } from '#model/plans/ids.ts';
import { isPlace, subscriptionOf } from '#model/authorization/reach-terms.ts';

const messagesMax = 100;

export const policyDefinition: Noun = {
  type: policyDefinitionType,

  write(write, draft, context) {
    const job = openJob(policyDefinitionType, write, { draft, context });
    const { properties } = job;
    checkHome(job);
    oneOf(properties, 'policyType', ['Custom', 'NotSpecified']);
    const stated = textOf(properties, 'mode', { lengthMax: 128 }) ?? 'All';
    const mode = stated.toLowerCase() === reachMode.toLowerCase() ? reachMode : stated;
    const kept = {
      displayName: textOf(properties, 'displayName', { lengthMax: 128 }),
      policyType: 'Custom',
      mode,
      description: textOf(properties, 'description', { lengthMax: 512 }),
      metadata: heldObject(properties, 'metadata'),
      parameters: heldObject(properties, 'parameters'),
      policyRule: ruleOf(properties),
    };
    if (mode === reachMode) checkReachDefinition(properties);
    const resource = keepPlain(job, { properties: kept });
    checkUsers(resource, draft);
    return resource;
  },

  remove(resource, draft) {
    refuseUsed(resource, draft);
    draft.delete(resource.id);
  },

  show: ({ id, type, name, properties }) => tidy({ properties, id, type, name }),
};

export const policyAssignment: Noun = {
  type: policyAssignmentType,

  write(write, draft, context) {
    const job = openJob(policyAssignmentType, write, { draft, context });
    const { properties, body } = job;
    const scope = tryId(job.id)?.scope ?? '';
    if (tryId(scope) !== undefined && draft.get(scope) === undefined) {
      throw new Refusal('ResourceNotFound', `The resource '${scope}' was not found.`, { status: 404, target: scope });
    }
    const identity = objectOf(body, 'identity');
    if (identity !== undefined && oneOf(identity, 'type', ['None', 'SystemAssigned', 'UserAssigned']) !== 'None') {
      note(body, 'identity', 'policies act with no identity of their own on this stamp; leave the member out');
    }
    const definition = definitionOf(job);
    const kept = {
      displayName: textOf(properties, 'displayName', { lengthMax: 128 }),
      policyDefinitionId: definition?.id,
      scope: scope === '' ? '/' : scope,
      notScopes: notScopesOf(properties, scope),
      parameters: heldObject(properties, 'parameters'),
      description: textOf(properties, 'description', { lengthMax: 512 }),
      metadata: heldObject(properties, 'metadata'),
      enforcementMode: oneOf(properties, 'enforcementMode', ['Default', 'DoNotEnforce']) ?? 'Default',
      nonComplianceMessages: messagesOf(properties),
    };
    finish(body);
    if (definition !== undefined) checkReach(definition, { scope, properties: tidy(kept) }, draft);
    return keepPlain(job, { properties: kept });
  },

  remove(resource, draft) {
    draft.delete(resource.id);
    // An exemption from what is gone would be there for whoever assigns under the same name.
    for (const exemption of [...draft.ofType(policyExemptionType)]) {
      if (sameId(String(exemption.properties['policyAssignmentId']), resource.id)) draft.delete(exemption.id);
    }
  },

  show({ id, type, name, properties }, _view, { apiVersion }) {
    const { displayName, policyDefinitionId, scope, parameters, description, metadata } = properties;
    const old = { displayName, policyDefinitionId, scope, parameters, description, metadata };
    return tidy({
      properties: apiVersion < '2017' ? old : { ...properties, notScopes: properties['notScopes'] ?? [] },
      id,
      type,
      name,
    });
  },
};

/** Definitions and sets are kept at a subscription and never under the name of a built-in one. */
export function checkHome({ id, type }: Pick<Job, 'id' | 'type'>): void {
  const what = type === policySetType ? 'set of policies' : 'policy definition';
  if (tryId(id)?.group !== undefined) {
    throw new Refusal(
      'InvalidPolicyDefinitionScope',
      `A ${what} is kept at a subscription, not in a resource group; assign it there.`,
      { target: '/id' },
    );
  }
  const name = nameOfId(id);
  if (builtInPolicy(name) === undefined) return;
  const says = `'${name}' is a built-in policy, which cannot be changed. Choose another name.`;
  throw new Refusal('BuiltInPolicyCannotBeChanged', says, { status: 403, target: '/name' });
}

/** Assignments of a definition or set, and for a definition the sets that hold it. */
function usersOf(resource: Resource, draft: Draft): readonly Resource[] {
  const sets = [...draft.ofType(policySetType)].filter(({ properties: { policyDefinitions } }) =>
    (Array.isArray(policyDefinitions) ? policyDefinitions.filter(isObject) : []).some((entry) =>
      sameId(String(entry['policyDefinitionId']), resource.id),
    ),
  );
  const named = [resource, ...sets];
  const assignments = [...draft.ofType(policyAssignmentType)].filter(({ properties }) =>
    named.some(({ id }) => sameId(String(properties['policyDefinitionId']), id)),
  );
  return [...sets, ...assignments];
}

/** Refuses to remove what is in use. */
export function refuseUsed(resource: Resource, draft: Draft): void {
  const [user] = usersOf(resource, draft);
  if (user === undefined) return;
  const what = resource.type === policySetType ? 'set of policies' : 'policy definition';
  const isSet = user.type === policySetType;
  const says = isSet
    ? `The ${what} '${resource.name}' is part of a set (${user.id}); take it out of the set first.`
    : `The ${what} '${resource.name}' is assigned (${user.id}); remove its assignments first.`;
  throw new Refusal('PolicyDefinitionInUse', says, { status: 409, target: user.id });
}

/** What is assigned already must still state an invariant after its definition changed. */
export function checkUsers(resource: Resource, draft: Draft): void {
  for (const user of usersOf(resource, draft)) {
    if (user.type !== policyAssignmentType) continue;
    const definition = policyOf(String(user.properties['policyDefinitionId']), draft);
    if (definition === undefined) continue;
    try {
      checkReach(definition, { scope: tryId(user.id)?.scope ?? '', properties: user.properties }, draft);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const says = `The policy is assigned (${user.id}), and the assignment would no longer fit: ${error.message}`;
      throw new Refusal('PolicyDefinitionInUse', says, { status: 409, target: user.id, details: error.details });
    }
  }
}

/** The assignment of a policy that is enforced must make invariants with NICs to judge. */
function checkReach(definition: Resource, assigned: { scope: string; properties: JsonObject }, draft: Draft): void {
  const made = reachesOf(definition, assigned, draft);
  if (made.length === 0 || assigned.scope === '' || isPlace(assigned.scope.toLowerCase())) return;
  // What is assigned to a plan counts in the subscriptions that hold it.
  if (typeOfId(assigned.scope) === planType) return;
  const says =
    'No network interface is in or under this scope: assign policies of the mode Ringwall.Reachability to a subscription, resource group, virtual network, subnet, machine, network interface or application security group.';
  throw new Refusal('InvalidPolicyAssignmentScope', says, { target: '/properties/scope' });
}

/** A member that is kept as it was stated, when it is an object. */
export function heldObject(reader: Reader, name: string): JsonObject | undefined {
  if (objectOf(reader, name) === undefined) return undefined;
  const value: Json | undefined = member(reader, name);
  return isObject(value) ? value : undefined;
}

/** A rule has a condition and an effect (Azure doc "Policy definition structure"). */
function ruleOf(properties: Reader): JsonObject | undefined {
  const rule = objectOf(properties, 'policyRule');
  if (rule === undefined) {
    if (member(properties, 'policyRule') === undefined) missing(properties, 'policyRule');
    return undefined;
  }
  if (objectOf(rule, 'if') === undefined && member(rule, 'if') === undefined) missing(rule, 'if');
  const then = objectOf(rule, 'then');
  if (then === undefined && member(rule, 'then') === undefined) missing(rule, 'then');
  if (then !== undefined) textOf(then, 'effect', { required: true, lengthMax: 128 });
  return heldObject(properties, 'policyRule');
}

/** One's own definitions or the built-in ones: whoever may change a definition changes what is assigned of it. */
function definitionOf(job: Job): Resource | undefined {
  const stated = textOf(job.properties, 'policyDefinitionId', { required: true, lengthMax: 2048 });
  if (stated === undefined) return undefined;
  const definition = policyOf(stated, job.draft);
  if (definition !== undefined) {
    const home = subscriptionOf(definition.id);
    if (home === '' || home === subscriptionOf(job.id)) return definition;
  }
  const kind = typeOfId(stated) === policySetType ? 'set of policies' : 'policy definition';
  const says = `The ${kind} '${shorten(stated)}' was not found; it lies at the assignment's own subscription or is a built-in one.`;
  throw new Refusal('PolicyDefinitionNotFound', says, { status: 404, target: '/properties/policyDefinitionId' });
}

function notScopesOf(properties: Reader, scope: string): readonly string[] | undefined {
  const stated = textsOf(properties, 'notScopes', policyNotScopesMax);
  for (const [index, one] of (stated ?? []).entries()) {
    const isInside = one.startsWith('/') && `${one.toLowerCase()}/`.startsWith(`${scope.toLowerCase()}/`);
    if (!isInside || one.length > 2048)
      note(properties, `notScopes/${index}`, `an ARM id below the assignment's scope is wanted, not "${shorten(one)}"`);
  }
  return stated;
}

function messagesOf(properties: Reader): readonly JsonObject[] | undefined {
  return listOf(properties, 'nonComplianceMessages', messagesMax)?.map((entry) =>
    tidy({
      message: textOf(entry, 'message', { required: true, lengthMax: 1024 }),
      policyDefinitionReferenceId: textOf(entry, 'policyDefinitionReferenceId', { lengthMax: 256 }),
    }),
  );
}
