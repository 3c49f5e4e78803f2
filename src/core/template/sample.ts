/** A context, a resolver and shortcuts that the tests of the template engine share. */

import { Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import { planDeployment, type Plan, type Resolver, type TemplateContext } from '#template/deploy.ts';

export const subscriptionId = '11111111-1111-4111-8111-111111111111';
export const groupId = `/subscriptions/${subscriptionId}/resourceGroups/rg1`;

/** A context for a deployment into the group `rg1`. */
export function sampleContext(change: Partial<TemplateContext> = {}): TemplateContext {
  let count = 0;
  return {
    scope: { subscriptionId, resourceGroup: 'rg1', location: 'local' },
    deploymentName: 'deploy1',
    now: '2026-01-02T03:04:05.678Z',
    newGuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`,
    environment: { name: 'Ringwall', suffixes: { storage: 'local.example' } },
    subscription: (id) => ({ id: `/subscriptions/${id}`, subscriptionId: id, tenantId: 'tenant1', displayName: 'One' }),
    resourceGroup: ({ resourceGroup }) =>
      resourceGroup === 'missing'
        ? undefined
        : {
            id: `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup ?? ''}`,
            name: resourceGroup ?? '',
            type: 'Microsoft.Resources/resourceGroups',
            location: 'local',
            tags: { owner: 'me' },
            properties: { provisioningState: 'Succeeded' },
          },
    tenantId: 'tenant1',
    apiVersionsOf: (type) =>
      /^microsoft\.(network|compute|storage)\//i.test(type) ? ['2024-05-01', '2018-11-01'] : [],
    resourceTypesOf: () => ['virtualNetworks', 'networkInterfaces'],
    locations: ['local'],
    ...change,
  };
}

/** Answers from a table by lower-case id; throws for what is not in it. */
export function sampleResolver(states: Readonly<Record<string, Json>> = {}): Resolver {
  const state = (id: string): Json => {
    const found = states[id.toLowerCase()];
    if (found !== undefined) return found;
    throw new Refusal('ResourceNotFound', `The resource '${id}' was not found.`, { status: 404 });
  };
  return {
    reference: (id, apiVersion, full) =>
      full ? { id, apiVersion: apiVersion ?? null, properties: state(id) } : state(id),
    list: (name, id, apiVersion) => ({ name, id, apiVersion }),
  };
}

/** A template around sections; `resources` is empty unless given. */
function sampleTemplate(sections: { readonly [name: string]: Json }): Json {
  return {
    $schema: 'https://schema.example/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    resources: [],
    ...sections,
  };
}

/** Plans a template into the group `rg1`. */
export function plan(
  sections: { readonly [name: string]: Json },
  given: Json = {},
  change: Partial<TemplateContext> = {},
): Plan {
  return planDeployment(sampleTemplate(sections), given, sampleContext(change));
}

/** The id of the group's network provider. */
export const network = `${groupId}/providers/Microsoft.Network`;

/** A virtual network as a template has it. */
export function vnet(name: string, more: { readonly [key: string]: Json } = {}): Json {
  return { type: 'Microsoft.Network/virtualNetworks', apiVersion: '2024-05-01', name, ...more };
}

/** The names that each resource of a plan waits for, by its own name. */
export function waits(made: Plan): Record<string, string[]> {
  const names = new Map(made.resources.map(({ key, name }) => [key, name]));
  return Object.fromEntries(
    made.resources.map(({ name, dependsOn }) => [name, dependsOn.map((key) => names.get(key) ?? key).sort()]),
  );
}
