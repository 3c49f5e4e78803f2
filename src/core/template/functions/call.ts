/** One call of a template function: its arguments, taken out one by one with ARM's complaint when the kind is wrong. */

import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { kindOf, Lambda } from '#template/value.ts';
import type { Frame } from '#template/environment.ts';

/** A call whose arguments are all evaluated. `name` is in lower case. */
export type Call = { readonly name: string; readonly args: readonly Json[]; readonly frame: Frame };

/** A function of the template language: how many arguments it takes, and what it answers. */
export type TemplateFunction = {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly call: (call: Call) => Json;
};

/** Makes one row of a family. `most` may be Infinity. */
export function define(
  name: string,
  [least, most]: readonly [number, number],
  call: (call: Call) => Json,
): TemplateFunction {
  return { name, least, most, call };
}

/** The refusal of a call, in ARM's shape. */
export function refuseCall(name: string, reason: string): Refusal {
  return new Refusal('InvalidTemplate', `Unable to evaluate template language function '${name}': ${reason}`);
}

/** The refusal of one argument. Values are never echoed: they may be secret. */
export function refuseArgument(call: Call, index: number, wanted: string): Refusal {
  const value = call.args[index];
  const found = value === undefined ? 'nothing' : `a value of type '${kindOf(value)}'`;
  return refuseCall(call.name, `argument ${index + 1} must be ${wanted}; ${found} was provided.`);
}

/** The argument as it is. */
export function anyAt(call: Call, index: number): Json {
  const value = call.args[index];
  if (value === undefined) throw refuseArgument(call, index, 'provided');
  return value;
}

/** The argument as a text. */
export function textAt(call: Call, index: number): string {
  const value = call.args[index];
  if (typeof value !== 'string') throw refuseArgument(call, index, 'a string');
  return value;
}

/** The argument as a text, or a default when it is not given. */
export function textOr(call: Call, index: number, otherwise: string): string {
  return call.args.length > index ? textAt(call, index) : otherwise;
}

/** The argument as a whole number. */
export function intAt(call: Call, index: number): number {
  const value = call.args[index];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw refuseArgument(call, index, 'an integer');
  return value;
}

/** The argument as a truth value. */
export function boolAt(call: Call, index: number): boolean {
  const value = call.args[index];
  if (typeof value !== 'boolean') throw refuseArgument(call, index, 'a boolean');
  return value;
}

/** The argument as an array. */
export function arrayAt(call: Call, index: number): readonly Json[] {
  const value = call.args[index];
  if (!Array.isArray(value)) throw refuseArgument(call, index, 'an array');
  return value;
}

/** The argument as an object. */
export function objectAt(call: Call, index: number): JsonObject {
  const value = call.args[index];
  if (!isObject(value)) throw refuseArgument(call, index, 'an object');
  return value;
}

/** The argument as a lambda that takes one of the given numbers of parameters. */
export function lambdaAt(call: Call, index: number, [least, most]: readonly [number, number]): Lambda {
  const value: unknown = call.args[index];
  if (!(value instanceof Lambda)) throw refuseArgument(call, index, 'a lambda');
  if (value.arity < least || value.arity > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    throw refuseArgument(call, index, `a lambda with ${wanted} parameter(s)`);
  }
  return value;
}

/** Makes an object out of entries; a later entry of the same name wins. The name `__proto__` is refused. */
export function objectFrom(name: string, entries: Iterable<readonly [string, Json]>): JsonObject {
  const members = new Map<string, Json>();
  for (const [key, value] of entries) {
    if (key === '__proto__') throw refuseCall(name, `an object cannot have a property '__proto__'.`);
    members.set(key, value);
  }
  return Object.fromEntries(members);
}
