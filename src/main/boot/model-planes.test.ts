/** The two planes over TLS: each endpoint takes tokens for itself alone, shows its own subscription, and an older state directory gets what it lacks. */

import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json, JsonObject } from '#base/json.ts';
import { Secret } from '#base/secret.ts';
import { generateProofKey, makeProof, readProofKey } from '#engine/identity/proof-maker.ts';
import { startModel, type ModelStamp } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';

type Reply = { readonly status: number; readonly body: JsonObject; readonly nonce?: string };

/** The key that the operator's tokens are bound to: that plane takes no others. */
const key = await readProofKey(generateProofKey());

/** A request with a proof; the first one learns the nonce. */
async function askBound(url: string, ca: string, asked: { token?: string; form?: string }): Promise<Reply> {
  const wish = { method: asked.form === undefined ? 'GET' : 'POST', url, token: asked.token, nowMs: Date.now() };
  const first = await ask(url, ca, { ...asked, proof: await makeProof(key, wish) });
  if (first.nonce === undefined) return first;
  return await ask(url, ca, { ...asked, proof: await makeProof(key, { ...wish, nonce: first.nonce }) });
}

type Sent = { readonly token?: string; readonly form?: string; readonly proof?: string };

function ask(url: string, ca: string, { token, form, proof }: Sent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(token === undefined ? {} : { authorization: `${proof === undefined ? 'Bearer' : 'DPoP'} ${token}` }),
      ...(proof === undefined ? {} : { dpop: proof }),
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const method = form === undefined ? 'GET' : 'POST';
    const sent = request(url, { ca, headers, method, servername: 'localhost', agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          ...(typeof response.headers['dpop-nonce'] === 'string' ? { nonce: response.headers['dpop-nonce'] } : {}),
          body: JSON.parse(Buffer.concat(chunks).toString() || '{}') as JsonObject,
        }),
      );
    });
    sent.on('error', reject).end(form);
  });
}

type Wanted = { readonly scope: string; readonly resource: string };

async function tokenFor(model: ModelStamp, { scope, resource }: Wanted, send = ask): Promise<string> {
  const name = `p-${Math.random().toString(36).slice(2)}`;
  const { appId, secret = '' } = await model.operator.createServicePrincipal({ name, role: 'Owner', scope });
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: appId,
    client_secret: new Secret(secret).reveal(),
    scope: `${resource}/.default`,
  });
  const { body } = await send(`${model.endpoints.adfs}/adfs/oauth2/token`, model.caPem, { form: form.toString() });
  return String(body['access_token']);
}

const codeOf = ({ body }: Reply): Json | undefined => (body['error'] as JsonObject | undefined)?.['code'];
const idsOf = ({ body }: Reply): string[] => (body['value'] as { id: string }[]).map(({ id }) => id);

test('[S2.1] a token for one plane is none for the other, and each shows its own subscription', async () => {
  const state = mkdtempSync(join(tmpdir(), 'ringwall-planes-'));
  const settings = readSettings({ number: 6, state });
  const first = await startModel({ settings });
  const stamp = join(state, 'keys', 'stamp.json');
  const ids = JSON.parse(readFileSync(stamp, 'utf8')) as { [name: string]: string };
  assert.equal(ids['providerSubscriptionId'], first.prepared.providerSubscriptionId);
  await first.close();
  const { providerSubscriptionId: _, ...older } = ids;
  writeFileSync(stamp, JSON.stringify(older));
  const second = await startModel({ settings });
  const provider = second.prepared.providerSubscriptionId;
  await second.close();
  const model = await startModel({ settings });
  try {
    const { endpoints, caPem, prepared } = model;
    assert.equal(prepared.providerSubscriptionId, provider, 'generated once and kept');
    assert.equal(prepared.subscriptionId, ids['subscriptionId']);
    const [tenantId, adminId] = [`/subscriptions/${prepared.subscriptionId}`, `/subscriptions/${provider}`];
    const tenant = await tokenFor(model, { scope: tenantId, resource: endpoints.management });
    const admin = await tokenFor(model, { scope: adminId, resource: endpoints.adminManagement }, askBound);
    const list = '/subscriptions?api-version=2016-06-01';
    assert.deepEqual(idsOf(await ask(endpoints.management + list, caPem, { token: tenant })), [tenantId]);
    assert.deepEqual(idsOf(await askBound(endpoints.adminManagement + list, caPem, { token: admin })), [adminId]);
    for (const [base, token, send] of [
      [endpoints.management, admin, askBound],
      [endpoints.adminManagement, tenant, ask],
    ] as const) {
      const reply = await send(base + list, caPem, { token });
      assert.deepEqual([reply.status, codeOf(reply)], [401, 'InvalidAuthenticationTokenAudience']);
    }
    const metadata = await ask(`${endpoints.adminManagement}/metadata/endpoints?api-version=2015-01-01`, caPem, {});
    assert.deepEqual(metadata.body['authentication'], {
      loginEndpoint: `${endpoints.adfs}/adfs`,
      audiences: [`${endpoints.adminManagement}/`],
    });
  } finally {
    await model.close();
    rmSync(state, { recursive: true, force: true });
  }
});
