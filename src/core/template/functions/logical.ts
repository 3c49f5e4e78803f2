/** Logical and comparison functions; `if`, `and`, `or` and `coalesce` are forms of the evaluator, since they skip arguments. */

import { sameJson, type Json } from '#base/json.ts';
import { anyAt, boolAt, define, refuseArgument, type Call, type TemplateFunction } from '#template/functions/call.ts';

/** Azure docs, "Logical functions" and "Comparison functions". */
export const logicalFunctions: readonly TemplateFunction[] = [
  define('not', [1, 1], (call) => !boolAt(call, 0)),
  define('true', [0, 0], () => true),
  define('false', [0, 0], () => false),
  define('bool', [1, 1], toBool),
  define('equals', [2, 2], (call) => sameJson(anyAt(call, 0), anyAt(call, 1))),
  define('less', [2, 2], (call) => compare(call) < 0),
  define('lessorequals', [2, 2], (call) => compare(call) <= 0),
  define('greater', [2, 2], (call) => compare(call) > 0),
  define('greaterorequals', [2, 2], (call) => compare(call) >= 0),
];

function toBool(call: Call): Json {
  const value = anyAt(call, 0);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw refuseArgument(call, 0, "a boolean, a number, or one of the strings 'true' and 'false'");
}

function compare(call: Call): number {
  const [left, right] = [anyAt(call, 0), anyAt(call, 1)];
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  throw refuseArgument(
    call,
    typeof left === 'number' || typeof left === 'string' ? 1 : 0,
    'like the other: two numbers or two strings',
  );
}
