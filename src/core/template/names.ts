/** Makes the environment of a template: its parameters, variables and user functions, each read when it is first asked for. */

import { templateVariablesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { readParameters, type Parameters } from '#template/parameters.ts';
import { evaluateTree, propertyCopy, within } from '#template/evaluate.ts';
import { checkSize, keyOf, memberOf } from '#template/value.ts';
import {
  newParser,
  type Budget,
  type Environment,
  type Frame,
  type TemplateContext,
  type UserFunction,
} from '#template/environment.ts';
import type { Secrets } from '#template/secrets.ts';

/** What an environment is made from. */
export type NamesSource = {
  readonly template: JsonObject;
  readonly given: JsonObject;
  readonly context: TemplateContext;
  readonly budget: Budget;
  readonly secrets: Secrets;
  readonly isGroupPending?: () => boolean;
  deployment(): JsonObject;
};

/** The names of a template, and its parameters as deployments show them. */
export function readNames(source: NamesSource): { readonly environment: Environment; readonly parameters: Parameters } {
  const { template, context, budget, secrets } = source;
  const frameAt = (place: Frame['place']): Frame => ({ environment, place, copies: [], depth: 0 });
  const parameters = readParameters({
    definitions: section(template, 'parameters'),
    types: section(template, 'definitions'),
    given: source.given,
    secrets,
    evaluate: (value) => checkSize(evaluateTree(value, frameAt('parameters'))),
  });
  const variables = readVariables(section(template, 'variables'), () => frameAt('variables'));
  const environment: Environment = {
    context,
    budget,
    parse: newParser(),
    parameter: parameters.value,
    variable: variables,
    functions: readFunctions(memberOf(template, 'functions') ?? []),
    deployment: source.deployment,
    ...(source.isGroupPending === undefined ? {} : { isGroupPending: source.isGroupPending }),
  };
  return { environment, parameters };
}

/** A section of a template that maps names to things; empty when absent. */
export function section(template: JsonObject, name: string): JsonObject {
  const value = memberOf(template, name) ?? {};
  if (isObject(value)) return value;
  throw new Refusal('InvalidTemplate', `The section '${name}' of the template must be an object.`, {
    target: `/${name}`,
  });
}

function readVariables(definitions: JsonObject, frame: () => Frame): (name: string) => Json {
  const loops = loopsOf(definitions);
  const names = [...Object.keys(definitions).filter((name) => name.toLowerCase() !== 'copy'), ...loops.keys()];
  if (names.length > templateVariablesMax) {
    throw new Refusal(
      'InvalidTemplate',
      `The template has ${names.length} variables; at most ${templateVariablesMax} are accepted.`,
    );
  }
  const values = new Map<string, Json>();
  const open = new Set<string>();
  return (asked) => {
    const wanted = asked.toLowerCase();
    const known = values.get(wanted);
    if (known !== undefined) return known;
    const name = names.find((candidate) => candidate.toLowerCase() === wanted);
    if (name === undefined) {
      throw new Refusal(
        'InvalidTemplate',
        `The template variable '${asked}' is not found. The template defines '${names.join(', ')}'.`,
      );
    }
    if (open.has(wanted)) throw new Refusal('InvalidTemplate', `The template variable '${name}' depends on itself.`);
    open.add(wanted);
    const loop = loops.get(name);
    try {
      const value = within('variables', () =>
        within(name, () =>
          loop === undefined ? evaluateTree(definitions[name] ?? null, frame()) : propertyCopy(loop, frame())[1],
        ),
      );
      values.set(wanted, checkSize(value));
      return value;
    } finally {
      open.delete(wanted);
    }
  };
}

type Loop = JsonObject & { readonly name: string };

/** `variables.copy` (Azure docs, "Variable iteration"): each loop is a variable of its name. */
function loopsOf(definitions: JsonObject): ReadonlyMap<string, Loop> {
  const key = keyOf(definitions, 'copy');
  const list = key === undefined ? [] : definitions[key];
  if (!Array.isArray(list))
    throw new Refusal('InvalidTemplate', `'copy' among the variables must be an array of loops.`);
  const loops = list.map((loop): [string, Loop] => {
    const name = isObject(loop) ? loop['name'] : undefined;
    if (!isObject(loop) || typeof name !== 'string') {
      throw new Refusal('InvalidTemplate', 'A copy loop of the variables must have a name, a count and an input.');
    }
    return [name, { ...loop, name }];
  });
  return new Map(loops);
}

/** User functions, by `namespace.name` in lower case (Azure docs, "User-defined functions"). */
function readFunctions(list: Json): ReadonlyMap<string, UserFunction> {
  if (!Array.isArray(list))
    throw new Refusal('InvalidTemplate', `The section 'functions' of the template must be an array.`);
  const functions = new Map<string, UserFunction>();
  for (const group of list) {
    const namespace = isObject(group) ? memberOf(group, 'namespace') : undefined;
    const members = isObject(group) ? memberOf(group, 'members') : undefined;
    if (typeof namespace !== 'string' || !isObject(members)) {
      throw new Refusal('InvalidTemplate', `Each entry of 'functions' must have a 'namespace' and 'members'.`);
    }
    for (const [name, member] of Object.entries(members)) {
      functions.set(`${namespace}.${name}`.toLowerCase(), readFunction(`${namespace}.${name}`, member ?? null));
    }
  }
  return functions;
}

function readFunction(name: string, member: Json): UserFunction {
  const output = isObject(member) ? memberOf(member, 'output') : undefined;
  const value = isObject(output) ? memberOf(output, 'value') : undefined;
  const list = isObject(member) ? (memberOf(member, 'parameters') ?? []) : [];
  const parameters = (Array.isArray(list) ? list : []).map((parameter) =>
    isObject(parameter) ? memberOf(parameter, 'name') : undefined,
  );
  if (value === undefined || !parameters.every((parameter) => typeof parameter === 'string')) {
    throw new Refusal(
      'InvalidTemplate',
      `The function '${name}' must have an output with a value, and parameters with names.`,
    );
  }
  return { parameters, output: value };
}
