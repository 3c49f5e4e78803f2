/** What a resource waits for: every way to name it, serial loops, and what `reference` tells. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { network, plan, sampleResolver, subscriptionId, vnet, waits } from '#template/sample.ts';

test('every way to name a dependency is understood', () => {
  const names = [
    "[resourceId('Microsoft.Network/virtualNetworks/', 'NET')]",
    "[concat('Microsoft.Network/VirtualNetworks/', 'net')]",
    'net',
    `${network}/virtualNetworks/net`,
    `/subscriptions/${subscriptionId.toUpperCase()}/resourcegroups/RG1/providers/microsoft.network/virtualnetworks/net/`,
  ];
  for (const name of names) {
    const made = plan({ resources: [vnet('other', { dependsOn: [name] }), vnet('net')] });
    assert.deepEqual(waits(made)['other'], ['net'], name);
    assert.deepEqual(
      made.resources.map((one) => one.name),
      ['net', 'other'],
      name,
    );
  }
  const childNames = [
    'Microsoft.Network/virtualNetworks/net/subnets/web',
    'Microsoft.Network/virtualNetworks/subnets/net/web',
    'net/web',
    'web',
  ];
  for (const name of childNames) {
    const made = plan({
      resources: [
        vnet('net', { resources: [{ type: 'subnets', apiVersion: '2024-05-01', name: 'web', properties: {} }] }),
        vnet('other', { dependsOn: [name] }),
      ],
    });
    assert.deepEqual(waits(made), { net: [], 'net/web': ['net'], other: ['net/web'] }, name);
  }
});

test('a serial loop waits batch by batch; an empty loop leaves nothing to wait for', () => {
  const loop = (count: number) => ({ name: 'nets', count, mode: 'Serial', batchSize: 2 });
  const made = plan({
    resources: [vnet("[concat('n', copyIndex())]", { copy: loop(5) }), vnet('z', { dependsOn: ['nets'] })],
  });
  assert.deepEqual(waits(made), {
    n0: [],
    n1: [],
    n2: ['n0', 'n1'],
    n3: ['n0', 'n1'],
    n4: ['n2', 'n3'],
    z: ['n0', 'n1', 'n2', 'n3', 'n4'],
  });
  const none = plan({
    resources: [vnet("[concat('n', copyIndex())]", { copy: loop(0) }), vnet('z', { dependsOn: ['nets'] })],
  });
  assert.deepEqual(waits(none), { z: [] });
});

test('reference() by name, id and list functions order the resources and read their state', () => {
  const made = plan({
    resources: [
      vnet('c', {
        properties: { key: "[listKeys(resourceId('Microsoft.Network/virtualNetworks', 'b'), '2024-05-01').name]" },
      }),
      vnet('b', {
        properties: {
          ip: "[reference('a').ip]",
          all: "[if(equals(reference('a').ip, 'x'), 'same', reference('a', '2018-11-01', 'Full').id)]",
        },
      }),
      vnet('a', { properties: { self: "[resourceId('Microsoft.Network/virtualNetworks', 'c')]" } }),
    ],
    outputs: {
      ip: {
        type: 'string',
        value: "[concat('ip ', reference(resourceId('Microsoft.Network/virtualNetworks', 'a')).ip)]",
      },
      hidden: { type: 'securestring', value: "[reference('a').ip]" },
    },
  });
  assert.deepEqual(
    made.resources.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(waits(made), { a: [], b: ['a'], c: ['b'] });
  const resolver = sampleResolver({ [`${network}/virtualNetworks/a`.toLowerCase()]: { ip: '10.0.0.4' } });
  assert.deepEqual(made.resources[1]?.body(resolver)['properties'], {
    ip: '10.0.0.4',
    all: `${network}/virtualNetworks/a`,
  });
  assert.deepEqual(made.resources[1].preview()['properties'], {
    ip: `[reference('${network}/virtualNetworks/a').ip]`,
    all: "[if(equals(reference('a').ip, 'x'), 'same', reference('a', '2018-11-01', 'Full').id)]",
  });
  assert.deepEqual(made.resources[1].preview(resolver)['properties'], made.resources[1].body(resolver)['properties']);
  assert.deepEqual(made.outputs(resolver), {
    ip: { type: 'String', value: 'ip 10.0.0.4' },
    hidden: { type: 'SecureString' },
  });
  assert.throws(() => made.resources[1]?.body(sampleResolver()), /was not found/);
});

test('a resource that says it waits for itself is refused, by name, by id and through its loop', () => {
  const loop = { name: 'nets', count: 2 };
  const rows = [
    vnet('net', { dependsOn: ['net'] }),
    vnet('net', { dependsOn: ["[resourceId('Microsoft.Network/virtualNetworks', 'NET')]"] }),
    vnet('net', { properties: { own: "[reference('net').x]" } }),
    vnet("[concat('n', copyIndex())]", { copy: loop, dependsOn: ['nets'] }),
  ];
  for (const resource of rows) {
    assert.throws(
      () => plan({ resources: [resource] }),
      (error) =>
        error instanceof Refusal && error.code === 'InvalidTemplate' && /Circular dependency/.test(error.message),
    );
  }
});
