/** The four polling modes: what a write that outlives its request answers, and what the polls answer until it has ended. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import type { ArmOptions } from '#faces/arm/call.ts';
import { rowOf } from '#faces/arm/catalog.ts';
import { fakeStamp, s, type FakeStamp, type Reply } from '#faces/arm/fake-engine.ts';

const rg = `${s}/resourceGroups/rg1`;
const nsg = `${rg}/providers/Microsoft.Network/networkSecurityGroups/n1?api-version=2018-11-01`;

async function slow(longRunning: ArmOptions['longRunning'], run: (stamp: FakeStamp) => Promise<void>): Promise<void> {
  const stamp = await fakeStamp({ longRunning });
  try {
    await stamp.send(`${rg}?api-version=2019-10-01`, { method: 'PUT', body: { location: 'local' } });
    stamp.engine.isSlow = true;
    await run(stamp);
    assert.deepEqual(stamp.bugs, []);
  } finally {
    await stamp.close();
  }
}

function here(stamp: FakeStamp, link: unknown): string {
  assert.ok(
    typeof link === 'string' && link.startsWith(`${stamp.base}/`),
    `an absolute link on the same host is wanted: ${String(link)}`,
  );
  return link.slice(stamp.base.length);
}

function stateOf({ json }: Reply): unknown {
  return (json['properties'] as JsonObject)['provisioningState'];
}

const withBody = { method: 'PUT', body: { location: 'local' } } as const;

for (const mode of ['auto', 'async'] as const) {
  test(`${mode}: PUT is 201 with a state and Azure-AsyncOperation, DELETE 202 with both links`, async () => {
    await slow(mode, async (stamp) => {
      const put = await stamp.send(nsg, withBody);
      assert.equal(put.status, 201);
      assert.equal(stateOf(put), 'Updating');
      assert.equal(put.headers['retry-after'], '1');
      assert.equal(put.headers['location'], undefined);
      const link = here(stamp, put.headers['azure-asyncoperation']);
      const running = await stamp.send(link);
      assert.equal(running.status, 200);
      assert.equal(running.json['status'], 'InProgress');
      assert.equal(running.headers['retry-after'], '1');
      stamp.engine.end();
      assert.equal((await stamp.send(link)).json['status'], 'Succeeded');
      const gone = await stamp.send(nsg, { method: 'DELETE' });
      assert.equal(gone.status, 202);
      here(stamp, gone.headers['azure-asyncoperation']);
      const result = here(stamp, gone.headers['location']);
      const pending = await stamp.send(result);
      assert.deepEqual([pending.status, pending.text], [202, '']);
      stamp.engine.end();
      assert.equal((await stamp.send(result)).status, 200);
    });
  });
}

test('location: PUT is 202 with Location alone, which ends in what PUT would have answered', async () => {
  await slow('location', async (stamp) => {
    const put = await stamp.send(nsg, withBody);
    assert.deepEqual([put.status, put.text, put.headers['azure-asyncoperation']], [202, '', undefined]);
    const link = here(stamp, put.headers['location']);
    assert.equal((await stamp.send(link)).status, 202);
    stamp.engine.end();
    const result = await stamp.send(link);
    assert.deepEqual([result.status, result.json['name']], [200, 'n1']);
  });
});

test('poll: PUT is 201 with a state and no link, GET says when to come again', async () => {
  await slow('poll', async (stamp) => {
    const put = await stamp.send(nsg, withBody);
    assert.deepEqual(
      [put.status, put.headers['location'], put.headers['azure-asyncoperation']],
      [201, undefined, undefined],
    );
    const pending = await stamp.send(nsg);
    assert.deepEqual([stateOf(pending), pending.headers['retry-after']], ['Updating', '1']);
    stamp.engine.end();
    const done = await stamp.send(nsg);
    assert.deepEqual([stateOf(done), done.headers['retry-after']], ['Succeeded', undefined]);
  });
});

test('a failed operation tells its error in the status, and as a refusal under Location', async () => {
  await slow('auto', async (stamp) => {
    const put = await stamp.send(nsg, withBody);
    const link = here(stamp, put.headers['azure-asyncoperation']);
    stamp.engine.end({
      status: 'Failed',
      error: { code: 'PlaneFault', message: 'The kernel refused.', details: [{ code: 'X', message: 'y' }] },
    });
    const status = await stamp.send(link);
    assert.equal(status.status, 200);
    assert.deepEqual(status.json['error'], {
      code: 'PlaneFault',
      message: 'The kernel refused.',
      details: [{ code: 'X', message: 'y' }],
    });
    const result = await stamp.send(link.replace('/operations/', '/operationResults/'));
    assert.equal(result.status, 409);
    assert.equal((result.json['error'] as JsonObject)['code'], 'PlaneFault');
  });
});

test('an operation is shown to who began it or may read its resource, not to a stranger', async () => {
  await slow('auto', async (stamp) => {
    const put = await stamp.send(nsg, withBody);
    const link = here(stamp, put.headers['azure-asyncoperation']);
    const other = await stamp.send(link, { headers: { authorization: 'Bearer stranger' } });
    assert.equal(other.status, 403);
  });
});

test('deleting a group is polled under the subscription; verbs without a 202 wait instead', async () => {
  await slow('auto', async (stamp) => {
    const lock = await stamp.send(`${rg}/providers/Microsoft.Authorization/locks/l1?api-version=2016-09-01`, {
      method: 'PUT',
      body: { properties: { level: 'CanNotDelete' } },
    });
    assert.equal(lock.status, 201);
    assert.equal(
      (
        await stamp.send(`${rg}/providers/Microsoft.Authorization/locks/l1?api-version=2016-09-01`, {
          method: 'DELETE',
        })
      ).status,
      200,
    );
    const gone = await stamp.send(`${rg}?api-version=2019-10-01`, { method: 'DELETE' });
    assert.equal(gone.status, 202);
    const link = here(stamp, gone.headers['location']);
    assert.match(link, /^\/subscriptions\/[^/]+\/operationresults\//);
    assert.equal((await stamp.send(link)).status, 202);
    stamp.engine.end();
    assert.deepEqual(
      [(await stamp.send(link)).status, (await stamp.send(`${rg}?api-version=2019-10-01`)).status],
      [200, 404],
    );
  });
});

test('a deployment takes what az sends, and is polled under its own address', async () => {
  await slow('auto', async (stamp) => {
    const path = `${rg}/providers/Microsoft.Resources/deployments/d1`;
    const body =
      '{"properties": {"mode": "Incremental", "parameters": {}, template: {\n // a comment\n "resources": [] }}}';
    const put = await stamp.send(`${path}?api-version=2024-11-01`, { method: 'PUT', body });
    assert.equal(put.status, 201, put.text);
    const link = here(stamp, put.headers['azure-asyncoperation']);
    assert.match(link, /deployments\/d1\/operationStatuses\//);
    assert.equal((await stamp.send(link)).json['status'], 'InProgress');
    const operations = await stamp.send(`${rg}/deployments/d1/operations?api-version=2024-11-01`);
    assert.deepEqual(operations.json, { value: [{ operationId: 'ABC', properties: {} }] });
    const invalid = await stamp.send(`${path}/validate?api-version=2024-11-01`, {
      method: 'POST',
      body: { properties: { mode: 'Incremental' } },
    });
    assert.deepEqual([invalid.status, (invalid.json['error'] as JsonObject)['code']], [200, 'InvalidTemplate']);
  });
});

test('location: a deployment ends in what GET shows of it', async () => {
  await slow('location', async (stamp) => {
    const path = `${rg}/providers/Microsoft.Resources/deployments/d1?api-version=2024-11-01`;
    const body = { properties: { mode: 'Incremental', template: { resources: [] } } };
    const put = await stamp.send(path, { method: 'PUT', body });
    const link = here(stamp, put.headers['location']);
    assert.equal((await stamp.send(link)).status, 202);
    stamp.engine.end();
    const end = await stamp.send(link);
    assert.deepEqual([end.status, end.json['name']], [200, 'd1']);
  });
});

test('location: a PATCH of tags of a network resource is 200, for newer clients do not follow it', async () => {
  await slow('location', async (stamp) => {
    stamp.engine.isSlow = false;
    await stamp.send(nsg, withBody);
    const patched = await stamp.send(nsg, { method: 'PATCH', body: { tags: { a: '1' } } });
    assert.deepEqual([patched.status, patched.json['tags']], [200, { a: '1' }]);
    const group = rowOf('Microsoft.Network/networkSecurityGroups');
    assert.ok(group !== undefined && !group.longRunning.includes('patch'));
  });
});

test('validate in a group that is not there is 200 with the error, since az loses the message of a 404 there', async () => {
  await slow('auto', async (stamp) => {
    const path = `${s}/resourceGroups/none/providers/Microsoft.Resources/deployments/d1`;
    const body = { properties: { mode: 'Incremental', template: { resources: [] } } };
    const validated = await stamp.send(`${path}/validate?api-version=2024-11-01`, { method: 'POST', body });
    assert.deepEqual([validated.status, codeOf(validated)], [200, 'ResourceGroupNotFound']);
    assert.equal((await stamp.send(`${path}?api-version=2024-11-01`, { method: 'PUT', body })).status, 404);
  });
});

function codeOf({ json }: Reply): unknown {
  return (json['error'] as JsonObject)['code'];
}
