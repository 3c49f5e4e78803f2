/** Numeric functions: whole-number arithmetic with its limits, conversions, and the least and greatest of many. */

import type { Json } from '#base/json.ts';
import {
  anyAt,
  define,
  intAt,
  refuseArgument,
  refuseCall,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';

/** Azure docs, "Numeric functions". `copyIndex` is in the deployment family. */
export const numericFunctions: readonly TemplateFunction[] = [
  define('add', [2, 2], (call) => whole(call, intAt(call, 0) + intAt(call, 1))),
  define('sub', [2, 2], (call) => whole(call, intAt(call, 0) - intAt(call, 1))),
  define('mul', [2, 2], (call) => whole(call, intAt(call, 0) * intAt(call, 1))),
  define('div', [2, 2], (call) => whole(call, Math.trunc(intAt(call, 0) / divisor(call)))),
  define('mod', [2, 2], (call) => whole(call, intAt(call, 0) % divisor(call))),
  define('int', [1, 1], toInt),
  define('float', [1, 1], toFloat),
  define('min', [1, Infinity], (call) => numbers(call).reduce((left, right) => (right < left ? right : left))),
  define('max', [1, Infinity], (call) => numbers(call).reduce((left, right) => (right > left ? right : left))),
];

function whole(call: Call, value: number): Json {
  if (!Number.isSafeInteger(value)) throw refuseCall(call.name, 'the result is out of the range of an integer.');
  // JSON has no negative zero.
  return value === 0 ? 0 : value;
}

function divisor(call: Call): number {
  const value = intAt(call, 1);
  if (value === 0) throw refuseCall(call.name, 'argument 2 must not be zero.');
  return value;
}

function toInt(call: Call): Json {
  const value = anyAt(call, 0);
  if (typeof value === 'number') return whole(call, Math.trunc(value));
  if (typeof value === 'string' && /^\s*[-+]?\d+\s*$/.test(value)) return whole(call, Number(value));
  throw refuseArgument(call, 0, 'an integer or a string that holds one');
}

function toFloat(call: Call): Json {
  const value = anyAt(call, 0);
  if (typeof value === 'number') return value;
  const number =
    typeof value === 'string' && /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value) ? Number(value) : NaN;
  if (!Number.isFinite(number)) throw refuseArgument(call, 0, 'a number or a string that holds one');
  return number;
}

function numbers(call: Call): readonly number[] {
  const [first] = call.args;
  const values: readonly Json[] = call.args.length === 1 && Array.isArray(first) ? first : call.args;
  const found = values.filter((value): value is number => typeof value === 'number' && Number.isSafeInteger(value));
  if (found.length === 0 || found.length !== values.length) {
    throw refuseCall(call.name, 'an array of integers, or integers, are wanted, and at least one of them.');
  }
  return found;
}
