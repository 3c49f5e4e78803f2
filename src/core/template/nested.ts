/** Nested deployments: a template inside a template, with its own names or its parent's, in its own scope. */

import { templateNestingMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { evaluateTree, within } from '#template/evaluate.ts';
import { memberOf } from '#template/value.ts';
import { newBudget, type Frame, type Runtime, type TemplateContext } from '#template/environment.ts';
import { guarded } from '#template/secrets.ts';
import { idKey, scopeIdOf, type Scope } from '#template/scope.ts';
import { templateHash } from '#template/hash.ts';
import { Postponed, type Draft } from '#template/draft.ts';
import { dryRuntime, liveRuntime, type Reach } from '#template/runtime.ts';
import type { FinishPlan, Reached } from '#template/planned.ts';
import type { DeploymentMode, NestedDeployment, Plan } from '#template/deploy.ts';

/** What a nested deployment is planned from. */
export type Nesting = {
  readonly draft: Draft;
  readonly reach: Reach;
  readonly reached: Reached;
  readonly finishPlan: FinishPlan;
  /** Hears of each resource of the parent that the nested deployment refers to. */
  note(other: Draft): void;
};

/** Plans a nested deployment as far as it can be told before its parent runs (Azure docs, "Linked and nested templates"). */
export function nestedDeployment(nesting: Nesting): NestedDeployment {
  const { draft, reach, reached } = nesting;
  const properties = propertiesOf(draft);
  if (reached.nesting + 1 > templateNestingMax) {
    throw new Refusal('InvalidTemplate', `Deployments nest deeper than ${templateNestingMax} levels.`);
  }
  const mode = modeOf(properties, draft.frame);
  const scope: Scope = { ...draft.home, location: locationOf(draft, reached) };
  const make = isInner(properties)
    ? (way: Way) => planInner({ nesting, properties, scope, mode }, way)
    : (way: Way) => planOuter({ nesting, properties, scope, mode }, way);
  const preview = previewOf(() =>
    make({ runtime: dryRuntime(reach, nesting.note), budget: reached.frame.environment.budget, isDry: true }),
  );
  return {
    name: draft.name,
    mode,
    scope,
    ...(preview === undefined ? {} : { preview }),
    plan: (resolve) =>
      guarded(reached.secrets, () => make({ runtime: liveRuntime(reach, resolve), budget: newBudget(), isDry: false })),
  };
}

type Way = { readonly runtime: Runtime; readonly budget: Frame['environment']['budget']; readonly isDry: boolean };
type Inside = {
  readonly nesting: Nesting;
  readonly properties: JsonObject;
  readonly scope: Scope;
  readonly mode: DeploymentMode;
};

function previewOf(make: () => Plan): Plan | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof Postponed) return undefined;
    throw error;
  }
}

function propertiesOf({ source }: Draft): JsonObject {
  const properties = memberOf(source, 'properties');
  if (!isObject(properties)) throw new Refusal('InvalidTemplate', `A nested deployment must have 'properties'.`);
  for (const link of ['templateLink', 'parametersLink']) {
    if ((memberOf(properties, link) ?? null) === null) continue;
    throw new Refusal(
      'InvalidTemplate',
      `Linked templates are not fetched here: '${link}' is not offered. Put the linked file inline, as '${link === 'templateLink' ? 'template' : 'parameters'}'.`,
      { target: `/properties/${link}` },
    );
  }
  return properties;
}

function isInner(properties: JsonObject): boolean {
  const options = memberOf(properties, 'expressionEvaluationOptions') ?? {};
  const scope = isObject(options) ? (memberOf(options, 'scope') ?? 'outer') : undefined;
  const text = typeof scope === 'string' ? scope.toLowerCase() : '';
  if (text === 'inner') return true;
  if (text === 'outer' || text === 'notspecified') return false;
  throw new Refusal('InvalidTemplate', `The scope in 'expressionEvaluationOptions' must be 'inner' or 'outer'.`);
}

function modeOf(properties: JsonObject, frame: Frame): DeploymentMode {
  const mode = evaluateTree(memberOf(properties, 'mode') ?? 'Incremental', frame);
  const text = typeof mode === 'string' ? mode.toLowerCase() : '';
  if (text === 'incremental') return 'Incremental';
  // ARM: only the root template of a deployment may be in complete mode.
  throw new Refusal('InvalidTemplate', `The mode of a nested deployment must be 'Incremental'.`, {
    target: '/properties/mode',
  });
}

function locationOf({ home, location }: Draft, { context, target }: Reached): string {
  if (home.resourceGroup === undefined) return location ?? target.location;
  const group = context.resourceGroup(home);
  const found = isObject(group) ? memberOf(group, 'location') : undefined;
  return typeof found === 'string' ? found : target.location;
}

function templateOf({ nesting, properties }: Inside, frame: Frame): Json {
  const template = memberOf(properties, 'template');
  if (template === undefined || template === null) {
    throw new Refusal('InvalidTemplate', `A nested deployment must have a 'template' in its properties.`);
  }
  // The whole template may come from a parameter or a variable.
  return typeof template === 'string'
    ? evaluateTree(template, { ...frame, copies: nesting.draft.frame.copies })
    : template;
}

function planInner({ nesting, properties, scope, mode }: Inside, { runtime, budget, isDry }: Way): Plan {
  const { draft, reached, reach } = nesting;
  const frame: Frame = { ...draft.frame, environment: { ...draft.frame.environment, budget }, runtime };
  const template = templateOf({ nesting, properties, scope, mode }, frame);
  const parameters = within('properties', () =>
    within('parameters', () => evaluateTree(memberOf(properties, 'parameters') ?? {}, frame)),
  );
  const context: TemplateContext = { ...reached.context, scope, deploymentName: draft.name };
  const isGroupPending = isDry ? () => isPending(scope, reach, reached) : undefined;
  const options = {
    mode,
    nesting: reached.nesting + 1,
    secrets: new Set(reached.secrets),
    budget,
    ...(isGroupPending === undefined ? {} : { isGroupPending }),
  };
  return within('properties', () =>
    within('template', () => reached.planWith({ template, parameters, context }, options)),
  );
}

/** Is the group among what the templates around make? */
function isPending(scope: Scope, { lookups }: Reach, { frame }: Reached): boolean {
  const key = idKey(scopeIdOf(scope));
  return lookups.some((lookup) => lookup.byId.has(key)) || frame.environment.isGroupPending?.() === true;
}

function planOuter({ nesting, properties, scope, mode }: Inside, { runtime, budget }: Way): Plan {
  const { draft, reach, reached, finishPlan, note } = nesting;
  const frame: Frame = { ...draft.frame, environment: { ...draft.frame.environment, budget } };
  const template = templateOf({ nesting, properties, scope, mode }, { ...frame, runtime });
  if (!isObject(template))
    throw new Refusal('InvalidTemplate', `The 'template' of a nested deployment must be an object.`);
  const inside: Reached = {
    ...reached,
    template,
    frame,
    target: scope,
    context: { ...reached.context, scope, deploymentName: draft.name },
    nesting: reached.nesting + 1,
    outer: { lookups: reach.lookups, note },
  };
  return within('properties', () =>
    within('template', () => finishPlan(inside, { mode, hash: templateHash(template).templateHash, parameters: {} })),
  );
}
