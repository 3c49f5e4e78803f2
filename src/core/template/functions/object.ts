/** Functions on objects: making them, reading their keys, and turning texts into them. */

import { Refusal } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { parseTemplateJson } from '#template/jsonc.ts';
import {
  arrayAt,
  define,
  objectAt,
  objectFrom,
  refuseArgument,
  refuseCall,
  textAt,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';

/** Azure docs, "Object functions". `contains`, `empty`, `length`, `union` and `intersection` are in the array family. */
export const objectFunctions: readonly TemplateFunction[] = [
  define('createobject', [0, Infinity], createObject),
  define('json', [1, 1], (call) => parseJson(call, textAt(call, 0))),
  define('null', [0, 0], () => null),
  define('objectkeys', [1, 1], (call) => keysOf(objectAt(call, 0))),
  define('items', [1, 1], (call) => {
    const object = objectAt(call, 0);
    return keysOf(object).map((key) => ({ key, value: object[key] ?? null }));
  }),
  define('shallowmerge', [1, 1], (call) =>
    objectFrom(
      call.name,
      arrayAt(call, 0).flatMap((item) => {
        if (typeof item !== 'object' || item === null || Array.isArray(item)) {
          throw refuseArgument(call, 0, 'an array of objects');
        }
        return Object.entries(item) as [string, Json][];
      }),
    ),
  ),
];

/** Parses a text as JSON for a function of the given name; the refusal does not quote the text. */
export function parseJson(call: Call, text: string): Json {
  try {
    return parseTemplateJson(text, 'strict');
  } catch (error) {
    if (error instanceof Refusal) {
      const place = /at line \d+, column \d+/.exec(error.message)?.[0] ?? '';
      throw refuseCall(call.name, `the string is not valid JSON ${place}.`.replace(' .', '.'));
    }
    throw error;
  }
}

function createObject(call: Call): Json {
  if (call.args.length % 2 !== 0) throw refuseCall(call.name, 'names and values are wanted in pairs.');
  const entries: [string, Json][] = [];
  for (let index = 0; index < call.args.length; index += 2) {
    entries.push([textAt(call, index), call.args[index + 1] ?? null]);
  }
  return objectFrom(call.name, entries);
}

// ARM answers keys sorted, without regard to case.
function keysOf(object: JsonObject): string[] {
  return Object.keys(object).sort((left, right) => {
    const [low, high] = [left.toLowerCase(), right.toLowerCase()];
    return low < high ? -1 : low > high ? 1 : left < right ? -1 : 1;
  });
}
