/** Keeps the meters: which resource stood how from when to when, written in the transaction of the change that ended it. */

import { sameJson, type JsonObject } from '#base/json.ts';
import { usageKeptMs, usageRowsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { meteredOf, type Interval } from '#model/metering/meters.ts';
import type { Edit, Resource } from '#model/resource.ts';
import type { Store } from '#engine/store/store.ts';
import { subscriptionOf } from '#engine/subscription.ts';

type Rows = {
  readonly puts: readonly { readonly table: string; readonly key: string; readonly value: JsonObject }[];
  readonly deletes: readonly { readonly table: string; readonly key: string }[];
};

type Reading = Pick<Store, 'row' | 'rows'>;

/** What still lasts, and what ended in a month: a subscription's own tables, so that nobody's reading costs another's time. */
const openTable = (subscription: string): string => `metered.${subscription}`;
const closedTable = (subscription: string, at: number): string =>
  `metered.${subscription}.${new Date(at).toISOString().slice(0, 7)}`;

const meteredSubscription = /^[0-9a-f-]{36}$/;

/** The last moment that was metered in a subscription: a clock that went back stands still there until it has caught up. */
const clockTable = (subscription: string): string => `metered.${subscription}.clock`;
const lastKey = 'last';

/**
 * The rows that a change writes besides its own: an interval ends where what is metered of a resource became another, and the next begins at
 * the very moment. What is written with the change is lost or kept with it.
 */
export function meterRows(store: Reading, edits: readonly Edit[], now: number): Rows {
  const puts: Rows['puts'][number][] = [];
  const deletes: Rows['deletes'][number][] = [];
  const moments = new Map<string, number>();
  for (const { id, before, after } of edits) {
    const subscription = subscriptionOf(id);
    const [old, next] = [meteredOf(before), meteredOf(after)];
    if (!meteredSubscription.test(subscription) || sameJson(old, next)) continue;
    const at = moments.get(subscription) ?? momentOf(store, subscription, now);
    moments.set(subscription, at);
    const [table, key] = [openTable(subscription), id.toLowerCase()];
    // A store from before there were meters has no beginning: what is not known is not charged.
    const open = old === undefined ? undefined : (store.row(table, key) as unknown as Interval | undefined);
    if (open !== undefined && at > open.from)
      puts.push({ table: closedTable(subscription, at), key: `${at} ${key}`, value: asRow({ ...open, to: at }) });
    if (next !== undefined) puts.push({ table, key, value: asRow({ metered: next, from: at }) });
    else if (old !== undefined) deletes.push({ table, key });
  }
  for (const [subscription, at] of moments) puts.push({ table: clockTable(subscription), key: lastKey, value: { at } });
  return { puts, deletes };
}

function momentOf(store: Reading, subscription: string, now: number): number {
  const last = store.row(clockTable(subscription), lastKey) as { readonly at?: number } | undefined;
  return Math.max(now, last?.at ?? 0);
}

function asRow(interval: Interval): JsonObject {
  return interval as unknown as JsonObject;
}

/** The intervals of a subscription that reach into the time after `from`, as far back as they are kept. */
export function meteredIntervals(
  store: Reading,
  subscription: string,
  { from, now }: { readonly from: number; readonly now: number },
): readonly Interval[] {
  const first = Math.max(from, now - usageKeptMs);
  const months = new Set<string>();
  for (let at = first; at < now; at += 86_400_000) months.add(closedTable(subscription, at));
  const found: Interval[] = [];
  for (const table of [...months, closedTable(subscription, now), openTable(subscription)].filter(isFirst)) {
    for (const { value } of store.rows(table)) {
      if (found.length >= usageRowsMax) throw tooMany();
      const interval = value as unknown as Interval;
      if (interval.to === undefined || interval.to > first) found.push(interval);
    }
  }
  return found;
}

function isFirst(table: string, index: number, all: readonly string[]): boolean {
  return all.indexOf(table) === index;
}

function tooMany(): Refusal {
  const says = `More than ${usageRowsMax} changes were metered in that time; ask for a shorter one.`;
  return new Refusal('ServiceUnavailable', says, { status: 503, retryAfterS: 60 });
}

/** Begins the intervals of what stands without one: a store from before there were meters. Run once, before anything changes. */
export async function beginMeters(store: Store, resources: Iterable<Resource>, now: number): Promise<void> {
  let puts: Rows['puts'][number][] = [];
  const write = async (): Promise<void> => {
    if (puts.length > 0) await store.append({ subscription: '', kind: 'metering', payload: null, puts });
    puts = [];
  };
  for (const resource of resources) {
    const [subscription, key] = [subscriptionOf(resource.id), resource.id.toLowerCase()];
    const metered = meteredSubscription.test(subscription) ? meteredOf(resource) : undefined;
    if (metered === undefined || store.row(openTable(subscription), key) !== undefined) continue;
    const from = momentOf(store, subscription, now);
    puts.push({ table: openTable(subscription), key, value: asRow({ metered, from }) });
    if (puts.length >= rowsPerEntry) await write();
  }
  await write();
}

const rowsPerEntry = 1000;

/** Forgets what ended in months that lie wholly behind what is kept; so many rows each time. Answers whether there may be more. */
export async function forgetMeters(store: Store, subscriptions: Iterable<string>, now: number): Promise<boolean> {
  const last = now - usageKeptMs - monthMs;
  const deletes: Rows['deletes'][number][] = [];
  for (const subscription of subscriptions) {
    for (let back = 0; back < monthsSwept; back++) {
      const table = closedTable(subscription, last - back * monthMs);
      for (const { key } of store.rows(table)) {
        deletes.push({ table, key });
        if (deletes.length >= rowsPerEntry) break;
      }
      if (deletes.length >= rowsPerEntry) break;
    }
  }
  if (deletes.length > 0)
    await store.append({ subscription: '', kind: 'metering', payload: null, deletes: deletes.slice(0, rowsPerEntry) });
  return deletes.length >= rowsPerEntry;
}

/** No month is longer. A stamp that was off for a year still forgets. */
const monthMs = 31 * 86_400_000;
const monthsSwept = 14;
