/** Exemptions as resources: a scope at which an assignment of the same subscription does not count, for a reason and mostly for a time. */

import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { sameId, tryId, typeOfId } from '#model/arm-id.ts';
import { keepPlain, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { finish, member, missing, note, oneOf, shorten, textOf, textsOf } from '#model/parse.ts';
import type { Resource } from '#model/resource.ts';
import { heldObject } from '#model/authorization/policy.ts';
import { policyAssignmentType, policyExemptionType } from '#model/authorization/policy-types.ts';
import { isPlace } from '#model/authorization/reach-terms.ts';

const referencesMax = 100;

export const policyExemption: Noun = {
  type: policyExemptionType,

  write(write, draft, context) {
    const job = openJob(policyExemptionType, write, { draft, context });
    const { properties } = job;
    if (member(properties, 'exemptionCategory') === undefined) missing(properties, 'exemptionCategory');
    for (const name of ['resourceSelectors', 'assignmentScopeValidation']) {
      if (member(properties, name) !== undefined && textOf(properties, name) !== 'Default')
        note(properties, name, 'it is not offered; leave the member out');
    }
    const kept = {
      policyAssignmentId: assignmentOf(job),
      policyDefinitionReferenceIds: textsOf(properties, 'policyDefinitionReferenceIds', referencesMax),
      exemptionCategory: oneOf(properties, 'exemptionCategory', ['Waiver', 'Mitigated']),
      expiresOn: expiryOf(job),
      displayName: textOf(properties, 'displayName', { lengthMax: 128 }),
      description: textOf(properties, 'description', { lengthMax: 512 }),
      metadata: heldObject(properties, 'metadata'),
    };
    return keepPlain(job, { properties: kept, internal: {} });
  },

  remove: (resource, draft) => draft.delete(resource.id),

  show({ id, type, name, properties }) {
    return tidy({ properties, id, type, name });
  },
};

/** Milliseconds since 1970 at which an exemption ends; undefined: never. */
export function exemptionEnd({ properties }: Pick<Resource, 'properties'>): number | undefined {
  const { expiresOn } = properties;
  return typeof expiresOn === 'string' ? Date.parse(expiresOn) : undefined;
}

/** Was it marked as expired? Only a new write makes it count again. */
export function isSpent({ internal }: Pick<Resource, 'internal'>): boolean {
  return internal?.['spent'] === true;
}

/** The same, marked as expired. */
export function spent(exemption: Resource): { readonly internal: JsonObject } {
  return { internal: { ...exemption.internal, spent: true } };
}

/** ISO 8601, as az sends it: a date, or a date and a time; without a zone it is UTC. */
const timePattern = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;

function expiryOf({ properties, context }: Job): string | undefined {
  const stated = textOf(properties, 'expiresOn', { lengthMax: 64 });
  if (stated === undefined) return undefined;
  const zoned = /T/i.test(stated) && !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(stated) ? `${stated}Z` : stated;
  const end = timePattern.test(stated) ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(end)) {
    note(properties, 'expiresOn', `a time such as 2027-01-31T12:00:00Z is wanted, not "${shorten(stated)}"`);
    return undefined;
  }
  if (end <= Date.parse(context.now))
    note(properties, 'expiresOn', `"${shorten(stated)}" has passed already; a later time is wanted`);
  return new Date(end).toISOString();
}

/** What the operator signed is loosened by the operator's key alone. */
function assignmentOf(job: Job): string | undefined {
  const stated = textOf(job.properties, 'policyAssignmentId', { required: true, lengthMax: 2048 });
  const target = '/properties/policyAssignmentId';
  if (stated === undefined) return undefined;
  if (/^\/?(?:baseline|operator)\//i.test(stated)) {
    const says = `'${shorten(stated)}' is demanded by the operator of the stamp, whose word only the operator can loosen: ./ringwall policy exempt ${shorten(stated)} --scope ID --until TIME --reason TEXT.`;
    throw new Refusal('PolicyExemptionNotAllowed', says, { status: 403, target });
  }
  finish(job.body);
  const assignment = typeOfId(stated) === policyAssignmentType ? job.draft.get(stated) : undefined;
  if (assignment === undefined) {
    const says = `The policy assignment '${shorten(stated)}' was not found.`;
    throw new Refusal('PolicyAssignmentNotFound', says, { status: 404, target });
  }
  const [scope, above] = [tryId(job.id)?.scope ?? '', tryId(assignment.id)?.scope ?? ''];
  const isInside = sameId(scope, above) || scope.toLowerCase().startsWith(`${above.toLowerCase()}/`);
  if (!isInside || !isPlace(scope.toLowerCase())) {
    const says = `An exemption lies at the scope of its assignment or below it (${above === '' ? '/' : above}), at a subscription, resource group, virtual network, subnet, machine, network interface or application security group.`;
    throw new Refusal('InvalidPolicyExemptionScope', says, { target: '/id' });
  }
  return assignment.id;
}
