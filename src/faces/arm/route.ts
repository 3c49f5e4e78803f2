/** Finds who answers a path: the table of fixed addresses first, then any resource, list, part or action by its id. */

import { routeKnownLengthMax, routesKnownMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { canonicalId, splitAction, tryId, typeOfId } from '#model/arm-id.ts';
import { servesType, type Plane } from '#model/plans/plane.ts';
import { canonicalType } from '#model/types.ts';
import type { BodyKind } from '#faces/arm/body.ts';
import type { Handler, Parts } from '#faces/arm/call.ts';
import { rowOf, rowsOf, type Row } from '#faces/arm/catalog.ts';

export type Endpoint = { readonly handler: Handler; readonly body: BodyKind };

/** Who answers, and the row whose api-versions count. */
export type Route = {
  readonly row: Row;
  readonly parts: Parts;
  readonly methods: { readonly [method: string]: Endpoint };
};

/**
 * One line of the table of fixed addresses. `{name}` takes one segment; a leading `{scope}` takes any scope: nothing, a
 * subscription, a resource group or a resource. Text matches without regard to case.
 */
export type Line = {
  readonly pattern: string;
  readonly type: string;
  readonly methods: { readonly [method: string]: Handler | readonly [Handler, BodyKind] };
};

/** Who answers for resources of the catalog. */
export type ResourceHandlers = {
  readonly one: { readonly [method: string]: Endpoint };
  readonly list: Endpoint;
  readonly part: Endpoint;
  readonly parts: Endpoint;
  readonly action: { readonly [method: string]: Endpoint };
};

export type Router = (segments: readonly string[], method: string) => Route;

type Resources = ResourceHandlers & { readonly plane: Plane };

type Compiled = {
  readonly words: readonly string[];
  readonly isScoped: boolean;
  readonly row: Row;
  readonly methods: Route['methods'];
};

/** Builds the router of a plane: lines and types of the other are not there. Throws when a line names a type that the catalog lacks. */
export function makeRouter(lines: readonly Line[], handlers: ResourceHandlers, plane: Plane): Router {
  const compiled = lines.map(compile).filter(({ row }) => servesType(plane, row.type));
  const ending = byEnding(compiled);
  const resources = { ...handlers, plane };
  const find = (segments: readonly string[], method: string): Route => {
    const last = segments.at(-1)?.toLowerCase() ?? '';
    // Two lines may share an address and part the methods among them, each with api-versions of its own.
    let other: Route | undefined;
    for (const line of ending.get(last) ?? ending.get('') ?? []) {
      const parts = match(line, segments);
      if (parts === undefined) continue;
      const route = { row: line.row, parts, methods: line.methods };
      if (Object.hasOwn(line.methods, method)) return route;
      other ??= route;
    }
    return other ?? resourceRoute(`/${segments.join('/')}`, resources);
  };
  // A route follows from method and path alone. Who polls or reads the same thing again does not have it looked for again.
  const known = new Map<string, Route>();
  return (segments, method) => {
    const path = `${method} ${segments.join('/')}`;
    const found = known.get(path);
    if (found !== undefined) return found;
    const route = find(segments, method);
    if (known.size >= routesKnownMax) known.clear();
    if (path.length <= routeKnownLengthMax) known.set(path, route);
    return route;
  };
}

/** The lines by their last word, in their order, each list with the lines that end with any; those alone under the empty text. */
function byEnding(compiled: readonly Compiled[]): ReadonlyMap<string, readonly Compiled[]> {
  const endings = new Set(['', ...compiled.map(({ words }) => words.at(-1)?.toLowerCase() ?? '')]);
  const open = (word: string): boolean => word === '' || word.startsWith('{');
  return new Map(
    [...endings].map((ending) => [
      ending,
      compiled.filter(({ words }) => open(words.at(-1) ?? '') || words.at(-1)?.toLowerCase() === ending),
    ]),
  );
}

function compile({ pattern, type, methods }: Line): Compiled {
  const row = rowOf(type);
  if (row === undefined) throw new TypeError(`${pattern}: the catalog has no type ${type}.`);
  const words = pattern.split('/').filter((word) => word !== '');
  const isScoped = words[0] === '{scope}';
  const endpoints = Object.entries(methods).map(([method, held]) => {
    const [handler, body] = typeof held === 'function' ? [held, bodyOf(method)] : held;
    return [method, { handler, body }] as const;
  });
  return { words: isScoped ? words.slice(1) : words, isScoped, row, methods: Object.fromEntries(endpoints) };
}

function bodyOf(method: string): BodyKind {
  if (method === 'PUT' || method === 'POST') return 'json';
  return method === 'PATCH' ? 'patch' : 'none';
}

function match({ words, isScoped }: Compiled, segments: readonly string[]): Parts | undefined {
  const surplus = segments.length - words.length;
  if (surplus < 0 || (surplus > 0 && !isScoped)) return undefined;
  const parts: [string, string][] = [];
  // The end tells more than the beginning, which most paths have in common.
  for (let index = words.length - 1; index >= 0; index--) {
    const word = words[index] ?? '';
    const segment = segments[surplus + index] ?? '';
    if (word.startsWith('{')) parts.push([word.slice(1, -1), segment]);
    else if (word !== segment && word.toLowerCase() !== segment.toLowerCase()) return undefined;
  }
  if (!isScoped) return Object.fromEntries(parts);
  const scope = scopeOf(segments.slice(0, surplus));
  return scope === undefined ? undefined : Object.fromEntries([...parts, ['scope', scope]]);
}

/** The scope that leading segments are, in canonical casing (the tenant is the empty text); undefined when they are none. */
function scopeOf(segments: readonly string[]): string | undefined {
  if (segments.length === 0) return '';
  const [first, subscription, second, group] = segments;
  if (segments.length === 2 && first?.toLowerCase() === 'subscriptions') return `/subscriptions/${subscription}`;
  if (segments.length === 4 && second?.toLowerCase() === 'resourcegroups')
    return `/subscriptions/${subscription}/resourceGroups/${group}`;
  const text = `/${segments.join('/')}`;
  return tryId(text) === undefined ? undefined : canonicalId(text);
}

function resourceRoute(path: string, handlers: Resources): Route {
  const type = typeOfId(path);
  if (type !== undefined) return oneRoute({ id: canonicalId(path), type }, handlers);
  const split = splitAction(path);
  if (split !== undefined) return belowRoute(split, handlers);
  const collection = collectionOf(path);
  if (collection !== undefined) return collectionRoute(collection, handlers);
  throw new Refusal('NotFound', `Nothing is served at the path '${path.slice(0, 500)}'.`, { status: 404 });
}

function oneRoute({ id, type }: { id: string; type: string }, handlers: Resources): Route {
  const row = known(type, handlers.plane);
  if (row.lives === 'part') return { row, parts: { id, type: row.type }, methods: { GET: handlers.part } };
  const methods = row.methods.flatMap((method) => {
    const endpoint = handlers.one[method];
    return endpoint === undefined ? [] : [[method, endpoint] as const];
  });
  const head = handlers.one['HEAD'];
  return {
    row,
    parts: { id, type: row.type },
    methods: { ...Object.fromEntries(methods), ...(head && { HEAD: head }) },
  };
}

/** What hangs below a resource: a list of children or parts when the catalog has such a type, else an action. */
function belowRoute({ id, action }: { id: string; action: string }, handlers: Resources): Route {
  const parent = typeOfId(id) ?? '';
  const below = rowOf(`${parent}/${action}`);
  const row = below !== undefined && servesType(handlers.plane, below.type) ? below : undefined;
  if (row?.lives === 'part')
    return { row, parts: { parent: canonicalId(id), type: row.type }, methods: { GET: handlers.parts } };
  if (row !== undefined)
    return { row, parts: { scope: canonicalId(id), type: row.type }, methods: { GET: handlers.list } };
  const above = known(parent, handlers.plane);
  return {
    row: above,
    parts: { id: canonicalId(id), type: above.type, action },
    methods: handlers.action,
  };
}

type Collection = { readonly scope: string; readonly type: string };

/** `/subscriptions/x[/resourceGroups/y]/providers/NS/type`, or the same under the tenant or a resource. */
function collectionOf(path: string): Collection | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  const [providers, namespace, type] = segments.slice(-3);
  if (providers?.toLowerCase() !== 'providers' || namespace === undefined || type === undefined) return undefined;
  const scope = scopeOf(segments.slice(0, -3));
  return scope === undefined ? undefined : { scope, type: canonicalType(`${namespace}/${type}`) };
}

function collectionRoute({ scope, type }: Collection, handlers: Resources): Route {
  const row = known(type, handlers.plane);
  return { row, parts: { scope, type: row.type }, methods: { GET: handlers.list } };
}

function known(type: string, plane: Plane): Row {
  const row = rowOf(type);
  if (row !== undefined && row.lives !== 'surface' && servesType(plane, row.type)) return row;
  const [namespace = '', ...rest] = type.split('/');
  if (rowsOf(namespace, plane).length === 0) {
    throw new Refusal('InvalidResourceNamespace', `The resource namespace '${namespace.slice(0, 200)}' is invalid.`, {
      status: 404,
    });
  }
  throw new Refusal(
    'InvalidResourceType',
    `The resource type '${rest.join('/').slice(0, 300)}' could not be found in the namespace '${namespace}'.`,
    { status: 404 },
  );
}
