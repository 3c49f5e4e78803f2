/** Evaluates template expressions, and whole values that hold them. */

import { callDepthMax, copyCountMax, templateValueSizeMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { isExpression, literalOf, type Node } from '#template/expression.ts';
import { asJson, checkSize, isUnknown, keyOf, kindOf, Lambda, memberOf, sizeOf, Unknown } from '#template/value.ts';
import { deeper, spend, type Frame } from '#template/environment.ts';
import { refuseCall } from '#template/functions/call.ts';
import { knownItems, takesLambda } from '#template/functions/lambda.ts';
import { unknown } from '#template/functions/deployment.ts';
import { functionNamed } from '#template/functions/registry.ts';

/**
 * Evaluates every expression in a value and unrolls the property copies in it. A refusal carries the JSON pointer of the
 * expression as its target. Where the deployment does not run yet, members may be unknown.
 */
export function evaluateTree(value: Json, frame: Frame): Json {
  spend(frame.environment.budget);
  if (typeof value === 'string') return evaluateText(value, frame);
  if (Array.isArray(value)) {
    return deeper(frame.environment.budget, () =>
      value.map((item, index) => within(index, () => evaluateTree(item, frame))),
    );
  }
  if (!isObject(value)) return value;
  return deeper(frame.environment.budget, () => evaluateObject(value, frame));
}

/** Evaluates a text: an expression gives any value, another text is itself. */
export function evaluateText(text: string, frame: Frame): Json {
  if (!isExpression(text)) return literalOf(text);
  const value = evaluate(frame.environment.parse(text), frame);
  if ((value as unknown) instanceof Lambda)
    throw refuseCall('lambda', 'a lambda is only an argument of another function.');
  return value;
}

/** Runs with the key in front of the pointer that a refusal carries. */
export function within<T>(key: string | number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const escaped = String(key).replaceAll('~', '~0').replaceAll('/', '~1');
    throw new Refusal(error.code, error.message, {
      status: error.status,
      details: error.details,
      additionalInfo: error.additionalInfo,
      target: `/${escaped}${error.target ?? ''}`,
    });
  }
}

function evaluateObject(object: JsonObject, frame: Frame): Json {
  const members: [string, Json][] = [];
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    if (key.toLowerCase() === 'copy' && isCopyList(value)) {
      for (const copy of value) members.push(within(key, () => propertyCopy(copy, frame)));
    } else members.push([key, within(key, () => evaluateTree(value, frame))]);
  }
  return Object.fromEntries(members);
}

type CopyLoop = JsonObject & { readonly name: string };

function isCopyList(value: Json): value is readonly CopyLoop[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (item) =>
        isObject(item) &&
        typeof item['name'] === 'string' &&
        keyOf(item, 'count') !== undefined &&
        keyOf(item, 'input') !== undefined,
    )
  );
}

/** One property copy (Azure docs, "Property iteration"): the property's name and its array. */
export function propertyCopy(copy: CopyLoop, frame: Frame): [string, Json] {
  const name = evaluateText(copy.name, frame);
  if (typeof name !== 'string') throw new Refusal('InvalidTemplate', 'The name of a copy loop must be a string.');
  return [
    name,
    copiesOf({ name, count: memberOf(copy, 'count') ?? null, input: memberOf(copy, 'input') ?? null }, frame),
  ];
}

/** The values that a copy loop of values gives. The loop is known inside by its name. */
export function copiesOf(
  loop: { readonly name: string; readonly count: Json; readonly input: Json },
  frame: Frame,
): Json {
  const count = copyCount(loop.count, loop.name, frame);
  if (count === undefined) return unknown(`copy('${loop.name}')`);
  return Array.from({ length: count }, (_, index) => {
    const copies = [...frame.copies, { name: loop.name, index, kind: 'value' as const }];
    return within(index, () => evaluateTree(loop.input, { ...frame, copies }));
  });
}

/** How many times a loop runs; undefined when that is not known yet. */
export function copyCount(source: Json, name: string, frame: Frame): number | undefined {
  const count = evaluateTree(source, frame);
  if (isUnknown(count)) return undefined;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= copyCountMax) return count;
  throw new Refusal(
    'InvalidTemplate',
    `The copy loop '${name}' must have a count from 0 to ${copyCountMax}; a value of type '${kindOf(count)}' was provided or it is out of range.`,
  );
}

/** Evaluates one parsed expression. */
function evaluate(node: Node, frame: Frame): Json {
  const { budget } = frame.environment;
  spend(budget);
  return deeper(budget, () => {
    switch (node.kind) {
      case 'literal':
        return node.value;
      case 'call':
        return call(node, frame);
      case 'member':
        return property(evaluate(node.target, frame), node.name);
      case 'index':
        return property(evaluate(node.target, frame), evaluate(node.index, frame));
    }
  });
}

function property(target: Json, key: Json): Json {
  const holder: unknown = target;
  const inner: unknown = key;
  if (holder instanceof Unknown) return asJson(new Unknown(`[${bare(holder)}${step(key)}]`));
  if (inner instanceof Unknown) return asJson(new Unknown(`[(…)[${bare(inner)}]]`));
  if (Array.isArray(target) && typeof key === 'number') {
    const item = target[key];
    if (item !== undefined) return item;
    throw missing(
      `The language expression property array index '${key}' is out of bounds of ${target.length} item(s).`,
    );
  }
  if (isObject(target) && typeof key === 'string') {
    const value = memberOf(target, key);
    if (value !== undefined) return value;
    const names = Object.keys(target).slice(0, 20).join(', ');
    throw missing(`The language expression property '${key}' doesn't exist, available properties are '${names}'.`);
  }
  throw missing(
    `The language expression property '${String(key)}' cannot be read from a value of type '${kindOf(target)}'.`,
  );
}

function bare(value: Unknown): string {
  return value.text.replace(/^\[|\]$/g, '');
}

function step(key: Json): string {
  const inner: unknown = key;
  if (inner instanceof Unknown) return `[${bare(inner)}]`;
  return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
}

function missing(message: string): Refusal {
  return new Refusal('InvalidTemplate', message);
}

type CallNode = Extract<Node, { kind: 'call' }>;

/** The forms that do not evaluate all of their arguments, or not as values. */
const forms: ReadonlyMap<string, (node: CallNode, frame: Frame) => Json> = new Map([
  ['if', chooseOne],
  ['and', (node, frame) => decide(node, frame, false)],
  ['or', (node, frame) => decide(node, frame, true)],
  ['coalesce', coalesce],
  ['tryget', tryGet],
  ['lambda', makeLambda],
]);

function call(node: CallNode, frame: Frame): Json {
  const form = forms.get(node.name);
  if (form !== undefined) return form(node, frame);
  if (node.name.includes('.')) return callUserFunction(node, frame);
  const row = functionNamed(node.name);
  if (row === undefined) {
    throw new Refusal(
      'InvalidTemplate',
      `The template function '${node.name}' is not valid: there is no such function.`,
    );
  }
  checkArity(node, [row.least, row.most]);
  const args = node.args.map((argument) => evaluate(argument, frame));
  if (args.some(isUnknown)) return unknownCall(node, args);
  if (!takesLambda.has(node.name) && args.some((value: unknown) => value instanceof Lambda)) {
    throw refuseCall(node.name, 'a lambda is not accepted as its argument.');
  }
  if (args.reduce<number>((sum, value) => sum + sizeOf(value), 0) > 2 * templateValueSizeMax) {
    throw refuseCall(node.name, 'its arguments are too large together.');
  }
  const value = row.call({ name: node.name, args, frame });
  // What is made costs steps by its size, so that the steps also bound the memory.
  spend(frame.environment.budget, sizeOf(value) >> 4);
  return checkSize(value);
}

function checkArity(node: CallNode, [least, most]: readonly [number, number]): void {
  const count = node.args.length;
  if (count >= least && count <= most) return;
  const wanted = least === most ? `${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
  throw refuseCall(node.name, `it takes ${wanted} argument(s); ${count} given.`);
}

// A lambda is run once over each item known so far, so that the resources it refers to are found.
function unknownCall(node: CallNode, args: readonly Json[]): Json {
  for (const argument of args) {
    const lambda: unknown = argument;
    if (!(lambda instanceof Lambda)) continue;
    const items = isUnknown(args[0]) ? [asJson(new Unknown('[lambdaVariables()]'))] : knownItems(args[0]);
    for (const item of items) lambda.apply(Array.from({ length: lambda.arity }, () => item));
  }
  return unknown(node.text);
}

function chooseOne(node: CallNode, frame: Frame): Json {
  checkArity(node, [3, 3]);
  const [condition, ifTrue, ifFalse] = node.args as readonly [Node, Node, Node];
  const decision = evaluate(condition, frame);
  if (isUnknown(decision)) {
    for (const branch of [ifTrue, ifFalse]) evaluate(branch, frame);
    return unknown(node.text);
  }
  if (typeof decision !== 'boolean') {
    throw refuseCall('if', `argument 1 must be a boolean; a value of type '${kindOf(decision)}' was provided.`);
  }
  return evaluate(decision ? ifTrue : ifFalse, frame);
}

function decide(node: CallNode, frame: Frame, deciding: boolean): Json {
  checkArity(node, [1, Infinity]);
  let isOpen = false;
  for (const [index, argument] of node.args.entries()) {
    const value = evaluate(argument, frame);
    if (isUnknown(value)) isOpen = true;
    else if (typeof value !== 'boolean') {
      throw refuseCall(
        node.name,
        `argument ${index + 1} must be a boolean; a value of type '${kindOf(value)}' was provided.`,
      );
    } else if (value === deciding && !isOpen) return deciding;
  }
  return isOpen ? unknown(node.text) : !deciding;
}

function coalesce(node: CallNode, frame: Frame): Json {
  checkArity(node, [1, Infinity]);
  let isOpen = false;
  for (const argument of node.args) {
    const value = evaluate(argument, frame);
    if ((value as unknown) instanceof Unknown) isOpen = true;
    else if (value !== null && !isOpen) return value;
  }
  return isOpen ? unknown(node.text) : null;
}

function tryGet(node: CallNode, frame: Frame): Json {
  checkArity(node, [2, Infinity]);
  const [target, ...keys] = node.args.map((argument) => evaluate(argument, frame));
  let value: Json = target ?? null;
  for (const key of keys) {
    if ((value as unknown) instanceof Unknown || isUnknown(key)) return unknown(node.text);
    if (Array.isArray(value) && typeof key === 'number') value = value[key] ?? null;
    else if (isObject(value) && typeof key === 'string') value = memberOf(value, key) ?? null;
    else if (value !== null) {
      throw refuseCall('tryGet', `a value of type '${kindOf(value)}' has no member of that kind.`);
    }
    if (value === null) return null;
  }
  return value;
}

function makeLambda(node: CallNode, frame: Frame): Json {
  checkArity(node, [1, Infinity]);
  const body = node.args.at(-1) as Node;
  const names = node.args.slice(0, -1).map((argument) => {
    if (argument.kind === 'literal' && typeof argument.value === 'string') return argument.value.toLowerCase();
    throw refuseCall('lambda', 'its parameters must be literal strings.');
  });
  const apply = (args: readonly Json[]): Json => {
    const locals = new Map(frame.locals);
    names.forEach((name, index) => locals.set(name, args[index] ?? null));
    return evaluate(body, called({ ...frame, locals }));
  };
  return asJson(new Lambda(names.length, apply));
}

function callUserFunction(node: CallNode, frame: Frame): Json {
  const { environment } = frame;
  const known = environment.functions.get(node.name);
  if (known === undefined) {
    throw new Refusal(
      'InvalidTemplate',
      `The template function '${node.name}' is not defined in the template's 'functions'.`,
    );
  }
  checkArity(node, [known.parameters.length, known.parameters.length]);
  const args = node.args.map((argument) => evaluate(argument, frame));
  const given = new Map(known.parameters.map((name, index) => [name.toLowerCase(), args[index] ?? null]));
  const inside: Frame = {
    environment: {
      ...environment,
      parameter: (name) => {
        const value = given.get(name.toLowerCase());
        if (value !== undefined) return value;
        throw refuseCall(node.name, `the function has no parameter '${name}'.`);
      },
      variable: () => {
        throw refuseCall(node.name, 'a function cannot use the variables of the template.');
      },
    },
    place: 'functions',
    copies: [],
    depth: frame.depth,
  };
  return evaluateTree(known.output, called(inside));
}

function called(frame: Frame): Frame {
  if (frame.depth >= callDepthMax) {
    throw new Refusal('InvalidTemplate', `Functions call each other more than ${callDepthMax} levels deep.`);
  }
  return { ...frame, depth: frame.depth + 1 };
}
