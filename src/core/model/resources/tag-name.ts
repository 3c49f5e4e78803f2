/** Tag names made beforehand in a subscription, with values to choose from; tags need none of them. */

import { tagKeyMax, tagValueMax } from '#base/limits.ts';
import { keepPlain, openJob } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { note, textsOf } from '#model/parse.ts';
import { nameOfId } from '#model/arm-id.ts';

export const tagNameType = 'Microsoft.Resources/subscriptions/tagNames';

const valuesMax = 1000;

export const tagName: Noun = {
  type: tagNameType,

  write(write, draft, context) {
    const job = openJob(tagNameType, write, { draft, context });
    const { properties } = job;
    if (nameOfId(job.id).length > tagKeyMax) note(job.body, 'name', `at most ${tagKeyMax} characters are allowed`);
    const values = textsOf(properties, 'values', valuesMax) ?? [];
    if (values.some((value) => value.length > tagValueMax))
      note(properties, 'values', `at most ${tagValueMax} characters are allowed in a value`);
    return keepPlain(job, { properties: { values } });
  },

  remove: (resource, draft) => draft.delete(resource.id),

  show: ({ id, name, properties }) => ({ id, tagName: name, properties }),
};
