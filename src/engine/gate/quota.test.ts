/** Quotas at the gate: the last place goes to one of two, a stranger learns nothing of it, and a template is told before it starts. */

import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { callerOf, location, ownerOid, place, strangerOid, testEngine, type TestEngine } from '#test/sim/engine.ts';
import { ground, groupOf, racing } from '#test/sim/quota-world.ts';

const group = groupOf(racing[0]);
const address = (name: string): string => `${group}/providers/Microsoft.Network/publicIPAddresses/${name}`;

async function full(): Promise<TestEngine> {
  const stamp = await testEngine();
  await place(stamp, ...ground());
  // Three addresses are allowed.
  for (const name of ['a', 'b']) await stamp.settle(stamp.put(address(name), { location }));
  return stamp;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  );

test('[S1.20] of two writes at once one gets the last place; when one goes the next may come', async () => {
  const stamp = await full();
  const both = Promise.all([
    codeOf(stamp.put(address('c'), { location })),
    codeOf(stamp.put(address('d'), { location })),
  ]);
  assert.deepEqual((await stamp.settle(both)).sort(), ['PublicIPCountLimitReached', 'ok']);
  await stamp.settle(stamp.remove(address('a')));
  assert.equal(await stamp.settle(codeOf(stamp.put(address('e'), { location }))), 'ok');
  const refused = stamp.entries().filter(({ audit }) => audit?.outcome === 'Refused');
  assert.equal(refused.at(-1)?.audit?.code, 'PublicIPCountLimitReached');
});

test('who may not write hears of rights and not of quotas', async () => {
  const stamp = await full();
  await stamp.settle(stamp.put(address('c'), { location }));
  assert.equal(await stamp.settle(codeOf(stamp.put(address('d'), { location }, strangerOid))), 'AuthorizationFailed');
});

test('a template that wants too much is told so by validation, once for each quota', async () => {
  const stamp = await full();
  const resources = ['c', 'd', 'e'].map((name) => ({
    type: 'Microsoft.Network/publicIPAddresses',
    apiVersion: '2018-11-01',
    name,
    location,
  }));
  const template: JsonObject = {
    $schema: 'https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    resources,
  };
  const id = `${group}/providers/Microsoft.Resources/deployments/d`;
  const input = { id, name: 'd', scope: group, properties: { mode: 'Incremental', template } };
  const { error } = await stamp.settle(stamp.engine.deployments.validate(input, callerOf(ownerOid)));
  const told = JSON.stringify(error);
  assert.equal(told.split('"PublicIPCountLimitReached"').length - 1, 1, told);
});
