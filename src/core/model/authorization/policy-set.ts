/** Sets of policies (initiatives) as resources: several definitions that are assigned together, with parameters of their own. */

import { policiesPerSetMax } from '#base/limits.ts';
import type { JsonObject } from '#base/json.ts';
import { keepPlain, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { listOf, member, missing, note, oneOf, shorten, textOf, type Reader } from '#model/parse.ts';
import { declaredParameters, filled } from '#model/authorization/policy-parameters.ts';
import { checkHome, checkUsers, heldObject, refuseUsed } from '#model/authorization/policy.ts';
import { policyDefinitionType, policySetType } from '#model/authorization/policy-types.ts';
import { policyOf } from '#model/authorization/reach-policy.ts';
import { subscriptionOf } from '#model/authorization/reach-terms.ts';

export const policySet: Noun = {
  type: policySetType,

  write(write, draft, context) {
    const job = openJob(policySetType, write, { draft, context });
    const { properties } = job;
    checkHome(job);
    oneOf(properties, 'policyType', ['Custom', 'NotSpecified']);
    if (member(properties, 'policyDefinitionGroups') !== undefined)
      note(properties, 'policyDefinitionGroups', 'groups of policies are not offered; leave the member out');
    const resource = keepPlain(job, {
      properties: {
        displayName: textOf(properties, 'displayName', { lengthMax: 128 }),
        policyType: 'Custom',
        description: textOf(properties, 'description', { lengthMax: 512 }),
        metadata: heldObject(properties, 'metadata'),
        parameters: heldObject(properties, 'parameters'),
        policyDefinitions: membersIn(job),
      },
    });
    checkUsers(resource, draft);
    return resource;
  },

  remove(resource, draft) {
    refuseUsed(resource, draft);
    draft.delete(resource.id);
  },

  show: ({ id, type, name, properties }) => tidy({ properties, id, type, name }),
};

function membersIn(job: Job): readonly JsonObject[] {
  const { properties } = job;
  const declared = declaredParameters(properties);
  const entries = listOf(properties, 'policyDefinitions', policiesPerSetMax);
  if (entries === undefined && member(properties, 'policyDefinitions') === undefined)
    missing(properties, 'policyDefinitions');
  const taken = new Set<string>();
  return (entries ?? []).map((entry) => {
    const policyDefinitionId = memberId(entry, job);
    const parameters = heldObject(entry, 'parameters');
    if (parameters !== undefined) {
      filled(parameters, {
        declares: (name) => declared.has(name),
        valueOf: () => undefined,
        refuse: (path, says) => note(entry, `parameters${path}`, says),
      });
    }
    const name = policyDefinitionId?.slice(policyDefinitionId.lastIndexOf('/') + 1) ?? '';
    const stated = textOf(entry, 'policyDefinitionReferenceId', { lengthMax: 256 });
    const policyDefinitionReferenceId = stated ?? (taken.has(name.toLowerCase()) ? `${name}-${taken.size}` : name);
    if (taken.has(policyDefinitionReferenceId.toLowerCase()))
      note(entry, 'policyDefinitionReferenceId', 'another policy of the set has the same');
    taken.add(policyDefinitionReferenceId.toLowerCase());
    return tidy({ policyDefinitionReferenceId, policyDefinitionId, parameters });
  });
}

function memberId(entry: Reader, { id, draft }: Job): string | undefined {
  const stated = textOf(entry, 'policyDefinitionId', { required: true, lengthMax: 2048 });
  if (stated === undefined) return undefined;
  const policy = policyOf(stated, draft);
  const home = policy === undefined ? undefined : subscriptionOf(policy.id);
  if (policy?.type === policyDefinitionType && (home === '' || home === subscriptionOf(id))) return policy.id;
  note(entry, 'policyDefinitionId', {
    code: 'PolicyDefinitionNotFound',
    message: `The policy definition '${shorten(stated)}' was not found; it lies at the set's own subscription or is a built-in one.`,
  });
  return undefined;
}
