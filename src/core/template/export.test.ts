/** Export and complete mode: a template that deploys the same again, and what a template that lacks it deletes. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { resourcesToDelete } from '#template/complete.ts';
import { exportTemplate, type ExportedResource } from '#template/export.ts';
import { planDeployment } from '#template/deploy.ts';
import { templateHash } from '#template/hash.ts';
import { groupId, sampleContext, sampleResolver, subscriptionId } from '#template/sample.ts';
import type { JsonObject } from '#base/json.ts';

const scope = { subscriptionId, resourceGroup: 'rg1' };
const nsg = `${groupId}/providers/Microsoft.Network/networkSecurityGroups/nsg1`;
const net = `${groupId}/providers/Microsoft.Network/virtualNetworks/it's`;
const child = `${net}/subnets/s2`;

/** A network with a subnet of its own and one inline, and the NSG that it refers to. */
const resources: ExportedResource[] = [
  {
    id: net,
    type: 'Microsoft.Network/virtualNetworks',
    name: "it's",
    apiVersion: '2018-11-01',
    etag: 'W/"1"',
    location: 'local',
    tags: { a: '[b]' },
    properties: {
      provisioningState: 'Succeeded',
      resourceGuid: 'x',
      subnets: [
        {
          id: `${net}/subnets/s`,
          name: 's',
          etag: 'x',
          properties: { networkSecurityGroup: { id: nsg.toLowerCase() } },
        },
      ],
      remote: { id: '/subscriptions/other/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v' },
    },
  },
  {
    id: nsg,
    type: 'Microsoft.Network/networkSecurityGroups',
    name: 'nsg1',
    apiVersion: '2018-11-01',
    location: 'local',
    sku: null,
    properties: {},
  },
  {
    id: child,
    type: 'Microsoft.Network/virtualNetworks/subnets',
    name: 's2',
    apiVersion: '2018-11-01',
    properties: { addressPrefix: '10.0.0.0/24' },
  },
];

test('what is exported can be deployed, refers by expression and waits for what it refers to', () => {
  const template = exportTemplate(resources, scope);
  const made = planDeployment(template, {}, sampleContext());
  assert.deepEqual(
    made.resources.map(({ id }) => id),
    [nsg, net, child],
  );
  assert.deepEqual(made.resources[1]?.dependsOn, [nsg.toLowerCase()]);
  assert.deepEqual(made.resources[2]?.dependsOn, [net.toLowerCase()]);
  assert.deepEqual(made.resources[1].body(sampleResolver()), {
    location: 'local',
    tags: { a: '[b]' },
    properties: {
      subnets: [
        {
          name: 's',
          properties: {
            networkSecurityGroup: { id: `${groupId}/providers/microsoft.network/networksecuritygroups/nsg1` },
          },
        },
      ],
      remote: { id: '/subscriptions/other/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v' },
    },
  });
});

test('complete mode deletes top-level resources of its own group that the template does not deploy', () => {
  const lock = `${groupId}/providers/Microsoft.Authorization/locks/l`;
  const deployment = `${groupId}/providers/Microsoft.Resources/deployments/d`;
  const elsewhere = `/subscriptions/${subscriptionId}/resourceGroups/rg2/providers/Microsoft.Network/virtualNetworks/v`;
  const existing = [nsg, net, child, lock, deployment, elsewhere, `${net}/providers/Microsoft.Authorization/locks/x`];
  assert.deepEqual(resourcesToDelete(existing, [nsg.toUpperCase()], scope), [net]);
  assert.deepEqual(resourcesToDelete(existing, [], scope), [nsg, net]);
  assert.deepEqual(resourcesToDelete(existing, [nsg, net], scope), []);
});

test('the hash of a template is a 64-bit number that depends on its content', () => {
  const template: JsonObject = { a: [1, true], b: 'x' };
  const { minifiedTemplate, templateHash: hash } = templateHash(template);
  assert.equal(minifiedTemplate, '{"A":[1,TRUE],"B":"X"}');
  assert.match(hash, /^\d{1,20}$/);
  assert.notEqual(hash, templateHash({ ...template, b: 'y' }).templateHash);
});
