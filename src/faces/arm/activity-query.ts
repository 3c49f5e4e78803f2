/** What a reader asks of the activity log: `$filter`, `$select` and `$skipToken`, read to the end or refused by name. */

import { filterTermsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { AuditPlace } from '#engine/store/database.ts';
import { parseFilter, type Term } from '#faces/arm/filter.ts';

/** Comparisons of texts, in lower case; and the time, in milliseconds since 1970, both ends inclusive. */
export type ActivityQuery = {
  readonly from: number;
  readonly to: number;
  readonly texts: readonly { readonly name: string; readonly isEqual: boolean; readonly values: readonly string[] }[];
  readonly select?: ReadonlySet<string>;
  readonly before?: AuditPlace;
};

const textNames = [
  'resourcegroupname',
  'resourceid',
  'resourceuri',
  'resourceprovider',
  'resourcetype',
  'correlationid',
  'eventchannels',
  'caller',
  'status',
  'levels',
  'category',
  'operationname',
];
const rule = { compares: ['eventtimestamp', ...textNames], calls: [] };

/** Members of an event that `$select` may name (Azure Monitor REST, "Activity Logs - List"). */
export const eventMembers = [
  'authorization',
  'caller',
  'category',
  'channels',
  'claims',
  'correlationId',
  'description',
  'eventDataId',
  'eventName',
  'eventTimestamp',
  'httpRequest',
  'id',
  'level',
  'operationId',
  'operationName',
  'properties',
  'resourceGroupName',
  'resourceId',
  'resourceProviderName',
  'resourceType',
  'status',
  'subStatus',
  'submissionTimestamp',
  'subscriptionId',
  'tenantId',
] as const;

/** Reads a query. Without a time all that is kept is meant. */
export function parseActivityQuery(query: ReadonlyMap<string, string>, now: number): ActivityQuery {
  const terms = parseFilter(query.get('$filter'), rule);
  const { from, to } = timeOf(terms, now);
  const select = selectOf(query.get('$select'));
  const before = placeOf(query.get('$skiptoken'));
  return {
    from,
    to,
    texts: terms.flatMap((term) => textOf(term)),
    ...(select === undefined ? {} : { select }),
    ...(before === undefined ? {} : { before }),
  };
}

function timeOf(terms: readonly Term[], now: number): { readonly from: number; readonly to: number } {
  let [from, to] = [0, now];
  for (const term of terms) {
    if (term.kind !== 'compare' || term.name !== 'eventtimestamp') continue;
    const at = momentOf(term.value);
    // Only bounds are known of these operators: milliseconds are the smallest step that an event has.
    if (term.operator === 'ge') from = Math.max(from, at);
    else if (term.operator === 'gt') from = Math.max(from, at + 1);
    else if (term.operator === 'le') to = Math.min(to, at);
    else if (term.operator === 'lt') to = Math.min(to, at - 1);
    else if (term.operator === 'eq') [from, to] = [Math.max(from, at), Math.min(to, at)];
    else throw refusal("eventTimestamp is compared by ge, gt, le, lt or eq, not by 'ne'");
  }
  return { from, to };
}

const moment = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;

function momentOf(text: string): number {
  const stated = /T|\d /.test(text) && !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? `${text}Z` : text;
  const at = moment.test(text) ? Date.parse(stated) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw refusal(`the time '${text.slice(0, 60)}' is none such as 2026-01-31T13:00:00Z`);
}

function textOf(term: Term): ActivityQuery['texts'] {
  if (term.kind !== 'compare' || term.name === 'eventtimestamp') return [];
  // The log has one channel; a filter for channels takes in all of it.
  if (term.name === 'eventchannels') return [];
  if (term.operator !== 'eq' && term.operator !== 'ne')
    throw refusal(`'${term.name}' is compared by eq or ne, not by '${term.operator}'`);
  const isList = term.name === 'levels';
  const values = (isList ? term.value.split(',') : [term.value]).map((value) => value.trim().toLowerCase());
  if (values.length > filterTermsMax) throw refusal(`'${term.name}' has more than ${filterTermsMax} values`);
  return [{ name: term.name, isEqual: term.operator === 'eq', values }];
}

function selectOf(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const names = text.split(',').map((name) => name.trim());
  const known = names.map((name) => eventMembers.find((one) => one.toLowerCase() === name.toLowerCase()));
  const at = known.indexOf(undefined);
  if (at < 0) return new Set(known.flatMap((name) => name ?? []));
  const says = `The $select is invalid: an event has no member '${(names[at] ?? '').slice(0, 50)}'; it has ${eventMembers.join(', ')}.`;
  throw new Refusal('InvalidSelectInQueryString', says, { target: '$select' });
}

/** The place that a page before this one named. It gives no right: every page is judged as if it were the first. */
function placeOf(token: string | undefined): AuditPlace | undefined {
  if (token === undefined || token === '') return undefined;
  const text = /^[\w-]{1,60}$/.test(token) ? Buffer.from(token, 'base64url').toString('latin1') : '';
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(text);
  if (match !== null) return { at: Number(match[1]), sequence: Number(match[2]) };
  throw new Refusal('InvalidSkipToken', 'The $skipToken is not one that this stamp gave.', { target: '$skipToken' });
}

/** The text of a place, for the link to the next page. */
export function printPlace({ at, sequence }: AuditPlace): string {
  return Buffer.from(`${at}.${sequence}`).toString('base64url');
}

function refusal(reason: string): Refusal {
  return new Refusal('InvalidFilterInQueryString', `The $filter is invalid: ${reason}.`, { target: '$filter' });
}
