/** Subscriptions as resources: made by the stamp or its operator, never by a PUT; tags are all that a tenant may change. */

import { Refusal } from '#base/wrong.ts';
import { tidy } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { subscriptionType } from '#model/plans/plane.ts';

export const subscription: Noun = {
  type: subscriptionType,

  write({ id }) {
    throw new Refusal('SubscriptionNotWritable', 'Subscriptions are made by the operator of the stamp.', {
      status: 403,
      target: id,
    });
  },

  remove({ id }) {
    throw new Refusal('SubscriptionNotRemovable', 'Subscriptions are removed by the operator of the stamp.', {
      status: 403,
      target: id,
    });
  },

  show: ({ id, name, properties, tags }) =>
    tidy({ id, subscriptionId: name, displayName: properties['displayName'], state: properties['state'], tags }),
};
