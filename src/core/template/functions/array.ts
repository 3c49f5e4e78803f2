/** Functions on arrays, and those that work on arrays, objects and strings alike. */

import { rangeCountMax } from '#base/limits.ts';
import { canonical, isObject, type Json, type JsonObject } from '#base/json.ts';
import { keyOf } from '#template/value.ts';
import {
  anyAt,
  arrayAt,
  define,
  intAt,
  objectFrom,
  refuseArgument,
  refuseCall,
  textAt,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';

/** Azure docs, "Array functions". */
export const arrayFunctions: readonly TemplateFunction[] = [
  define('array', [1, 1], (call) => {
    const value = anyAt(call, 0);
    return Array.isArray(value) ? value : [value];
  }),
  define('createarray', [0, Infinity], (call) => call.args),
  define('concat', [1, Infinity], concat),
  define('contains', [2, 2], contains),
  define('empty', [1, 1], empty),
  define('first', [1, 1], (call) => endOf(call, 0)),
  define('last', [1, 1], (call) => endOf(call, -1)),
  define('length', [1, 1], length),
  define('skip', [2, 2], (call) => cut(call, (size, count) => [Math.min(size, Math.max(0, count)), size])),
  define('take', [2, 2], (call) => cut(call, (size, count) => [0, Math.min(size, Math.max(0, count))])),
  define('range', [2, 2], range),
  define('flatten', [1, 1], (call) =>
    arrayAt(call, 0).flatMap((item): readonly Json[] => {
      if (!Array.isArray(item)) throw refuseArgument(call, 0, 'an array of arrays');
      return item;
    }),
  ),
  define('union', [1, Infinity], union),
  define('intersection', [1, Infinity], intersection),
  define('indexof', [2, 2], (call) => search(call, 'indexOf')),
  define('lastindexof', [2, 2], (call) => search(call, 'lastIndexOf')),
];

function concat(call: Call): Json {
  const [first] = call.args;
  if (Array.isArray(first)) return call.args.flatMap((_, index) => arrayAt(call, index));
  return call.args
    .map((value, index) => {
      if (typeof value === 'string') return value;
      if (typeof value === 'number' || typeof value === 'boolean') return printScalar(value);
      if (value === null) return '';
      throw refuseArgument(call, index, 'a string, a number or a boolean, as the first argument is no array');
    })
    .join('');
}

/** A scalar as ARM prints it in a text: booleans in .NET's spelling. */
export function printScalar(value: number | boolean): string {
  return value === true ? 'True' : value === false ? 'False' : String(value);
}

function contains(call: Call): Json {
  const [container, item] = [anyAt(call, 0), anyAt(call, 1)];
  if (typeof container === 'string') {
    if (typeof item === 'number') return container.includes(String(item));
    return container.includes(textAt(call, 1));
  }
  if (Array.isArray(container)) {
    const wanted = canonical(item);
    return container.some((member) => canonical(member) === wanted);
  }
  if (isObject(container)) return keyOf(container, textAt(call, 1)) !== undefined;
  throw refuseArgument(call, 0, 'an array, an object or a string');
}

function empty(call: Call): Json {
  const value = anyAt(call, 0);
  if (value === null) return true;
  return sizeOf(call, value) === 0;
}

function length(call: Call): Json {
  return sizeOf(call, anyAt(call, 0));
}

function sizeOf(call: Call, value: Json): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw refuseArgument(call, 0, 'an array, an object or a string');
}

function endOf(call: Call, at: 0 | -1): Json {
  const value = anyAt(call, 0);
  if (typeof value === 'string') return value.at(at) ?? '';
  const item = arrayOrText(call).at(at);
  return item ?? null;
}

function arrayOrText(call: Call): readonly Json[] {
  const value = anyAt(call, 0);
  if (Array.isArray(value)) return value;
  throw refuseArgument(call, 0, 'an array or a string');
}

function cut(call: Call, between: (size: number, count: number) => [number, number]): Json {
  const value = anyAt(call, 0);
  const count = intAt(call, 1);
  if (typeof value === 'string') return value.slice(...between(value.length, count));
  const items = arrayOrText(call);
  return items.slice(...between(items.length, count));
}

function range(call: Call): Json {
  const [start, count] = [intAt(call, 0), intAt(call, 1)];
  if (count < 0 || count > rangeCountMax || !Number.isSafeInteger(start + count)) {
    throw refuseCall(call.name, `argument 2, the count, must be from 0 to ${rangeCountMax}.`);
  }
  return Array.from({ length: count }, (_, index) => start + index);
}

function union(call: Call): Json {
  if (isObject(anyAt(call, 0))) {
    return call.args.reduce<JsonObject>((merged, value, index) => {
      if (!isObject(value)) throw refuseArgument(call, index, 'an object, like the first');
      return mergeDeep(call.name, merged, value);
    }, {});
  }
  const seen = new Map<string, Json>();
  call.args.forEach((_, index) => {
    for (const item of arrayAt(call, index)) if (!seen.has(canonical(item))) seen.set(canonical(item), item);
  });
  return [...seen.values()];
}

function mergeDeep(name: string, left: JsonObject, right: JsonObject): JsonObject {
  const members = new Map<string, Json>(Object.entries(left).map(([key, value]) => [key, value ?? null]));
  for (const [key, value] of Object.entries(right)) {
    const old = members.get(key);
    members.set(key, isObject(old) && isObject(value) ? mergeDeep(name, old, value) : (value ?? null));
  }
  return objectFrom(name, members);
}

function intersection(call: Call): Json {
  const first = anyAt(call, 0);
  if (isObject(first)) {
    const others = call.args.map((value, index) => {
      if (!isObject(value)) throw refuseArgument(call, index, 'an object, like the first');
      return value;
    });
    const kept = Object.entries(first).filter(([key, value]) =>
      others.every((other) => Object.hasOwn(other, key) && canonical(other[key]) === canonical(value)),
    );
    return objectFrom(call.name, kept as [string, Json][]);
  }
  const sets = call.args.map((_, index) => new Set(arrayAt(call, index).map(canonical)));
  const shared = new Map<string, Json>();
  for (const item of arrayAt(call, 0)) {
    if (sets.every((set) => set.has(canonical(item)))) shared.set(canonical(item), item);
  }
  return [...shared.values()];
}

// ARM compares texts without case here, items of arrays exactly.
function search(call: Call, way: 'indexOf' | 'lastIndexOf'): Json {
  const value = anyAt(call, 0);
  if (typeof value === 'string') return value.toLowerCase()[way](textAt(call, 1).toLowerCase());
  return arrayOrText(call)
    .map(canonical)
    [way](canonical(anyAt(call, 1)));
}
