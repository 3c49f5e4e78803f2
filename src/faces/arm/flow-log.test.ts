/** Flow logs as clients set them up: as a resource of their own with new api-versions, and through the watcher's older questions. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import type { FakeStamp } from '#faces/arm/fake-engine.ts';
import { type Asked, net, questionStamp } from '#faces/arm/question-world.ts';

let stamp: FakeStamp;
let ask: Asked['ask'];
before(async () => {
  ({ stamp, ask } = await questionStamp());
});
after(() => stamp.close());

const target = `${net}/networkSecurityGroups/guard`;
const log = `${net}/networkWatchers/w/flowLogs/f?api-version=2023-11-01`;
const storageId = '/subscriptions/s/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/a';
const body = {
  location: 'local',
  properties: {
    targetResourceId: target,
    storageId,
    enabled: true,
    retentionPolicy: { days: 5, enabled: true },
    format: { type: 'JSON', version: 2 },
    flowAnalyticsConfiguration: {},
  },
};
const send = (path: string, method: string, sent?: JsonObject) =>
  stamp.send(path, { method, ...(sent === undefined ? {} : { body: sent }) });

test('a flow log is created, listed, shown, tagged and deleted', async () => {
  const created = await send(log, 'PUT', body);
  assert.equal(created.status, 201, created.text);
  const properties = created.json['properties'] as JsonObject;
  assert.equal(properties['targetResourceId'], target);
  assert.deepEqual(properties['retentionPolicy'], { days: 5, enabled: true });
  assert.equal((await send(log, 'PUT', body)).status, 200);
  const listed = await send(`${net}/networkWatchers/w/flowLogs?api-version=2023-11-01`, 'GET');
  assert.deepEqual(
    (listed.json['value'] as JsonObject[]).map(({ name }) => name),
    ['f'],
  );
  const tagged = await send(log, 'PATCH', { tags: { a: 'b' } });
  assert.deepEqual([tagged.status, tagged.json['tags']], [200, { a: 'b' }]);
  assert.equal((await send(log, 'GET')).status, 200);
  assert.equal((await send(log, 'DELETE')).status, 204);
  assert.equal((await send(log, 'GET')).status, 404);
});

test('a watcher is asked to set a flow log up, to say how it stands, and to end it', async () => {
  const settings = { storageId, enabled: true, retentionPolicy: { days: 2, enabled: true } };
  const query = async () => (await ask('networkWatchers/w/queryFlowLogStatus', { targetResourceId: target })).json;
  assert.equal(((await query())['properties'] as JsonObject)['enabled'], false);
  const set = await ask('networkWatchers/w/configureFlowLog', { targetResourceId: target, properties: settings });
  assert.equal(set.status, 200, set.text);
  const format = { type: 'JSON', version: 1 };
  assert.deepEqual(await query(), { targetResourceId: target, properties: { ...settings, format } });
  const ended = { ...settings, enabled: false };
  await ask('networkWatchers/w/configureFlowLog', { targetResourceId: target, properties: ended });
  assert.equal(((await query())['properties'] as JsonObject)['enabled'], false);
});

test('what cannot be logged is refused with the member', async () => {
  const rows: [string, JsonObject, number, string][] = [
    ['w/configureFlowLog', { targetResourceId: target }, 400, 'storageId'],
    ['w/configureFlowLog', { properties: { storageId } }, 400, 'targetResourceId'],
    [
      'w/configureFlowLog',
      { targetResourceId: `${net}/routeTables/table`, properties: { storageId } },
      400,
      'targetResourceId',
    ],
    ['none/configureFlowLog', { targetResourceId: target, properties: { storageId } }, 404, 'networkWatchers/none'],
    ['w/queryFlowLogStatus', {}, 400, 'targetResourceId'],
    ['w/queryFlowLogStatus', { targetResourceId: `${target}x` }, 404, 'guardx'],
  ];
  for (const [path, sent, status, says] of rows) {
    const reply = await ask(`networkWatchers/${path}`, sent);
    assert.equal(reply.status, status, reply.text);
    assert.ok(reply.text.includes(says), reply.text);
  }
});
