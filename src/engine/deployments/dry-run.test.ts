/** Validate and what-if: they tell all that is wrong and all that would change, write nothing, and never tell a secret. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { isObject, type JsonObject } from '#base/json.ts';
import { after, broken, deploy, input, nsg, owner, resource, stateOf } from '#test/sim/deployment.ts';
import { base, location, net, testEngine } from '#test/sim/engine.ts';

test('deploying again what is deployed changes nothing, as what-if says before', async () => {
  const stamp = await testEngine();
  const subnets = [{ name: 'web', properties: { addressPrefix: '10.0.1.0/24' } }];
  const template = {
    resources: [
      nsg('a', { tags: { x: 'y' } }),
      resource('virtualNetworks', 'net', {
        properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets },
      }),
    ],
  };
  const kinds = async (more: JsonObject, wanted = template): Promise<[string, string][]> => {
    const { changes, error } = await stamp.settle(stamp.engine.deployments.whatIf(input('d', wanted, more), owner));
    assert.equal(error, undefined);
    return (changes ?? []).map(({ resourceId, changeType }) => [
      String(resourceId).split('/').at(-1) ?? '',
      String(changeType),
    ]);
  };
  assert.deepEqual(await kinds({}), [
    ['a', 'Create'],
    ['net', 'Create'],
  ]);
  await deploy(stamp, input('d', template));
  await stamp.settle(stamp.put(net('red', 'networkSecurityGroups/left'), { location }));
  assert.deepEqual(await kinds({}), [
    ['a', 'NoChange'],
    ['left', 'Ignore'],
    ['net', 'NoChange'],
  ]);
  assert.deepEqual(await kinds({ mode: 'Complete' }), [
    ['a', 'NoChange'],
    ['left', 'Delete'],
    ['net', 'NoChange'],
  ]);
  assert.deepEqual(await kinds({}, { resources: [nsg('a', { tags: { x: 'z' } })] }), [
    ['a', 'Modify'],
    ['left', 'Ignore'],
    ['net', 'Ignore'],
  ]);
  assert.deepEqual(
    stamp.engine.view().get(net('red', 'networkSecurityGroups/a'))?.tags,
    { x: 'y' },
    'nothing is written',
  );
});

test('validate tells all that is wrong at once and writes nothing; what cannot start is refused', async () => {
  const stamp = await testEngine();
  const before = stamp.entries().length;
  const validate = async (template: JsonObject, more: JsonObject = {}) =>
    await stamp.settle(stamp.engine.deployments.validate(input('d', template, more), owner));
  const { error } = await validate({ resources: [broken('one'), broken('two'), nsg('fine')] });
  assert.deepEqual([error?.code, error?.details?.length], ['InvalidTemplateDeployment', 2]);
  const good = await validate({ resources: [nsg('fine')] });
  assert.equal(good.properties?.['provisioningState'], 'Succeeded');
  const wrong: [JsonObject, JsonObject][] = [
    [{ resources: [nsg('a', after('b')), nsg('b', after('a'))] }, {}],
    [{ resources: [nsg('a', after('none'))] }, {}],
    [{ resources: [], parameters: { need: { type: 'string' } } }, {}],
    [{}, { templateLink: { uri: 'https://example.org/t.json' } }],
    [{}, { mode: 'Sometimes' }],
    [{}, { template: null }],
  ];
  for (const [template, more] of wrong) {
    assert.ok((await validate(template, more)).error?.code, JSON.stringify([template, more]));
    await assert.rejects(
      stamp.settle(stamp.engine.deployments.start(input('d', template, more), owner)),
      (refusal: { status: number }) => refusal.status === 400,
    );
  }
  assert.equal(stamp.entries().length, before);
  await assert.rejects(
    stamp.settle(stamp.engine.deployments.validate({ ...input('d', {}), scope: `${base}/resourceGroups/none` }, owner)),
    { code: 'ResourceGroupNotFound' },
  );
});

test('secure parameters are in no record, no entry of the log besides the resource itself, no answer and no error', async () => {
  const stamp = await testEngine();
  const secret = 'correct-horse-battery-staple';
  const template = {
    parameters: { hidden: { type: 'secureString' }, shown: { type: 'string', defaultValue: 'seen' } },
    resources: [
      nsg('a'),
      resource('virtualNetworks', 'bad', {
        properties: { addressSpace: { addressPrefixes: ["[parameters('hidden')]"] } },
      }),
    ],
    outputs: { out: { type: 'secureString', value: "[parameters('hidden')]" } },
  };
  const wanted = input('d', template, { parameters: { hidden: { value: secret } } });
  const told: unknown[] = [
    await stamp.settle(stamp.engine.deployments.validate(wanted, owner)),
    await stamp.settle(stamp.engine.deployments.whatIf(wanted, owner)),
  ];
  const record = await deploy(stamp, wanted);
  told.push(record, stamp.engine.operations.of(record.id), stamp.disk.log);
  assert.equal(stateOf(record), 'Failed');
  assert.ok(isObject((record.properties['parameters'] as JsonObject)['hidden']));
  assert.ok(
    !JSON.stringify(told).includes(secret),
    JSON.stringify(told)
      .slice(Math.max(0, JSON.stringify(told).indexOf(secret) - 300))
      .slice(0, 400),
  );
});
