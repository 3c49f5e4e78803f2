/** Lists of Graph: filtered, cut into pages by object id, and reduced to the properties that were asked for. */

import { graphPageMax, graphPageUsual } from '#base/identity-limits.ts';
import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import type { Answer, Call } from '#faces/graph/call.ts';
import { parseFilter } from '#faces/graph/filter.ts';

/** What a list is of: its name in the metadata, its rows, and how one is shown. */
export type Listed<T> = {
  readonly name: string;
  readonly rows: Iterable<T>;
  readonly show: (row: T) => JsonObject;
  /** The properties that a filter may name. */
  readonly properties: readonly string[];
};

const known = new Set(['$filter', '$select', '$top', '$count', '$skiptoken']);

/** Answers a list. The order is by object id, so that a page goes on where the last one ended whatever came between. */
export function listAnswer<T>(call: Call, { name, rows, show, properties }: Listed<T>): Answer {
  const { query } = call.asked;
  for (const key of query.keys())
    if (key.startsWith('$') && !known.has(key))
      throw new Refusal('Request_UnsupportedQuery', `The query option ${key.slice(0, 50)} is not known here.`);
  const text = query.get('$filter');
  const filter = text === undefined || text === '' ? undefined : parseFilter(text, new Set(properties));
  const shown: (JsonObject & { readonly id?: unknown })[] = [];
  for (const row of rows) {
    const object = show(row);
    if (filter === undefined || filter(object)) shown.push(object);
  }
  const idOf = (object: JsonObject): string => String(object['id'] ?? '');
  shown.sort((left, right) => (idOf(left) < idOf(right) ? -1 : 1));
  const from = startOf(query.get('$skiptoken'));
  const rest = from === undefined ? shown : shown.filter((object) => idOf(object) > from);
  const page = rest.slice(0, topOf(query.get('$top')));
  const last = page.at(-1);
  const isMore = page.length < rest.length && last !== undefined;
  return {
    status: 200,
    body: {
      '@odata.context': contextOf(call, name),
      ...(query.get('$count')?.toLowerCase() === 'true' ? { '@odata.count': shown.length } : {}),
      ...(isMore ? { '@odata.nextLink': nextOf(call, idOf(last)) } : {}),
      value: page.map((object) => selected(call, object)),
    },
  };
}

/** Answers one object. */
export function objectAnswer(call: Call, name: string, object: JsonObject): Answer {
  const body = { '@odata.context': `${contextOf(call, name)}/$entity`, ...selected(call, object) };
  return { status: call.asked.method === 'POST' ? 201 : 200, body };
}

export function contextOf({ options }: Call, name: string): string {
  return `${options.base}/v1.0/$metadata#${name}`;
}

function selected({ asked }: Call, object: JsonObject): JsonObject {
  const names = (asked.query.get('$select') ?? '').split(',').map((name) => name.trim());
  const wanted = new Set(names.filter((name) => name !== ''));
  if (wanted.size === 0) return object;
  return Object.fromEntries(Object.entries(object).filter(([name]) => wanted.has(name) || name.startsWith('@')));
}

function topOf(text: string | undefined): number {
  if (text === undefined) return graphPageUsual;
  if (/^[1-9]\d{0,2}$/.test(text)) return Math.min(Number(text), graphPageMax);
  throw new Refusal('Request_BadRequest', `Invalid $top: a whole number from 1 to ${graphPageMax} is wanted.`);
}

function startOf(token: string | undefined): string | undefined {
  if (token === undefined || token === '') return undefined;
  if (/^[0-9a-f-]{36}$/.test(token)) return token;
  throw new Refusal('Request_BadRequest', 'The $skiptoken is not one that was given here.');
}

function nextOf({ options, asked }: Call, token: string): string {
  const query = new URLSearchParams([...asked.query].filter(([name]) => name !== '$skiptoken'));
  query.set('$skiptoken', token);
  const path = asked.segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
  return `${options.base}/v1.0${path}?${query}`;
}
