/** Management locks as resources: what they say; what they stop is decided in access. */

import { Refusal } from '#base/wrong.ts';
import { tryId } from '#model/arm-id.ts';
import { openJob, keepPlain, tidy } from '#model/job.ts';
import { listOf, missing, oneOf, textOf } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';

const lockType = 'Microsoft.Authorization/locks';

const ownersMax = 20;

export const lock: Noun = {
  type: lockType,

  write(write, draft, context) {
    const job = openJob(lockType, write, { draft, context });
    const scope = tryId(job.id)?.scope ?? '';
    if (tryId(scope) !== undefined && draft.get(scope) === undefined) {
      throw new Refusal('ResourceNotFound', `The resource '${scope}' was not found.`, { status: 404, target: scope });
    }
    const level = oneOf(job.properties, 'level', ['CanNotDelete', 'ReadOnly']);
    if (level === undefined && !job.properties.members.has('level')) missing(job.properties, 'level');
    const owners = listOf(job.properties, 'owners', ownersMax)?.map((owner) => ({
      applicationId: textOf(owner, 'applicationId', { lengthMax: 64 }) ?? '',
    }));
    const notes = textOf(job.properties, 'notes', { lengthMax: 512 });
    return keepPlain(job, { properties: { level, notes, owners } });
  },

  remove: (resource, draft) => draft.delete(resource.id),

  show: ({ id, type, name, properties }) => tidy({ properties, id, type, name }),
};
