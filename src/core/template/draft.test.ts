/** Unrolling resources: children, extensions, loops, conditions and scopes. */

import assert from 'node:assert/strict';
import test from 'node:test';
import type { Json } from '#base/json.ts';
import { groupId, network, plan, sampleResolver, subscriptionId, vnet, waits } from '#template/sample.ts';

test('children, full types in children, and extensions have ARM ids', () => {
  const child = (more: { readonly [key: string]: Json }): Json => ({
    apiVersion: '2024-05-01',
    properties: {},
    ...more,
  });
  const made = plan({
    resources: [
      vnet('net', {
        resources: [
          child({ type: 'subnets', name: 'a' }),
          child({ type: 'Microsoft.Network/virtualNetworks/subnets', name: 'net/b' }),
          child({ type: 'Microsoft.Authorization/locks', name: 'l1' }),
        ],
      }),
      child({ type: 'Microsoft.Network/virtualNetworks/subnets', name: 'net/c' }),
      child({ type: 'Microsoft.Network/virtualNetworks/providers/locks', name: 'net/Microsoft.Authorization/l2' }),
      child({ type: 'Microsoft.Authorization/locks', name: 'l3', scope: 'Microsoft.Network/virtualNetworks/net' }),
      child({
        type: 'Microsoft.Authorization/roleAssignments',
        name: 'r1',
        scope: "[resourceId('Microsoft.Network/virtualNetworks', 'net')]",
      }),
      child({ type: 'Microsoft.Authorization/locks', name: 'l4' }),
    ],
  });
  const net = `${network}/virtualNetworks/net`;
  assert.deepEqual(
    made.resources.map(({ id }) => id).sort(),
    [
      net,
      `${net}/subnets/a`,
      `${net}/subnets/b`,
      `${net}/subnets/c`,
      `${net}/providers/Microsoft.Authorization/locks/l1`,
      `${net}/providers/Microsoft.Authorization/locks/l2`,
      `${net}/providers/Microsoft.Authorization/locks/l3`,
      `${net}/providers/Microsoft.Authorization/roleAssignments/r1`,
      `${groupId}/providers/Microsoft.Authorization/locks/l4`,
    ].sort(),
  );
  for (const { id, dependsOn, type } of made.resources) {
    if (id.startsWith(`${net}/`)) assert.deepEqual(dependsOn, [net.toLowerCase()], `${id} waits for what it hangs on`);
    if (id.includes('/locks/')) assert.equal(type, 'Microsoft.Authorization/locks');
  }
});

test('copy loops unroll resources, properties, variables and outputs', () => {
  const made = plan({
    parameters: { count: { type: 'int', defaultValue: 3 } },
    variables: {
      copy: [{ name: 'names', count: 2, input: "[concat('n', copyIndex('names', 1))]" }],
      inner: { copy: [{ name: 'list', count: 2, input: { index: "[copyIndex('list')]" } }], fixed: true },
    },
    resources: [
      vnet("[concat('net', copyIndex(5))]", {
        copy: { name: 'nets', count: "[parameters('count')]" },
        properties: {
          copy: [
            { name: 'subnets', count: 2, input: { name: "[concat('s', copyIndex(), '-', copyIndex('subnets', 1))]" } },
          ],
          names: "[variables('names')]",
          inner: "[variables('inner')]",
        },
      }),
      vnet('after', { dependsOn: ['NETS'] }),
    ],
    outputs: {
      all: { type: 'array', copy: { count: 2, input: "[concat('o', copyIndex())]" } },
      off: { type: 'string', condition: false, value: "[variables('names')[9]]" },
    },
  });
  assert.deepEqual(waits(made)['after'], ['net5', 'net6', 'net7']);
  assert.deepEqual(made.resources[1]?.body(sampleResolver()), {
    properties: {
      subnets: [{ name: 's1-1' }, { name: 's1-2' }],
      names: ['n1', 'n2'],
      inner: { list: [{ index: 0 }, { index: 1 }], fixed: true },
    },
  });
  assert.deepEqual(made.resources[1].copy, { name: 'nets', index: 1, count: 3, mode: 'parallel', batchSize: 1 });
  assert.deepEqual(made.outputs(sampleResolver()), { all: { type: 'Array', value: ['o0', 'o1'] } });
});

test('a false condition keeps a resource out: no body is read, nothing waits for it, its id is free', () => {
  const made = plan(
    {
      parameters: { isNew: { type: 'bool' } },
      resources: [
        vnet('a', { condition: "[parameters('isNew')]", properties: { x: "[reference('nope').y]" } }),
        vnet('a', { condition: "[not(parameters('isNew'))]" }),
        vnet('b', { dependsOn: ['a'] }),
      ],
    },
    { isNew: { value: false } },
  );
  const [off, on] = [
    made.resources.find(({ condition }) => !condition),
    made.resources.find(({ name, condition }) => condition && name === 'a'),
  ];
  assert.equal(on?.key, `${network}/virtualNetworks/a`.toLowerCase());
  assert.notEqual(off?.key, on.key);
  assert.deepEqual(made.resources.find(({ name }) => name === 'b')?.dependsOn, [on.key]);
});

test('at the scope of a subscription, groups and their ids work', () => {
  const made = plan(
    {
      resources: [
        {
          type: 'Microsoft.Resources/resourceGroups',
          apiVersion: '2021-04-01',
          name: 'new',
          location: '[deployment().location]',
        },
        {
          type: 'Microsoft.Authorization/roleAssignments',
          apiVersion: '2022-04-01',
          name: 'r',
          dependsOn: ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'new')]"],
          properties: {},
        },
      ],
    },
    {},
    { scope: { subscriptionId, location: 'there' } },
  );
  assert.deepEqual(
    made.resources.map(({ id }) => id),
    [
      `/subscriptions/${subscriptionId}/resourceGroups/new`,
      `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleAssignments/r`,
    ],
  );
  assert.deepEqual(made.resources[1]?.dependsOn, [`/subscriptions/${subscriptionId}/resourcegroups/new`]);
  assert.equal(made.resources[0]?.location, 'there');
});
