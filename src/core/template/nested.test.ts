/** Nested deployments: whose names, which scope, what they wait for, and what is refused. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import { deployedIds, isPlanOpen } from '#template/complete.ts';
import { groupId, plan, sampleResolver, subscriptionId, vnet } from '#template/sample.ts';

const nested = (
  name: string,
  properties: { readonly [key: string]: Json },
  more: { readonly [key: string]: Json } = {},
): Json => ({
  type: 'Microsoft.Resources/deployments',
  apiVersion: '2021-04-01',
  name,
  properties: { mode: 'Incremental', ...properties },
  ...more,
});
const inner: Json = { scope: 'inner' };

test('scope inner: the nested template has its own parameters, group and outputs', () => {
  const made = plan({
    parameters: { name: { type: 'string', defaultValue: 'outer-name' } },
    resources: [
      nested(
        'child',
        {
          expressionEvaluationOptions: inner,
          parameters: { name: { value: "[concat(parameters('name'), '-1')]" } },
          template: {
            parameters: { name: { type: 'string' } },
            resources: [
              vnet("[parameters('name')]", {
                tags: { group: '[resourceGroup().name]', deployment: '[deployment().name]' },
              }),
            ],
            outputs: {
              id: { type: 'string', value: "[resourceId('Microsoft.Network/virtualNetworks', parameters('name'))]" },
            },
          },
        },
        { resourceGroup: 'rg2' },
      ),
    ],
    outputs: { id: { type: 'string', value: "[reference('child').outputs.id.value]" } },
  });
  const [resource] = made.resources;
  const child = resource?.deployment?.plan(sampleResolver());
  const id = `/subscriptions/${subscriptionId}/resourceGroups/rg2/providers/Microsoft.Network/virtualNetworks/outer-name-1`;
  assert.equal(
    resource?.id,
    `/subscriptions/${subscriptionId}/resourceGroups/rg2/providers/Microsoft.Resources/deployments/child`,
  );
  assert.deepEqual(
    child?.resources.map((one) => one.id),
    [id],
  );
  assert.deepEqual(child?.resources[0]?.body(sampleResolver()), { tags: { group: 'rg2', deployment: 'child' } });
  assert.deepEqual(child?.outputs(sampleResolver()), { id: { type: 'String', value: id } });
  assert.deepEqual(child?.parameters, { name: { type: 'String', value: 'outer-name-1' } });
  assert.deepEqual(deployedIds(made), [resource.id, id]);
  const state = sampleResolver({ [resource.id.toLowerCase()]: { outputs: { id: { value: 'it' } } } });
  assert.deepEqual(made.outputs(state), { id: { type: 'String', value: 'it' } });
});

test('scope outer, the default: the nested template uses the names of its parent and lands in its own group', () => {
  const made = plan({
    parameters: { name: { type: 'string', defaultValue: 'net' } },
    variables: { tag: 'mine' },
    resources: [
      vnet('first'),
      nested(
        "[concat('child', copyIndex())]",
        {
          template: {
            parameters: { name: { type: 'string', defaultValue: 'never used' } },
            resources: [
              vnet("[concat(parameters('name'), copyIndex())]", {
                tags: { tag: "[variables('tag')]", group: '[resourceGroup().name]', ip: "[reference('first').ip]" },
              }),
              vnet('second', {
                dependsOn: [
                  "[resourceId('Microsoft.Network/virtualNetworks', concat(parameters('name'), copyIndex()))]",
                ],
              }),
            ],
            outputs: { o: { type: 'string', value: "[variables('tag')]" } },
          },
        },
        { resourceGroup: 'rg2', copy: { name: 'loop', count: 2 } },
      ),
    ],
  });
  const [, one, two] = made.resources;
  assert.deepEqual(one?.dependsOn, [`${groupId}/providers/microsoft.network/virtualnetworks/first`.toLowerCase()]);
  const child = two?.deployment?.plan(sampleResolver());
  assert.deepEqual(
    child?.resources.map((resource) => resource.name),
    ['net1', 'second'],
  );
  assert.deepEqual(child?.resources[1]?.dependsOn, [child?.resources[0]?.key]);
  assert.equal(child?.resources[0]?.scope.resourceGroup, 'rg2');
  const state = sampleResolver({
    [`${groupId}/providers/Microsoft.Network/virtualNetworks/first`.toLowerCase()]: { ip: 'x' },
  });
  assert.deepEqual(child?.resources[0]?.body(state), { tags: { tag: 'mine', group: 'rg1', ip: 'x' } });
  assert.deepEqual(child?.outputs(state), { o: { type: 'String', value: 'mine' } });
});

test('a nested deployment that is named by the state of another is planned when that is known', () => {
  const made = plan({
    resources: [
      vnet('first'),
      nested('child', {
        expressionEvaluationOptions: inner,
        parameters: { name: { value: "[reference('first').label]" }, plain: { value: 1 } },
        template: {
          parameters: { name: { type: 'string', minLength: 3 }, plain: { type: 'int' } },
          resources: [vnet("[parameters('name')]")],
        },
      }),
      nested('other', {
        expressionEvaluationOptions: inner,
        parameters: { tag: { value: "[reference('first').label]" } },
        template: {
          parameters: { tag: { type: 'string' } },
          resources: [vnet('fixed', { tags: { tag: "[toUpper(parameters('tag'))]" } })],
        },
      }),
    ],
  });
  const [first, child, other] = made.resources;
  assert.deepEqual(child?.dependsOn, [first?.key]);
  assert.equal(child?.deployment?.preview, undefined);
  assert.equal(isPlanOpen(made), true);
  assert.deepEqual(other?.deployment?.preview?.resources[0]?.preview(), {
    tags: { tag: "[toUpper(parameters('tag'))]" },
  });
  const state = sampleResolver({ [first?.key ?? '']: { label: 'late' } });
  assert.deepEqual(
    child?.deployment?.plan(state).resources.map(({ name }) => name),
    ['late'],
  );
  const short = sampleResolver({ [first?.key ?? '']: { label: 'x' } });
  assert.throws(() => child?.deployment?.plan(short), /at least 3/);
});

test('from a subscription, a group and what goes into it can be deployed together', () => {
  const made = plan(
    {
      resources: [
        { type: 'Microsoft.Resources/resourceGroups', apiVersion: '2021-04-01', name: 'missing', location: 'local' },
        nested(
          'inside',
          {
            expressionEvaluationOptions: inner,
            template: { resources: [vnet('v', { location: '[resourceGroup().location]' })] },
          },
          { resourceGroup: 'missing', dependsOn: ['missing'] },
        ),
      ],
    },
    {},
    { scope: { subscriptionId, location: 'local' } },
  );
  const [group, inside] = made.resources;
  assert.deepEqual(inside?.dependsOn, [group?.key]);
  assert.deepEqual(inside?.deployment?.preview?.resources[0]?.preview(), { location: '[resourceGroup().location]' });
  assert.throws(
    () => inside?.deployment?.plan(sampleResolver()).resources[0]?.body(sampleResolver()),
    (error) => error instanceof Refusal && error.code === 'ResourceGroupNotFound',
  );
});

test('secure parameters stay hidden on their way down', () => {
  const made = plan(
    {
      parameters: { password: { type: 'securestring' } },
      resources: [
        nested('child', {
          expressionEvaluationOptions: inner,
          parameters: { open: { value: "[parameters('password')]" } },
          template: {
            parameters: { open: { type: 'string' } },
            resources: [vnet('v', { tags: { x: "[parameters('open')]" } })],
          },
        }),
      ],
    },
    { password: { value: 'hunter2-hunter2' } },
  );
  const child = made.resources[0]?.deployment?.plan(sampleResolver());
  assert.deepEqual(child?.parameters, { open: { type: 'String', value: '***' } });
  assert.ok(
    !JSON.stringify([made.resources[0]?.body(sampleResolver()), child?.resources[0]?.preview()]).includes('hunter2'),
  );
});

test('what is not offered or not allowed is refused', () => {
  const template: Json = { resources: [] };
  const deep = (levels: number): Json =>
    levels === 0 ? template : { resources: [nested(`n${levels}`, { template: deep(levels - 1) })] };
  const rows: [Json, RegExp][] = [
    [nested('x', { templateLink: { uri: 'https://x' } }), /Linked templates are not fetched here: 'templateLink'/],
    [nested('x', { template, parametersLink: { uri: 'https://x' } }), /'parametersLink' is not offered/],
    [nested('x', {}), /must have a 'template'/],
    [nested('x', { template, mode: 'Complete' }), /must be 'Incremental'/],
    [nested('x', { template: { resources: 5 } }), /must have 'resources'/],
    [nested('x', { template: { resources: [], strange: 1 } }), /section 'strange' is not known/],
    [nested('x', { template, expressionEvaluationOptions: { scope: 'both' } }), /'inner' or 'outer'/],
    [nested('x', { template: deep(5) }), /nest deeper than 5 levels/],
    [
      nested('x', { template: { resources: [vnet("[parameters('p')]")] }, expressionEvaluationOptions: inner }),
      /parameter 'p' is not found/,
    ],
    [
      nested(
        'x',
        {
          template: { resources: [vnet('v', { location: '[resourceGroup().location]' })] },
          expressionEvaluationOptions: inner,
        },
        { resourceGroup: 'missing' },
      ),
      /Resource group 'missing' could not be found/,
    ],
  ];
  for (const [resource, message] of rows) {
    assert.throws(
      () => plan({ resources: [resource] }),
      (error) => error instanceof Refusal && message.test(error.message),
      String(message),
    );
  }
  const broken: Json = nested('x', { template: { resources: [vnet('[nope()]')] } });
  for (const scope of ['inner', 'outer']) {
    const resource = {
      ...(broken as object),
      properties: { ...(broken as { properties: object }).properties, expressionEvaluationOptions: { scope } },
    };
    assert.throws(
      () => plan({ resources: [resource] }),
      (error) => error instanceof Refusal && error.target === '/resources/0/properties/template/resources/0/name',
      scope,
    );
  }
  assert.equal(plan(deep(5) as { [key: string]: Json }).resources.length, 1);
});
