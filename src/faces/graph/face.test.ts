/** Tests of Graph over HTTP: what az ad sends, who may do what, and that a directory sees its own objects alone. */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import fc from 'fast-check';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Secret } from '#base/secret.ts';
import { globalAdministrator } from '#engine/identity/administrators.ts';
import { redeemRefresh, startRefresh } from '#engine/identity/refresh.ts';
import { secretIsValid, signInApplication } from '#engine/identity/service-principals.ts';
import { signInUser } from '#engine/identity/users.ts';
import { password, startFixture, type Fixture, type Reply, type Who } from '#faces/graph/fixture.ts';
import { routes } from '#faces/graph/routes.ts';

let graph: Fixture;
before(async () => {
  graph = await startFixture();
});
after(async () => await graph.close());

const zone = 'local.ringwall.internal';
const other = 'seven lamps under a bridge';
const listOf = ({ json, text }: Reply): JsonObject[] => {
  assert.ok(Array.isArray(json['value']), text);
  return json['value'].filter((one: Json) => isObject(one));
};
const query = (filter: string) => `?$filter=${encodeURIComponent(filter)}`;
const good = (reply: Reply, status = 200): Reply => {
  assert.equal(reply.status, status, reply.text);
  return reply;
};
const idOf = ({ json }: Reply): string => String(json['id']);
function isRefused(reply: Reply, status: number, code: string): void {
  const { error } = reply.json;
  assert.ok(isObject(error), reply.text);
  assert.deepEqual([reply.status, error['code'], typeof error['message']], [status, code, 'string'], reply.text);
}

test('az ad user: create, show by id and by name, list, update, delete', async () => {
  const upn = `cat@${zone}`;
  const body = {
    userPrincipalName: upn,
    displayName: 'Cat',
    passwordProfile: { password: other, forceChangePasswordNextSignIn: false },
    mailNickname: 'cat',
    accountEnabled: true,
  };
  const made = good(await graph.ask('admin', 'POST /users', body), 201);
  assert.deepEqual([made.json['userPrincipalName'], made.json['userType']], [upn, 'Member']);
  assert.ok(!made.text.includes(other) && !made.text.includes('argon2'));
  assert.equal(idOf(good(await graph.ask('ann', `GET /users/${upn}`))), idOf(made));
  assert.equal(idOf(good(await graph.ask('ann', `GET /users/${idOf(made).toUpperCase()}`))), idOf(made));
  for (const filter of [`userPrincipalName eq '${upn}'`, "startswith(displayName,'ca')", "not (displayName ne 'CAT')"])
    assert.deepEqual(
      listOf(await graph.ask('ann', `GET /users${query(filter)}`)).map((one) => one['id']),
      [idOf(made)],
      filter,
    );
  good(await graph.ask('admin', `PATCH /users/${upn}`, { displayName: 'Kitty' }), 204);
  assert.equal((await graph.ask('ann', `GET /users/${upn}`)).json['displayName'], 'Kitty');
  good(await graph.ask('admin', `PATCH /users/${upn}`, { passwordProfile: { password } }), 204);
  const signed = await signInUser(graph.home, { name: upn, password: new Secret(password), source: 's' });
  assert.equal(signed.mustChangePassword, true);
  good(await graph.ask('admin', `PATCH /users/${upn}`, { accountEnabled: false }), 204);
  await assert.rejects(signInUser(graph.home, { name: upn, password: new Secret(password), source: 's' }));
  good(await graph.ask('admin', `DELETE /users/${upn}`), 204);
  isRefused(await graph.ask('ann', `GET /users/${upn}`), 404, 'Request_ResourceNotFound');
});

test('az ad group: create, members, check, delete', async () => {
  const body = { displayName: 'ops', mailNickname: 'ops', mailEnabled: false, securityEnabled: true, description: 'd' };
  const group = good(await graph.ask('admin', 'POST /groups', body), 201);
  const path = `/groups/${idOf(group)}`;
  const filter = "displayName eq 'ops' and mailNickname eq 'ops'";
  assert.equal(listOf(await graph.ask('ann', `GET /groups${query(filter)}`)).length, 1);
  const reference = { '@odata.id': `${graph.base}/v1.0/directoryObjects/${graph.ann.id}` };
  good(await graph.ask('admin', `POST ${path}/members/$ref`, reference), 204);
  isRefused(await graph.ask('admin', `POST ${path}/members/$ref`, reference), 400, 'Request_BadRequest');
  assert.deepEqual(
    listOf(await graph.ask('ann', `GET ${path}/members`)).map((one) => [one['id'], one['@odata.type']]),
    [[graph.ann.id, '#microsoft.graph.user']],
  );
  const check = { groupIds: [idOf(group), 'x'] };
  const checked = await graph.ask('ann', `POST /directoryObjects/${graph.ann.id}/checkMemberGroups`, check);
  assert.deepEqual(good(checked).json['value'], [idOf(group)]);
  assert.deepEqual(
    listOf(await graph.ask('ann', 'GET /me/memberOf')).map((one) => one['id']),
    [idOf(group)],
  );
  const own = await graph.ask('ann', `POST /users/${graph.ann.upn}/getMemberGroups`, { securityEnabledOnly: true });
  assert.deepEqual(good(own).json['value'], [idOf(group)]);
  const foreign = { '@odata.id': `https://elsewhere/v1.0/directoryObjects/${graph.bob.id}` };
  isRefused(await graph.ask('admin', `POST ${path}/members/$ref`, foreign), 404, 'Request_ResourceNotFound');
  good(await graph.ask('admin', `PATCH ${path}`, { displayName: 'operators' }), 204);
  good(await graph.ask('admin', `DELETE ${path}/members/${graph.ann.id}/$ref`), 204);
  isRefused(await graph.ask('admin', `DELETE ${path}/members/${graph.ann.id}/$ref`), 404, 'Request_ResourceNotFound');
  good(await graph.ask('admin', `DELETE ${path}`), 204);
});

test('az ad app and az ad sp: register, make the principal, give secrets, sign in, remove', async () => {
  const uris = { identifierUris: ['api://build'] };
  const app = good(await graph.ask('admin', 'POST /applications', { displayName: 'build', ...uris }), 201);
  const appId = String(app.json['appId']);
  assert.equal(listOf(await graph.ask('ann', `GET /applications${query(`appId eq '${appId}'`)}`)).length, 1);
  const sp = good(await graph.ask('admin', 'POST /servicePrincipals', { appId, accountEnabled: true }), 201);
  assert.notEqual(idOf(sp), idOf(app));
  isRefused(await graph.ask('admin', 'POST /servicePrincipals', { appId }), 409, 'Request_ResourceExists');
  for (const name of [appId, 'api://build']) {
    const filter = `servicePrincipalNames/any(c:c eq '${name}')`;
    assert.deepEqual(
      listOf(await graph.ask('ann', `GET /servicePrincipals${query(filter)}`)).map((one) => one['id']),
      [idOf(sp)],
    );
  }
  const wanted = { passwordCredential: { displayName: 'rbac', endDateTime: '2028-01-01T00:00:00Z' } };
  const secrets = [
    good(await graph.ask('admin', `POST /applications/${idOf(app)}/addPassword`, wanted)),
    good(await graph.ask('admin', `POST /servicePrincipals/${idOf(sp)}/addPassword`, {})),
  ];
  const signIn = (secret: Json | undefined) =>
    signInApplication(graph.home, {
      appId,
      source: 's',
      prove: async (candidate) => secretIsValid(candidate, new Secret(String(secret)), graph.home.now()),
    });
  for (const { json } of secrets) assert.equal((await signIn(json['secretText'])).id, idOf(sp));
  const shown = await graph.ask('ann', `GET /applications/${idOf(app)}`);
  const [kept] = shown.json['passwordCredentials'] as JsonObject[];
  assert.deepEqual([kept?.['keyId'], kept?.['secretText']], [secrets[0]?.json['keyId'], null]);
  assert.ok(!shown.text.includes(String(secrets[0]?.json['secretText'])));
  const before = graph.home.servicePrincipals.get(idOf(sp))?.tokensValidFromS;
  good(await graph.ask('admin', `POST /applications/${idOf(app)}/removePassword`, { keyId: kept?.['keyId'] }), 204);
  assert.ok((graph.home.servicePrincipals.get(idOf(sp))?.tokensValidFromS ?? 0) > (before ?? 0), 'its tokens end');
  await assert.rejects(signIn(secrets[0]?.json['secretText']));
  for (const end of ['2027-01-01T00:00:00Z', '2099-01-01T00:00:00Z', 'soon', '']) {
    const reply = await graph.ask('admin', `POST /servicePrincipals/${idOf(sp)}/addPassword`, {
      passwordCredential: { endDateTime: end },
    });
    isRefused(reply, 400, 'Request_BadRequest');
  }
  good(await graph.ask('admin', `DELETE /applications/${idOf(app)}`), 204);
  isRefused(await graph.ask('admin', `GET /servicePrincipals/${idOf(sp)}`), 404, 'Request_ResourceNotFound');
});

test('what az asks to name the principals of role assignments', async () => {
  const body = {
    ids: [graph.ann.id, graph.bob.id, 'x'],
    types: ['user', 'group', 'servicePrincipal', 'directoryObjectPartnerReference'],
  };
  const found = listOf(await graph.ask('ann', 'POST /directoryObjects/getByIds', body));
  assert.deepEqual(
    found.map((one) => [one['id'], one['@odata.type']]),
    [[graph.ann.id, '#microsoft.graph.user']],
  );
  const me = good(await graph.ask('ann', 'GET /me'));
  assert.deepEqual([idOf(me), me.json['userPrincipalName']], [graph.ann.id, graph.ann.upn]);
  isRefused(await graph.ask('program', 'GET /me'), 400, 'Request_BadRequest');
  const [organization] = listOf(await graph.ask('bob', 'GET /organization'));
  assert.equal(organization?.['id'], graph.fabrikam.tenantId);
  assert.deepEqual(
    listOf(await graph.ask('bob', 'GET /domains')).map((one) => one['id']),
    [`fabrikam.${zone}`],
  );
});

test('nothing of another directory is seen by list, id, name, filter or error', async () => {
  for (const path of ['users', 'groups', 'applications', 'servicePrincipals', 'directoryRoles', 'domains']) {
    const { text } = good(await graph.ask('bob', `GET /${path}`));
    for (const { id, upn } of [graph.ann]) assert.ok(!text.includes(id) && !text.includes(upn), path);
  }
  const missing = '11111111-1111-4111-8111-111111111111';
  const mask = (reply: Reply, name: string): string =>
    reply.text.replaceAll(name, '…').replace(/"(date|request-id)":"[^"]+"/g, '');
  for (const path of ['users', 'directoryObjects', 'groups']) {
    const [theirs, nobodys] = [
      await graph.ask('bob', `GET /${path}/${graph.ann.id}`),
      await graph.ask('bob', `GET /${path}/${missing}`),
    ];
    isRefused(theirs, 404, 'Request_ResourceNotFound');
    assert.equal(mask(theirs, graph.ann.id), mask(nobodys, missing));
  }
  isRefused(await graph.ask('bob', `GET /users/${graph.ann.upn}`), 404, 'Request_ResourceNotFound');
  assert.deepEqual(listOf(await graph.ask('bob', `GET /users${query(`id eq '${graph.ann.id}'`)}`)), []);
});

test('rights: members read, administrators write, guests see themselves, programs need the role, strangers get nothing', async () => {
  // One row: who asks what, and the answer's status.
  const rows: [Who, string, number][] = [
    ['ann', 'GET /users', 200],
    ['ann', 'POST /users', 403],
    ['ann', `PATCH /users/${graph.ann.id}`, 403],
    ['ann', `DELETE /users/${graph.ann.id}`, 403],
    ['ann', 'POST /applications', 403],
    ['ann', `POST /directoryRoles/${globalAdministrator}/members/$ref`, 403],
    ['bob', 'POST /groups', 403],
    ['guest', 'GET /me', 200],
    ['guest', 'GET /users', 403],
    ['guest', 'GET /groups', 403],
    ['guest', `GET /users/${graph.ann.id}`, 403],
    ['program', 'GET /users', 403],
    ['program', 'POST /users', 403],
    ['nobody', 'GET /me', 401],
  ];
  for (const [who, line, status] of rows) {
    const reply = await graph.ask(who, line, line.startsWith('GET') ? undefined : {});
    assert.equal(reply.status, status, `${who} ${line} ${reply.text}`);
  }
  const [program] = graph.home.servicePrincipals.values();
  const reference = { '@odata.id': `${graph.base}/v1.0/directoryObjects/${program?.id}` };
  const path = `/directoryRoles/roleTemplateId=${globalAdministrator}/members`;
  good(await graph.ask('admin', `POST ${path}/$ref`, reference), 204);
  good(await graph.ask('program', 'GET /users'));
  assert.equal(listOf(await graph.ask('ann', `GET ${path}`)).length, 2);
  good(await graph.ask('admin', `DELETE ${path}/${program?.id}/$ref`), 204);
  isRefused(await graph.ask('program', 'GET /users'), 403, 'Authorization_RequestDenied');
});

test('every route that writes is closed to who may only read, and each attempt is noted', async () => {
  for (const { method, pattern, right } of routes.filter((route) => route.right === 'write')) {
    const path = pattern.map((part) => (part.startsWith('{') ? graph.ann.id : part)).join('/');
    const before = graph.events.length;
    const reply = await graph.ask('ann', `${method} /${path}`, {});
    isRefused(reply, 403, 'Authorization_RequestDenied');
    const noted = graph.events.at(-1);
    assert.deepEqual(
      [graph.events.length, noted?.outcome, noted?.caller.oid],
      [before + 1, 'Refused', graph.ann.id],
      `${right} ${path}`,
    );
  }
});

test('a user changes its own password and nothing else', async () => {
  const change = (currentPassword: string, newPassword: string) =>
    graph.ask('ann', 'POST /me/changePassword', { currentPassword, newPassword });
  isRefused(await change('wrong wrong wrong', other), 400, 'Request_BadRequest');
  isRefused(await change(password, 'short'), 400, 'PasswordPolicyViolated');
  good(await change(password, other), 204);
  good(await change(other, password), 204);
  isRefused(
    await graph.ask('ann', `PATCH /users/${graph.ann.id}`, { displayName: 'x' }),
    403,
    'Authorization_RequestDenied',
  );
  assert.ok(!JSON.stringify(graph.events).includes(other));
});

test('sessions and tokens of a user end at the word of the user or of an administrator, and of nobody else', async () => {
  const { home, ann, bob, fabrikam } = graph;
  const start = async () => (await startRefresh(home, { oid: ann.id, clientId: 'az' })).token;
  for (const [who, line] of [
    ['ann', 'POST /me/revokeSignInSessions'],
    ['admin', `POST /users/${ann.upn}/revokeSignInSessions`],
  ] as const) {
    const token = await start();
    assert.equal(good(await graph.ask(who, line)).json['value'], true);
    await assert.rejects(redeemRefresh(home, { token, clientId: 'az' }));
    assert.ok((home.users.get(ann.id)?.tokensValidFromS ?? 0) > home.now() / 1000);
  }
  const token = (await startRefresh(fabrikam, { oid: bob.id, clientId: 'az' })).token;
  isRefused(await graph.ask('ann', `POST /users/${bob.id}/revokeSignInSessions`), 403, 'Authorization_RequestDenied');
  isRefused(await graph.ask('admin', `POST /users/${bob.id}/revokeSignInSessions`), 404, 'Request_ResourceNotFound');
  await redeemRefresh(home, { token, clientId: 'az' });
});

test('lists come in pages that go on where the last ended, reduced to what is selected', async () => {
  const seen: Json[] = [];
  let line: string | undefined = `GET /users?$top=1&$select=id&$count=true`;
  while (line !== undefined) {
    const reply = good(await graph.ask('ann', line));
    assert.deepEqual(
      listOf(reply).map((one) => Object.keys(one)),
      [['id']],
    );
    seen.push(...listOf(reply).map((one) => one['id'] ?? null));
    const next = reply.json['@odata.nextLink'];
    line = typeof next === 'string' ? `GET ${next.slice(graph.base.length)}` : undefined;
  }
  assert.deepEqual([new Set(seen).size, seen.length], [graph.home.users.size, graph.home.users.size]);
  for (const option of ['$top=0', '$top=x', '$skiptoken=x', '$filter=id', '$expand=x', '$top=1&$top=2'])
    assert.equal((await graph.ask('ann', `GET /users?${option}`)).status, 400, option);
});

test('requests that are none of Graph are told so in its envelope', async () => {
  isRefused(await graph.ask('ann', 'GET /v2.0/users'), 404, 'ResourceNotFound');
  isRefused(await graph.ask('ann', 'GET /nothing'), 404, 'ResourceNotFound');
  isRefused(await graph.ask('ann', 'PUT /users', {}), 405, 'Request_BadRequest');
  isRefused(await graph.ask('admin', 'POST /users', '[]'), 400, 'Request_BadRequest');
  isRefused(await graph.ask('admin', 'POST /users', '{"__proto__":1}'), 400, 'Request_BadRequest');
  isRefused(await graph.ask('admin', 'POST /users', 'x'.repeat(200_000)), 413, 'Request_EntityTooLarge');
  isRefused(await graph.ask('admin', 'POST /users', { givenName: 'x' }), 400, 'Request_BadRequest');
  isRefused(await graph.ask('ann', 'GET /users/%'), 400, 'Request_BadRequest');
});

test('whatever is sent to Graph, it is never our mistake', async () => {
  const value = fc.oneof(
    fc.constantFrom(graph.ann.id, graph.ann.upn, 'x', '', `ann@${zone}`, globalAdministrator),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const names = [
    'displayName',
    'userPrincipalName',
    'passwordProfile',
    'appId',
    'ids',
    'groupIds',
    '@odata.id',
    'keyId',
    'identifierUris',
    'passwordCredential',
    'types',
    'accountEnabled',
    'keyCredentials',
  ];
  const body = fc.oneof(fc.dictionary(fc.constantFrom(...names), value), fc.string({ unit: 'binary', maxLength: 50 }));
  const segment = fc.oneof(fc.constantFrom(graph.ann.id, graph.ann.upn, '$ref', '%00'), fc.string({ maxLength: 8 }));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...routes), segment, body, async ({ method, pattern }, part, sent) => {
      const path = pattern.map((one) => encodeURIComponent(one.startsWith('{') ? part : one)).join('/');
      // Nobody is removed: the callers must stand until the end.
      if (method === 'DELETE') return;
      const { status } = await graph.ask('admin', `${method} /${path}`, method === 'GET' ? undefined : sent);
      assert.ok(status < 500, `${method} ${path} ${status}`);
    }),
    { numRuns: 400 },
  );
  assert.deepEqual(graph.bugs, []);
});
