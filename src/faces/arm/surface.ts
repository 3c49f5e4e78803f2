/** The table's lines for access, tags, the location's catalogs, checks and the activity log. */

import { listActivity, listEventCategories, listTenantActivity } from '#faces/arm/activity.ts';
import { listUsage } from '#faces/arm/commerce.ts';
import { configureFlowLog, queryFlowLogStatus } from '#faces/arm/flow-log.ts';
import * as network from '#faces/arm/network.ts';
import * as place from '#faces/arm/place.ts';
import * as policy from '#faces/arm/policy.ts';
import * as policyState from '#faces/arm/policy-state.ts';
import * as question from '#faces/arm/question.ts';
import { checkConnectivity, diagnoseConfiguration } from '#faces/arm/question-check.ts';
import * as resource from '#faces/arm/resource.ts';
import * as role from '#faces/arm/role.ts';
import type { Line } from '#faces/arm/route.ts';
import * as tags from '#faces/arm/tags.ts';
import * as usage from '#faces/arm/usage.ts';

const s = '/subscriptions/{subscription}';
const rg = `${s}/resourceGroups/{group}`;
const roles = 'Microsoft.Authorization/roleDefinitions';
const policies = 'Microsoft.Authorization/policyDefinitions';

const access: readonly Line[] = [
  { pattern: `{scope}/providers/${roles}`, type: roles, methods: { GET: role.listRoles } },
  {
    pattern: `{scope}/providers/${roles}/{role}`,
    type: roles,
    methods: {
      GET: role.getRole,
      PUT: (call) => resource.putResource({ ...call, parts: { ...call.parts, ...roleParts(call.parts) } }),
      DELETE: role.deleteRole,
    },
  },
  { pattern: `{scope}/providers/${policies}`, type: policies, methods: { GET: policy.listPolicies } },
  {
    pattern: `{scope}/providers/${policies}/{policy}`,
    type: policies,
    methods: {
      GET: policy.getPolicy,
      PUT: (call) => resource.putResource({ ...call, parts: { ...call.parts, ...policy.policyParts(call.parts) } }),
      DELETE: (call) =>
        resource.deleteResource({ ...call, parts: { ...call.parts, ...policy.policyParts(call.parts) } }),
    },
  },
  {
    pattern: '{scope}/providers/Microsoft.Authorization/roleAssignments',
    type: 'Microsoft.Authorization/roleAssignments',
    methods: { GET: role.listAssignments },
  },
  {
    pattern: '{scope}/providers/Microsoft.Authorization/permissions',
    type: 'Microsoft.Authorization/permissions',
    methods: { GET: role.listPermissions },
  },
  ...['providerOperations', 'elevateAccess', 'classicAdministrators'].map((name) => accessLine(name)),
  {
    pattern: '/providers/Microsoft.Authorization/providerOperations/{namespace}',
    type: 'Microsoft.Authorization/providerOperations',
    methods: { GET: role.getProviderOperations },
  },
];

function accessLine(name: string): Line {
  const type = `Microsoft.Authorization/${name}`;
  if (name === 'elevateAccess') return { pattern: `/providers/${type}`, type, methods: { POST: role.elevateAccess } };
  if (name === 'classicAdministrators')
    return { pattern: `${s}/providers/${type}`, type, methods: { GET: role.listClassicAdministrators } };
  return { pattern: `/providers/${type}`, type, methods: { GET: role.listProviderOperations } };
}

function roleParts(parts: { readonly [name: string]: string }): { readonly [name: string]: string } {
  return { id: `${parts['scope'] ?? ''}/providers/${roles}/${parts['role'] ?? ''}`, type: roles };
}

const tagType = 'Microsoft.Resources/tags';
const tagNameType = 'Microsoft.Resources/tagNames';

const tagged: readonly Line[] = [
  {
    pattern: `{scope}/providers/${tagType}/default`,
    type: tagType,
    methods: { GET: tags.getTags, PUT: tags.putTags, PATCH: [tags.patchTags, 'json'], DELETE: tags.deleteTags },
  },
  { pattern: `${s}/tagNames`, type: tagNameType, methods: { GET: tags.listTagNames } },
  { pattern: `${s}/tagNames/{tag}`, type: tagNameType, methods: { PUT: tags.putTagName, DELETE: tags.deleteTagName } },
  {
    pattern: `${s}/tagNames/{tag}/tagValues/{value}`,
    type: tagNameType,
    methods: { PUT: tags.putTagValue, DELETE: tags.deleteTagValue },
  },
];

const computeType = 'Microsoft.Compute/locations';
const computeAt = `${s}/providers/${computeType}/{location}`;
const images = `${computeAt}/publishers/{publisher}/artifacttypes/vmimage/offers`;
const extensions = `${computeAt}/publishers/{publisher}/artifacttypes/vmextension/types`;

/** Just-in-time policies of a subscription or a group, everywhere or at a location: they are all at the one. */
const security = 'Microsoft.Security/jitNetworkAccessPolicies';
const openable: readonly Line[] = [s, rg].flatMap((scope) =>
  [
    `${scope}/providers/${security}`,
    `${scope}/providers/Microsoft.Security/locations/{location}/jitNetworkAccessPolicies`,
  ].map((pattern): Line => ({ pattern, type: security, methods: { GET: place.listJitPolicies } })),
);

const placed: readonly Line[] = [
  ...(
    [
      [`${computeAt}/publishers`, place.listPublishers],
      [images, place.listOffers],
      [`${images}/{offer}/skus`, place.listSkus],
      [`${images}/{offer}/skus/{sku}/versions`, place.listVersions],
      [`${images}/{offer}/skus/{sku}/versions/{version}`, place.getVersion],
      [extensions, place.listExtensionTypes],
      [`${extensions}/{type}/versions`, place.listExtensionVersions],
      [`${computeAt}/vmSizes`, place.listSizes],
      [`${computeAt}/usages`, usage.listComputeUsages],
      [`${computeAt}/virtualMachines`, place.listMachines],
    ] as const
  ).map(([pattern, handler]): Line => ({ pattern, type: computeType, methods: { GET: handler } })),
  {
    pattern: `${s}/providers/Microsoft.Compute/skus`,
    type: 'Microsoft.Compute/skus',
    methods: { GET: place.listComputeSkus },
  },
  {
    pattern: `${s}/providers/Microsoft.Network/locations/{location}/usages`,
    type: 'Microsoft.Network/locations',
    methods: { GET: usage.listNetworkUsages },
  },
  {
    pattern: `${s}/providers/Microsoft.Network/locations/{location}/CheckDnsNameAvailability`,
    type: 'Microsoft.Network/locations',
    methods: { GET: place.checkDnsName },
  },
  {
    pattern: `${rg}/providers/Microsoft.Network/networkInterfaces/{name}/loadBalancers`,
    type: 'Microsoft.Network/networkInterfaces',
    methods: { GET: network.listBalancersOfNic },
  },
  {
    pattern: `${rg}/providers/Microsoft.Network/loadBalancers/{name}/networkInterfaces`,
    type: 'Microsoft.Network/loadBalancers',
    methods: { GET: network.listNicsOfBalancer },
  },
  {
    pattern: `${s}/providers/Microsoft.Storage/locations/{location}/usages`,
    type: 'Microsoft.Storage/locations',
    methods: { GET: usage.listStorageUsages },
  },
  {
    pattern: `${s}/providers/Microsoft.Storage/checkNameAvailability`,
    type: 'Microsoft.Storage/checkNameAvailability',
    methods: { POST: place.checkStorage },
  },
  {
    pattern: '/providers/Microsoft.Resources/checkResourceName',
    type: 'Microsoft.Resources/checkResourceName',
    methods: { POST: place.checkResourceName },
  },
];

const nicType = 'Microsoft.Network/networkInterfaces';
const watcherType = 'Microsoft.Network/networkWatchers';

const questions: readonly Line[] = (
  [
    [nicType, 'effectiveNetworkSecurityGroups', question.effectiveGroups],
    [nicType, 'effectiveRouteTable', question.effectiveRouteTable],
    [watcherType, 'ipFlowVerify', question.verifyFlow],
    [watcherType, 'nextHop', question.nextHop],
    [watcherType, 'securityGroupView', question.securityGroupView],
    [watcherType, 'topology', question.topology],
    [watcherType, 'connectivityCheck', checkConnectivity],
    [watcherType, 'networkConfigurationDiagnostic', diagnoseConfiguration],
    [watcherType, 'configureFlowLog', configureFlowLog],
    [watcherType, 'queryFlowLogStatus', queryFlowLogStatus],
    ...['troubleshoot', 'queryTroubleshootResult', 'azureReachabilityReport', 'availableProvidersList'].map(
      (name) => [watcherType, name, question.refuseLater] as const,
    ),
  ] as const
).map(([type, name, handler]) => ({
  pattern: `${rg}/providers/${type}/{name}/${name}`,
  type,
  methods: { POST: (call) => question.asked(call, { type, name, handler }) },
}));

/** As the prover judges them now, at any scope; a policy is a scope too. */
const stateType = 'Microsoft.PolicyInsights/policyStates';
const states: readonly Line[] = (
  [
    ['{states}/queryResults', policyState.listStates],
    ['{states}/summarize', policyState.summarizeStates],
    ['{states}/triggerEvaluation', policyState.evaluateStates],
  ] as const
).map(([path, handler]) => ({
  pattern: `{scope}/providers/${stateType}/${path}`,
  type: stateType,
  methods: { POST: [handler, 'none'] },
}));

const activity: readonly Line[] = [
  {
    pattern: `${s}/providers/Microsoft.Insights/eventtypes/management/values`,
    type: 'Microsoft.Insights/eventtypes',
    methods: { GET: listActivity },
  },
  {
    pattern: '/providers/Microsoft.Insights/eventtypes/management/values',
    type: 'Microsoft.Insights/eventtypes',
    methods: { GET: listTenantActivity },
  },
  {
    pattern: '/providers/Microsoft.Insights/eventcategories',
    type: 'Microsoft.Insights/eventcategories',
    methods: { GET: listEventCategories },
  },
];

const commerce: readonly Line[] = [
  {
    pattern: `${s}/providers/Microsoft.Commerce/usageAggregates`,
    type: 'Microsoft.Commerce/usageAggregates',
    methods: { GET: listUsage },
  },
];

export const surfaces: readonly Line[] = [
  ...commerce,
  ...access,
  ...tagged,
  ...placed,
  ...openable,
  ...questions,
  ...states,
  ...activity,
];
