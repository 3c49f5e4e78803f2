/** Policy definitions and assignments as resources; what an assignment enforces is decided by the proof, not here. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { sameId, tryId, typeOfId } from '#model/arm-id.ts';
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

const policyDefinitionType = 'Microsoft.Authorization/policyDefinitions';
const policyAssignmentType = 'Microsoft.Authorization/policyAssignments';

const notScopesMax = 400;
const messagesMax = 100;

export const policyDefinition: Noun = {
  type: policyDefinitionType,

  write(write, draft, context) {
    const job = openJob(policyDefinitionType, write, { draft, context });
    const { properties } = job;
    if (tryId(job.id)?.group !== undefined) {
      throw new Refusal(
        'InvalidPolicyDefinitionScope',
        'A policy definition is kept at a subscription, not in a resource group; assign it there.',
        { target: '/id' },
      );
    }
    oneOf(properties, 'policyType', ['Custom', 'NotSpecified']);
    const kept = {
      displayName: textOf(properties, 'displayName', { lengthMax: 128 }),
      policyType: 'Custom',
      mode: textOf(properties, 'mode', { lengthMax: 128 }) ?? 'All',
      description: textOf(properties, 'description', { lengthMax: 512 }),
      metadata: heldObject(properties, 'metadata'),
      parameters: heldObject(properties, 'parameters'),
      policyRule: ruleOf(properties),
    };
    return keepPlain(job, { properties: kept });
  },

  remove(resource, draft) {
    const user = [...draft.ofType(policyAssignmentType)].find(({ properties }) =>
      sameId(String(properties['policyDefinitionId']), resource.id),
    );
    if (user !== undefined) {
      const says = `The policy definition '${resource.name}' is assigned (${user.id}); remove its assignments first.`;
      throw new Refusal('PolicyDefinitionInUse', says, { status: 409, target: user.id });
    }
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
    const kept = {
      displayName: textOf(properties, 'displayName', { lengthMax: 128 }),
      policyDefinitionId: definitionOf(job),
      scope: scope === '' ? '/' : scope,
      notScopes: textsOf(properties, 'notScopes', notScopesMax),
      parameters: heldObject(properties, 'parameters'),
      description: textOf(properties, 'description', { lengthMax: 512 }),
      metadata: heldObject(properties, 'metadata'),
      enforcementMode: oneOf(properties, 'enforcementMode', ['Default', 'DoNotEnforce']) ?? 'Default',
      nonComplianceMessages: messagesOf(properties),
    };
    return keepPlain(job, { properties: kept });
  },

  remove: (resource, draft) => draft.delete(resource.id),

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

/** A member that is kept as it was stated, when it is an object. */
function heldObject(reader: Reader, name: string): JsonObject | undefined {
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

function definitionOf(job: Job): string | undefined {
  const stated = textOf(job.properties, 'policyDefinitionId', { required: true, lengthMax: 2048 });
  finish(job.body);
  if (stated === undefined) return undefined;
  const definition = typeOfId(stated) === policyDefinitionType ? job.draft.get(stated) : undefined;
  if (definition !== undefined) return definition.id;
  const says = `The policy definition '${shorten(stated)}' was not found. Sets of policies are not offered by this stamp.`;
  throw new Refusal('PolicyDefinitionNotFound', says, { status: 404, target: '/properties/policyDefinitionId' });
}

function messagesOf(properties: Reader): readonly JsonObject[] | undefined {
  return listOf(properties, 'nonComplianceMessages', messagesMax)?.map((entry) =>
    tidy({
      message: textOf(entry, 'message', { required: true, lengthMax: 1024 }),
      policyDefinitionReferenceId: textOf(entry, 'policyDefinitionReferenceId', { lengthMax: 256 }),
    }),
  );
}
