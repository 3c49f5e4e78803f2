/** Turns the drafts of a template into planned resources: what they wait for, in order, and bodies that are read later. */

import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { evaluateTree, within } from '#template/evaluate.ts';
import { asJson, checkSize, memberOf, settle } from '#template/value.ts';
import { newBudget, type Frame, type Runtime, type TemplateContext } from '#template/environment.ts';
import { guarded, hideValue, type Secrets } from '#template/secrets.ts';
import { idKey, type Scope } from '#template/scope.ts';
import { aboutResource, draftResources, isDeployment, type Draft } from '#template/draft.ts';
import { makeLookup, type Lookup } from '#template/lookup.ts';
import { batchDependencies, circular, explicitDependencies, orderDrafts } from '#template/depend.ts';
import { dryRuntime, hopefulRuntime, liveRuntime, type Reach } from '#template/runtime.ts';
import { positionOf } from '#template/jsonc.ts';
import { nestedDeployment } from '#template/nested.ts';
import type { Plan, PlannedResource, PlanOptions, PlanRequest } from '#template/deploy.ts';

/** A template together with what its expressions see and where its resources land. */
export type Reached = {
  readonly template: JsonObject;
  readonly frame: Frame;
  readonly target: Scope;
  readonly context: TemplateContext;
  readonly nesting: number;
  readonly secrets: Secrets;
  /** The templates around it whose names it shares (scope `outer`), and who hears what it refers to there. */
  readonly outer?: { readonly lookups: readonly Lookup[]; readonly note: (draft: Draft) => void };
  /** How a nested template with names of its own is planned. */
  planWith(request: PlanRequest, options: PlanOptions): Plan;
};

/** How a nested template that shares the names of its parent is planned. */
export type FinishPlan = (
  reached: Reached,
  facts: { readonly mode: Plan['mode']; readonly hash: string; readonly parameters: Plan['parameters'] },
) => Plan;

/** Plans the resources of one template. */
export function planResources(
  reached: Reached,
  finishPlan: FinishPlan,
): { readonly resources: readonly PlannedResource[]; readonly reach: Reach } {
  const apiProfile = profileOf(reached);
  const drafted = draftResources(reached.template, {
    frame: reached.frame,
    target: reached.target,
    ...(apiProfile === undefined ? {} : { apiProfile }),
  });
  const lookup = makeLookup(drafted);
  refuseDoubles(lookup);
  const reach: Reach = {
    lookups: [lookup, ...(reached.outer?.lookups ?? [])],
    scope: reached.frame.environment.context.scope,
  };
  const plain = drafted.drafts.filter((draft) => !draft.isExisting);
  const edges = new Map(plain.map((draft) => [draft, new Set<Draft>()]));
  const nested = new Map<Draft, PlannedResource['deployment']>();
  for (const draft of plain) {
    aboutDraft(draft, () => {
      const note = noteFor({ draft, lookup, edges, outer: reached.outer });
      for (const other of [...explicitDependencies(draft, lookup), ...batchDependencies(draft, lookup)]) note(other);
      if (!draft.condition) return;
      if (isDeployment(draft.type)) nested.set(draft, nestedDeployment({ draft, reach, reached, finishPlan, note }));
      bodyOf(draft, dryRuntime(reach, note), reached.frame.environment.budget);
    });
  }
  const keys = keysOf(plain);
  const resources = orderDrafts(plain, edges, lookup).map((draft) =>
    plannedResource(draft, { reach, keys, edges, deployment: nested.get(draft), secrets: reached.secrets }),
  );
  return { resources, reach };
}

function profileOf({ template, frame }: Reached): string | undefined {
  const given = memberOf(template, 'apiProfile');
  if (given === undefined || given === null || given === '') return undefined;
  const value = within('apiProfile', () => evaluateTree(given, frame));
  if (typeof value === 'string') return value;
  throw new Refusal('InvalidTemplate', `The 'apiProfile' of the template must be a string.`, { target: '/apiProfile' });
}

// Two resources of one id are allowed when their conditions leave only one of them.
function refuseDoubles(lookup: Lookup): void {
  for (const drafts of lookup.byId.values()) {
    const [first, second] = drafts.filter((draft) => draft.condition && !draft.isExisting);
    if (first === undefined || second === undefined) continue;
    throw new Refusal(
      'InvalidTemplate',
      `Deployment template validation failed: The resource '${first.id}' is defined more than once in the template, at ${first.pointer} and ${second.pointer}.`,
      { target: second.pointer },
    );
  }
}

type Noting = {
  readonly draft: Draft;
  readonly lookup: Lookup;
  readonly edges: Map<Draft, Set<Draft>>;
  readonly outer: Reached['outer'];
};

function noteFor({ draft, lookup, edges, outer }: Noting): (other: Draft) => void {
  return (other) => {
    if (!lookup.owned.has(other)) outer?.note(other);
    else if (other === draft) throw circular([draft, draft]);
    else if (other.condition && !other.isExisting) edges.get(draft)?.add(other);
  };
}

function keysOf(drafts: readonly Draft[]): ReadonlyMap<Draft, string> {
  const taken = new Set<string>();
  const keys = new Map<Draft, string>();
  // What is deployed keeps the plain key; those left out by their condition step aside.
  for (const draft of drafts.toSorted((left, right) => Number(right.condition) - Number(left.condition))) {
    const plain = idKey(draft.id);
    let key = plain;
    for (let count = 2; taken.has(key); count += 1) key = `${plain}#${count}`;
    taken.add(key);
    keys.set(draft, key);
  }
  return keys;
}

type Planning = {
  readonly reach: Reach;
  readonly keys: ReadonlyMap<Draft, string>;
  readonly edges: ReadonlyMap<Draft, ReadonlySet<Draft>>;
  readonly deployment: PlannedResource['deployment'];
  readonly secrets: Secrets;
};

function plannedResource(draft: Draft, { reach, keys, edges, deployment, secrets }: Planning): PlannedResource {
  const keyOfDraft = (one: Draft) => keys.get(one) ?? idKey(one.id);
  const read = (runtime: Runtime) =>
    guarded(secrets, () => aboutDraft(draft, () => bodyOf(draft, runtime, newBudget())));
  const position = positionOf(draft.source);
  return {
    key: keyOfDraft(draft),
    id: draft.id,
    type: draft.type,
    name: draft.name,
    apiVersion: draft.apiVersion,
    scope: draft.home,
    ...(draft.location === undefined ? {} : { location: draft.location }),
    condition: draft.condition,
    dependsOn: [...(edges.get(draft) ?? [])].map(keyOfDraft),
    body: (resolve) => read(liveRuntime(reach, resolve)),
    preview: (resolve) => {
      const runtime = resolve === undefined ? dryRuntime(reach, () => undefined) : hopefulRuntime(reach, resolve);
      return hideValue(secrets, settle(read(runtime))) as JsonObject;
    },
    ...(draft.copy === undefined ? {} : { copy: draft.copy }),
    ...(deployment === undefined ? {} : { deployment }),
    pointer: draft.pointer,
    ...(position === undefined ? {} : { position }),
  };
}

// These members say what and where a resource is, or steer the engine; all others are the request's body.
const steering: ReadonlySet<string> = new Set([
  'type',
  'name',
  'apiversion',
  'dependson',
  'condition',
  'copy',
  'comments',
  'metadata',
  'resources',
  'scope',
  'existing',
  'subscriptionid',
  'resourcegroup',
]);

/** Evaluates the body of a resource: all members but those that steer, nulls left out (`null` is absent to ARM). */
function bodyOf(draft: Draft, runtime: Runtime, budget: Frame['environment']['budget']): JsonObject {
  const frame: Frame = { ...draft.frame, environment: { ...draft.frame.environment, budget }, runtime };
  const members: [string, Json][] = [];
  for (const [key, value] of Object.entries(draft.source)) {
    if (steering.has(key.toLowerCase()) || value === undefined) continue;
    // The template and the parameters of a nested deployment are its own matter.
    const own = isDeployment(draft.type) && key.toLowerCase() === 'properties' ? deploymentProperties(value) : value;
    members.push([key, within(key, () => evaluateTree(own, frame))]);
  }
  return checkSize(withoutNulls(Object.fromEntries(members))) as JsonObject;
}

function deploymentProperties(properties: Json): Json {
  if (!isObject(properties)) return {};
  return { mode: memberOf(properties, 'mode') ?? 'Incremental' };
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value) || isPlainUnknown(value)) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(asJson(member ?? null))]));
}

function isPlainUnknown(value: object): boolean {
  return Object.getPrototypeOf(value) !== Object.prototype;
}

function aboutDraft<T>(draft: Draft, run: () => T): T {
  return aboutResource({ label: draft.id, source: draft.source, pointer: draft.pointer }, run);
}
