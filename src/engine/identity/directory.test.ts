/** Tests of the directory: who can sign in, who no longer can, and what the store is told. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '#base/secret.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import { openDirectory, principalOf, type Directory } from '#engine/identity/directory.ts';
import { createFirstAdministrator, randomPassword } from '#engine/identity/first-administrator.ts';
import { addMember, createGroup, removeGroup, removeMember } from '#engine/identity/groups.ts';
import { memoryStore } from '#engine/identity/memory-store.ts';
import { checkPasswordPolicy } from '#engine/identity/password-policy.ts';
import { hashPassword, isHashWeaker, passwordMatches } from '#engine/identity/password.ts';
import { redeemRefresh, startRefresh } from '#engine/identity/refresh.ts';
import {
  addSecret,
  createServicePrincipal,
  removeCredential,
  secretIsValid,
  signInApplication,
} from '#engine/identity/service-principals.ts';
import {
  changePassword,
  createUser,
  removePrincipal,
  setEnabled,
  setPassword,
  signInUser,
} from '#engine/identity/users.ts';

const cheap = { memoryKib: 64, passes: 1, lanes: 1 };
const good = new Secret('violet anchor rides north');
const other = new Secret('seven lamps under a bridge');
const domain = 'local.ringwall.internal';

async function open(store = memoryStore()) {
  const clock = { ms: 1_800_000_000_000 };
  const directory = await openDirectory({ tenantId: 't', domain, store, now: () => clock.ms, passwordCost: cheap });
  return { directory, clock, store };
}

const ann = (directory: Directory) =>
  createUser(directory, { upn: `Ann@${domain}`, displayName: 'Ann', password: good });
const signIn = (directory: Directory, password: Secret, { name = 'ann', source = '10.0.0.1' } = {}) =>
  signInUser(directory, { name, password, source });
const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

test('a user signs in by name, with or without domain, in any case', async () => {
  const { directory } = await open();
  const { id } = await ann(directory);
  for (const name of ['ann', 'ANN', `ann@${domain}`, ` Ann@${domain.toUpperCase()} `]) {
    assert.equal((await signIn(directory, good, { name })).id, id);
  }
});

test('wrong password, unknown name and switched-off account are told apart by nobody', async () => {
  const { directory } = await open();
  const { id } = await ann(directory);
  const messages = new Set<string>();
  const note = (error: unknown) =>
    refused('InvalidCredentials')(error) && messages.add((error as Refusal).message).size > 0;
  await assert.rejects(signIn(directory, other), note);
  await assert.rejects(signIn(directory, good, { name: 'nobody' }), note);
  await setEnabled(directory, id, false);
  await assert.rejects(signIn(directory, good), note);
  assert.equal(messages.size, 1);
  await setEnabled(directory, id, true);
  assert.equal((await signIn(directory, good)).id, id);
});

test('failures make the next sign-in wait, longer each time, for this source only', async () => {
  const { directory, clock } = await open();
  await ann(directory);
  const waits: (number | undefined)[] = [];
  for (let count = 0; count < 5; count++) await assert.rejects(signIn(directory, other), refused('InvalidCredentials'));
  for (let round = 0; round < 7; round++) {
    await assert.rejects(signIn(directory, good), (error) => {
      waits.push((error as Refusal).retryAfterS);
      return refused('TooManySignIns')(error);
    });
    clock.ms += (waits.at(-1) ?? 0) * 1000;
    await assert.rejects(signIn(directory, other), refused('InvalidCredentials'));
  }
  assert.deepEqual(waits, [30, 60, 120, 240, 480, 900, 900]);
  assert.equal((await signIn(directory, good, { source: '10.0.0.2' })).upn, `Ann@${domain}`);
  clock.ms += 900_000;
  assert.equal((await signIn(directory, good)).upn, `Ann@${domain}`);
});

test('an unknown name is locked just as a known one', async () => {
  const { directory } = await open();
  for (let count = 0; count < 5; count++) {
    await assert.rejects(signIn(directory, other, { name: 'nobody' }), refused('InvalidCredentials'));
  }
  await assert.rejects(signIn(directory, other, { name: 'nobody' }), refused('TooManySignIns'));
});

test('a burst gets no more guesses than a queue, and a good sign-in does not wash the source clean', async () => {
  const { directory } = await open();
  await ann(directory);
  const burst = await Promise.allSettled(Array.from({ length: 40 }, () => signIn(directory, other)));
  const guesses = burst.filter((one) => one.status === 'rejected' && refused('InvalidCredentials')(one.reason));
  assert.equal(guesses.length, 5);
  await createUser(directory, { upn: `bob@${domain}`, displayName: 'Bob', password: good });
  for (let count = 0; count < 45; count++) {
    await assert.rejects(signIn(directory, other, { name: `guess${count}` }), refused('InvalidCredentials'));
    if (count === 20) await signIn(directory, good, { name: 'bob' });
  }
  await assert.rejects(signIn(directory, good, { name: 'bob' }), refused('TooManySignIns'));
});

test('many sources at one account are slowed too', async () => {
  const { directory } = await open();
  await ann(directory);
  for (let count = 0; count < 50; count++) {
    await assert.rejects(signIn(directory, other, { source: `10.1.0.${count}` }), refused('InvalidCredentials'));
  }
  await assert.rejects(signIn(directory, good, { source: '10.2.0.1' }), refused('TooManySignIns'));
});

test('a new password ends old sign-ins, clears the flag, and must be new and good', async () => {
  const { directory } = await open();
  const first = await createFirstAdministrator(directory);
  assert.ok(first);
  assert.equal(first.user.mustChangePassword, true);
  const { token } = await startRefresh(directory, { oid: first.user.id, clientId: 'c' });
  const change = (wanted: Secret) =>
    changePassword(directory, { name: 'admin', password: first.password, source: 's', wanted });
  await assert.rejects(change(first.password), refused('PasswordPolicyViolated'));
  await assert.rejects(change(new Secret('Password2026!!!')), refused('PasswordPolicyViolated'));
  assert.equal((await change(other)).mustChangePassword, false);
  await assert.rejects(redeemRefresh(directory, { token, clientId: 'c' }), refused('InvalidRefreshToken'));
  await assert.rejects(signIn(directory, first.password, { name: 'admin' }), refused('InvalidCredentials'));
  assert.ok((principalOf(directory, first.user.id)?.tokensValidFromS ?? 0) > directory.now() / 1000);
  assert.equal(await createFirstAdministrator(directory), undefined);
  const given = await setPassword(directory, first.user.id, { password: good, mustChangePassword: true });
  assert.equal(given.mustChangePassword, true);
});

test('names are unique and of the domain, and a full store of them loads again', async () => {
  const { directory, store } = await open();
  const made = await Promise.allSettled([ann(directory), ann(directory), ann(directory)]);
  assert.deepEqual(made.map((one) => one.status).sort(), ['fulfilled', 'rejected', 'rejected']);
  for (const upn of ['ann', 'ann@elsewhere.org', `@${domain}`, `a b@${domain}`, `<b>@${domain}`, `ann@x${domain}x`]) {
    await assert.rejects(
      createUser(directory, { upn, displayName: 'X', password: good }),
      refused('Request_BadRequest'),
      upn,
    );
  }
  await assert.rejects(
    createUser(directory, { upn: `b@${domain}`, displayName: '', password: good }),
    refused('Request_BadRequest'),
  );
  const again = await open(store);
  assert.equal((await signIn(again.directory, good)).upn, `Ann@${domain}`);
  assert.ok([...store.rows.values()].every((row) => !row.includes(good.reveal())));
});

test('what the store refuses is not believed', async () => {
  const store = memoryStore();
  const { directory } = await open({ ...store, save: () => Promise.reject(new Fault('StoreFull', 'no space')) });
  await assert.rejects(ann(directory), Fault);
  assert.equal(directory.users.size, 0);
  await assert.rejects(signIn(directory, good), refused('InvalidCredentials'));
});

test('a damaged row is a fault, with its name', async () => {
  for (const [row, says] of [
    [{ kind: 'toString', id: 'x' }, /unknown kind "toString"/],
    [{ kind: 'group', id: 'x', displayName: 'g' }, /stored group lacks its members/],
    [null, /unknown kind/],
  ] as const) {
    const store = { ...memoryStore(), load: async () => [row] };
    await assert.rejects(open(store), (error) => error instanceof Fault && says.test(error.message));
  }
});

test('groups hold principals and lose those that are removed', async () => {
  const { directory } = await open();
  const { id } = await ann(directory);
  const group = await createGroup(directory, 'operators');
  await addMember(directory, group.id, id);
  await addMember(directory, group.id, id.toUpperCase());
  assert.deepEqual(principalOf(directory, id.toUpperCase())?.groups, [group.id]);
  await assert.rejects(addMember(directory, group.id, 'nobody'), refused('Request_ResourceNotFound'));
  await removeMember(directory, group.id, id);
  await assert.rejects(removeMember(directory, group.id, id), refused('Request_ResourceNotFound'));
  await addMember(directory, group.id, id);
  await removePrincipal(directory, id);
  assert.deepEqual(directory.groups.get(group.id)?.members, []);
  assert.equal(principalOf(directory, id), undefined);
  await removeGroup(directory, group.id);
  assert.equal(directory.groups.size, 0);
});

test('secrets are generated, kept as hashes, expire and go', async () => {
  const { directory, clock, store } = await open();
  const application = await createServicePrincipal(directory, { displayName: 'ci' });
  const day = 86_400_000;
  const { secret, keyId } = await addSecret(directory, application.id, { displayName: 'one', lifeMs: day });
  const second = await addSecret(directory, application.id, { displayName: 'two', lifeMs: 2 * day });
  const enter = (used: Secret, appId = application.appId) =>
    signInApplication(directory, { appId, source: 's', prove: async (one) => secretIsValid(one, used, clock.ms) });
  assert.equal((await enter(secret)).id, application.id);
  assert.equal((await enter(secret, application.appId.toUpperCase())).id, application.id);
  await assert.rejects(enter(new Secret('x')), refused('InvalidClient'));
  await assert.rejects(enter(secret, '00000000-0000-0000-0000-000000000000'), refused('InvalidClient'));
  assert.ok([...store.rows.values()].every((row) => !row.includes(secret.reveal())));
  await removeCredential(directory, application.id, keyId);
  await assert.rejects(enter(secret), refused('InvalidClient'));
  assert.equal((await enter(second.secret)).id, application.id);
  clock.ms += 2 * day;
  await assert.rejects(enter(second.secret), refused('InvalidClient'));
  await assert.rejects(
    createServicePrincipal(directory, { displayName: 'x', appId: 'no' }),
    refused('Request_BadRequest'),
  );
  await assert.rejects(
    createServicePrincipal(directory, { displayName: 'x', appId: application.appId }),
    refused('Request_ResourceExists'),
  );
});

test('a refresh token is used once; its second use ends the sign-in, but a race within the grace does not', async () => {
  const { directory, clock } = await open();
  const { id } = await ann(directory);
  const start = async () => (await startRefresh(directory, { oid: id, clientId: 'c' })).token;
  const redeem = (token: Secret, clientId = 'c') => redeemRefresh(directory, { token, clientId });
  const first = await start();
  await assert.rejects(redeem(first, 'another'), refused('InvalidRefreshToken'));
  const second = (await redeem(first)).token;
  assert.ok(second);
  assert.equal((await redeem(first)).token, undefined);
  clock.ms += 11_000;
  await assert.rejects(redeem(first), refused('InvalidRefreshToken'));
  await assert.rejects(redeem(second), refused('InvalidRefreshToken'));
  const idle = await start();
  clock.ms += 24 * 3600_000;
  await assert.rejects(redeem(idle), refused('InvalidRefreshToken'));
  for (const text of ['', '.', 'a.b', 'a.b.c', `${(await start()).reveal()}.x`]) {
    await assert.rejects(redeem(new Secret(text)), refused('InvalidRefreshToken'), text);
  }
  for (let count = 0; count < 60; count++) await start();
  assert.equal(directory.refreshFamilies.size, 50);
});

test('password hashes are PHC strings that stand for their password only', async () => {
  const hash = await hashPassword(good, cheap);
  assert.match(hash, /^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.equal(await passwordMatches(good, hash), true);
  assert.equal(await passwordMatches(other, hash), false);
  assert.equal(await passwordMatches(new Secret('ﬁ'), await hashPassword(new Secret('fi'), cheap)), true);
  assert.deepEqual([isHashWeaker(hash, cheap), isHashWeaker(hash, { ...cheap, passes: 2 })], [false, true]);
  await assert.rejects(passwordMatches(good, '$2b$10$abc'), Fault);
});

test('a hash that costs too little is made anew at the next sign-in', async () => {
  const { directory, store } = await open();
  const { id } = await ann(directory);
  const dearer = await openDirectory({ ...directory, store, passwordCost: { ...cheap, passes: 2 } });
  await signIn(dearer, good);
  assert.match(dearer.users.get(id)?.passwordHash ?? '', /t=2/);
  assert.equal((await signIn(dearer, good)).id, id);
});

const passwords: [string, RegExp | undefined][] = [
  ['violet anchor rides north', undefined],
  ['tR5!xq9_Kd2#mZ', undefined],
  ['短いけれど十四文字以上のパスフレーズ', undefined],
  ['short1!', /only 7 characters/],
  ['x'.repeat(257), /has 257 characters/],
  ['aaaaaaaabbbbbbbb', /repeats/],
  ['Password123456!', /well-known/],
  ['P@ssw0rdP@ssw0rd', /well-known/],
  ['Summer2026!Winter2026!', /well-known/],
  ['qwertyuiopasdfghjkl', /well-known/],
  ['abcdefghijklmnop', /well-known/],
  ['correct horse battery staple', /well-known/],
  ['annabelle-rides-north', /user name/],
  ['violet anchor\nrides', /control/],
];
for (const [text, reason] of passwords) {
  test(`[S1.10] the password "${text.slice(0, 30)}" is ${reason === undefined ? 'taken' : 'refused'}`, () => {
    const check = () => checkPasswordPolicy(new Secret(text), { upn: 'annabelle@x' });
    if (reason === undefined) return check();
    assert.throws(check, (error) => refused('PasswordPolicyViolated')(error) && reason.test((error as Error).message));
  });
}

test('[S1.10] generated passwords pass the policy and differ', () => {
  const made = Array.from({ length: 200 }, randomPassword);
  for (const text of made) checkPasswordPolicy(new Secret(text), { upn: 'admin@x' });
  assert.equal(new Set(made).size, 200);
});
