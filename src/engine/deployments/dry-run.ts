/** Draws a whole plan on a draft that is thrown away: what validate and what-if answer from. */

import { Refusal, errorBody, type Detail } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import type { Plan, PlannedResource } from '#template/deploy.ts';
import { canonicalId } from '#model/arm-id.ts';
import { MemoryDraft } from '#model/memory.ts';
import type { Edit, Resource } from '#model/resource.ts';
import { canonicalType } from '#model/types.ts';
import { drawRequest, groupType } from '#engine/gate/draw.ts';
import { resolverFor } from '#engine/deployments/resolver.ts';
import type { Caller } from '#engine/engine.ts';
import type { Planner } from '#engine/deployments/planner.ts';

/** A resource as the plan would write it. */
export type Drawn = { readonly id: string; readonly body: Json; readonly apiVersion: string; readonly before?: Json };
/** `edits`: what the plan as a whole would change. */
export type DryRun = {
  readonly drawn: readonly Drawn[];
  readonly errors: readonly Detail[];
  /** For each error, the resource of the plan that it is about. */
  readonly refused: readonly PlannedResource[];
  readonly edits: readonly Edit[];
};

/** Draws every resource in order; goes on after a refusal so that all that is wrong is told at once. */
export function dryRun(plan: Plan, caller: Caller, engine: Planner): DryRun {
  const run = {
    caller,
    engine,
    draft: new MemoryDraft(engine.parts.view),
    drawn: [] as Drawn[],
    errors: [] as Detail[],
    refused: [] as PlannedResource[],
    failed: new Set<string>(),
    over: new Set<string>(),
  };
  drawPlan(plan, run, new Map());
  return { drawn: run.drawn, errors: run.errors, refused: run.refused, edits: run.draft.edits() };
}

type DryRunning = {
  readonly caller: Caller;
  readonly engine: Planner;
  readonly draft: MemoryDraft;
  readonly drawn: Drawn[];
  readonly errors: Detail[];
  readonly refused: PlannedResource[];
  readonly failed: Set<string>;
  /** Quotas that were told to be too small. */
  readonly over: Set<string>;
};

function drawPlan(plan: Plan, run: DryRunning, deployments: Map<string, Json>): void {
  for (const resource of plan.resources) {
    if (!resource.condition) continue;
    // What waits for something that was refused would only be refused for that: it is not told twice.
    if (resource.dependsOn.some((key) => run.failed.has(key))) {
      run.failed.add(resource.key);
      continue;
    }
    try {
      if (resource.deployment === undefined) drawOne(resource, run, deployments);
      else drawNested(resource, run, deployments);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      run.failed.add(resource.key);
      const told = plan.hide(error);
      run.errors.push({ ...errorBody(told), target: told.target ?? resource.id });
      run.refused.push(resource);
    }
  }
}

function drawOne(resource: PlannedResource, run: DryRunning, deployments: ReadonlyMap<string, Json>): void {
  const { engine, caller, draft } = run;
  const resolver = resolverFor(engine, caller, { draft, deployments });
  const body = resource.body(resolver);
  // What is told is the preview: the same body without the values of secure parameters.
  const shown = resource.preview(resolver);
  const before = shownTo(engine.view().get(resource.id), caller, engine);
  run.drawn.push({
    id: resource.id,
    body: shown,
    apiVersion: resource.apiVersion,
    ...(before === undefined ? {} : { before }),
  });
  const request = { kind: 'put', id: canonicalId(resource.id), type: canonicalType(resource.type), body } as const;
  const context = engine.context(resource.apiVersion);
  drawRequest(
    draft,
    { request, apiVersion: resource.apiVersion },
    { nouns: engine.parts.nouns, access: engine.access, context, caller },
  );
  engine.use.check(draft, draft.edits(), run.over);
}

function drawNested(resource: PlannedResource, run: DryRunning, deployments: Map<string, Json>): void {
  const { engine, caller, draft } = run;
  const resolver = resolverFor(engine, caller, { draft, deployments });
  const plan = resource.deployment?.plan(resolver);
  if (plan === undefined) return;
  const errorsBefore = run.errors.length;
  drawPlan(plan, run, deployments);
  if (run.errors.length > errorsBefore) {
    run.failed.add(resource.key);
    return;
  }
  const outputs = plan.outputs(resolverFor(engine, caller, { draft, deployments }));
  deployments.set(resource.id.toLowerCase(), {
    id: resource.id,
    name: resource.name,
    properties: { outputs: outputs as unknown as Json },
  });
}

/**
 * What lies directly in a scope, by id, as its ARM bodies: what a what-if tells besides the plan's own resources. In a group
 * these are its top-level resources, in a subscription its groups; only what the caller may read, and nothing that merely
 * says who may do what.
 */
export function shownIn(scope: string, caller: Caller, engine: Planner): Map<string, Json> {
  const shown = new Map<string, Json>();
  const depth = scope.split('/').length;
  const isOfGroup = depth > 3;
  for (const resource of engine.view().under(scope)) {
    const isDirect = isOfGroup
      ? resource.id.split('/').length === depth + 4 && !/^microsoft\.authorization\//i.test(resource.type)
      : resource.type === groupType;
    const body = isDirect ? shownTo(resource, caller, engine) : undefined;
    if (body !== undefined) shown.set(resource.id, body);
  }
  return shown;
}

function shownTo(resource: Resource | undefined, caller: Caller, engine: Planner): Json | undefined {
  if (resource === undefined || !engine.may(caller, `${resource.type}/read`, resource.id)) return undefined;
  return engine.show(resource, '2021-04-01');
}
