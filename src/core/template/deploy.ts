/** Plans a deployment: a template, its parameters and a context become resources in order, with bodies that are read when their turn comes. */

import { templateOutputsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { memberOf, settle } from '#template/value.ts';
import { newBudget, type Budget, type TemplateContext } from '#template/environment.ts';
import { readNames, section } from '#template/names.ts';
import { guarded, hideRefusal, hideValue, type Secrets } from '#template/secrets.ts';
import { templateHash } from '#template/hash.ts';
import { planResources, type Reached } from '#template/planned.ts';
import { checkOutputs, readOutputs } from '#template/outputs.ts';
import type { CopyLoop } from '#template/draft.ts';
import type { Position } from '#template/jsonc.ts';
import type { Resolver } from '#template/runtime.ts';
import type { Scope } from '#template/scope.ts';
import type { ShownValue } from '#template/parameters.ts';

export type { Resolver } from '#template/runtime.ts';
export type { Scope } from '#template/scope.ts';
export type { TemplateContext } from '#template/environment.ts';
export type { ShownValue } from '#template/parameters.ts';

export type DeploymentMode = 'Incremental' | 'Complete';

/** A nested deployment: its own scope and mode, and its plan once its parameters are known. */
export type NestedDeployment = {
  readonly name: string;
  readonly mode: DeploymentMode;
  readonly scope: Scope;
  /** The plan as far as it is known before the parent runs; undefined when its resources cannot be named yet. */
  readonly preview?: Plan;
  /** The plan itself, to be made when all that the nested deployment waits for is done. */
  plan(resolve: Resolver): Plan;
};

/** One resource of a plan. */
export type PlannedResource = {
  /** Names the resource within the plan; `dependsOn` holds keys. */
  readonly key: string;
  readonly id: string;
  readonly type: string;
  /** The full name, `parent/child`. */
  readonly name: string;
  readonly apiVersion: string;
  readonly scope: Omit<Scope, 'location'>;
  readonly location?: string;
  /** False: the resource is not deployed, and nothing waits for it. */
  readonly condition: boolean;
  readonly dependsOn: readonly string[];
  /** The request body without nulls. Evaluated when called, as it may ask for the state of what it depends on. */
  body(resolve: Resolver): JsonObject;
  /** The body as far as it can be told now, secrets hidden and the text of an expression in place of what is not known. */
  preview(resolve?: Resolver): JsonObject;
  readonly copy?: CopyLoop;
  readonly deployment?: NestedDeployment;
  /** Where it stands in its template: `/resources/2/resources/0`; line and column when the template was read from a text. */
  readonly pointer: string;
  readonly position?: Position;
};

/** A deployment, ready to run. */
export type Plan = {
  readonly deploymentName: string;
  readonly scope: Scope;
  readonly mode: DeploymentMode;
  /** In an order that respects `dependsOn`; what does not wait for each other may run at once. */
  readonly resources: readonly PlannedResource[];
  /** As deployments show them: secure ones without a value. */
  readonly parameters: { readonly [name: string]: ShownValue };
  readonly templateHash: string;
  /** The refusal without the values of secure parameters: whoever judges a body may quote it. */
  hide(refusal: Refusal): Refusal;
  /** The outputs with their types, to be read when all resources are done. */
  outputs(resolve: Resolver): { readonly [name: string]: ShownValue };
};

/** What a plan is made from besides template, parameters and context; nested deployments hand theirs down. */
export type PlanOptions = {
  readonly mode: DeploymentMode;
  readonly nesting: number;
  readonly secrets: Secrets;
  readonly budget: Budget;
  /** May the resource group be made by the deployment around this one? */
  readonly isGroupPending?: () => boolean;
};

/**
 * Plans a deployment (Azure docs, "Understand the structure and syntax of ARM templates"). `parameters` is `{name: {value}}`.
 * Refuses with `InvalidTemplate`, the resource and the JSON pointer; never shows the value of a secure parameter.
 */
export function planDeployment(
  template: Json,
  parameters: Json,
  context: TemplateContext & { readonly mode?: DeploymentMode },
): Plan {
  return planWith(
    { template, parameters, context },
    {
      mode: context.mode ?? 'Incremental',
      nesting: 0,
      secrets: new Set(),
      budget: newBudget(),
    },
  );
}

/** The parts of one request to deploy. */
export type PlanRequest = { readonly template: Json; readonly parameters: Json; readonly context: TemplateContext };

/** As `planDeployment`, for a template at any level of nesting whose names are its own (scope `inner`). */
function planWith({ template, parameters, context }: PlanRequest, options: PlanOptions): Plan {
  const { secrets, budget, mode } = options;
  return guarded(secrets, () => {
    const checked = checkTemplate(template);
    const given = parameters ?? {};
    if (!isObject(given))
      throw new Refusal('InvalidTemplate', `The parameters must be an object of the form {"name": {"value": …}}.`);
    const hash = templateHash(checked).templateHash;
    const names = readNames({
      template: checked,
      given,
      context,
      budget,
      secrets,
      ...(options.isGroupPending === undefined ? {} : { isGroupPending: options.isGroupPending }),
      deployment: () => deploymentView({ template: checked, context, mode, hash }),
    });
    const shown = names.parameters.shown();
    const frame = { environment: names.environment, place: 'resources' as const, copies: [], depth: 0 };
    const reached: Reached = {
      template: checked,
      frame,
      target: context.scope,
      context,
      nesting: options.nesting,
      secrets,
      planWith,
    };
    return finishPlan(reached, {
      mode,
      hash,
      parameters: hideValue(new Set(secrets), settle(shown as Json)) as Plan['parameters'],
    });
  });
}

/** The part of planning that a nested template of outer scope shares: its names are its parent's. */
function finishPlan(
  reached: Reached,
  {
    mode,
    hash,
    parameters,
  }: { readonly mode: DeploymentMode; readonly hash: string; readonly parameters: Plan['parameters'] },
): Plan {
  checkTemplate(reached.template);
  const { resources, reach } = planResources(reached, finishPlan);
  const outputs = { definitions: section(reached.template, 'outputs'), frame: reached.frame, reach };
  checkOutputs(outputs);
  return {
    deploymentName: reached.context.deploymentName,
    scope: reached.target,
    mode,
    resources,
    parameters,
    templateHash: hash,
    outputs: (resolve) => guarded(reached.secrets, () => readOutputs(outputs, resolve)),
    hide: (refusal) => hideRefusal(reached.secrets, refusal),
  };
}

const sections = [
  '$schema',
  'contentVersion',
  'apiProfile',
  'languageVersion',
  'metadata',
  'definitions',
  'functions',
  'parameters',
  'variables',
  'resources',
  'outputs',
] as const;

/** Refuses what is no template. */
function checkTemplate(template: Json): JsonObject {
  if (!isObject(template))
    throw new Refusal('InvalidTemplate', 'The template must be an object.', { target: '/template' });
  const known = new Set(sections.map((name) => name.toLowerCase()));
  const stranger = Object.keys(template).find((name) => !known.has(name.toLowerCase()));
  if (stranger !== undefined) {
    throw new Refusal(
      'InvalidTemplate',
      `Deployment template validation failed: the section '${stranger}' is not known; ${sections.join(', ')} are.`,
      { target: `/${stranger}` },
    );
  }
  const count = Object.keys(section(template, 'outputs')).length;
  if (count > templateOutputsMax) {
    throw new Refusal(
      'InvalidTemplate',
      `The template has ${count} outputs; at most ${templateOutputsMax} are accepted.`,
    );
  }
  return template;
}

type View = {
  readonly template: JsonObject;
  readonly context: TemplateContext;
  readonly mode: DeploymentMode;
  readonly hash: string;
};

/** What `deployment()` answers: the deployment as it was asked for. */
function deploymentView({ template, context, mode, hash }: View): JsonObject {
  const { scope, templateUri } = context;
  return {
    name: context.deploymentName,
    ...(scope.resourceGroup === undefined ? { location: scope.location } : {}),
    properties: {
      ...(templateUri === undefined ? {} : { templateLink: { uri: templateUri } }),
      template: { contentVersion: memberOf(template, 'contentVersion') ?? '1.0.0.0', ...template },
      templateHash: hash,
      mode,
      provisioningState: 'Accepted',
    },
  };
}
