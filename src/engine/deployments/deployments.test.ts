/** Deployments as things of their own: whose rights they have, how they nest, end, are cut off, and go. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { contributor, reader } from '#access/roles.ts';
import type { JsonObject } from '#base/json.ts';
import { after, byText, deploy, input, nsg, owner, resource, scope, stateOf } from '#test/sim/deployment.ts';
import { assignment, base, callerOf, net, place, strangerOid, testEngine } from '#test/sim/engine.ts';

test('a deployment has the rights of who asked for it, and no other', async () => {
  const stamp = await testEngine();
  const stranger = callerOf(strangerOid);
  await assert.rejects(stamp.settle(stamp.engine.deployments.start(input('d', {}), stranger)), {
    code: 'AuthorizationFailed',
  });
  await assert.rejects(stamp.settle(stamp.engine.deployments.whatIf(input('d', {}), stranger)), {
    code: 'AuthorizationFailed',
  });
  await place(stamp, assignment(scope, strangerOid, contributor.id));
  const nested = resource('', 'x', {
    type: 'Microsoft.Resources/deployments',
    name: 'inner',
    resourceGroup: 'blue',
    location: undefined,
    properties: {
      mode: 'Incremental',
      expressionEvaluationOptions: { scope: 'inner' },
      template: input('i', { resources: [nsg('sneaked')] }).properties['template'],
    },
  });
  const { operation } = await stamp.settle(
    stamp.engine.deployments.start(input('d', { resources: [nsg('own'), nested] }), stranger),
  );
  await stamp.settle(stamp.engine.operations.ended(operation));
  assert.ok(stamp.engine.view().get(net('red', 'networkSecurityGroups/own')));
  assert.equal(stamp.engine.view().get(net('blue', 'networkSecurityGroups/sneaked')), undefined);
  assert.deepEqual(stamp.engine.deployments.list(`${base}/resourceGroups/blue`), []);
  await place(stamp, assignment(`${base}/resourceGroups/blue`, strangerOid, reader.id));
});

test('nested deployments are deployments of their own; their outputs serve their parent', async () => {
  const stamp = await testEngine();
  const inner = input('i', { resources: [nsg('inside')], outputs: { name: { type: 'string', value: 'from-inside' } } })
    .properties['template'];
  const nested = {
    type: 'Microsoft.Resources/deployments',
    apiVersion: '2021-04-01',
    name: 'inner',
    properties: { mode: 'Incremental', expressionEvaluationOptions: { scope: 'inner' }, template: inner },
  };
  const record = await deploy(
    stamp,
    input('outer', {
      resources: [
        nested,
        nsg('after', {
          dependsOn: ["[resourceId('Microsoft.Resources/deployments', 'inner')]"],
          tags: { got: "[reference('inner').outputs.name.value]" },
        }),
      ],
    }),
  );
  assert.equal(stateOf(record), 'Succeeded', JSON.stringify(record.properties['error']));
  assert.deepEqual(stamp.engine.view().get(net('red', 'networkSecurityGroups/after'))?.tags, { got: 'from-inside' });
  assert.deepEqual(
    stamp.engine.deployments
      .list(scope)
      .map(({ name, properties }) => [name, properties['provisioningState']])
      .toSorted(byText),
    [
      ['inner', 'Succeeded'],
      ['outer', 'Succeeded'],
    ],
  );
});

test('a canceled deployment starts nothing more, nor does what is nested in it; one that has ended cannot be canceled', async () => {
  const held: (() => void)[] = [];
  const stamp = await testEngine({
    inlineMs: 0,
    world: {
      onProved: () => undefined,
      onCommit: () => undefined,
      follow: () => new Promise((resolve) => held.push(resolve)),
    },
  });
  const inner = input('i', { resources: [nsg('in1'), nsg('in2', after('in1'))] }).properties['template'];
  const nested = {
    type: 'Microsoft.Resources/deployments',
    apiVersion: '2021-04-01',
    name: 'inner',
    properties: { mode: 'Incremental', expressionEvaluationOptions: { scope: 'inner' }, template: inner },
  };
  const wanted = input('d', {
    resources: [nested, nsg('late', { dependsOn: ["[resourceId('Microsoft.Resources/deployments', 'inner')]"] })],
  });
  const { operation } = await stamp.settle(stamp.engine.deployments.start(wanted, owner));
  while (held.length === 0) await stamp.clock.tick();
  await assert.rejects(stamp.settle(stamp.engine.deployments.start(wanted, owner)), { code: 'DeploymentActive' });
  await assert.rejects(stamp.settle(stamp.engine.deployments.remove(wanted.id, owner)), { code: 'DeploymentActive' });
  await stamp.settle(stamp.engine.deployments.cancel(wanted.id, owner));
  for (const done of held) done();
  assert.equal((await stamp.settle(stamp.engine.operations.ended(operation))).status, 'Canceled');
  assert.deepEqual(stamp.engine.deployments.list(scope).map(stateOf), ['Canceled', 'Canceled']);
  assert.deepEqual(
    [...stamp.engine.view().under(scope)].map(({ name }) => name),
    ['in1'],
  );
  await assert.rejects(stamp.settle(stamp.engine.deployments.cancel(wanted.id, owner)), {
    code: 'DeploymentCannotBeCanceled',
  });
  await assert.rejects(stamp.settle(stamp.engine.deployments.cancel(`${wanted.id}x`, owner)), {
    code: 'DeploymentNotFound',
  });
  assert.equal(await stamp.settle(stamp.engine.deployments.remove(wanted.id, owner)), true);
  assert.equal(await stamp.settle(stamp.engine.deployments.remove(wanted.id, owner)), false);
});

test('of two starts of one name at once, one runs', async () => {
  const stamp = await testEngine();
  const ends = await stamp.settle(
    Promise.allSettled(
      [1, 2, 3].map(() => stamp.engine.deployments.start(input('d', { resources: [nsg('a')] }), owner)),
    ),
  );
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
});

test('what a crash cut off is told as failed after it, and the name is free again', async () => {
  const stamp = await testEngine({
    inlineMs: 0,
    world: { onProved: () => undefined, onCommit: () => undefined, follow: () => new Promise(() => undefined) },
  });
  await stamp.settle(stamp.engine.deployments.start(input('d', { resources: [nsg('a')] }), owner));
  for (let ticks = 0; ticks < 30; ticks += 1) await stamp.clock.tick();
  const again = await testEngine({ disk: stamp.disk });
  again.engine.resume();
  for (let ticks = 0; ticks < 30; ticks += 1) await again.clock.tick();
  const record = again.engine.deployments.get(input('d', {}).id);
  assert.deepEqual(
    [stateOf(record), (record?.properties['error'] as JsonObject | undefined)?.['code']],
    ['Failed', 'DeploymentInterrupted'],
  );
  assert.deepEqual(again.engine.operations.underWay(), []);
  assert.equal(stateOf(await deploy(again, input('d', { resources: [nsg('a')] }))), 'Succeeded');
});

test('the deployments of a group go with it, in memory and in the store', async () => {
  const stamp = await testEngine();
  const record = await deploy(stamp, input('d', { resources: [nsg('a')] }));
  await stamp.settle(stamp.remove(scope));
  assert.equal(stamp.engine.deployments.get(record.id), undefined);
  assert.equal(stamp.disk.table('deployments').size, 0);
});
