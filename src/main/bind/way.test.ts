/** `ringwall bind` in front of a model whose faces want bound tokens: a client that knows nothing of keys works, and only through it. */

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { isObject, type JsonObject } from '#base/json.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import { startModel, type ModelStamp } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';
import { openBind, type Bound } from '#main/command/bind.ts';

type Reply = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly json: JsonObject };
type Call = { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string };

function ask(url: string, ca: string, { method = 'GET', headers = {}, body = '' }: Call = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, ca, headers, agent: false, servername: 'localhost' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const json: unknown = text === '' ? {} : JSON.parse(text);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, json: json as JsonObject });
      });
    });
    sent.on('error', reject).end(body);
  });
}

const folder = mkdtempSync(join(tmpdir(), 'ringwall-bind-'));
const keyFile = join(folder, 'own', 'bind.pem');
let model: ModelStamp;
let way: Bound;
let credential: { readonly appId: string; readonly secret: string };
before(async () => {
  model = await startModel({ settings: readSettings({ number: 24, state: join(folder, 'state') }), wantsBound: true });
  way = await openBind(model.endpoints.management, { key: keyFile, ca: model.prepared.places.certificateAuthority });
  const { appId, secret = '' } = await model.operator.createServicePrincipal({ name: 'bind', role: 'Contributor' });
  credential = { appId, secret };
});
after(async () => {
  await way.close();
  await model.close();
  rmSync(folder, { recursive: true });
});

/** As MSAL does it: endpoints from the documents, a token with a secret. */
async function token(): Promise<string> {
  const metadata = await ask(`${way.own.management}/metadata/endpoints?api-version=2022-09-01`, way.caPem);
  const authentication = metadata.json['authentication'];
  assert.ok(isObject(authentication));
  const login = String(authentication['loginEndpoint']);
  const discovery = await ask(`${login}/.well-known/openid-configuration`, way.caPem);
  const form = {
    grant_type: 'client_credentials',
    client_id: credential.appId,
    client_secret: credential.secret,
    scope: `${String((authentication['audiences'] as string[])[0])}/.default`,
  };
  const { status, json } = await ask(String(discovery.json['token_endpoint']), way.caPem, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: String(new URLSearchParams(form)),
  });
  assert.deepEqual([status, json['token_type']], [200, 'Bearer'], JSON.stringify(json));
  return String(json['access_token']);
}

const subscriptions = '/subscriptions?api-version=2022-12-01';
const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } });

test('a client that knows nothing of keys works through bind, and its token is worth nothing without', async () => {
  const text = await token();
  assert.deepEqual(decodeJwt(text)['cnf'], { jkt: way.jkt });
  const through = await ask(`${way.own.management}${subscriptions}`, way.caPem, bearer(text));
  assert.deepEqual(
    [through.status, (through.json['value'] as unknown[]).length],
    [200, 1],
    JSON.stringify(through.json),
  );
  const copied = await ask(`${model.endpoints.management}${subscriptions}`, model.caPem, bearer(text));
  assert.equal(copied.status, 401);
  const group = `${way.own.management}/subscriptions/${model.prepared.subscriptionId}/resourcegroups/g?api-version=2021-04-01`;
  const body = JSON.stringify({ location: 'local' });
  const headers = { ...bearer(text).headers, 'content-type': 'application/json' };
  assert.equal((await ask(group, way.caPem, { method: 'PUT', headers, body })).status, 201);
  const removed = await ask(group, way.caPem, { method: 'DELETE', ...bearer(text) });
  const location = removed.headers.location ?? `${way.own.management}/`;
  assert.ok(location.startsWith(`${way.own.management}/`), location);
});

test('whoever does not know the secret, or comes from a page, learns nothing', async () => {
  const own = `https://127.0.0.1:${way.port}`;
  const rows: readonly (readonly [string, Record<string, string>?])[] = [
    [`${own}${subscriptions}`],
    [`${own}/${'0'.repeat(32)}${subscriptions}`],
    [`${own}/adfs/oauth2/token`],
    [`${way.own.management}${subscriptions}`, { host: 'evil.test' }],
    [`${way.own.management}${subscriptions}`, { host: `evil.test:${way.port}` }],
    [`${way.own.management}${subscriptions}`, { origin: 'https://evil.test' }],
    [`${way.own.management}${subscriptions}`, { 'sec-fetch-site': 'cross-site' }],
  ];
  for (const [url, headers = {}] of rows) {
    const { status, json } = await ask(url, way.caPem, { headers });
    assert.deepEqual([status, json], [404, { error: { code: 'NotFound', message: 'Nothing is served here.' } }], url);
  }
});

test("a token of another key, or none, passes as it is and is the stamp's to refuse", async () => {
  for (const text of ['a.b.c', 'e30.eyJjbmYiOnsiamt0IjoieCJ9fQ.x']) {
    assert.equal((await ask(`${way.own.management}${subscriptions}`, way.caPem, bearer(text))).status, 401);
  }
  assert.equal((await ask(`${way.own.management}${subscriptions}`, way.caPem)).status, 401);
});

test('a body beyond the limit is refused and not passed on', async () => {
  const { status } = await ask(`${way.own.management}${subscriptions}`, way.caPem, {
    method: 'POST',
    body: ' '.repeat(5 * 1024 * 1024),
  });
  assert.equal(status, 413);
});

test('key and addresses are files of the operator alone; the address is the same the next time; an open key is refused', async () => {
  for (const file of [keyFile, way.cloudFile]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
  assert.doesNotMatch(readFileSync(way.caFile, 'utf8'), /PRIVATE/);
  const { own, jkt } = way;
  await way.close();
  const options = { key: keyFile, ca: model.prepared.places.certificateAuthority };
  way = await openBind(model.endpoints.management, options);
  assert.deepEqual([way.own, way.jkt], [own, jkt]);
  chmodSync(keyFile, 0o640);
  await assert.rejects(
    openBind(model.endpoints.management, options),
    (error) => error instanceof Refusal && error.code === 'OpenKeyFile',
  );
  chmodSync(keyFile, 0o600);
});

test('a stamp that cannot be trusted or is none is a fault, and http is refused', async () => {
  await assert.rejects(openBind(model.endpoints.management, { key: keyFile }), Fault);
  await assert.rejects(openBind('http://127.0.0.1:1', { key: keyFile }), Refusal);
  await assert.rejects(openBind('https://127.0.0.1:1/path', { key: keyFile }), Refusal);
});
