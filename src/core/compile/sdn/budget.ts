/** Budgets: what each NIC may send, and what all of a subscription may hold at the boundary, by the quotas of its plans. */

import { boundaryStatesShared, budgetMax, megabitsMax } from '#base/limits.ts';
import { byId } from '#compile/lists.ts';
import type { NicFacts } from '#compile/sdn/nic.ts';
import { portName } from '#compile/sdn/nic.ts';
import { type Allowance, allowanceOf } from '#model/plans/allowance.ts';
import { networkQuotaFields } from '#model/plans/quota-fields.ts';
import type { Resource } from '#model/resource.ts';
import {
  apartFilterKey,
  type Budget,
  type EdgeProgram,
  type Filter,
  type RouterProgram,
  type Share,
} from '#program/program.ts';

/** The allowance of each subscription that has plans, by its GUID; NICs of all others have the standard budget and no share. */
export type Budgets = ReadonlyMap<string, Allowance>;

type BudgetLists = {
  readonly subscriptions: readonly Resource[];
  readonly plans: readonly Resource[];
  readonly networkQuotas: readonly Resource[];
};

/** What subscriptions' plans allow. */
export function budgetsOf({ subscriptions, plans, networkQuotas }: BudgetLists): Budgets {
  const known = byId([...subscriptions, ...plans, ...networkQuotas]);
  const view = { get: (id: string) => known.get(id.toLowerCase()) };
  return new Map(
    subscriptions.flatMap(({ id }) => {
      const allowance = allowanceOf(view, id);
      return allowance === undefined ? [] : [[guidOf(id), allowance] as const];
    }),
  );
}

function guidOf(id: string): string {
  return id.split('/')[2]?.toLowerCase() ?? '';
}

const standard: Allowance = new Map(networkQuotaFields.map((field) => [field.name, field.standard]));

const fields = {
  newPerSecond: 'maxNewConnectionsPerSecondPerNic',
  mailPerMinute: 'maxMailConnectionsPerMinutePerNic',
  targetsPerMinute: 'maxTargetsPerMinutePerNic',
  packetsPerSecond: 'maxPacketsPerSecondPerNic',
  forgedPerMinute: 'maxForgedPacketsPerMinutePerNic',
} as const;

/**
 * The budget of a subscription's NICs. Plans that say nothing of networks leave every field 0: what such a subscription still has
 * keeps the standard budget, for a plan that is taken away is no reason to cut a machine off.
 */
function budgetOf(allowance: Allowance | undefined): Budget {
  const states = Object.values(fields).some((field) => (allowance?.get(field) ?? 0) > 0);
  const from = allowance === undefined || !states ? standard : allowance;
  const numbers = Object.entries(fields).map(([name, field]) => [name, whole(from.get(field))]);
  return Object.fromEntries(numbers) as Budget;
}

/** A number as the kernel takes it: whole, and no more than it can count out to nanoseconds. */
function whole(value = 0): number {
  return Math.min(Math.max(0, Math.floor(value)), budgetMax);
}

function budgetKey(budget: Budget): string {
  const { newPerSecond, mailPerMinute, targetsPerMinute, packetsPerSecond, forgedPerMinute } = budget;
  return `${newPerSecond}-${mailPerMinute}-${targetsPerMinute}-${packetsPerSecond}-${forgedPerMinute}`;
}

/** The budgets of a router's own ports. */
export function routerBudgets(
  nics: readonly NicFacts[],
  budgets: Budgets,
): Required<Pick<RouterProgram, 'budgets' | 'spenders'>> {
  const found: { [key: string]: Budget } = {};
  const spenders: { [port: string]: string } = {};
  for (const { mark, subscription } of nics) {
    const budget = budgetOf(budgets.get(subscription));
    const key = budgetKey(budget);
    found[key] = budget;
    spenders[portName(mark)] = key;
  }
  return { budgets: found, spenders };
}

/** What the router of a network of this subscription may hold; every router has a table of its own, which nobody else can fill. */
export function routerHolds(subscription: string, budgets: Budgets): Pick<RouterProgram, 'holds'> {
  const allowance = budgets.get(subscription);
  if (allowance === undefined) return {};
  const connections = whole(allowance.get('maxConnectionsPerSubscription'));
  return { holds: { [subscription]: { connections, because: `subscription/${subscription}` } } };
}

/**
 * The shares of subscriptions at the boundary. Their states never come to more than is there for all: where quotas promise more,
 * each is cut in proportion, so that what one holds is never missing for another.
 */
export function edgeShares(nics: readonly NicFacts[], budgets: Budgets): Pick<EdgeProgram, 'shares' | 'sharers'> {
  const sharers: { [label: string]: string } = {};
  for (const { subscription, addresses } of nics) {
    if (!budgets.has(subscription)) continue;
    for (const { label } of addresses) sharers[label] = subscription;
  }
  const users = [...new Set(Object.values(sharers))].sort();
  if (users.length === 0) return {};
  const wanted = (user: string) => whole(budgets.get(user)?.get('maxConnectionsPerSubscription'));
  const sum = users.reduce((total, user) => total + wanted(user), 0);
  const part = Math.min(1, boundaryStatesShared / Math.max(1, sum));
  const shares = users.map((user) => {
    const rate = (of: string) => whole(budgets.get(user)?.get(`max${of}PerSecondPerSubscription`));
    const share: Share = {
      connections: Math.floor(wanted(user) * part),
      newPerSecond: rate('NewConnections'),
      packetsPerSecond: rate('Packets'),
      megabitsPerSecond: Math.min(rate('Megabits'), megabitsMax),
      because: `subscription/${user}`,
    };
    return [user, share] as const;
  });
  return { shares: Object.fromEntries(shares), sharers };
}

/** See `apartFilterKey`: for both directions of a quarantined port. */
export const apartFilter: Filter = Object.freeze({
  rules: Object.freeze({
    '0100/probe': Object.freeze({
      access: 'allow',
      protocol: 'any',
      source: { prefixes: [], sets: ['probe'] },
      target: 'any',
      sourcePorts: [],
      targetPorts: [],
      because: `${apartFilterKey}/probe`,
    }),
    '0200/all': Object.freeze({
      access: 'deny',
      protocol: 'any',
      source: 'any',
      target: 'any',
      sourcePorts: [],
      targetPorts: [],
      because: `${apartFilterKey}/all`,
    }),
  }),
});
