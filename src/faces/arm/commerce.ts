/** Usage as Azure Stack's billing tools read it: `Microsoft.Commerce/usageAggregates`, by the hour or the day (Azure Stack Hub docs, "Tenant resource usage API"). */

import { createHash } from 'node:crypto';
import { usageDaysMax, usagePageMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { aggregate, type Aggregate } from '#model/metering/meters.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { subscriptionId, type Call } from '#faces/arm/call.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

type Granularity = 'hourly' | 'daily';
/** What is asked: whole periods of a time, with or without the resources that things were counted on, from a place on. */
export type UsageQuery = {
  readonly from: number;
  readonly to: number;
  readonly granularity: Granularity;
  readonly showDetails: boolean;
  readonly period: number;
  readonly skip: number;
};

/** GET `usageAggregates` of a subscription (2015-06-01-preview). */
export function listUsage(call: Call): Answer {
  const scope = subscriptionId(call);
  call.engine.authorize(call.caller, 'Microsoft.Commerce/usageAggregates/read', scope);
  const now = call.options.now();
  const query = parseUsageQuery(call.asked.query, now);
  const subscription = (scope.split('/')[2] ?? '').toLowerCase();
  const intervals = call.engine.metered(subscription, query.period);
  const stepMs = query.granularity === 'daily' ? dayMs : hourMs;
  const value: JsonObject[] = [];
  for (let period = query.period; period < query.to; period += stepMs) {
    const all = aggregate(intervals, { from: period, to: period + stepMs, now });
    const rows = query.showDetails ? all : byMeter(all);
    const skip = period === query.period ? query.skip : 0;
    for (const [index, row] of rows.entries()) {
      if (index < skip) continue;
      if (value.length === usagePageMax) return shown({ value, nextLink: nextOf(call, period, index) });
      value.push(showAggregate(row, { subscription, period, stepMs, showDetails: query.showDetails }));
    }
  }
  return shown({ value });
}

function byMeter(all: readonly Aggregate[]): readonly Aggregate[] {
  const sums = new Map<string, Aggregate>();
  for (const one of all) {
    const sum = sums.get(one.meter);
    sums.set(one.meter, sum === undefined ? one : { ...sum, quantity: sum.quantity + one.quantity });
  }
  return [...sums.values()].toSorted((left, right) => (left.meter < right.meter ? -1 : 1));
}

type About = {
  readonly subscription: string;
  readonly period: number;
  readonly stepMs: number;
  readonly showDetails: boolean;
};

function showAggregate(
  { instance, meter, quantity }: Aggregate,
  { subscription, period, stepMs, showDetails }: About,
): JsonObject {
  const type = 'Microsoft.Commerce/UsageAggregate';
  const start = new Date(period).toISOString();
  const place = createHash('sha256')
    .update(showDetails ? instance.resourceUri.toLowerCase() : '')
    .digest('hex')
    .slice(0, 16);
  const name = `${subscription}-${meter}-${start.slice(0, 13)}-${place}`;
  return {
    id: `/subscriptions/${subscription}/providers/${type}/${name}`,
    name,
    type,
    properties: {
      subscriptionId: subscription,
      usageStartTime: withOffset(period),
      usageEndTime: withOffset(period + stepMs),
      ...(showDetails ? { instanceData: JSON.stringify({ 'Microsoft.Resources': instance }) } : {}),
      quantity,
      meterId: meter,
    },
  };
}

/** As the documented answers write times. */
function withOffset(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}+00:00`;
}

/** Reads the query or refuses it with the documented codes. */
export function parseUsageQuery(query: ReadonlyMap<string, string>, now: number): UsageQuery {
  const granularity = granularityOf(query.get('aggregationgranularity'));
  const from = timeOf(query, 'reportedStartTime', granularity);
  const to = timeOf(query, 'reportedEndTime', granularity);
  if (to > now) {
    const says = `The reportedEndTime ${new Date(to).toISOString()} lies in the future; it is ${new Date(now).toISOString()}.`;
    throw new Refusal('RequestEndTimeIsInFuture', says, { target: 'reportedEndTime' });
  }
  if (from >= to) throw invalid('reportedStartTime', 'it must lie before reportedEndTime');
  if (to - from > usageDaysMax * dayMs)
    throw invalid('reportedStartTime', `at most ${usageDaysMax} days are answered at once`);
  const details = (query.get('showdetails') ?? 'true').toLowerCase();
  if (details !== 'true' && details !== 'false') throw invalid('showDetails', 'true or false is wanted');
  const place = placeOf(query.get('continuationtoken'), { from, to, granularity });
  return { from, to, granularity, showDetails: details === 'true', ...place };
}

function granularityOf(text: string | undefined): Granularity {
  const word = (text ?? 'daily').toLowerCase();
  if (word === 'daily' || word === 'hourly') return word;
  const says = `The aggregationGranularity '${word.slice(0, 50)}' is none of daily, hourly.`;
  throw new Refusal('InvalidAggregationGranularity', says, { target: 'aggregationGranularity' });
}

const moment = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.0{1,9})?)?(?:Z|[+ -]\d{2}:?\d{2})?)?$/i;

function timeOf(query: ReadonlyMap<string, string>, name: string, granularity: Granularity): number {
  const text = query.get(name.toLowerCase());
  if (text === undefined || text === '') throw invalid(name, 'it must be stated');
  if (!moment.test(text)) throw invalid(name, 'a time such as 2026-01-31T00:00:00Z is wanted');
  // A plus sign that was not encoded arrives as a space.
  const whole = text.replace(' ', '+');
  const at = Date.parse(/T/i.test(whole) && !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(whole) ? `${whole}Z` : whole);
  if (Number.isNaN(at)) throw invalid(name, 'a time such as 2026-01-31T00:00:00Z is wanted');
  const [stepMs, word] = granularity === 'daily' ? [dayMs, 'midnight (UTC)'] : [hourMs, 'a whole hour'];
  if (at % stepMs !== 0) throw invalid(name, `${granularity} usage begins and ends at ${word}`);
  return at;
}

/** Where the page before ended. It gives no right, and a place outside of what is asked is refused. */
function placeOf(
  token: string | undefined,
  { from, to, granularity }: Pick<UsageQuery, 'from' | 'to' | 'granularity'>,
): Pick<UsageQuery, 'period' | 'skip'> {
  if (token === undefined || token === '') return { period: from, skip: 0 };
  const text = /^[\w-]{1,60}$/.test(token) ? Buffer.from(token, 'base64url').toString('latin1') : '';
  const match = /^(\d{1,15})\.(\d{1,9})$/.exec(text);
  const period = Number(match?.[1] ?? Number.NaN);
  const isPlace = period >= from && period < to && period % (granularity === 'daily' ? dayMs : hourMs) === 0;
  if (match !== null && isPlace) return { period, skip: Number(match[2]) };
  throw invalid('continuationToken', 'it is not one that this stamp gave for this question');
}

function nextOf({ asked }: Call, period: number, index: number): string {
  const query = new URLSearchParams([...asked.query].filter(([key]) => key !== 'continuationtoken'));
  query.set('continuationToken', Buffer.from(`${period}.${index}`).toString('base64url'));
  const path = asked.segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
  return `${asked.base}${path}?${query.toString()}`;
}

function invalid(name: string, reason: string): Refusal {
  return new Refusal('InvalidProperty', `The value of ${name} is invalid: ${reason}.`, { target: name });
}
