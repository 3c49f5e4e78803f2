/** The outputs of a template: checked when it is planned, read when all of its resources are done. */

import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { copiesOf, evaluateTree, within } from '#template/evaluate.ts';
import { newBudget, type Frame, type Runtime } from '#template/environment.ts';
import { fitsType, parseType, showValue, type ShownValue } from '#template/parameters.ts';
import { checkSize, isUnknown, kindOf, memberOf } from '#template/value.ts';
import { dryRuntime, liveRuntime, type Reach, type Resolver } from '#template/runtime.ts';

/** The outputs of a template, and what their expressions see. */
export type Outputs = { readonly definitions: JsonObject; readonly frame: Frame; readonly reach: Reach };

/** Evaluates all outputs with the state of the resources. Secure ones have no value, as deployments show them. */
export function readOutputs(outputs: Outputs, resolver: Resolver): { readonly [name: string]: ShownValue } {
  return evaluateAll(outputs, liveRuntime(outputs.reach, resolver));
}

/** Evaluates all outputs as far as that goes before the deployment runs, so that mistakes show at once. */
export function checkOutputs(outputs: Outputs): void {
  evaluateAll(
    outputs,
    dryRuntime(outputs.reach, () => undefined),
  );
}

function evaluateAll({ definitions, frame }: Outputs, runtime: Runtime): { readonly [name: string]: ShownValue } {
  const environment = { ...frame.environment, budget: newBudget() };
  const inside: Frame = { ...frame, environment, place: 'outputs', runtime };
  const shown: [string, ShownValue][] = [];
  for (const [name, definition] of Object.entries(definitions)) {
    const output = aboutOutput(name, () => evaluateOne({ name, definition: definition ?? null }, inside));
    if (output !== undefined) shown.push([name, output]);
  }
  return Object.fromEntries(shown);
}

type Output = { readonly name: string; readonly definition: Json };

function evaluateOne({ name, definition }: Output, frame: Frame): ShownValue | undefined {
  if (!isObject(definition)) throw new Refusal('InvalidTemplate', 'It must be an object with a type and a value.');
  const type = parseType(memberOf(definition, 'type'), `template output '${name}'`);
  if (!isWanted(definition, frame)) return undefined;
  const value = checkSize(valueOf({ name, definition }, frame));
  if (value === null && memberOf(definition, 'nullable') === true) return showValue(type, null);
  if (!isUnknown(value) && !fitsType(type, value)) {
    throw new Refusal('InvalidTemplate', `Its type is '${type}', but it has a value of type '${kindOf(value)}'.`);
  }
  return showValue(type, value);
}

function isWanted(definition: JsonObject, frame: Frame): boolean {
  const condition = evaluateTree(memberOf(definition, 'condition') ?? true, frame);
  if (isUnknown(condition) || typeof condition === 'boolean') return condition !== false;
  throw new Refusal(
    'InvalidTemplate',
    `Its condition must be a boolean; it has a value of type '${kindOf(condition)}'.`,
  );
}

function valueOf({ name, definition }: { name: string; definition: JsonObject }, frame: Frame): Json {
  const copy = memberOf(definition, 'copy');
  if (isObject(copy)) {
    return copiesOf({ name, count: memberOf(copy, 'count') ?? null, input: memberOf(copy, 'input') ?? null }, frame);
  }
  const value = memberOf(definition, 'value');
  if (value === undefined) throw new Refusal('InvalidTemplate', `It has no 'value'.`);
  return within('value', () => evaluateTree(value, frame));
}

function aboutOutput<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.code, `The template output '${name}' is not valid: ${error.message}`, {
      status: error.status,
      details: error.details,
      additionalInfo: error.additionalInfo,
      target: `/outputs/${name}${error.target ?? ''}`,
    });
  }
}
