/** Functions that take a lambda: map, filter, reduce, sort, toObject, groupBy, mapValues. */

import { isObject, type Json } from '#base/json.ts';
import {
  arrayAt,
  anyAt,
  define,
  lambdaAt,
  objectAt,
  objectFrom,
  refuseCall,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';

/** Azure docs, "Lambda functions". A lambda's last parameter, where it is optional, is the index of the item. */
export const lambdaFunctions: readonly TemplateFunction[] = [
  define('map', [2, 2], (call) => {
    const lambda = lambdaAt(call, 1, [1, 2]);
    return arrayAt(call, 0).map((item, index) => lambda.apply(lambda.arity === 1 ? [item] : [item, index]));
  }),
  define('filter', [2, 2], (call) => {
    const lambda = lambdaAt(call, 1, [1, 2]);
    return arrayAt(call, 0).filter((item, index) =>
      truth(call, lambda.apply(lambda.arity === 1 ? [item] : [item, index])),
    );
  }),
  define('reduce', [3, 3], (call) => {
    const lambda = lambdaAt(call, 2, [2, 3]);
    return arrayAt(call, 0).reduce<Json>(
      (total, item, index) => lambda.apply(lambda.arity === 2 ? [total, item] : [total, item, index]),
      anyAt(call, 1),
    );
  }),
  define('sort', [2, 2], (call) => {
    const lambda = lambdaAt(call, 1, [2, 2]);
    const isBefore = (left: Json, right: Json) => truth(call, lambda.apply([left, right]));
    return arrayAt(call, 0).toSorted((left, right) => (isBefore(left, right) ? -1 : isBefore(right, left) ? 1 : 0));
  }),
  define('toobject', [2, 3], (call) => {
    const key = lambdaAt(call, 1, [1, 1]);
    const value = call.args.length > 2 ? lambdaAt(call, 2, [1, 1]) : undefined;
    const entries = arrayAt(call, 0).map((item): [string, Json] => [
      name(call, key.apply([item])),
      value === undefined ? item : value.apply([item]),
    ]);
    return objectFrom(call.name, entries);
  }),
  define('groupby', [2, 2], (call) => {
    const key = lambdaAt(call, 1, [1, 1]);
    const groups = Map.groupBy(arrayAt(call, 0), (item) => name(call, key.apply([item])));
    return objectFrom(call.name, groups);
  }),
  define('mapvalues', [2, 2], (call) => {
    const lambda = lambdaAt(call, 1, [1, 1]);
    const entries = Object.entries(objectAt(call, 0)).map(([key, value]): [string, Json] => [
      key,
      lambda.apply([value ?? null]),
    ]);
    return objectFrom(call.name, entries);
  }),
];

/** The functions that may be given a lambda; all others refuse one. */
export const takesLambda: ReadonlySet<string> = new Set(lambdaFunctions.map((row) => row.name));

/** What a lambda would be given while its array is not known yet: members of it, as far as they are. */
export function knownItems(value: Json | undefined): readonly Json[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value).map((member) => member ?? null) : [];
}

function truth(call: Call, value: Json): boolean {
  if (typeof value === 'boolean') return value;
  throw refuseCall(call.name, 'the lambda must answer a boolean.');
}

function name(call: Call, value: Json): string {
  if (typeof value === 'string') return value;
  throw refuseCall(call.name, 'the lambda for the keys must answer a string.');
}
