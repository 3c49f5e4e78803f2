/** Runs of a plan: in order, at once where they may, and what fails stops only what waits for it. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import {
  after,
  broken,
  byText,
  deploy,
  input,
  noted,
  nsg,
  operationsOf,
  owner,
  scope,
  stateOf,
} from '#test/sim/deployment.ts';
import { base, location, net, testEngine } from '#test/sim/engine.ts';

test('resources are made in the order of what they wait for, and outputs are read at the end', async () => {
  const { stamp, order } = await noted();
  const record = await deploy(
    stamp,
    input('d', {
      resources: [nsg('c', after('b')), nsg('b', after('a')), nsg('a')],
      outputs: {
        tag: { type: 'string', value: "[reference('c').provisioningState]" },
        id: { type: 'string', value: "[resourceId('Microsoft.Network/networkSecurityGroups', 'a')]" },
      },
    }),
  );
  assert.deepEqual(order, ['a', 'b', 'c']);
  assert.equal(stateOf(record), 'Succeeded', JSON.stringify(record.properties));
  assert.deepEqual((record.properties['outputs'] as { tag: JsonObject }).tag, { type: 'String', value: 'Succeeded' });
  assert.deepEqual(operationsOf(record), [
    ['a', 'Succeeded'],
    ['b', 'Succeeded'],
    ['c', 'Succeeded'],
  ]);
  assert.deepEqual(stamp.bugs, []);
});

test('a resource that fails stops what waits for it, not the others, and the failure is told with its reason', async () => {
  const stamp = await testEngine();
  const waits = { dependsOn: ["[resourceId('Microsoft.Network/virtualNetworks', 'bad')]"] };
  const record = await deploy(
    stamp,
    input('d', { resources: [broken('bad'), nsg('waits', waits), nsg('other'), nsg('never', { condition: false })] }),
  );
  assert.equal(stateOf(record), 'Failed');
  assert.ok(stamp.engine.view().get(net('red', 'networkSecurityGroups/other')));
  assert.equal(stamp.engine.view().get(net('red', 'networkSecurityGroups/waits')), undefined);
  const error = record.properties['error'] as {
    code: string;
    details: { code: string; message: string; target: string }[];
  };
  assert.deepEqual([error.code, error.details.length, error.details[0]?.code], ['DeploymentFailed', 1, 'BadRequest']);
  assert.match(error.details[0]?.message ?? '', /10\.0\.0\.1\/8/);
  assert.deepEqual(operationsOf(record).toSorted(byText), [
    ['bad', 'Failed'],
    ['other', 'Succeeded'],
  ]);
  assert.equal(stamp.engine.operations.of(record.id)?.status, 'Failed');
});

test('what does not wait for each other is under way at once', async () => {
  let [now, most] = [0, 0];
  const { stamp } = await noted({
    world: {
      onProved: () => undefined,
      onCommit: () => undefined,
      follow: async () => {
        most = Math.max(most, (now += 1));
        await stampClock().sleep(10);
        now -= 1;
      },
    },
  });
  const stampClock = () => stamp.clock;
  await deploy(stamp, input('d', { resources: Array.from({ length: 30 }, (_, index) => nsg(`n${index}`)) }));
  assert.equal(most, 16);
});

test('complete mode removes what the template left out, whatever waits for whatever; a failed one removes nothing', async () => {
  const stamp = await testEngine();
  const guard = net('red', 'networkSecurityGroups/guard');
  await stamp.settle(stamp.put(guard, { location }));
  const subnets = [{ name: 'web', properties: { addressPrefix: '10.0.1.0/24', networkSecurityGroup: { id: guard } } }];
  await stamp.settle(
    stamp.put(net('red', 'virtualNetworks/old'), {
      location,
      properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets },
    }),
  );
  assert.equal(
    stateOf(await deploy(stamp, input('bad', { resources: [nsg('new'), broken('bad')] }, { mode: 'Complete' }))),
    'Failed',
  );
  assert.ok(stamp.engine.view().get(guard));
  assert.equal(
    stateOf(await deploy(stamp, input('good', { resources: [nsg('new')] }, { mode: 'Complete' }))),
    'Succeeded',
  );
  assert.deepEqual(
    [...stamp.engine.view().under(scope)].map(({ name }) => name),
    ['new'],
  );
  const atSubscription = { ...input('x', {}, { mode: 'Complete' }), scope: base, location };
  await assert.rejects(stamp.settle(stamp.engine.deployments.start(atSubscription, owner)), {
    code: 'InvalidDeploymentMode',
  });
});
