/** What a subscription uses of the quotas that the data plane enforces, and what it may. */

import type { Held } from '#engine/containment/spent.ts';
import { subscriptionOf } from '#engine/subscription.ts';
import { allowanceOf } from '#model/plans/allowance.ts';
import { snatPortsOf } from '#model/plans/snat-ports.ts';
import type { View } from '#model/resource.ts';
import type { Programs } from '#program/program.ts';

/** One quota: `used` is absent for a rate, which is enforced and not stored; `limit` is absent where no plan sets one. */
export type BudgetUse = { readonly name: string; readonly used?: number; readonly limit?: number };

export type UseParts = {
  readonly view: View;
  readonly programs: Programs;
  /** What routers hold now; absent where nothing runs. */
  readonly held: readonly Held[];
};

/** Rates and sums that all NICs of a subscription share; rates of one NIC are no use of the subscription. */
const names = [
  'maxConnectionsPerSubscription',
  'maxSnatPortsPerSubscription',
  'maxNewConnectionsPerSecondPerSubscription',
  'maxMegabitsPerSecondPerSubscription',
  'maxPacketsPerSecondPerSubscription',
] as const;

/** Current use and limit of each data-plane quota of a subscription, by its GUID. Connections count in every router that holds them. */
export function budgetUse(subscription: string, { view, programs, held }: UseParts): readonly BudgetUse[] {
  const allowance = allowanceOf(view, `/subscriptions/${subscription}`);
  const used: { readonly [name: string]: number } = {
    maxConnectionsPerSubscription: connectionsOf(subscription, programs, held),
    maxSnatPortsPerSubscription: snatPortsOf(view, `/subscriptions/${subscription}`),
  };
  return names.map((name) => {
    const limit = allowance?.get(name);
    return {
      name,
      ...(used[name] === undefined ? {} : { used: used[name] }),
      ...(limit === undefined ? {} : { limit }),
    };
  });
}

function connectionsOf(subscription: string, programs: Programs, held: readonly Held[]): number {
  return held.reduce((sum, { point, connections }) => {
    const program = programs[point];
    return program?.kind === 'router' && subscriptionOf(program.vnet) === subscription.toLowerCase()
      ? sum + connections
      : sum;
  }, 0);
}
