/** Lists in pages: `value`, and an absolute `nextLink` while there is more. */

import { pageSizeMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import type { Resource } from '#model/resource.ts';
import type { Call } from '#faces/arm/call.ts';

/** One page of what is shown already. */
export function listAnswer(call: Call, items: readonly JsonObject[]): Answer {
  return pageAnswer(call, items, (item) => item);
}

/** One page of items that are shown only when they are on it. `$top` is the size of the page (`cutPage`). */
export function pageAnswer<T extends { readonly id?: unknown }>(
  call: Call,
  items: readonly T[],
  show: (item: T) => JsonObject,
): Answer {
  const { page, nextLink } = cutPage(call, items, Math.min(topOf(call) ?? pageSizeMax, pageSizeMax));
  const value = page.map(show);
  return shown(nextLink === undefined ? { value } : { value, nextLink });
}

/** One page of resources as they are shown, put together from texts that may stand from before. */
export function textPageAnswer(call: Call, resources: readonly Resource[]): Answer {
  const { page, nextLink } = cutPage(call, resources, Math.min(topOf(call) ?? pageSizeMax, pageSizeMax));
  const { engine, apiVersion, shownTexts } = call;
  const parts: Buffer[] = [];
  for (const resource of page) {
    parts.push(parts.length === 0 ? listStart : comma, shownTexts.of(engine, resource, apiVersion).bytes);
  }
  if (parts.length === 0) parts.push(listStart);
  parts.push(Buffer.from(nextLink === undefined ? ']}' : `],"nextLink":${JSON.stringify(nextLink)}}`));
  return { status: 200, bytes: Buffer.concat(parts) };
}

const listStart = Buffer.from('{"value":[');
const comma = Buffer.from(',');

/**
 * The page of items that is asked for, and where the next one is. `$skiptoken` says where the last one ended: by its place, and by its id in case
 * that others went in between.
 */
export function cutPage<T extends { readonly id?: unknown }>(
  call: Call,
  items: readonly T[],
  size: number,
): { readonly page: readonly T[]; readonly nextLink?: string } {
  const start = startOf(call, items);
  const end = start + size;
  const last = items[end - 1];
  const page = items.slice(start, end);
  if (end >= items.length || last === undefined) return { page };
  return { page, nextLink: linkTo(call, Buffer.from(`${end}.${String(last.id ?? '')}`).toString('base64url')) };
}

/** `$top`, where it is given. */
export function topOf({ asked }: Call): number | undefined {
  const top = asked.query.get('$top');
  if (top === undefined || top === '') return undefined;
  if (!/^[1-9]\d{0,8}$/.test(top)) {
    throw new Refusal(
      'InvalidTopParameter',
      `The $top '${top.slice(0, 50)}' is invalid: a whole number above 0 is wanted.`,
      { target: '$top' },
    );
  }
  return Number(top);
}

function startOf<T extends { readonly id?: unknown }>({ asked }: Call, items: readonly T[]): number {
  const token = asked.query.get('$skiptoken');
  if (token === undefined || token === '') return 0;
  const match = /^(\d{1,9})\.(.*)$/s.exec(Buffer.from(token, 'base64url').toString('utf8'));
  if (match === null)
    throw new Refusal('InvalidSkipToken', 'The $skiptoken is not one that this stamp gave.', { target: '$skiptoken' });
  const [, place = '0', id = ''] = match;
  const found = id === '' ? -1 : items.findIndex((item) => item.id === id);
  return found < 0 ? Number(place) : found + 1;
}

/** The address of the same question from a place on. */
export function linkTo({ asked }: Call, token: string): string {
  const query = new URLSearchParams([...asked.query].filter(([key]) => key !== '$skiptoken'));
  query.set('$skiptoken', token);
  const path = asked.segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
  return `${asked.base}${path}?${query.toString()}`;
}
