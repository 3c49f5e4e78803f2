/** The parameters of a template: their definitions, the values given, the checks between the two, and what may be shown. */

import { templateParametersMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { isObject, sameJson, type Json, type JsonObject } from '#base/json.ts';
import { keepSecret, type Secrets } from '#template/secrets.ts';
import { isUnknown, keyOf, kindOf, memberOf } from '#template/value.ts';

/** A parameter as deployments show it: a secure one without its value. */
export type ShownValue = { readonly type: string; readonly value?: Json };

/** The readers of a template's parameters. `value` evaluates lazily, since a default may use other parameters. */
export type Parameters = {
  value(name: string): Json;
  /** Evaluates and checks all of them, and gives them as deployments show them. */
  shown(): { readonly [name: string]: ShownValue };
};

/** What the parameters are read from: definitions and given values by name, and how a default is evaluated. */
export type ParameterSource = {
  readonly definitions: JsonObject;
  /** Named types of language version 2, for `$ref`. */
  readonly types: JsonObject;
  readonly given: JsonObject;
  readonly secrets: Secrets;
  evaluate(value: Json): Json;
};

/** ARM's spelling of each type, as deployments show it. */
const typeNames: Readonly<Record<string, string>> = {
  string: 'String',
  securestring: 'SecureString',
  int: 'Int',
  bool: 'Bool',
  object: 'Object',
  secureobject: 'SecureObject',
  array: 'Array',
};

/** Reads parameters (Azure docs, "Parameters in ARM templates"). Values for names that are not defined are refused at once. */
export function readParameters(source: ParameterSource): Parameters {
  const names = Object.keys(source.definitions);
  if (names.length > templateParametersMax) {
    throw invalid(`The template has ${names.length} parameters; at most ${templateParametersMax} are accepted.`);
  }
  for (const name of Object.keys(source.given)) {
    if (keyOf(source.definitions, name) !== undefined) continue;
    throw invalid(
      `The template parameter '${name}' is not valid; it is not present in the template, which defines '${names.join(', ')}'.`,
      name,
    );
  }
  const values = new Map<string, Json>();
  const open = new Set<string>();
  const value = (asked: string): Json => {
    const name = keyOf(source.definitions, asked);
    if (name === undefined) {
      throw invalid(`The template parameter '${asked}' is not found. The template defines '${names.join(', ')}'.`);
    }
    const known = values.get(name);
    if (known !== undefined) return known;
    if (open.has(name)) throw invalid(`The default of the template parameter '${name}' depends on itself.`, name);
    open.add(name);
    try {
      const read = readOne(source, name);
      values.set(name, read);
      return read;
    } finally {
      open.delete(name);
    }
  };
  const shown = () =>
    Object.fromEntries(names.map((name): [string, ShownValue] => [name, showValue(typeOf(source, name), value(name))]));
  return { value, shown };
}

/** A value with ARM's name of its type; without the value when the type is secure. */
export function showValue(type: string, value: Json): ShownValue {
  const name = typeNames[type] ?? type;
  return type.startsWith('secure') ? { type: name } : { type: name, value };
}

/** The type of a definition, in lower case; refuses an unknown one. */
export function parseType(type: Json | undefined, what: string): string {
  const name = typeof type === 'string' ? type.toLowerCase() : '';
  if (Object.hasOwn(typeNames, name)) return name;
  throw invalid(`The ${what} must have one of the types ${Object.values(typeNames).join(', ')}.`);
}

/** Is the value of the type? Secure types are as their plain ones. */
export function fitsType(type: string, value: Json): boolean {
  switch (type.replace(/^secure/, '')) {
    case 'string':
      return typeof value === 'string';
    case 'int':
      return typeof value === 'number' && Number.isInteger(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    default:
      // The type `object` takes any JSON that is no scalar, as ARM has it.
      return isObject(value);
  }
}

function definitionOf(source: ParameterSource, name: string): JsonObject {
  let definition = source.definitions[name];
  for (let hops = 0; hops < 16; hops += 1) {
    if (!isObject(definition))
      throw invalid(`The definition of the template parameter '${name}' must be an object.`, name);
    const reference = definition['$ref'];
    if (typeof reference !== 'string') return definition;
    const target = memberOf(source.types, reference.replace(/^#\/definitions\//, ''));
    if (!isObject(target))
      throw invalid(`The type '${reference}' of the template parameter '${name}' is not defined.`, name);
    const { $ref: _, ...own } = definition;
    definition = { ...target, ...own };
  }
  throw invalid(`The type of the template parameter '${name}' refers to itself.`, name);
}

function typeOf(source: ParameterSource, name: string): string {
  return parseType(memberOf(definitionOf(source, name), 'type'), `template parameter '${name}'`);
}

function readOne(source: ParameterSource, name: string): Json {
  const definition = definitionOf(source, name);
  const type = typeOf(source, name);
  const value = givenValue(source, name) ?? defaultValue(source, definition);
  if (value === undefined) {
    if (memberOf(definition, 'nullable') === true) return null;
    throw invalid(`The value for the template parameter '${name}' is not provided, and it has no default.`, name);
  }
  if (isUnknown(value)) return value;
  if (type.startsWith('secure')) keepSecret(source.secrets, value);
  if (!fitsType(type, value)) {
    throw invalid(
      `The value for the template parameter '${name}' is not valid: the type '${typeNames[type] ?? type}' is wanted, a value of type '${kindOf(value)}' was provided.`,
      name,
    );
  }
  checkBounds({ definition, name, value });
  return value;
}

function givenValue(source: ParameterSource, name: string): Json | undefined {
  const given = memberOf(source.given, name);
  if (given === undefined) return undefined;
  if (!isObject(given))
    throw invalid(`The template parameter '${name}' must be given as an object: {"value": …}.`, name);
  if (memberOf(given, 'reference') !== undefined) {
    throw invalid(
      `The template parameter '${name}' is given as a reference to a key vault, which is not offered; give its value instead.`,
      name,
    );
  }
  return memberOf(given, 'value') ?? undefined;
}

function defaultValue(source: ParameterSource, definition: JsonObject): Json | undefined {
  const value = memberOf(definition, 'defaultValue');
  return value === undefined || value === null ? undefined : source.evaluate(value);
}

type Bounded = { readonly definition: JsonObject; readonly name: string; readonly value: Json };

function checkBounds({ definition, name, value }: Bounded): void {
  const allowed = memberOf(definition, 'allowedValues');
  if (Array.isArray(allowed) && !isAllowed(allowed, value)) {
    const list = allowed.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join(', ');
    throw invalid(`The value for the template parameter '${name}' is not one of the allowed values '${list}'.`, name);
  }
  const size = typeof value === 'string' || Array.isArray(value) ? value.length : undefined;
  checkBound({
    name,
    what: 'length',
    actual: size,
    least: memberOf(definition, 'minLength'),
    most: memberOf(definition, 'maxLength'),
  });
  const number = typeof value === 'number' ? value : undefined;
  checkBound({
    name,
    what: 'value',
    actual: number,
    least: memberOf(definition, 'minValue'),
    most: memberOf(definition, 'maxValue'),
  });
}

// An array is allowed when each of its items is, unless the list holds whole arrays.
function isAllowed(allowed: readonly Json[], value: Json): boolean {
  const isListed = (item: Json) => allowed.some((one) => sameJson(one, item));
  return isListed(value) || (Array.isArray(value) && value.every(isListed));
}

type Bound = {
  readonly name: string;
  readonly what: string;
  readonly actual: number | undefined;
  readonly least: Json | undefined;
  readonly most: Json | undefined;
};

function checkBound({ name, what, actual, least, most }: Bound): void {
  if (actual === undefined) return;
  if (typeof least === 'number' && actual < least) {
    throw invalid(
      `The ${what} of the template parameter '${name}' is ${what === 'length' ? actual : 'too small'}; at least ${least} is wanted.`,
      name,
    );
  }
  if (typeof most === 'number' && actual > most) {
    throw invalid(
      `The ${what} of the template parameter '${name}' is ${what === 'length' ? actual : 'too large'}; at most ${most} is wanted.`,
      name,
    );
  }
}

function invalid(message: string, name?: string): Refusal {
  const target = name === undefined ? {} : { target: `/parameters/${name}` };
  return new Refusal('InvalidTemplate', `Deployment template validation failed: ${message}`, target);
}
