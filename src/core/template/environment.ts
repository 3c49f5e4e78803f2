/** What expressions are evaluated in: the deployment's context, the names that one template defines, and the place of the expression. */

import { evaluationDepthMax, evaluationStepsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { parseExpression, type Node } from '#template/expression.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { Scope } from '#template/scope.ts';

/** All that a template may ask of the world. Clock and dice are handed in, so that the same input gives the same plan. */
export type TemplateContext = {
  readonly scope: Scope;
  readonly deploymentName: string;
  /** The start of the deployment, ISO 8601 in UTC. */
  readonly now: string;
  newGuid(): string;
  /** What `environment()` answers: the cloud's endpoints. */
  readonly environment: Json;
  /** What `subscription()` answers: `{id, subscriptionId, tenantId, displayName}`. Undefined when there is none. */
  subscription(subscriptionId: string): Json | undefined;
  /** What `resourceGroup()` answers: `{id, name, type, location, tags, properties}`. Undefined when there is none (yet). */
  resourceGroup(scope: Omit<Scope, 'location'>): Json | undefined;
  readonly tenantId: string;
  /** The object id of the one who deploys, for `deployer()`. */
  readonly deployerId?: string;
  /** The api-versions of a type, newest first; none when the type is not known. */
  apiVersionsOf(type: string): readonly string[];
  /** The types of a provider, for `providers(namespace)`. */
  resourceTypesOf?(namespace: string): readonly string[];
  readonly locations: readonly string[];
  /** Where the template was fetched from; deployments with an inline template have none. */
  readonly templateUri?: string;
};

/** One copy loop that the expression is inside of. */
export type CopyPlace = { readonly name: string; readonly index: number; readonly kind: 'resource' | 'value' };

/** A function that the template defines under a namespace. */
export type UserFunction = {
  readonly parameters: readonly string[];
  readonly output: Json;
};

/** How the state of resources is asked for; absent where ARM does not allow `reference` and `list*`. */
export type Runtime = {
  reference(target: string, apiVersion: string | undefined, full: boolean): Json;
  references(target: string, full: boolean): Json;
  list(call: {
    readonly name: string;
    readonly target: string;
    readonly apiVersion: string;
    readonly body?: Json;
  }): Json;
};

/** The names of one template. */
export type Environment = {
  readonly context: TemplateContext;
  readonly budget: Budget;
  parse(text: string): Node;
  parameter(name: string): Json;
  variable(name: string): Json;
  readonly functions: ReadonlyMap<string, UserFunction>;
  /** What `deployment()` answers. */
  deployment(): JsonObject;
  /** May the resource group still be made by the deployment around this one? */
  isGroupPending?(): boolean;
};

/** In which part of the template an expression stands; it decides which functions may be called. */
export type Place = 'parameters' | 'variables' | 'resources' | 'outputs' | 'functions';

/** Everything that the evaluation of one expression sees. */
export type Frame = {
  readonly environment: Environment;
  readonly place: Place;
  readonly copies: readonly CopyPlace[];
  readonly locals?: ReadonlyMap<string, Json>;
  readonly runtime?: Runtime;
  /** How many user functions and lambdas are being called around this one. */
  readonly depth: number;
};

/** Counts the steps of an evaluation down, so that no template keeps the control plane busy. */
export type Budget = { steps: number; depth: number };

/** A fresh count of steps for one plan or one body. */
export function newBudget(): Budget {
  return { steps: evaluationStepsMax, depth: 0 };
}

/** Takes steps; refuses when none are left. */
export function spend(budget: Budget, steps = 1): void {
  budget.steps -= steps;
  if (budget.steps < 0) {
    throw new Refusal(
      'InvalidTemplate',
      `The evaluation of the template takes more than ${evaluationStepsMax} steps; split it into smaller deployments.`,
    );
  }
}

/** Runs one level deeper; refuses when variables, functions and expressions nest too deep together. */
export function deeper<T>(budget: Budget, run: () => T): T {
  if (budget.depth >= evaluationDepthMax) {
    throw new Refusal(
      'InvalidTemplate',
      `Expressions and variables nest deeper than ${evaluationDepthMax} levels together.`,
    );
  }
  budget.depth += 1;
  try {
    return run();
  } finally {
    budget.depth -= 1;
  }
}

/** A parser that remembers: each distinct expression of a template is parsed once. */
export function newParser(): (text: string) => Node {
  const known = new Map<string, Node>();
  return (text) => {
    const parsed = known.get(text) ?? parseExpression(text);
    known.set(text, parsed);
    return parsed;
  };
}
