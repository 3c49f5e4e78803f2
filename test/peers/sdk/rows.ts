/** What the JavaScript SDKs do and what must come of it: calls as data, for hybrid and current packages alike. */

import { has, lacks, valueAt, type Shape } from '#test/peers/row.ts';

/** One call of a client. `{name}` in text stands for a kept value; lists are gathered to their end, long operations followed to theirs. */
export type SdkRow = {
  /** `client.group.operation`; hybrid packages have `beginOperationAndWait` for long ones, which is found by itself. */
  readonly call: string;
  readonly with: readonly unknown[];
  readonly shows?: Shape;
  /** Refused with an error that shows this. */
  readonly fails?: Shape;
  /** The same where the client polls the resource itself: from there it takes no reason. */
  readonly failsPolled?: Shape;
  readonly keeps?: { readonly [name: string]: string };
};

const succeeded: Shape = { provisioningState: 'Succeeded' };
// Packages answer an empty body as nothing, as an empty object, or with the last poll in it.
const nothing: Shape = {
  '': (value) => value === undefined || JSON.stringify(value) === '{}' || valueAt(value, 'body.status') === 'Succeeded',
};
const missing: Shape = { statusCode: 404, code: /NotFound/ };

const template = {
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  parameters: { name: { type: 'string' } },
  resources: [
    {
      type: 'Microsoft.Network/applicationSecurityGroups',
      apiVersion: '2018-11-01',
      name: "[parameters('name')]",
      location: '[resourceGroup().location]',
      properties: {},
    },
  ],
  outputs: {
    id: { type: 'string', value: "[resourceId('Microsoft.Network/applicationSecurityGroups', parameters('name'))]" },
  },
};

const deployment = { properties: { mode: 'Incremental', template, parameters: { name: { value: 'made' } } } };

// A subnet that wants a network which is not there: the client is told which.
const failing = {
  ...template,
  parameters: {},
  outputs: {},
  resources: [
    {
      type: 'Microsoft.Network/virtualNetworks/subnets',
      apiVersion: '2018-11-01',
      name: 'absent/web',
      properties: { addressPrefix: '10.1.1.0/24' },
    },
  ],
};

const rule = {
  protocol: 'Tcp',
  sourcePortRange: '*',
  destinationPortRange: '443',
  sourceAddressPrefix: 'Internet',
  destinationAddressPrefix: '*',
  access: 'Allow',
  priority: 100,
  direction: 'Inbound',
};

const address = (more: object): object => ({
  location: '{location}',
  ipConfigurations: [{ name: 'one', subnet: { id: '{subnet}' }, ...more }],
});

/** The operations that both generations of packages have (arm facts §4). */
export const sharedRows: readonly SdkRow[] = [
  {
    call: 'resources.resourceGroups.createOrUpdate',
    with: ['{group}', { location: '{location}', tags: { a: '1' } }],
    shows: { name: '{group}', 'tags.a': '1' },
  },
  { call: 'resources.resourceGroups.checkExistence', with: ['{group}'], shows: { body: true } },
  { call: 'resources.resourceGroups.checkExistence', with: ['peers-none'], shows: { body: false } },
  {
    call: 'resources.resourceGroups.list',
    with: [],
    shows: { '': (value) => Array.isArray(value) && value.length > 0 },
  },
  {
    call: 'network.networkSecurityGroups.createOrUpdate',
    with: ['{group}', 'web', { location: '{location}' }],
    shows: { ...succeeded, 'defaultSecurityRules.length': 6, etag: /^W\/"/ },
    keeps: { nsg: 'id' },
  },
  {
    call: 'network.securityRules.createOrUpdate',
    with: ['{group}', 'web', 'https', rule],
    shows: { ...succeeded, priority: 100 },
  },
  {
    call: 'network.securityRules.createOrUpdate',
    with: ['{group}', 'web', 'clash', rule],
    fails: { statusCode: 400, code: 'SecurityRuleConflict' },
  },
  { call: 'network.securityRules.list', with: ['{group}', 'web'], shows: { length: 1, '': has('https') } },
  { call: 'network.defaultSecurityRules.list', with: ['{group}', 'web'], shows: { length: 6 } },
  {
    call: 'network.networkSecurityGroups.updateTags',
    with: ['{group}', 'web', { tags: { b: '2' } }],
    shows: { 'tags.b': '2', 'securityRules.length': 1 },
  },
  {
    call: 'network.virtualNetworks.createOrUpdate',
    with: ['{group}', 'net', { location: '{location}', addressSpace: { addressPrefixes: ['10.1.0.0/16'] } }],
    shows: succeeded,
  },
  {
    call: 'network.subnets.createOrUpdate',
    with: ['{group}', 'net', 'web', { addressPrefix: '10.1.1.0/24', networkSecurityGroup: { id: '{nsg}' } }],
    shows: succeeded,
    keeps: { subnet: 'id' },
  },
  {
    call: 'network.subnets.createOrUpdate',
    with: ['{group}', 'net', 'out', { addressPrefix: '10.9.0.0/24' }],
    fails: { statusCode: 400, code: 'NetcfgSubnetRangeOutsideVnet' },
  },
  { call: 'network.virtualNetworks.get', with: ['{group}', 'net'], shows: { 'subnets.length': 1 } },
  { call: 'network.virtualNetworks.listAll', with: [], shows: { '': has('net') } },
  {
    call: 'network.routeTables.createOrUpdate',
    with: ['{group}', 'table', { location: '{location}' }],
    shows: succeeded,
  },
  {
    call: 'network.routes.createOrUpdate',
    with: [
      '{group}',
      'table',
      'out',
      { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance', nextHopIpAddress: '10.1.1.9' },
    ],
    shows: { nextHopType: 'VirtualAppliance' },
  },
  {
    call: 'network.publicIPAddresses.createOrUpdate',
    with: [
      '{group}',
      'front',
      { location: '{location}', publicIPAllocationMethod: 'Static', sku: { name: 'Standard' } },
    ],
    shows: { ...succeeded, ipAddress: /^198\.18\./ },
    keeps: { pip: 'id' },
  },
  {
    call: 'network.networkInterfaces.createOrUpdate',
    with: ['{group}', 'nic', address({ publicIPAddress: { id: '{pip}' } })],
    shows: { ...succeeded, 'ipConfigurations[0].privateIPAddress': '10.1.1.4' },
    keeps: { nic: 'id' },
  },
  { call: 'network.networkInterfaces.list', with: ['{group}'], shows: { length: 1, '': has('nic') } },
  {
    call: 'network.subnets.delete',
    with: ['{group}', 'net', 'web'],
    fails: { statusCode: 400, code: 'InUseSubnetCannotBeDeleted' },
  },
  {
    call: 'network.loadBalancers.createOrUpdate',
    with: [
      '{group}',
      'lb',
      {
        location: '{location}',
        sku: { name: 'Standard' },
        frontendIPConfigurations: [{ name: 'fe', subnet: { id: '{subnet}' } }],
        backendAddressPools: [{ name: 'pool' }],
        probes: [{ name: 'tcp', protocol: 'Tcp', port: 80, intervalInSeconds: 5, numberOfProbes: 2 }],
      },
    ],
    shows: { ...succeeded, 'probes[0].name': 'tcp' },
    keeps: { 'lb.etag': 'etag' },
  },
  { call: 'network.loadBalancers.updateTags', with: ['{group}', 'lb', { tags: { c: '3' } }], shows: { 'tags.c': '3' } },
  {
    call: 'network.loadBalancers.createOrUpdate',
    with: [
      '{group}',
      'lb',
      { location: '{location}', sku: { name: 'Standard' } },
      { requestOptions: { headers: { 'If-Match': '{lb.etag}' }, customHeaders: { 'If-Match': '{lb.etag}' } } },
    ],
    fails: { statusCode: 412 },
  },
  { call: 'resources.resources.getById', with: ['{nsg}', '2018-11-01'], shows: { name: 'web' } },
  { call: 'resources.resources.listByResourceGroup', with: ['{group}'], shows: { '': has('table') } },
  { call: 'resources.providers.get', with: ['Microsoft.Network'], shows: { registrationState: 'Registered' } },
  {
    call: 'authorization.roleDefinitions.list',
    with: ['/subscriptions/{subscription}'],
    shows: { '': (value) => Array.isArray(value) && value.length >= 4 },
  },
  { call: 'deployments.deployments.validate', with: ['{group}', 'one', deployment], shows: { error: undefined } },
  {
    call: 'deployments.deployments.whatIf',
    with: ['{group}', 'one', deployment],
    shows: { status: 'Succeeded', changes: (value) => JSON.stringify(value).includes('"changeType":"Create"') },
  },
  {
    call: 'deployments.deployments.createOrUpdate',
    with: ['{group}', 'one', deployment],
    shows: {
      'properties.provisioningState': 'Succeeded',
      'properties.outputs.id.value': /\/applicationSecurityGroups\/made$/,
    },
  },
  {
    call: 'deployments.deployments.get',
    with: ['{group}', 'one'],
    shows: { 'properties.provisioningState': 'Succeeded' },
  },
  { call: 'deployments.deployments.listByResourceGroup', with: ['{group}'], shows: { '': has('one') } },
  {
    call: 'deployments.deploymentOperations.list',
    with: ['{group}', 'one'],
    shows: { '': (value) => Array.isArray(value) && value.length > 0 },
  },
  { call: 'network.networkSecurityGroups.get', with: ['{group}', 'absent'], fails: missing },
  {
    call: 'network.networkSecurityGroups.get',
    with: ['peers-none', 'absent'],
    fails: { statusCode: 404, code: 'ResourceGroupNotFound' },
  },
  { call: 'reader.networkSecurityGroups.get', with: ['{group}', 'web'], shows: { name: 'web' } },
  {
    call: 'reader.networkSecurityGroups.updateTags',
    with: ['{group}', 'web', { tags: { b: 'mine' } }],
    fails: { statusCode: 403, code: 'AuthorizationFailed' },
  },
  {
    call: 'stranger.networkSecurityGroups.get',
    with: ['{group}', 'web'],
    fails: { statusCode: 401, code: /AuthenticationFailed|InvalidAuthenticationToken/ },
  },
  {
    call: 'deployments.deployments.createOrUpdate',
    with: ['{group}', 'bad', { properties: { mode: 'Incremental', template: failing } }],
    fails: { message: /absent/ },
    failsPolled: { message: /operation has failed/ },
  },
  { call: 'network.networkInterfaces.delete', with: ['{group}', 'nic'], shows: nothing },
  { call: 'network.networkInterfaces.delete', with: ['{group}', 'nic'], shows: nothing },
  { call: 'network.routeTables.delete', with: ['{group}', 'table'], shows: nothing },
  { call: 'network.routeTables.list', with: ['{group}'], shows: { '': lacks('table'), length: 0 } },
];

const reader =
  '/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7';
const roleName = '3f3b1c36-0d4e-4c5b-9b57-2f6c1c7c1a01';
const scope = '/subscriptions/{subscription}/resourceGroups/{group}';

/** What only the hybrid packages do here. */
export const hybridRows: readonly SdkRow[] = [
  {
    call: 'authorization.roleAssignments.create',
    with: [scope, roleName, { properties: { roleDefinitionId: reader, principalId: '{oid}' } }],
    shows: { name: roleName },
  },
  { call: 'authorization.roleAssignments.listForScope', with: [scope], shows: { '': has(roleName) } },
  { call: 'authorization.roleAssignments.delete', with: [scope, roleName], shows: { name: roleName } },
  {
    call: 'storage.storageAccounts.create',
    with: ['{group}', '{storage}', { location: '{location}', sku: { name: 'Standard_LRS' }, kind: 'StorageV2' }],
    shows: { name: '{storage}' },
  },
  { call: 'storage.storageAccounts.list', with: [], shows: { '': has('peerssdkstorage') } },
  { call: 'storage.storageAccounts.listKeys', with: ['{group}', '{storage}'], shows: { 'keys.length': 2 } },
  { call: 'storage.storageAccounts.delete', with: ['{group}', '{storage}'], shows: nothing },
];

const machine = {
  location: '{location}',
  hardwareProfile: { vmSize: 'Standard_B1s' },
  storageProfile: {
    imageReference: { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' },
    osDisk: { createOption: 'FromImage', managedDisk: { storageAccountType: 'Standard_LRS' } },
  },
  osProfile: {
    computerName: 'one',
    adminUsername: 'operator',
    linuxConfiguration: {
      disablePasswordAuthentication: true,
      ssh: { publicKeys: [{ path: '/home/operator/.ssh/authorized_keys', keyData: '{ssh}' }] },
    },
  },
  networkProfile: { networkInterfaces: [{ id: '{nic}' }] },
};

const policyRule = { if: { field: 'location', equals: 'nowhere' }, then: { effect: 'audit' } };

/** What only the current packages do: machines, subscriptions, locks, policies. */
export const currentRows: readonly SdkRow[] = [
  {
    call: 'network.networkInterfaces.createOrUpdate',
    with: ['{group}', 'vmnic', address({})],
    shows: succeeded,
    keeps: { nic: 'id' },
  },
  { call: 'compute.virtualMachines.createOrUpdate', with: ['{group}', 'one', machine], shows: succeeded },
  {
    call: 'compute.virtualMachines.get',
    with: ['{group}', 'one', { expand: 'instanceView' }],
    shows: { vmId: /^[0-9a-f-]{36}$/, instanceView: (value) => JSON.stringify(value).includes('PowerState/running') },
  },
  { call: 'compute.virtualMachines.list', with: ['{group}'], shows: { '': has('one') } },
  { call: 'compute.virtualMachines.deallocate', with: ['{group}', 'one'], shows: nothing },
  { call: 'compute.virtualMachines.start', with: ['{group}', 'one'], shows: nothing },
  { call: 'compute.virtualMachines.delete', with: ['{group}', 'one'], shows: nothing },
  { call: 'network.networkInterfaces.delete', with: ['{group}', 'vmnic'], shows: nothing },
  {
    call: 'subscriptions.subscriptions.list',
    with: [],
    shows: { '[0].subscriptionId': '{subscription}', '[0].state': 'Enabled' },
  },
  { call: 'subscriptions.subscriptions.listLocations', with: ['{subscription}'], shows: { '[0].name': '{location}' } },
  { call: 'subscriptions.tenants.list', with: [], shows: { '[0].tenantId': /^[0-9a-f-]{36}$/ } },
  {
    call: 'locks.managementLocks.createOrUpdateAtResourceGroupLevel',
    with: ['{group}', 'keep', { level: 'CanNotDelete' }],
    shows: { level: 'CanNotDelete' },
  },
  {
    call: 'network.networkSecurityGroups.delete',
    with: ['{group}', 'web'],
    fails: { statusCode: 409, code: 'ScopeLocked' },
  },
  { call: 'locks.managementLocks.listAtResourceGroupLevel', with: ['{group}'], shows: { '': has('keep') } },
  { call: 'locks.managementLocks.deleteAtResourceGroupLevel', with: ['{group}', 'keep'], shows: nothing },
  {
    call: 'policy.policyDefinitions.createOrUpdate',
    with: ['{policy}', { policyType: 'Custom', mode: 'All', policyRule }],
    shows: { name: '{policy}' },
    keeps: { definition: 'id' },
  },
  {
    call: 'policy.policyAssignments.create',
    with: [scope, 'peers', { policyDefinitionId: '{definition}' }],
    shows: { name: 'peers' },
  },
  { call: 'policy.policyAssignments.delete', with: [scope, 'peers'], shows: { name: 'peers' } },
  { call: 'policy.policyDefinitions.delete', with: ['{policy}'], shows: nothing },
  {
    call: 'authorization.roleAssignments.create',
    with: [scope, roleName, { roleDefinitionId: reader, principalId: '{oid}', principalType: 'ServicePrincipal' }],
    shows: { name: roleName },
  },
  { call: 'authorization.roleAssignments.listForScope', with: [scope], shows: { '': has(roleName) } },
  { call: 'authorization.roleAssignments.delete', with: [scope, roleName], shows: { name: roleName } },
];

/** The group goes last, with all that is left in it. */
export const lastRows: readonly SdkRow[] = [
  { call: 'resources.resourceGroups.delete', with: ['{group}'], shows: nothing },
  { call: 'resources.resourceGroups.checkExistence', with: ['{group}'], shows: { body: false } },
];
