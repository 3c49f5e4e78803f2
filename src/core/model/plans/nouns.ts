/** The nouns of plans, offers, quotas and subscriptions, for the table of all resource types. */

import type { Noun } from '#model/noun.ts';
import { acquiredPlan } from '#model/plans/acquired-plan.ts';
import { delegatedOffer } from '#model/plans/delegated-offer.ts';
import { service } from '#model/plans/move.ts';
import { offerDelegation } from '#model/plans/offer-delegation.ts';
import { offer } from '#model/plans/offer.ts';
import { plan } from '#model/plans/plan.ts';
import { delegationQuota, quotaNouns } from '#model/plans/quota.ts';
import { signUp } from '#model/plans/sign-up.ts';
import { userSubscription } from '#model/plans/user-subscription.ts';

export const planNouns: readonly Noun[] = [
  ...quotaNouns,
  delegationQuota,
  plan,
  offer,
  offerDelegation,
  userSubscription,
  acquiredPlan,
  signUp,
  delegatedOffer,
  service,
];
