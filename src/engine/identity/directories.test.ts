/** Tests of several directories in one stamp: who is of which, what one never sees of another, and guests. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '#base/secret.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import { globalAdministrator, isAdministrator, setAdministrator } from '#engine/identity/administrators.ts';
import {
  addDomain,
  createDirectory,
  directoryOf,
  listDirectories,
  removeDirectory,
} from '#engine/identity/directories.ts';
import { directoryHolding, openDirectory, principalOf, type Directory } from '#engine/identity/directory.ts';
import { directoriesAsGuest, inviteGuest } from '#engine/identity/guests.ts';
import { memoryStore } from '#engine/identity/memory-store.ts';
import { redeemRefresh, startRefresh } from '#engine/identity/refresh.ts';
import {
  addSecret,
  createServicePrincipal,
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
const zone = 'local.ringwall.internal';

async function open(store = memoryStore()) {
  const clock = { ms: 1_800_000_000_000 };
  const home = await openDirectory({ tenantId: 't', domain: zone, store, now: () => clock.ms, passwordCost: cheap });
  return { home, directories: home.directories, clock, store };
}

async function two() {
  const opened = await open();
  const { directory, administrator, password } = await createDirectory(opened.directories, { name: 'Fabrikam' });
  const bob = await createUser(directory, { upn: `bob@fabrikam.${zone}`, displayName: 'Bob', password: good });
  const ann = await createUser(opened.home, { upn: `ann@${zone}`, displayName: 'Ann', password: good });
  return { ...opened, fabrikam: directory, administrator, password, bob, ann };
}

const signIn = (home: Directory, name: string, password = good) =>
  signInUser(home, { name, password, source: '10.0.0.1' });
const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

test('a name selects its directory by its domain, and a name without one is of the stamp itself', async () => {
  const { home, fabrikam, bob, ann, administrator, password } = await two();
  assert.equal((await signIn(home, `BOB@Fabrikam.${zone}`)).id, bob.id);
  assert.equal((await signIn(home, 'ann')).id, ann.id);
  await assert.rejects(signIn(home, 'bob'), refused('InvalidCredentials'));
  await assert.rejects(signIn(home, `ann@fabrikam.${zone}`), refused('InvalidCredentials'));
  assert.equal((await signIn(home, administrator.upn, password)).mustChangePassword, true);
  assert.deepEqual([isAdministrator(fabrikam, administrator.id), isAdministrator(fabrikam, bob.id)], [true, false]);
  assert.match(globalAdministrator, /^[0-9a-f-]{36}$/);
});

test('unknown directory, unknown name and wrong password are told apart by nobody', async () => {
  const { home } = await two();
  const says = new Set<string>();
  const note = (error: unknown) =>
    refused('InvalidCredentials')(error) &&
    says.add(JSON.stringify({ ...(error as Refusal) }) + String(error)).size > 0;
  for (const name of ['x@nowhere.example', `nobody@fabrikam.${zone}`, 'nobody', `@fabrikam.${zone}`, 'a@b@c', '@', ''])
    await assert.rejects(signInUser(home, { name, password: good, source: name }), note, name);
  await assert.rejects(signIn(home, `bob@fabrikam.${zone}`, other), note);
  assert.equal(says.size, 1);
});

test('a principal is found in the directory that holds it and in no other', async () => {
  const { home, fabrikam, directories, bob, ann } = await two();
  assert.equal(principalOf(fabrikam, ann.id), undefined);
  assert.equal(principalOf(home, bob.id), undefined);
  assert.equal(directoryHolding(directories, bob.id), fabrikam);
  assert.equal(directoryHolding(directories, ann.id.toUpperCase()), home);
  assert.equal(directoryHolding(directories, 'x'), undefined);
  await assert.rejects(setPassword(home, bob.id, { password: other }), refused('Request_ResourceNotFound'));
  await assert.rejects(
    createUser(fabrikam, { upn: `eve@${zone}`, displayName: 'Eve', password: good }),
    refused('Request_BadRequest'),
  );
});

test('a program is of the directory it was made in; its id is unique in the stamp', async () => {
  const { home, fabrikam, directories } = await two();
  const program = await createServicePrincipal(fabrikam, { displayName: 'ci' });
  const { secret } = await addSecret(fabrikam, program.id, { displayName: 'one', lifeMs: 60_000 });
  const prove = async (candidate: typeof program) => secretIsValid(candidate, secret, home.now());
  const signed = await signInApplication(home, { appId: program.appId, source: 's', prove });
  assert.equal(directoryHolding(directories, signed.id), fabrikam);
  await assert.rejects(
    createServicePrincipal(home, { displayName: 'twin', appId: program.appId }),
    refused('Request_ResourceExists'),
  );
});

test('all of it is there after opening the store again; rows of earlier versions are of the own directory', async () => {
  const { store, bob, ann, fabrikam } = await two();
  const legacy = JSON.parse(store.rows.get(`user/${ann.id}`) ?? '{}') as { directory?: string };
  assert.equal(legacy.directory, 't');
  delete legacy.directory;
  await store.save([{ put: legacy as never }]);
  const { home } = await open(store);
  assert.equal((await signIn(home, 'ann')).id, ann.id);
  assert.equal((await signIn(home, bob.upn)).id, bob.id);
  assert.deepEqual(directoryOf(home.directories, 'fabrikam').record, fabrikam.record);
  await store.save([{ put: { ...legacy, directory: 'gone' } as never }]);
  await assert.rejects(open(store), (error) => error instanceof Fault && error.code === 'DirectoryDamaged');
});

// One row: what is wanted, and how it is refused.
const wrongs: [Parameters<typeof createDirectory>[1], string][] = [
  [{ name: '' }, 'DirectoryInvalid'],
  [{ name: 'management' }, 'DirectoryInvalid'],
  [{ name: 'ADFS' }, 'DirectoryInvalid'],
  [{ name: '-a' }, 'DirectoryInvalid'],
  [{ name: 'a.b' }, 'DirectoryInvalid'],
  [{ name: 'a'.repeat(41) }, 'DirectoryInvalid'],
  [{ name: 'a', domain: zone }, 'DirectoryInvalid'],
  [{ name: 'a', domain: `x.${zone}` }, 'DirectoryInvalid'],
  [{ name: 'a', domain: 'one' }, 'DirectoryInvalid'],
  [{ name: 'a', domain: 'a_b.example' }, 'DirectoryInvalid'],
  [{ name: 'a', domain: `${'a'.repeat(64)}.example` }, 'DirectoryInvalid'],
  [{ name: 'a', id: 'x' }, 'DirectoryInvalid'],
  [{ name: 'a', displayName: '' }, 'Request_BadRequest'],
  [{ name: 'FABRIKAM' }, 'DirectoryExists'],
  [{ name: 'a', domain: 'Fabrikam.Example' }, 'DirectoryExists'],
];
test('a directory has a name and domains of its own', async () => {
  const { directories, fabrikam } = await two();
  await addDomain(fabrikam, 'fabrikam.example');
  for (const [wanted, code] of wrongs)
    await assert.rejects(createDirectory(directories, wanted), refused(code), JSON.stringify(wanted));
  await createUser(fabrikam, { upn: 'cat@fabrikam.example', displayName: 'Cat', password: good });
  assert.equal((await signIn(fabrikam, 'cat@FABRIKAM.example')).displayName, 'Cat');
  assert.deepEqual(
    listDirectories(directories).map(({ domain }) => domain),
    [zone, `fabrikam.${zone}`],
  );
  assert.throws(() => directoryOf(directories, 'nothing'), refused('DirectoryNotFound'));
  for (let count = fabrikam.record.domains.length; count < 20; count++) await addDomain(fabrikam, `d${count}.example`);
  await assert.rejects(addDomain(fabrikam, 'more.example'), refused('DirectoryQuotaExceeded'));
});

test('removing a directory ends all of it, and its guests elsewhere; the own one stays', async () => {
  const { home, directories, fabrikam, bob, store } = await two();
  const guest = await inviteGuest(home, bob.upn);
  const { token } = await startRefresh(fabrikam, { oid: bob.id, clientId: 'az' });
  await assert.rejects(removeDirectory(directories, zone), refused('DirectoryInUse'));
  await removeDirectory(directories, 'fabrikam');
  await assert.rejects(signIn(home, bob.upn), refused('InvalidCredentials'));
  await assert.rejects(redeemRefresh(home, { token, clientId: 'az' }), refused('InvalidRefreshToken'));
  assert.deepEqual([principalOf(home, guest.id), directories.all.size], [undefined, 1]);
  assert.ok(![...store.rows.values()].some((row) => row.includes(fabrikam.tenantId)));
  await createDirectory(directories, { name: 'fabrikam' });
});

test('a guest signs in with the password of its own directory and has an object id of its own', async () => {
  const { home, fabrikam, ann } = await two();
  const guest = await inviteGuest(fabrikam, ann.upn);
  assert.equal(guest.upn, `ann_${zone}#EXT#@fabrikam.${zone}`);
  assert.notEqual(guest.id, ann.id);
  assert.equal((await signIn(home, guest.upn)).id, guest.id);
  await assert.rejects(
    signInUser(home, { name: guest.upn, password: other, source: '10.0.0.9' }),
    refused('InvalidCredentials'),
  );
  assert.deepEqual(directoriesAsGuest(home.directories, ann.id), [fabrikam]);
  for (const name of [ann.upn, `nobody@${zone}`, guest.upn, 'ann', '', `bob@fabrikam.${zone}`])
    await assert.rejects(
      inviteGuest(fabrikam, name),
      refused(name === ann.upn ? 'Request_ResourceExists' : 'Request_BadRequest'),
      name,
    );
  await assert.rejects(setPassword(fabrikam, guest.id, { password: other }), refused('Request_BadRequest'));
  await assert.rejects(setAdministrator(fabrikam, guest.id, true), refused('Request_BadRequest'));
  const changed = await changePassword(home, { name: guest.upn, password: good, source: 's', wanted: other });
  assert.equal(changed.id, guest.id);
  assert.equal((await signIn(home, 'ann', other)).id, ann.id);
});

test('a guest is out at once with the user that it stands for', async () => {
  const { home, fabrikam, ann, clock } = await two();
  const guest = await inviteGuest(fabrikam, ann.upn);
  const start = () => startRefresh(fabrikam, { oid: guest.id, clientId: 'az' });
  const before = await start();
  await setEnabled(home, ann.id, false);
  assert.equal(principalOf(fabrikam, guest.id)?.isEnabled, false);
  await assert.rejects(redeemRefresh(home, { token: before.token, clientId: 'az' }), refused('InvalidRefreshToken'));
  await assert.rejects(signIn(home, guest.upn), refused('InvalidCredentials'));
  await setEnabled(home, ann.id, true);
  assert.equal(principalOf(fabrikam, guest.id)?.isEnabled, true);
  assert.ok((principalOf(fabrikam, guest.id)?.tokensValidFromS ?? 0) > clock.ms / 1000, 'old tokens stay dead');
  const after = await start();
  await setPassword(home, ann.id, { password: other });
  await assert.rejects(redeemRefresh(home, { token: after.token, clientId: 'az' }), refused('InvalidRefreshToken'));
  await removePrincipal(home, ann.id);
  assert.equal(principalOf(fabrikam, guest.id), undefined);
});

test('guesses at a guest are counted with those at the user', async () => {
  const { home, fabrikam, ann } = await two();
  const guest = await inviteGuest(fabrikam, ann.upn);
  for (let count = 0; count < 5; count++)
    await assert.rejects(signIn(home, guest.upn, other), refused('InvalidCredentials'));
  await assert.rejects(signIn(home, 'ann'), refused('TooManySignIns'));
});

test('a directory keeps an administrator', async () => {
  const { fabrikam, administrator, bob } = await two();
  await assert.rejects(removePrincipal(fabrikam, administrator.id), refused('Request_BadRequest'));
  await assert.rejects(setEnabled(fabrikam, administrator.id, false), refused('Request_BadRequest'));
  await assert.rejects(setAdministrator(fabrikam, administrator.id, false), refused('Request_BadRequest'));
  await assert.rejects(setAdministrator(fabrikam, 'x', true), refused('Request_ResourceNotFound'));
  await setAdministrator(fabrikam, bob.id, true);
  await removePrincipal(fabrikam, administrator.id);
  assert.deepEqual(fabrikam.record.administrators, [bob.id]);
});
