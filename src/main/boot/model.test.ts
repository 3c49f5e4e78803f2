/** Model mode: the whole control plane over TLS in this process, without root, and again from what it kept. */

import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json, JsonObject } from '#base/json.ts';
import { Secret } from '#base/secret.ts';
import { startModel, type ModelStamp } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';
import { ArmClient } from '#main/command/arm-client.ts';

function ask(model: ModelStamp, path: string, host?: string): Promise<{ status: number; body: Json }> {
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host };
    const sent = request(
      `${model.endpoints.management}${path}`,
      { ca: model.caPem, headers, servername: 'localhost', agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: JSON.parse(Buffer.concat(chunks).toString() || 'null') as Json,
          }),
        );
      },
    );
    sent.on('error', reject).end();
  });
}

async function clientOf(model: ModelStamp): Promise<ArmClient> {
  const { appId, secret } = await model.operator.createServicePrincipal({ name: 'test', role: 'Contributor' });
  const { endpoints, prepared } = model;
  return new ArmClient({
    management: endpoints.management,
    login: `${endpoints.adfs}/adfs`,
    caFile: prepared.places.certificateAuthority,
    appId,
    secret: new Secret(secret ?? ''),
  });
}

test('a model serves ARM and sign-in on loopback, enforces nothing and says so, and keeps what was written', async () => {
  const state = mkdtempSync(join(tmpdir(), 'ringwall-model-'));
  const settings = readSettings({ number: 5, state });
  const model = await startModel({ settings });
  try {
    assert.equal(model.operator.status().enforcing, false);
    const { body } = await ask(model, '/metadata/endpoints?api-version=2015-01-01');
    assert.equal(
      ((body as JsonObject)['authentication'] as JsonObject)['loginEndpoint'],
      `${model.endpoints.adfs}/adfs`,
    );
    assert.equal((await ask(model, '/subscriptions?api-version=2016-06-01')).status, 401);
    assert.equal((await ask(model, '/metadata/endpoints', 'evil.example')).status, 404);
    const client = await clientOf(model);
    const group = `/subscriptions/${model.prepared.subscriptionId}/resourcegroups/one?api-version=2021-04-01`;
    assert.equal((await client.send('PUT', group, { location: settings.location })).status, 201);
    await assert.rejects(
      client.send('PUT', group.replace('/one', '/bad name!'), { location: settings.location }),
      (error: { status: number }) => error.status < 500,
    );
    for (const file of [
      model.prepared.places.firstCredential,
      join(state, 'keys', 'store.key'),
      model.prepared.places.database,
    ]) {
      assert.equal(statSync(file).mode & 0o077, 0, file);
    }
  } finally {
    await model.close();
  }
  const again = await startModel({ settings });
  try {
    assert.deepEqual(again.endpoints, model.endpoints);
    assert.ok(again.operator.resource(`/subscriptions/${model.prepared.subscriptionId}/resourceGroups/one`));
  } finally {
    await again.close();
    rmSync(state, { recursive: true, force: true });
  }
});
