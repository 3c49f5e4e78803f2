/** The table of fixed addresses: each line a path, whose api-versions count, and who answers. */

import { namespacesOf } from '#faces/arm/catalog.ts';
import * as deployment from '#faces/arm/deployment.ts';
import { listAllResources, listGroupResources } from '#faces/arm/generic.ts';
import * as group from '#faces/arm/group.ts';
import { listResources } from '#faces/arm/list.ts';
import { operationResult, operationStatus } from '#faces/arm/long-running.ts';
import { planSurfaces } from '#faces/arm/plan-surface.ts';
import * as provider from '#faces/arm/provider.ts';
import * as resource from '#faces/arm/resource.ts';
import { makeRouter, type Line, type ResourceHandlers, type Router } from '#faces/arm/route.ts';
import { surfaces } from '#faces/arm/surface.ts';
import type { Plane } from '#model/plans/plane.ts';
import { getSubscription, listLocations, listSubscriptions, listTenants } from '#faces/arm/subscription.ts';

/** The router of a plane's face. */
export function armRouter(plane: Plane): Router {
  return makeRouter(linesOf(plane), resources, plane);
}

/** All lines; a plane's router leaves out those of the other. */
export function linesOf(plane: Plane): readonly Line[] {
  return [...tenancy, ...deployments, ...operations(plane), ...surfaces, ...planSurfaces];
}

const resources: ResourceHandlers = {
  one: {
    GET: { handler: resource.getResource, body: 'none' },
    HEAD: { handler: resource.headResource, body: 'none' },
    PUT: { handler: resource.putResource, body: 'json' },
    PATCH: { handler: resource.patchResource, body: 'patch' },
    DELETE: { handler: resource.deleteResource, body: 'none' },
  },
  list: { handler: listResources, body: 'none' },
  part: { handler: resource.getPart, body: 'none' },
  parts: { handler: resource.listParts, body: 'none' },
  action: {
    GET: { handler: resource.actOnResource, body: 'none' },
    POST: { handler: resource.actOnResource, body: 'json' },
  },
};

const s = '/subscriptions/{subscription}';
const rg = `${s}/resourceGroups/{group}`;
const groups = 'Microsoft.Resources/resourceGroups';

const tenancy: readonly Line[] = [
  { pattern: '/subscriptions', type: 'Microsoft.Resources/subscriptions', methods: { GET: listSubscriptions } },
  { pattern: s, type: 'Microsoft.Resources/subscriptions', methods: { GET: getSubscription } },
  { pattern: `${s}/locations`, type: 'Microsoft.Resources/subscriptions', methods: { GET: listLocations } },
  { pattern: '/tenants', type: 'Microsoft.Resources/tenants', methods: { GET: listTenants } },
  { pattern: '/providers', type: 'Microsoft.Resources/providers', methods: { GET: provider.listProviders } },
  { pattern: '/providers/{namespace}', type: 'Microsoft.Resources/providers', methods: { GET: provider.getProvider } },
  { pattern: `${s}/providers`, type: 'Microsoft.Resources/providers', methods: { GET: provider.listProviders } },
  {
    pattern: `${s}/providers/{namespace}`,
    type: 'Microsoft.Resources/providers',
    methods: { GET: provider.getProvider },
  },
  {
    pattern: `${s}/providers/{namespace}/register`,
    type: 'Microsoft.Resources/providers',
    methods: { POST: provider.registerProvider },
  },
  {
    pattern: `${s}/providers/{namespace}/unregister`,
    type: 'Microsoft.Resources/providers',
    methods: { POST: provider.unregisterProvider },
  },
  { pattern: `${s}/resources`, type: 'Microsoft.Resources/resources', methods: { GET: listAllResources } },
  { pattern: `${rg}/resources`, type: 'Microsoft.Resources/resources', methods: { GET: listGroupResources } },
  { pattern: `${s}/resourceGroups`, type: groups, methods: { GET: group.listGroups } },
  {
    pattern: rg,
    type: groups,
    methods: {
      GET: group.getGroup,
      HEAD: group.headGroup,
      PUT: group.putGroup,
      PATCH: group.patchGroup,
      DELETE: group.deleteGroup,
    },
  },
  { pattern: `${rg}/exportTemplate`, type: groups, methods: { POST: group.exportGroup } },
  { pattern: `${rg}/moveResources`, type: groups, methods: { POST: group.refuseMove } },
  { pattern: `${rg}/validateMoveResources`, type: groups, methods: { POST: group.refuseMove } },
];

const deploymentType = 'Microsoft.Resources/deployments';
const d = `{scope}/providers/${deploymentType}`;
/** az and the SDKs ask for the operations of a group's deployment without the provider in the path (arm facts §1.4). */
const short = '{scope}/deployments';

const deployments: readonly Line[] = [
  { pattern: d, type: deploymentType, methods: { GET: deployment.listDeployments } },
  {
    pattern: `${d}/{deployment}`,
    type: deploymentType,
    methods: {
      GET: deployment.getDeployment,
      HEAD: deployment.headDeployment,
      PUT: [deployment.putDeployment, 'template'],
      DELETE: deployment.deleteDeployment,
    },
  },
  ...[d, short].flatMap((stem): Line[] => [
    {
      pattern: `${stem}/{deployment}/operations`,
      type: deploymentType,
      methods: { GET: deployment.listDeploymentOperations },
    },
    {
      pattern: `${stem}/{deployment}/operations/{operation}`,
      type: deploymentType,
      methods: { GET: deployment.getDeploymentOperation },
    },
    {
      pattern: `${stem}/{deployment}/operationStatuses/{operation}`,
      type: deploymentType,
      methods: { GET: deployment.deploymentStatus },
    },
  ]),
  { pattern: `${d}/{deployment}/cancel`, type: deploymentType, methods: { POST: deployment.cancelDeployment } },
  {
    pattern: `${d}/{deployment}/validate`,
    type: deploymentType,
    methods: { POST: [deployment.validateDeployment, 'template'] },
  },
  {
    pattern: `${d}/{deployment}/whatIf`,
    type: deploymentType,
    methods: { POST: [deployment.whatIfDeployment, 'template'] },
  },
  { pattern: `${d}/{deployment}/exportTemplate`, type: deploymentType, methods: { POST: deployment.exportDeployment } },
  {
    pattern: '/providers/Microsoft.Resources/calculateTemplateHash',
    type: 'Microsoft.Resources/calculateTemplateHash',
    methods: { POST: [deployment.calculateHash, 'template'] },
  },
];

/** Where operations are polled: under the provider that does the work, and under the subscription. */
function operations(plane: Plane): Line[] {
  const polls = ['Microsoft.Network/locations', 'Microsoft.Compute/locations', 'Microsoft.Storage/locations'].flatMap(
    (type): Line[] => [
      { pattern: `${s}/providers/${type}/{location}/operations/{operation}`, type, methods: { GET: operationStatus } },
      {
        pattern: `${s}/providers/${type}/{location}/operationResults/{operation}`,
        type,
        methods: { GET: operationResult },
      },
    ],
  );
  const ofArm = { type: 'Microsoft.Resources/operations', methods: { GET: operationResult } };
  const lists = namespacesOf(plane)
    .filter((namespace) => namespace !== 'Microsoft.Insights' && !namespace.startsWith('Microsoft.Commerce'))
    .map((namespace): Line => {
      const type = `${namespace}/operations`;
      return {
        pattern: `/providers/${type}`,
        type,
        methods: { GET: (call) => provider.listOperations(call, namespace) },
      };
    });
  return [...polls, { pattern: `${s}/operationresults/{operation}`, ...ofArm }, ...lists];
}
