/** Tests of the pages over TLS: browser sign-in with PKCE, device sign-in, and what pages must never do. */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Secret } from '#base/secret.ts';
import { createUser } from '#engine/identity/users.ts';
import { arm, az, challengeOf, password, startFixture, type Fixture, type Reply } from '#faces/identity/fixture.ts';

let face: Fixture;
before(async () => {
  face = await startFixture();
  const upn = 'new@local.ringwall.internal';
  await createUser(face.directory, {
    upn,
    displayName: 'New',
    password: new Secret(password),
    mustChangePassword: true,
  });
});
after(async () => await face.close());

const verifier = 'v'.repeat(50);
const redirect = 'http://localhost:8400';
const scope = `${arm}/.default offline_access openid profile`;
const wish = {
  ...{ client_id: az, response_type: 'code', redirect_uri: redirect, scope, state: 's"<1>', nonce: 'n1' },
  ...{
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    prompt: 'select_account',
    client_info: '1',
  },
};
const url = (more: Record<string, string> = {}) =>
  `/adfs/oauth2/authorize/?${new URLSearchParams({ ...wish, ...more })}`;
const good = { username: 'ann', password, decision: 'approve' };
const place = (reply: Reply) => new URL(String(reply.headers['location']));
const redeem = (code: string | null, more: Record<string, string> = {}) =>
  face.token({
    grant_type: 'authorization_code',
    client_id: az,
    code: code ?? '',
    redirect_uri: redirect,
    code_verifier: verifier,
    ...more,
  });
const forgiven = (): void => face.directory.attempts.counts.clear();

test('a browser signs in: page, redirect with code and state, tokens with the nonce', async () => {
  const page = await face.ask('GET', url({ login_hint: 'ann"><script>' }));
  assert.equal(page.status, 200);
  assert.match(page.text, /Azure CLI on this computer/);
  assert.match(page.text, /value="ann&quot;&gt;&lt;script&gt;"/);
  const sent = await face.post(url(), good);
  assert.equal(sent.status, 303, sent.text);
  const { origin, searchParams } = place(sent);
  assert.deepEqual(
    [origin, searchParams.get('state'), searchParams.get('iss')],
    [redirect, wish.state, `${face.base}/adfs`],
  );
  const tokens = await redeem(searchParams.get('code'));
  assert.equal(tokens.status, 200, tokens.text);
  const claims = JSON.parse(Buffer.from(String(tokens.json['id_token']).split('.')[1] ?? '', 'base64url').toString());
  assert.deepEqual([claims.nonce, claims.upn], ['n1', face.user.upn]);
  assert.equal((await redeem(searchParams.get('code'))).json['error'], 'invalid_grant');
  const refreshToken = String(tokens.json['refresh_token']);
  const refreshed = await face.token({ grant_type: 'refresh_token', client_id: az, refresh_token: refreshToken });
  assert.equal(refreshed.json['error'], 'invalid_grant', 'a code used twice ends what its first use gave');
});

test('a code is bound to its client, its address and its verifier', async () => {
  const wrong: Record<string, string>[] = [
    { code_verifier: 'w'.repeat(50) },
    { redirect_uri: 'http://localhost:1' },
    { client_id: '1950a258-227b-4e31-a9cf-717495945fc2' },
    { code_verifier: 'short' },
  ];
  for (const more of wrong) {
    const code = place(await face.post(url(), good)).searchParams.get('code');
    assert.equal((await redeem(code, more)).json['error'], 'invalid_grant', JSON.stringify(more));
  }
  assert.equal((await redeem('x', { code_verifier: '' })).json['error'], 'invalid_request');
});

test('an address that is not on the own computer is never redirected to', async () => {
  const places = [
    'https://localhost',
    'http://localhost.evil.org',
    'http://evil.org#localhost',
    'http://localhost@evil.org',
    'http://a:b@localhost',
    'http://a@localhost',
    'javascript:alert(1)',
    '//localhost',
    'http://localhost\\@evil.org',
    'http://127.0.0.2',
    'http://localhost/#x',
    '',
  ];
  for (const place of places) {
    for (const reply of [
      await face.ask('GET', url({ redirect_uri: place })),
      await face.post(url({ redirect_uri: place }), good),
    ]) {
      assert.deepEqual([reply.status, reply.headers['location']], [400, undefined], place);
    }
  }
  assert.equal((await face.ask('GET', url({ client_id: 'x' }))).status, 400);
  for (const place of ['http://localhost', 'http://localhost:1234/path?a=1', 'http://127.0.0.1:9', 'http://[::1]:9']) {
    assert.equal((await face.ask('GET', url({ redirect_uri: place }))).status, 200, place);
  }
});

const wrongs: [Record<string, string>, string][] = [
  [{ response_type: 'token' }, 'unsupported_response_type'],
  [{ response_mode: 'fragment' }, 'invalid_request'],
  [{ code_challenge: '' }, 'invalid_request'],
  [{ code_challenge_method: 'plain' }, 'invalid_request'],
  [{ scope: 'https://elsewhere/.default' }, 'invalid_scope'],
  [{ prompt: 'none' }, 'login_required'],
  [{ request: 'x' }, 'request_not_supported'],
];
test('a wrong request goes back to the program with its reason', async () => {
  for (const [more, error] of wrongs) {
    const reply = await face.ask('GET', url(more));
    assert.equal(reply.status, 303);
    assert.equal(place(reply).searchParams.get('error'), error);
    assert.equal(place(reply).searchParams.get('state'), wish.state);
  }
  const denied = await face.post(url(), { decision: 'deny' });
  assert.equal(place(denied).searchParams.get('error'), 'access_denied');
});

test('a wrong password shows the page again, and after five it waits', async () => {
  for (let count = 0; count < 5; count++) {
    const reply = await face.post(url(), { ...good, password: 'wrong' });
    assert.equal(reply.status, 403);
    assert.match(reply.text, /role="alert">The user name or password is incorrect/);
    assert.ok(!reply.text.includes('wrong"'));
  }
  assert.equal((await face.post(url(), good)).status, 429);
  forgiven();
});

test('[S1.10] a given password must be replaced on the page before anything is issued, and works until then elsewhere', async () => {
  const given = { ...good, username: 'new' };
  const asked = await face.post(url(), given);
  assert.equal(asked.status, 403);
  assert.match(asked.text, /Choose a new password/);
  const direct = await face.token({ grant_type: 'password', client_id: az, username: 'new', password, scope });
  assert.equal(direct.status, 200, direct.text);
  const wanted = 'seven lamps under a bridge';
  const differ = await face.post(url(), { ...given, new_password: wanted, new_password_again: 'x' });
  assert.match(differ.text, /The new passwords differ/);
  const weak = await face.post(url(), { ...given, new_password: 'short', new_password_again: 'short' });
  assert.match(weak.text, /has only 5 characters/);
  const done = await face.post(url(), { ...given, new_password: wanted, new_password_again: wanted });
  assert.equal(done.status, 303, done.text);
  assert.equal((await redeem(place(done).searchParams.get('code'))).status, 200);
  assert.equal((await face.post(url(), given)).status, 403);
  assert.equal((await face.post(url(), { ...given, password: wanted })).status, 303);
  forgiven();
});

async function startDevice(): Promise<{ userCode: string; poll: () => Promise<Reply> }> {
  const { json, text } = await face.post('/adfs/oauth2/devicecode', { client_id: az, scope });
  assert.match(String(json['message']), /open the page https:.*enter the code [A-Z]{4}-[A-Z]{4}/, text);
  assert.deepEqual([json['expires_in'], json['interval']], [900, 5]);
  const device_code = String(json['device_code']);
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  return {
    userCode: String(json['user_code']),
    poll: () => face.token({ grant_type, client_id: az, device_code, code: device_code }),
  };
}

test('a device signs in: code, page, approval, tokens once', async () => {
  const { userCode, poll } = await startDevice();
  assert.equal((await poll()).json['error'], 'authorization_pending');
  assert.equal((await poll()).json['error'], 'slow_down');
  const path = '/adfs/oauth2/deviceauth';
  assert.match((await face.ask('GET', `${path}?user_code=${userCode}`)).text, new RegExp(`value="${userCode}"`));
  const asked = await face.post(path, { user_code: userCode.toLowerCase() });
  assert.match(asked.text, new RegExp(`Azure CLI on another device[^]*class="code">${userCode}<`));
  assert.equal((await face.post(path, { user_code: userCode, ...good, password: 'wrong' })).status, 403);
  const done = await face.post(path, { user_code: userCode, ...good });
  assert.match(done.text, /Your device is signed in/);
  const tokens = await poll();
  assert.equal(tokens.status, 200, tokens.text);
  assert.equal(typeof tokens.json['refresh_token'], 'string');
  assert.equal((await poll()).json['error'], 'invalid_grant');
  assert.equal((await face.post(path, { user_code: userCode, ...good })).status, 400);
});

test('a device is refused by its user, and wrong codes make the next one wait', async () => {
  const { userCode, poll } = await startDevice();
  const path = '/adfs/oauth2/deviceauth';
  assert.match((await face.post(path, { user_code: userCode, decision: 'deny' })).text, /was not signed in/);
  assert.equal((await poll()).json['error'], 'access_denied');
  for (let count = 0; count < 10; count++)
    assert.equal((await face.post(path, { user_code: 'BBBB-BBBB' })).status, 400);
  assert.equal((await face.post(path, { user_code: 'BBBB-BBBB' })).status, 429);
  forgiven();
  assert.equal((await face.post('/adfs/oauth2/devicecode', { client_id: 'x' })).status, 401);
});

test('pages run no script, load nothing, cannot be framed, and forms go here or back to the program only', async () => {
  const pages = [
    await face.ask('GET', url()),
    await face.ask('GET', '/adfs/oauth2/deviceauth'),
    await face.ask('GET', '/adfs/oauth2/logout'),
    await face.ask('GET', url({ client_id: 'x' })),
  ];
  for (const { text, headers } of pages) {
    const policy = String(headers['content-security-policy']);
    assert.match(
      policy,
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'( http:\/\/localhost:8400)?; frame-ancestors 'none'; base-uri 'none'$/,
    );
    assert.ok(!/<script|<img|<link|\son\w+=|javascript:|style=/.test(text));
    assert.match(text, /<html lang="en">[^]*<title>[^<]+<\/title>[^]*<main><h1>/);
    assert.match(text, /color-scheme:light dark/);
    const inputs = [...text.matchAll(/<input id="([^"]+)"/g)].map(([, id]) => id);
    for (const id of inputs) assert.ok(text.includes(`<label for="${id}">`), id);
  }
});
