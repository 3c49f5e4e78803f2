/** Tests of sign-in to several directories over TLS: whose `tid` a token has, and what mixing directories gets. */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { decodeJwt } from 'jose';
import { Refusal } from '#base/wrong.ts';
import { Secret } from '#base/secret.ts';
import { createDirectory } from '#engine/identity/directories.ts';
import { principalOf, type Directory } from '#engine/identity/directory.ts';
import { inviteGuest } from '#engine/identity/guests.ts';
import type { User } from '#engine/identity/records.ts';
import { addSecret, createServicePrincipal } from '#engine/identity/service-principals.ts';
import { issueAccessToken } from '#engine/identity/tokens.ts';
import { createUser, setEnabled } from '#engine/identity/users.ts';
import { verifyAccessToken } from '#engine/identity/verify-token.ts';
import { arm, az, password, startFixture, type Fixture } from '#faces/identity/fixture.ts';

let face: Fixture;
let fabrikam: Directory;
let bob: User;
before(async () => {
  face = await startFixture();
  ({ directory: fabrikam } = await createDirectory(face.directory.directories, { name: 'fabrikam' }));
  const upn = `bob@${fabrikam.domain}`;
  bob = await createUser(fabrikam, { upn, displayName: 'Bob', password: new Secret(password) });
});
after(async () => await face.close());

const scope = `${arm}/.default offline_access openid profile`;
const byPassword = (username: string, secret = password) =>
  face.token({ grant_type: 'password', client_id: az, username, password: secret, scope });
const rules = () => ({
  issuer: `${face.base}/adfs`,
  tenantId: 'tenant',
  audiences: [arm],
  keys: face.keys,
  now: () => face.clock.ms,
  stands: (tid: string) => face.directory.directories.all.has(tid),
  principalOf: (oid: string, tid: string) => {
    const named = face.directory.directories.all.get(tid);
    return named === undefined ? undefined : principalOf(named, oid);
  },
});
const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

test('the tokens of a user carry the id of its directory, at sign-in and after each refresh', async () => {
  const { status, json, text } = await byPassword(bob.upn);
  assert.equal(status, 200, text);
  const { tid, oid, upn } = decodeJwt(String(json['id_token']));
  assert.deepEqual([tid, oid, upn], [fabrikam.tenantId, bob.id, bob.upn]);
  const again = await face.token({
    grant_type: 'refresh_token',
    client_id: az,
    refresh_token: String(json['refresh_token']),
    scope,
  });
  const principal = await verifyAccessToken(String(again.json['access_token']), rules());
  assert.deepEqual([principal.tid, principal.oid], [fabrikam.tenantId, bob.id]);
  const ann = await byPassword('ann');
  assert.equal(decodeJwt(String(ann.json['access_token']))['tid'], 'tenant');
});

test('a program gets tokens of its own directory', async () => {
  const program = await createServicePrincipal(fabrikam, { displayName: 'ci' });
  const { secret } = await addSecret(fabrikam, program.id, { displayName: 'one', lifeMs: 60_000 });
  const { json } = await face.token({
    grant_type: 'client_credentials',
    client_id: program.appId,
    client_secret: secret.reveal(),
    scope: `${arm}/.default`,
  });
  const principal = await verifyAccessToken(String(json['access_token']), rules());
  assert.deepEqual([principal.tid, principal.oid], [fabrikam.tenantId, program.id]);
});

test('a token that names one directory and a principal of another is refused, and so is an unknown directory', async () => {
  const from = (tenantId: string) => ({
    issuer: `${face.base}/adfs`,
    tenantId,
    keys: face.keys,
    now: () => face.clock.ms,
  });
  const principal = principalOf(fabrikam, bob.id);
  assert.ok(principal !== undefined);
  const order = { principal, clientId: az, audience: arm, proof: 'none' as const };
  await verifyAccessToken(await issueAccessToken(from(fabrikam.tenantId), order), rules());
  await assert.rejects(
    verifyAccessToken(await issueAccessToken(from('tenant'), order), rules()),
    refused('AuthenticationFailed'),
  );
  await assert.rejects(
    verifyAccessToken(await issueAccessToken(from('nowhere'), order), rules()),
    refused('InvalidAuthenticationTokenTenant'),
  );
});

test('a guest gets a token of the directory it visits, and loses it with its own account', async () => {
  const guest = await inviteGuest(fabrikam, face.user.upn);
  const { json, text } = await byPassword(guest.upn);
  const token = String(json['access_token']);
  assert.deepEqual(
    [decodeJwt(token)['tid'], decodeJwt(token)['oid'], decodeJwt(token)['upn']],
    [fabrikam.tenantId, guest.id, guest.upn],
    text,
  );
  assert.equal((await verifyAccessToken(token, rules())).oid, guest.id);
  await setEnabled(face.directory, face.user.id, false);
  await assert.rejects(verifyAccessToken(token, rules()), refused('AuthenticationFailed'));
  await setEnabled(face.directory, face.user.id, true);
  await assert.rejects(verifyAccessToken(token, rules()), refused('AuthenticationFailed'));
});

test('an unknown directory, an unknown name and a wrong password get one answer', async () => {
  const answers = [
    await byPassword('x@nowhere.example'),
    await byPassword(`nobody@${fabrikam.domain}`),
    await byPassword(bob.upn, 'wrong wrong wrong'),
  ];
  const seen = new Set(answers.map(({ status, text }) => `${status} ${text}`));
  assert.equal(seen.size, 1, [...seen].join());
});
