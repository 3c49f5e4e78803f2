/** Reads the body of a deployment request and plans it: template, parameters, mode, and what the template may ask of the stamp. */

import { Refusal } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { planDeployment, type DeploymentMode, type Plan, type Scope, type TemplateContext } from '#template/deploy.ts';
import { scopeIdOf, scopeOfId } from '#template/scope.ts';
import type { Caller, DeploymentInput } from '#engine/engine.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';

/** A request that can be run. */
export type PlannedRequest = {
  readonly plan: Plan;
  readonly scope: Scope;
  readonly template: Json;
  readonly mode: DeploymentMode;
};

/** Plans; throws a Refusal (InvalidTemplate, InvalidRequestContent, ResourceGroupNotFound …) that names what is wrong. */
export function planRequest(input: DeploymentInput, caller: Caller, engine: StampEngine): PlannedRequest {
  const { properties } = input;
  const template = properties['template'];
  for (const link of ['templateLink', 'parametersLink']) {
    if (properties[link] === undefined || properties[link] === null) continue;
    const says = `Linked templates are not fetched here: put the file's content into '${link === 'templateLink' ? 'template' : 'parameters'}'.`;
    throw new Refusal('InvalidTemplate', says, { target: `/properties/${link}` });
  }
  if (template === undefined || template === null) {
    throw new Refusal('InvalidRequestContent', "The request must have 'properties.template'.", {
      target: '/properties/template',
    });
  }
  const mode = modeOf(properties['mode']);
  const scope = scopeOf(input, engine);
  if (mode === 'Complete' && scope.resourceGroup === undefined) {
    throw new Refusal(
      'InvalidDeploymentMode',
      "The mode 'Complete' is for resource groups; a subscription's deployments are Incremental.",
      {
        target: '/properties/mode',
      },
    );
  }
  const context = templateContext(input, { caller, engine, scope });
  const plan = planDeployment(template, properties['parameters'] ?? {}, { ...context, mode });
  return { plan, scope, template, mode };
}

function modeOf(value: Json | undefined): DeploymentMode {
  const text =
    typeof value === 'string' ? value.toLowerCase() : value === undefined || value === null ? 'incremental' : '';
  if (text === 'incremental') return 'Incremental';
  if (text === 'complete') return 'Complete';
  throw new Refusal('InvalidRequestContent', "The 'mode' must be Incremental or Complete.", {
    target: '/properties/mode',
  });
}

function scopeOf(input: DeploymentInput, engine: StampEngine): Scope {
  const parts = scopeOfId(input.scope);
  if (parts === undefined)
    throw new Refusal(
      'InvalidRequestContent',
      `Deployments are made at a subscription or a resource group, not at '${input.scope}'.`,
    );
  const { location: own } = engine.parts.stamp;
  if (parts.resourceGroup === undefined) return { ...parts, location: input.location ?? own };
  const group = engine.view().get(input.scope);
  if (group === undefined) {
    throw new Refusal('ResourceGroupNotFound', `Resource group '${parts.resourceGroup}' could not be found.`, {
      status: 404,
    });
  }
  return { ...parts, location: group.location ?? own };
}

function templateContext(
  input: DeploymentInput,
  { caller, engine, scope }: { caller: Caller; engine: StampEngine; scope: Scope },
): TemplateContext {
  const { stamp, dice, clock, apiVersionsOf, environment } = engine.parts;
  const shown = (id: string): Json | undefined => {
    const resource = engine.view().get(id);
    // The deployment's own group is its caller's to name; another one is shown to those who may read it.
    if (resource === undefined || (id !== input.scope && !engine.may(caller, `${resource.type}/read`, id)))
      return undefined;
    return engine.show(resource, '2021-04-01');
  };
  return {
    scope,
    deploymentName: input.name,
    now: new Date(clock.now()).toISOString(),
    newGuid: () => dice.guid(),
    environment,
    subscription: (subscriptionId) => {
      const found = engine.view().get(`/subscriptions/${subscriptionId}`);
      const displayName = found?.properties['displayName'];
      return (
        found && {
          id: found.id,
          subscriptionId: found.name,
          tenantId: stamp.tenantId,
          displayName: displayName ?? found.name,
        }
      );
    },
    resourceGroup: (wanted) => shown(scopeIdOf(wanted)),
    tenantId: stamp.tenantId,
    deployerId: caller.oid,
    apiVersionsOf,
    locations: [stamp.location],
  };
}

/** The properties of a deployment as it is shown at its start: no template, no secrets. */
export function shownProperties(
  planned: PlannedRequest,
  about: { readonly at: string; readonly correlationId: string },
): JsonObject {
  const { plan, mode } = planned;
  const providers = new Map<string, Set<string>>();
  for (const { type } of plan.resources) {
    const [namespace = '', ...rest] = type.split('/');
    providers.set(namespace, (providers.get(namespace) ?? new Set()).add(rest.join('/')));
  }
  return {
    templateHash: plan.templateHash,
    parameters: plan.parameters,
    mode,
    provisioningState: 'Accepted',
    timestamp: about.at,
    duration: 'PT0S',
    correlationId: about.correlationId,
    providers: [...providers].map(([namespace, types]) => ({
      namespace,
      resourceTypes: [...types].map((resourceType) => ({ resourceType, locations: [planned.scope.location] })),
    })),
    dependencies: plan.resources
      .filter((resource) => resource.dependsOn.length > 0)
      .map((resource) => ({
        dependsOn: resource.dependsOn.flatMap((key) => {
          const other = plan.resources.find((candidate) => candidate.key === key);
          return other === undefined ? [] : [{ id: other.id, resourceType: other.type, resourceName: other.name }];
        }),
        id: resource.id,
        resourceType: resource.type,
        resourceName: resource.name,
      })),
  };
}
