/** A stamp in memory for one template: its resources drawn as a write would draw them, its NICs placed, and the programs that follow. */

import { randomUUID } from 'node:crypto';
import type { Json, JsonObject } from '#base/json.ts';
import { type Detail, Refusal } from '#base/wrong.ts';
import { compileStamp, CompileMemo } from '#compile/stamp.ts';
import { dryRun } from '#engine/deployments/dry-run.ts';
import type { Planner } from '#engine/deployments/planner.ts';
import { AccessIndex } from '#engine/gate/access-index.ts';
import { drawRequest, nounOf } from '#engine/gate/draw.ts';
import { stampCaller } from '#engine/gate/own-caller.ts';
import { UseIndex } from '#engine/gate/use-index.ts';
import { probesWanted } from '#engine/reconcile/probe-follower.ts';
import { MemoryDraft, MemoryView } from '#model/memory.ts';
import type { Noun } from '#model/noun.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import type { Programs } from '#program/program.ts';
import { planDeployment, type Plan, type PlannedResource } from '#template/deploy.ts';
import type { TemplateContext } from '#template/environment.ts';

/** What a template is drawn with: the types of resources, and their api-versions. */
export type ModelParts = {
  readonly facts: StampFacts;
  readonly nouns: ReadonlyMap<string, Noun>;
  readonly apiVersionsOf: (type: string) => readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** The template as a stamp has it. `planned`: where each resource stands in the template. */
export type TemplateModel = {
  readonly view: MemoryView;
  readonly programs: Programs;
  readonly planned: readonly PlannedResource[];
};

/** Something of the template that a stamp would refuse: where it stands (JSON pointer), and why. */
export class TemplateUnusable extends Refusal {
  readonly pointer: string;

  constructor(error: Detail, pointer: string) {
    super(error.code, error.message, { target: pointer, details: error.details ?? [] });
    this.pointer = pointer;
  }
}

const subscription = '00000000-0000-4000-8000-000000000001';
const scopeId = `/subscriptions/${subscription}`;
const groupId = `${scopeId}/resourceGroups/template`;
const machineType = 'Microsoft.Compute/virtualMachines';
const nicType = 'Microsoft.Network/networkInterfaces';

/** Draws the template on an empty stamp. Throws `TemplateUnusable` for what a stamp would not take. */
export function modelOf(template: Json, parameters: JsonObject, parts: ModelParts): TemplateModel {
  const planner = plannerOf(parts);
  const { view } = planner.parts;
  const plan = planned(template, parameters, { parts, planner });
  for (const resource of plan.resources) makeGroups(resource, planner, parts.facts.location);
  const caller = stampCaller(parts.facts.tenantId, randomUUID());
  const { errors, refused, edits } = dryRun(plan, caller, planner);
  const [error] = errors;
  if (error !== undefined) throw new TemplateUnusable(error, pointerOf(error, refused[0]));
  view.commit(edits);
  for (const nic of view.ofType(nicType)) place(nic, planner);
  markHealthy(view);
  return { view, programs: compileStamp(view, parts.facts, new CompileMemo()), planned: plan.resources };
}

/** The groups that nested deployments go into are there already when a template is deployed; here they are empty. */
function makeGroups({ deployment }: PlannedResource, planner: Planner, location: string): void {
  if (deployment === undefined) return;
  const { view } = planner.parts;
  const { subscriptionId, resourceGroup } = deployment.scope;
  const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup ?? ''}`;
  const model = view.get(groupId);
  if (
    resourceGroup !== undefined &&
    subscriptionId === subscription &&
    model !== undefined &&
    view.get(id) === undefined
  )
    view.commit([{ id, after: { ...model, id, name: resourceGroup, location } }]);
  for (const inner of deployment.preview?.resources ?? []) makeGroups(inner, planner, location);
}

/** A refusal of a resource's body names a member of the body; in the template that lies below the resource. */
function pointerOf({ target }: Detail, resource: PlannedResource | undefined): string {
  const base = resource?.pointer ?? '';
  return target?.startsWith('/') === true && !target.startsWith('/subscriptions/') ? `${base}${target}` : base;
}

function plannerOf({ facts, nouns, now }: ModelParts): Planner {
  const at = new Date(now).toISOString();
  const common = { etag: 'W/"0"', createdAt: at, changedAt: at };
  const view = new MemoryView([
    {
      id: scopeId,
      type: 'Microsoft.Resources/subscriptions',
      name: subscription,
      properties: { displayName: 'Template', state: 'Enabled' },
      ...common,
    },
    {
      id: groupId,
      type: 'Microsoft.Resources/resourceGroups',
      name: 'template',
      location: facts.location,
      properties: {},
      ...common,
    },
  ]);
  const context = (apiVersion: string) => ({ now: at, newGuid: () => randomUUID(), apiVersion, stamp: facts });
  return {
    view: () => view,
    context,
    show: (resource, apiVersion) => nounOf(nouns, resource.type).show(resource, view, context(apiVersion)),
    authorize: () => 'the stamp itself',
    may: () => true,
    access: new AccessIndex(() => view, facts.tenantId),
    use: new UseIndex(() => view, facts.location),
    parts: { view, nouns },
  };
}

function planned(
  template: Json,
  parameters: JsonObject,
  { parts, planner }: { parts: ModelParts; planner: Planner },
): Plan {
  try {
    return planDeployment(template, parameters, contextOf(template, parts, planner));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new TemplateUnusable(error, error.target ?? '');
  }
}

/** A template for subscriptions says so by its schema; all others are deployed into a group. */
function contextOf(template: Json, { facts, apiVersionsOf, now }: ModelParts, planner: Planner): TemplateContext {
  const schema = String((template as { $schema?: unknown } | null)?.$schema ?? '');
  const isOfSubscription = /\/subscriptionDeploymentTemplate\.json/i.test(schema);
  return {
    scope: {
      subscriptionId: subscription,
      ...(isOfSubscription ? {} : { resourceGroup: 'template' }),
      location: facts.location,
    },
    deploymentName: 'verify',
    now: new Date(now).toISOString(),
    newGuid: () => randomUUID(),
    environment: environmentOf(facts),
    subscription: (id) =>
      id === subscription
        ? { id: scopeId, subscriptionId: id, tenantId: facts.tenantId, displayName: 'Template' }
        : undefined,
    resourceGroup: ({ subscriptionId, resourceGroup }) => {
      const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup ?? ''}`;
      const found = planner.view().get(id);
      return found === undefined ? undefined : planner.show(found, '2021-04-01');
    },
    tenantId: facts.tenantId,
    apiVersionsOf,
    locations: [facts.location],
    // Some templates ask where they were fetched from, to find files beside them; nothing is fetched.
    templateUri: 'https://template.invalid/azuredeploy.json',
  };
}

function environmentOf({ zone }: StampFacts): JsonObject {
  const [management, adfs, portal] = ['management', 'adfs', 'portal'].map((host) => `https://${host}.${zone}`);
  return {
    name: 'Ringwall',
    portal,
    resourceManager: `${management}/`,
    authentication: {
      loginEndpoint: `${adfs}/`,
      audiences: [`${management}/`],
      tenant: 'adfs',
      identityProvider: 'ADFS',
    },
    suffixes: { storage: zone, keyvaultDns: `.vault.${zone}` },
  };
}

/**
 * Only a NIC of a machine has a port. One that the template leaves loose is judged as if the smallest machine had it: what is
 * wrong with its rules is wrong as soon as somebody attaches it.
 */
function place(nic: Resource, planner: Planner): void {
  const { view, nouns } = planner.parts;
  if (view.referrersOf(nic.id).some(({ type }) => type === machineType)) return;
  const draft = new MemoryDraft(view);
  const name = `holds-${view.ofType(machineType).length + 1}`;
  const id = `${nic.id.split('/').slice(0, 5).join('/')}/providers/${machineType}/${name}`;
  const properties = {
    hardwareProfile: { vmSize: 'Standard_B1s' },
    storageProfile: { imageReference: { publisher: 'Debian', offer: 'debian-12', sku: '12', version: 'latest' } },
    osProfile: { computerName: name, adminUsername: 'nobody1', adminPassword: `Aa1-${randomUUID()}` },
    networkProfile: { networkInterfaces: [{ id: nic.id }] },
  };
  const body = { ...(nic.location === undefined ? {} : { location: nic.location }), properties };
  const apiVersion = '2020-06-01';
  const caller = stampCaller('', randomUUID());
  const request = { kind: 'put', id, type: machineType, body } as const;
  const parts = { nouns, access: planner.access, context: planner.context(apiVersion), caller };
  drawRequest(draft, { request, apiVersion }, parts);
  view.commit(draft.edits());
}

/** Nothing runs here that a probe could ask: every member counts as up, so that the rules are judged and not the absence of guests. */
function markHealthy(view: MemoryView): void {
  const health = new Map<string, { [probe: string]: { [address: string]: 'up' } }>();
  for (const { balancer, probe, address } of probesWanted(view)) {
    const known = health.get(balancer) ?? {};
    health.set(balancer, { ...known, [probe]: { ...known[probe], [address]: 'up' } });
  }
  for (const [id, up] of health) {
    const before = view.get(id);
    if (before === undefined) continue;
    view.commit([{ id, before, after: { ...before, internal: { ...before.internal, health: up } } }]);
  }
}
