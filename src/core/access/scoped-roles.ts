/** The built-in roles for one kind of work each: what Azure's documentation lists for them ("Azure built-in roles"). */

import { builtInRoleId } from '#model/authorization/built-in-role-ids.ts';
import type { RoleDefinition } from '#access/roles.ts';

type Told = Pick<RoleDefinition, 'id' | 'roleName' | 'description' | 'actions'>;

function builtIn(told: Told): RoleDefinition {
  return { ...told, type: 'BuiltInRole', notActions: [], assignableScopes: ['/'] };
}

/** What nearly all of them may besides: see where things belong, and deploy. */
const common = [
  'Microsoft.Authorization/*/read',
  'Microsoft.Insights/alertRules/*',
  'Microsoft.ResourceHealth/availabilityStatuses/read',
  'Microsoft.Resources/deployments/*',
  'Microsoft.Resources/subscriptions/resourceGroups/read',
  'Microsoft.Support/*',
];

const policies = ['policyAssignments', 'policyDefinitions', 'policyExemptions', 'policySetDefinitions'].map(
  (name) => `Microsoft.Authorization/${name}/*`,
);

/** In the order in which lists show them. */
export const scopedRoles: readonly RoleDefinition[] = [
  builtIn({
    id: builtInRoleId.userAccessAdministrator,
    roleName: 'User Access Administrator',
    description: 'Sees everything and says who may do what, but changes nothing else.',
    actions: ['*/read', 'Microsoft.Authorization/*', 'Microsoft.Support/*'],
  }),
  builtIn({
    id: builtInRoleId.virtualMachineContributor,
    roleName: 'Virtual Machine Contributor',
    description: 'Manages virtual machines with their disks and interfaces, not the networks that they are in.',
    actions: [
      ...common,
      ...['availabilitySets', 'locations', 'virtualMachines', 'virtualMachineScaleSets', 'cloudServices'].map(
        (name) => `Microsoft.Compute/${name}/*`,
      ),
      ...['read', 'write', 'delete'].map((act) => `Microsoft.Compute/disks/${act}`),
      ...['backendAddressPools', 'inboundNatPools', 'inboundNatRules', 'probes'].map(
        (part) => `Microsoft.Network/loadBalancers/${part}/join/action`,
      ),
      'Microsoft.Network/applicationGateways/backendAddressPools/join/action',
      'Microsoft.Network/loadBalancers/read',
      'Microsoft.Network/locations/*',
      'Microsoft.Network/networkInterfaces/*',
      'Microsoft.Network/networkSecurityGroups/join/action',
      'Microsoft.Network/networkSecurityGroups/read',
      'Microsoft.Network/publicIPAddresses/join/action',
      'Microsoft.Network/publicIPAddresses/read',
      'Microsoft.Network/virtualNetworks/read',
      'Microsoft.Network/virtualNetworks/subnets/join/action',
      'Microsoft.SerialConsole/serialPorts/connect/action',
      'Microsoft.Storage/storageAccounts/listKeys/action',
      'Microsoft.Storage/storageAccounts/read',
    ],
  }),
  builtIn({
    id: builtInRoleId.storageAccountContributor,
    roleName: 'Storage Account Contributor',
    description: 'Manages storage accounts, their keys among it.',
    actions: [
      ...common,
      'Microsoft.Insights/diagnosticSettings/*',
      'Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action',
      'Microsoft.Storage/storageAccounts/*',
    ],
  }),
  builtIn({
    id: builtInRoleId.securityAdmin,
    roleName: 'Security Admin',
    description: 'Sees how well things are protected, and says by which policies and openings.',
    actions: [
      ...common.filter((action) => !action.startsWith('Microsoft.ResourceHealth/')),
      ...policies,
      'Microsoft.Management/managementGroups/read',
      'Microsoft.OperationalInsights/workspaces/*/read',
      'Microsoft.Security/*',
    ],
  }),
  builtIn({
    id: builtInRoleId.securityReader,
    roleName: 'Security Reader',
    description: 'Sees how well things are protected, and changes nothing.',
    actions: [
      'Microsoft.Authorization/*/read',
      'Microsoft.Insights/alertRules/read',
      'Microsoft.Management/managementGroups/read',
      'Microsoft.OperationalInsights/workspaces/*/read',
      'Microsoft.Resources/deployments/*/read',
      'Microsoft.Resources/subscriptions/resourceGroups/read',
      'Microsoft.Security/*/read',
      'Microsoft.Support/*/read',
    ],
  }),
  builtIn({
    id: builtInRoleId.monitoringReader,
    roleName: 'Monitoring Reader',
    description: 'Sees everything that is measured and logged, and changes nothing.',
    actions: ['*/read', 'Microsoft.OperationalInsights/workspaces/search/action', 'Microsoft.Support/*'],
  }),
  builtIn({
    id: builtInRoleId.resourcePolicyContributor,
    roleName: 'Resource Policy Contributor',
    description: 'Sees everything, and makes, assigns and exempts from policies.',
    actions: [
      '*/read',
      ...policies,
      'Microsoft.PolicyInsights/*',
      'Microsoft.Resources/deployments/*',
      'Microsoft.Support/*',
    ],
  }),
];
