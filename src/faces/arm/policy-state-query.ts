/** The part of OData that policy states are asked with: `$filter`, `$orderby`, `$select`, `$from`, `$to`; what is not served is refused by name. */

import { clockSkewMs, filterLengthMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { parseFilter, type Term } from '#faces/arm/filter.ts';
import { columnNamed, columnNames, comparable, type Row } from '#faces/arm/policy-state-row.ts';

/** What is asked of the states: which, in which order, and what of them. */
export type StateQuery = {
  readonly isMeant: (row: Row) => boolean;
  /** Undefined: in the order of their resources. */
  readonly order: ((left: Row, right: Row) => number) | undefined;
  readonly select: readonly string[];
};

/** Columns that a filter may compare. */
const compared = [
  'complianceState',
  'isCompliant',
  'resourceId',
  'resourceType',
  'resourceGroup',
  'policyAssignmentId',
  'policyAssignmentName',
  'policyDefinitionId',
  'policyDefinitionName',
  'policyDefinitionAction',
  'policyDefinitionReferenceId',
  'policySetDefinitionId',
  'policySetDefinitionName',
] as const;

const words: { readonly [column: string]: readonly string[] } = {
  complianceState: ['Compliant', 'NonCompliant'],
  isCompliant: ['true', 'false'],
};

const ordered = ['timestamp', ...compared];

/** Reads the options of a request at a time (ISO 8601). */
export function readStateQuery(query: ReadonlyMap<string, string>, now: string): StateQuery {
  for (const name of ['$apply', '$expand', '$skip', '$count']) {
    if ((query.get(name) ?? '') !== '') throw notServed(name);
  }
  checkTimes(query, Date.parse(now));
  const rule = { compares: compared.map((name) => name.toLowerCase()), calls: [] };
  const tests = parseFilter(query.get('$filter'), rule).map(testOf);
  return {
    isMeant: (row) => tests.every((isMet) => isMet(row)),
    order: orderOf(query.get('$orderby') ?? ''),
    select: selectOf(query.get('$select') ?? ''),
  };
}

function notServed(name: string): Refusal {
  const says = `The query option '${name}' is not served for policy states. Accepted are $filter, $orderby, $select, $top, $from and $to.`;
  return new Refusal('QueryOptionNotSupported', says, { target: name });
}

function testOf(term: Term): (row: Row) => boolean {
  const { name, operator, value } = term.kind === 'compare' ? term : { name: term.name, operator: '', value: '' };
  const column = columnNamed(name) ?? name;
  if (operator !== 'eq') {
    const says = `The $filter is invalid: '${column}' is compared by 'eq' only, not by '${operator}'.`;
    throw new Refusal('InvalidFilterInQueryString', says, { target: '$filter' });
  }
  const wanted = value.toLowerCase();
  const known = words[column];
  if (known !== undefined && !known.some((one) => one.toLowerCase() === wanted)) {
    const says = `The $filter is invalid: '${column}' is ${known.join(' or ')}, not '${value.slice(0, 100)}'.`;
    throw new Refusal('InvalidFilterInQueryString', says, { target: '$filter' });
  }
  return (row) => comparable(row, column) === wanted;
}

function orderOf(text: string): StateQuery['order'] {
  const keys = listed(text, '$orderby').map((part) => {
    const [name = '', direction = 'asc', ...rest] = part.split(/\s+/);
    const column = columnNamed(name);
    const isDescending = direction.toLowerCase() === 'desc';
    const isKnown = column !== undefined && ordered.includes(column);
    if (!isKnown || rest.length > 0 || !(isDescending || direction.toLowerCase() === 'asc')) {
      const says = `The $orderby '${part.slice(0, 100)}' is invalid. Wanted is one of ${ordered.join(', ')}, then asc or desc.`;
      throw new Refusal('InvalidOrderByParameter', says, { target: '$orderby' });
    }
    return { column, sign: isDescending ? -1 : 1 };
  });
  if (keys.length === 0) return undefined;
  return (left, right) => {
    for (const { column, sign } of keys) {
      const [a, b] = [comparable(left, column), comparable(right, column)];
      if (a !== b) return a < b ? -sign : sign;
    }
    return 0;
  };
}

function selectOf(text: string): readonly string[] {
  const names = listed(text, '$select').map((name) => {
    const column = columnNamed(name);
    if (column !== undefined) return column;
    const says = `The $select names '${name.slice(0, 100)}', which is no member of a policy state. These are: ${columnNames.join(', ')}.`;
    throw new Refusal('InvalidSelectParameter', says, { target: '$select' });
  });
  return names.length === 0 ? columnNames : names;
}

function listed(text: string, target: string): readonly string[] {
  if (text.length > filterLengthMax) {
    throw new Refusal('InvalidQueryOption', `The ${target} has more than ${filterLengthMax} characters.`, { target });
  }
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const timePattern = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;

/** States are those of now: an interval that ends before holds none that is kept, one that begins later none that is known. */
function checkTimes(query: ReadonlyMap<string, string>, now: number): void {
  const from = timeOf(query, '$from');
  const to = timeOf(query, '$to');
  if (to !== undefined && to < now - clockSkewMs)
    throw timeRefusal('$to', 'it has passed. States are judged when they are asked for, and earlier ones are not kept');
  if (from !== undefined && from > now + clockSkewMs) throw timeRefusal('$from', 'it is in the future');
}

function timeOf(query: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  const zoned = /[T ]/i.test(text) && !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? `${text}Z` : text;
  const time = timePattern.test(text) ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(time))
    throw timeRefusal(name, `a time such as 2027-01-31T12:00:00Z is wanted, not '${text.slice(0, 50)}'`);
  return time;
}

function timeRefusal(name: string, reason: string): Refusal {
  return new Refusal('InvalidTimeRange', `The ${name} is not accepted: ${reason}.`, { target: name });
}
