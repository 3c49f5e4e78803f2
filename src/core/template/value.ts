/** What an expression evaluates to: JSON, a function written in the template, or a value that only the running deployment knows. */

import { jsonDepthMax, templateValueSizeMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';

/** A value that is not known before the deployment runs, such as `reference(…)`. It carries the text that stands for it. */
export class Unknown {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A `lambda(…)`: only the functions that take one (`map`, `filter`, …) can use it. */
export class Lambda {
  readonly arity: number;
  readonly apply: (args: readonly Json[]) => Json;

  constructor(arity: number, apply: (args: readonly Json[]) => Json) {
    this.arity = arity;
    this.apply = apply;
  }
}

type Measure = { readonly size: number; readonly depth: number; readonly isUnknown: boolean };

const measures = new WeakMap<object, Measure>();

/**
 * While a template is only planned, members of a value may be `Unknown`; the types say `Json` for both, since every function
 * but the evaluator's own sees a call only when all of its arguments are known.
 */
export function asJson(value: Json | Unknown | Lambda): Json {
  return value as Json;
}

/** Is the value, or any member of it, unknown until the deployment runs? */
export function isUnknown(value: unknown): boolean {
  return typeof value === 'object' && value !== null && measure(value).isUnknown;
}

/** The value with the text of each unknown member in its place, for people to read. */
export function settle(value: Json): Json {
  const held: unknown = value;
  if (held instanceof Unknown) return held.text;
  if (Array.isArray(value)) return isUnknown(value) ? value.map(settle) : value;
  if (!isObject(value) || !isUnknown(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, settle(member ?? null)]));
}

/** How many characters the value would print as, roughly. Shared members count each time they would be printed. */
export function sizeOf(value: Json): number {
  if (typeof value === 'string') return value.length;
  return isObjectLike(value) ? measure(value).size : 4;
}

/** Refuses a value that would print too large or is nested too deep. */
export function checkSize(value: Json): Json {
  if (isObjectLike(value) && measure(value).depth > valueDepthMax) {
    throw new Refusal('InvalidTemplate', `A value of the template is nested deeper than ${valueDepthMax} levels.`);
  }
  if (sizeOf(value) <= templateValueSizeMax) return value;
  throw new Refusal(
    'InvalidTemplate',
    `A value of the template has more than ${templateValueSizeMax} characters; smaller values are accepted.`,
  );
}

// What one expression nests around a parsed value.
const valueDepthMax = 2 * jsonDepthMax;

function isObjectLike(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

// Values are never changed once made, so a measure stays true, and shared members are walked once.
function measure(value: object): Measure {
  const known = measures.get(value);
  if (known !== undefined) return known;
  let [size, depth] = [2, 1];
  let isUnknownInside = value instanceof Unknown;
  if (!isUnknownInside && !(value instanceof Lambda)) {
    for (const [key, member] of Object.entries(value)) {
      const inner = isObjectLike(member) ? measure(member) : undefined;
      size += key.length + (inner?.size ?? (typeof member === 'string' ? member.length : 4));
      depth = Math.max(depth, 1 + (inner?.depth ?? 0));
      isUnknownInside ||= inner?.isUnknown === true;
    }
  }
  const result = { size, depth, isUnknown: isUnknownInside };
  measures.set(value, result);
  return result;
}

/** ARM's name for the kind of a value, as its messages say it. */
export function kindOf(value: Json | Unknown | Lambda): string {
  if (value instanceof Lambda) return 'Lambda';
  if (value === null) return 'Null';
  if (Array.isArray(value)) return 'Array';
  if (typeof value === 'string') return 'String';
  if (typeof value === 'boolean') return 'Boolean';
  if (typeof value === 'number') return Number.isInteger(value) ? 'Integer' : 'Float';
  return 'Object';
}

/** The key of an object that equals the name, exactly or else ignoring case: ARM compares the names in templates so. */
export function keyOf(object: JsonObject, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name;
  const wanted = name.toLowerCase();
  for (const key of Object.keys(object)) if (key.toLowerCase() === wanted) return key;
  return undefined;
}

/** The member of that name, ignoring case; undefined when there is none. A member that is null stays null. */
export function memberOf(object: JsonObject, name: string): Json | undefined {
  const key = keyOf(object, name);
  return key === undefined ? undefined : object[key];
}
