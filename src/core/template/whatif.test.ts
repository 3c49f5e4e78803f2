/** What-if: deploying again what is deployed changes nothing, and each real change is shown where it is. */

import assert from 'node:assert/strict';
import test from 'node:test';
import type { Json } from '#base/json.ts';
import { whatIf, withoutPayloads, type PropertyChange } from '#template/whatif.ts';
import { groupId, plan, sampleResolver } from '#template/sample.ts';

const id = `${groupId}/providers/Microsoft.Network/networkSecurityGroups/nsg1`;
const rule = (name: string, more: { readonly [key: string]: Json } = {}): Json => ({
  name,
  properties: {
    protocol: 'Tcp',
    access: 'Allow',
    direction: 'Inbound',
    priority: 100,
    destinationPortRange: '443',
    ...more,
  },
});

/** The group as it is read back: with all that the provider adds. */
const there: Json = {
  id,
  name: 'nsg1',
  type: 'Microsoft.Network/networkSecurityGroups',
  etag: 'W/"1"',
  location: 'local',
  tags: { a: '1' },
  properties: {
    provisioningState: 'Succeeded',
    resourceGuid: 'x',
    securityRules: [
      {
        id: `${id}/securityRules/web`,
        etag: 'W/"1"',
        ...(rule('web', { provisioningState: 'Succeeded', sourceAddressPrefixes: [] }) as object),
      },
      { id: `${id}/securityRules/ssh`, etag: 'W/"1"', ...(rule('ssh', { priority: 200 }) as object) },
    ],
    subnets: [{ id: '/subscriptions/X/resourceGroups/RG1/providers/Microsoft.Network/virtualNetworks/v/subnets/s' }],
    prefixes: ['10.0.0.0/8', '10.1.0.0/16'],
    flag: true,
    port: 80,
  },
};

function changesOf(body: Json, before: Json = there): readonly PropertyChange[] {
  const [change] = whatIf(new Map([[id, before]]), [{ id, body }], 'Incremental');
  return change?.delta ?? [];
}

const same: [string, Json][] = [
  ['nothing stated', {}],
  [
    'the same',
    {
      location: 'local',
      tags: { a: '1' },
      properties: { securityRules: [rule('web'), rule('ssh', { priority: 200 })] },
    },
  ],
  ['children in another order', { properties: { securityRules: [rule('SSH', { priority: 200 }), rule('web')] } }],
  [
    'other spellings',
    {
      location: 'Local',
      properties: {
        securityRules: [rule('web', { protocol: 'TCP', access: 'allow' }), rule('ssh', { priority: '200' })],
      },
    },
  ],
  [
    'an id in other case',
    {
      properties: {
        subnets: [
          { id: '/subscriptions/x/resourcegroups/rg1/providers/microsoft.network/VirtualNetworks/v/subnets/s' },
        ],
      },
    },
  ],
  ['plain lists in another order', { properties: { prefixes: ['10.1.0.0/16', '10.0.0.0/8'] } }],
  ['texts for scalars', { properties: { flag: 'True', port: '80' } }],
  ['keys in other case', { Properties: { FLAG: true } }],
  [
    'null, and empty things that are not there',
    { properties: { dns: null, list: [], nested: { list: [], none: null } } },
  ],
  ['what is not known or secret', { properties: { port: "[reference('x').port]", adminPassword: 'any', key: '***' } }],
];

test('what is there already shows no change', () => {
  for (const [name, body] of same) assert.deepEqual(changesOf(body), [], name);
  const [change] = whatIf(
    new Map([[id.toUpperCase(), there]]),
    [{ id, body: { location: 'local' }, apiVersion: '2018-11-01' }],
    'Incremental',
  );
  assert.equal(change?.changeType, 'NoChange');
  assert.equal((change.after as { apiVersion: string }).apiVersion, '2018-11-01');
});

const different: [string, Json, readonly PropertyChange[]][] = [
  [
    'a scalar',
    { properties: { port: 81 } },
    [{ path: 'properties.port', propertyChangeType: 'Modify', before: 80, after: 81 }],
  ],
  [
    'a new property',
    { properties: { dns: 'x' } },
    [{ path: 'properties.dns', propertyChangeType: 'Create', after: 'x' }],
  ],
  [
    'another kind',
    { properties: { port: { a: 1 } } },
    [{ path: 'properties.port', propertyChangeType: 'Modify', before: 80, after: { a: 1 } }],
  ],
  [
    'tags are replaced whole',
    { tags: { b: '2' } },
    [
      { path: 'tags.b', propertyChangeType: 'Create', after: '2' },
      { path: 'tags.a', propertyChangeType: 'Delete', before: '1' },
    ],
  ],
  [
    'an item of a plain list',
    { properties: { prefixes: ['10.0.0.0/8'] } },
    [
      {
        path: 'properties.prefixes',
        propertyChangeType: 'Array',
        before: ['10.0.0.0/8', '10.1.0.0/16'],
        after: ['10.0.0.0/8'],
        children: [{ path: '1', propertyChangeType: 'Delete', before: '10.1.0.0/16' }],
      },
    ],
  ],
];

test('a change is shown at its path', () => {
  for (const [name, body, delta] of different) assert.deepEqual(changesOf(body), delta, name);
});

test('children by name: one changed, one new, one gone', () => {
  const [array] = changesOf({ properties: { securityRules: [rule('web', { priority: 150 }), rule('new')] } });
  assert.equal(array?.path, 'properties.securityRules');
  assert.deepEqual(
    array.children?.map(({ path, propertyChangeType, children }) => [
      path,
      propertyChangeType,
      children?.map((child) => child.path),
    ]),
    [
      ['0', 'Modify', ['properties.priority']],
      ['1', 'Create', undefined],
      ['1', 'Delete', undefined],
    ],
  );
});

test('resources that are new, left out, or deleted in complete mode', () => {
  const other = `${groupId}/providers/Microsoft.Network/routeTables/r1`;
  const before = new Map<string, Json>([[other, { id: other }]]);
  const planned = [{ id, body: { location: 'local' } }];
  const kinds = (mode: 'Incremental' | 'Complete') => whatIf(before, planned, mode).map(({ changeType }) => changeType);
  assert.deepEqual(kinds('Incremental'), ['Create', 'Ignore']);
  assert.deepEqual(kinds('Complete'), ['Create', 'Delete']);
  const [made] = whatIf(before, planned, 'Complete');
  assert.deepEqual(made, {
    resourceId: id,
    changeType: 'Create',
    after: { id, type: 'Microsoft.Network/networkSecurityGroups', name: 'nsg1', location: 'local' },
  });
  const bare = withoutPayloads(whatIf(new Map([[id, there]]), [{ id, body: { tags: {} } }], 'Incremental'));
  assert.deepEqual(bare, [{ resourceId: id, changeType: 'Deploy' }]);
});

test('a plan deployed twice shows no change the second time', () => {
  const made = plan({
    parameters: { password: { type: 'securestring', defaultValue: 'hunter2-hunter2' } },
    resources: [
      {
        type: 'Microsoft.Network/publicIPAddresses',
        apiVersion: '2018-11-01',
        name: 'ip',
        location: 'local',
        properties: { publicIPAllocationMethod: 'Static' },
      },
      {
        type: 'Microsoft.Compute/virtualMachines',
        apiVersion: '2020-06-01',
        name: 'vm',
        properties: { ip: "[reference('ip').ipAddress]", osProfile: { adminPassword: "[parameters('password')]" } },
      },
    ],
  });
  const ip = made.resources[0]?.id ?? '';
  const vm = made.resources[1]?.id ?? '';
  const now = new Map<string, Json>([
    [ip, { id: ip, location: 'local', properties: { publicIPAllocationMethod: 'Static', ipAddress: '203.0.113.1' } }],
    [vm, { id: vm, properties: { ip: '203.0.113.1', osProfile: { computerName: 'vm' } } }],
  ]);
  for (const resolve of [undefined, sampleResolver({ [ip.toLowerCase()]: { ipAddress: '203.0.113.1' } })]) {
    const planned = made.resources.map((resource) => ({
      id: resource.id,
      body: resource.preview(resolve),
      apiVersion: resource.apiVersion,
    }));
    const changes = whatIf(now, planned, 'Incremental');
    assert.deepEqual(
      changes.map(({ changeType }) => changeType),
      ['NoChange', 'NoChange'],
    );
    assert.ok(!JSON.stringify(changes).includes('hunter2'));
  }
});
