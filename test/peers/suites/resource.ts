/** What all resources have by az: lists, generic show and tags, locks, providers, locations, roles, policies, plain requests. */

import { az, refused } from '#test/peers/az.ts';
import { has } from '#test/peers/row.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const nsgType = '--resource-type Microsoft.Network/networkSecurityGroups';
const scope = '/subscriptions/{subscription}/resourceGroups/{group}';

export const resource: AzSuite = {
  name: 'resource',
  says: '[S2.19] generic resources, tags, locks, providers, plain requests',
  release: 'trixie',
  files: { 'asg.json': '{"location":"local","tags":{"by":"rest"}}' },
  rows: [
    az('group create -n {group} -l {location}'),
    az('network nsg create -g {group} -n one --tags a=1', {}, { keeps: { nsg: 'NewNSG.id' } }),
    az('network nsg create -g {group} -n two'),
    az('resource list -g {group}', { length: 2, '': has('one') }),
    az(`resource list -g {group} ${nsgType} -n two`, { length: 1, '[0].name': 'two' }),
    az('resource list --tag a=1', { '': has('one') }),
    az(`resource show -g {group} ${nsgType} -n one`, { name: 'one', 'properties.defaultSecurityRules.length': 6 }),
    az('resource show --ids {nsg}', { name: 'one' }),
    az(`resource tag -g {group} ${nsgType} -n one --tags b=2`, { 'tags.b': '2', 'tags.a': undefined }),
    az(`resource tag -g {group} ${nsgType} -n one --tags c=3 -i`, { 'tags.b': '2', 'tags.c': '3' }),
    az('tag create --resource-id {nsg} --tags d=4', { 'properties.tags.d': '4', 'properties.tags.b': undefined }),
    az('tag update --resource-id {nsg} --operation merge --tags e=5', {
      'properties.tags.d': '4',
      'properties.tags.e': '5',
    }),
    az('tag list --resource-id {nsg}', { 'properties.tags.e': '5' }),
    az('tag delete --resource-id {nsg} --yes'),
    az('network nsg show -g {group} -n one', { tags: (value) => JSON.stringify(value ?? {}) === '{}' }),
    az('tag create -n peers-tag', { tagName: 'peers-tag' }),
    az('tag add-value -n peers-tag --value x', { tagValue: 'x' }),
    az('tag list', { '': (value) => JSON.stringify(value).includes('peers-tag') }),
    az('tag remove-value -n peers-tag --value x'),
    az('tag delete -n peers-tag --yes'),
    az(`resource create -g {group} ${nsgType} -n three --properties '{}' -l {location}`, { name: 'three' }),
    az(`resource update -g {group} ${nsgType} -n three --set tags.f=6`, { 'tags.f': '6' }),
    az(`resource delete -g {group} ${nsgType} -n three`),
    az('lock create -g {group} -n keep --lock-type CanNotDelete --notes reason', {
      level: 'CanNotDelete',
      notes: 'reason',
    }),
    refused('network nsg delete -g {group} -n two', /ScopeLocked/, /keep/),
    refused('group delete -n {group} --yes', /ScopeLocked/),
    az('network nsg update -g {group} -n two --set tags.g=seven', { 'tags.g': 'seven' }),
    az('lock list -g {group}', { '': has('keep') }),
    az('lock update -g {group} -n keep --lock-type ReadOnly', { level: 'ReadOnly' }),
    refused('network nsg update -g {group} -n two --set tags.g=eight', /ScopeLocked/),
    az('lock delete -g {group} -n keep'),
    az(
      'lock create -g {group} -n one-only --lock-type CanNotDelete --resource one --resource-type networkSecurityGroups --namespace Microsoft.Network',
      { level: 'CanNotDelete' },
    ),
    refused('network nsg delete -g {group} -n one', /ScopeLocked/),
    az('network nsg delete -g {group} -n two'),
    az(
      'lock delete -g {group} -n one-only --resource one --resource-type networkSecurityGroups --namespace Microsoft.Network',
    ),
    az('provider list', { '': (value) => JSON.stringify(value).includes('Microsoft.Network') }),
    az('provider show -n Microsoft.Network', { registrationState: 'Registered', namespace: 'Microsoft.Network' }),
    az('provider register -n Microsoft.Compute'),
    az('provider operation list', { '': (value) => Array.isArray(value) && value.length > 0 }),
    az('account list-locations', { '[0].name': /^\w+$/ }),
    az(`rest --method get --url {management}${scope}?api-version=2021-04-01`, { name: 'peers-resource' }),
    az(
      `rest --method put --url {management}${scope}/providers/Microsoft.Network/applicationSecurityGroups/plain?api-version=2021-08-01 --body @{file.asg.json}`,
      {
        name: 'plain',
        'tags.by': 'rest',
      },
    ),
    az(
      `rest --method get --url {management}//subscriptions/{subscription}/resourcegroups/PEERS-RESOURCE/providers/microsoft.network/APPLICATIONSECURITYGROUPS/Plain/?Api-Version=2021-08-01`,
      {
        type: 'Microsoft.Network/applicationSecurityGroups',
      },
    ),
    az(
      `rest --method delete --url {management}${scope}/providers/Microsoft.Network/applicationSecurityGroups/plain?api-version=2021-08-01`,
    ),
    az('storage account create -g {group} -n peersstorage -l {location} --sku Standard_LRS', {
      name: 'peersstorage',
      provisioningState: 'Succeeded',
    }),
    az('storage account keys list -g {group} -n peersstorage', { length: 2, '[0].value': /.{40}/ }),
    az('storage account delete -g {group} -n peersstorage --yes'),
    az('group delete -n {group} --yes'),
  ],
};

const denySsh = JSON.stringify({
  if: { allOf: [{ field: 'type', equals: 'Microsoft.Network/networkSecurityGroups/securityRules' }] },
  then: { effect: 'audit' },
});

export const access: AzSuite = {
  name: 'access',
  says: '[S2.19] roles, what a reader may not do, policies as resources',
  release: 'trixie',
  files: { 'policy.json': denySsh },
  prepare: async (stamp, notebook, az_) => {
    const reader = await stamp.principal('peers-reader', { role: 'Reader' });
    notebook
      .set('reader.oid', reader.oid)
      .set('reader.appId', reader.appId)
      .set('reader.secret', reader.secret ?? '');
    az_.copyConfiguration('cloud', 'reader');
  },
  rows: [
    az('group create -n {group} -l {location}'),
    az('role definition list --name Reader', {
      '[0].roleName': 'Reader',
      '[0].name': 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
    }),
    az('role definition list', { '': (value) => Array.isArray(value) && value.length >= 4 }),
    az(
      `role assignment create --assignee-object-id {reader.oid} --assignee-principal-type ServicePrincipal --role 'Network Contributor' --scope ${scope}`,
      {
        principalId: /^[0-9a-f-]{36}$/,
        roleDefinitionId: /4d97b98b-1d4f-4787-a291-c67834d212e7$/,
      },
      { keeps: { assignment: 'id' } },
    ),
    az(`role assignment list --scope ${scope} --fill-principal-name false`, {
      '': (value) =>
        Array.isArray(value) &&
        value.some((item: { roleDefinitionName?: string }) => item.roleDefinitionName === 'Network Contributor'),
    }),
    az('role assignment delete --ids {assignment}'),
    az(`role assignment list --scope ${scope} --fill-principal-name false`, { length: 0 }),
    refused(
      `role assignment create --assignee-object-id {reader.oid} --assignee-principal-type ServicePrincipal --role Nonsense --scope ${scope}`,
      /Nonsense/,
    ),
    asReader('login --service-principal -u {reader.appId} -p {reader.secret} --tenant {tenant}'),
    asReader('group show -n {group}'),
    asReader('network nsg create -g {group} -n forbidden', /AuthorizationFailed/, /networkSecurityGroups\/write/),
    asReader('group delete -n {group} --yes', /AuthorizationFailed/),
    asReader(
      `role assignment create --assignee-object-id {reader.oid} --assignee-principal-type ServicePrincipal --role Owner --scope ${scope}`,
      /AuthorizationFailed/,
    ),
    az('policy definition create -n peers-policy --rules {file.policy.json} --mode All --display-name Peers', {
      name: 'peers-policy',
      policyType: 'Custom',
      mode: 'All',
    }),
    az('policy definition show -n peers-policy', { 'policyRule.then.effect': 'audit' }),
    az(`policy assignment create -n peers-assignment --policy peers-policy --scope ${scope}`, {
      name: 'peers-assignment',
      policyDefinitionId: /\/policyDefinitions\/peers-policy$/,
    }),
    az(`policy assignment list --scope ${scope}`, { '': has('peers-assignment') }),
    az(`policy assignment delete -n peers-assignment --scope ${scope}`),
    az('policy definition delete -n peers-policy'),
    az('group delete -n {group} --yes'),
  ],
};

/** A command of one who may only read: with `says` it must be refused. */
function asReader(command: string, ...says: readonly RegExp[]): ReturnType<typeof az> {
  const row = says.length === 0 ? az(command) : refused(command, ...says);
  return {
    ...row,
    name: `${row.name} (as reader)`,
    attempt: (context) => row.attempt({ ...context, configuration: 'reader' }),
  };
}
