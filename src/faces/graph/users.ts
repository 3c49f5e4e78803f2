/** Users through Graph: listed, shown, made, changed, removed; and what a user may do with itself. */

import { isObject, type JsonObject } from '#base/json.ts';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import type { User } from '#engine/identity/records.ts';
import {
  changePassword,
  createUser,
  removePrincipal,
  renameUser,
  revokeSignIns,
  setEnabled,
  setPassword,
} from '#engine/identity/users.ts';
import {
  denied,
  notFound,
  optionalFlag,
  optionalText,
  partOf,
  refuseOthers,
  textOf,
  type Answer,
  type Call,
} from '#faces/graph/call.ts';
import { showUser, userProperties } from '#faces/graph/objects.ts';
import { contextOf, listAnswer, objectAnswer } from '#faces/graph/page.ts';

/** GET /users */
export function listUsers(call: Call): Answer {
  const rows = call.directory.users.values();
  return listAnswer(call, { name: 'users', rows, show: showUser, properties: userProperties });
}

/** GET /users/{id or name} */
export function getUser(call: Call): Answer {
  return objectAnswer(call, 'users', showUser(userOf(call)));
}

/** GET /me: the user that calls. */
export function getMe(call: Call): Answer {
  const { directory, caller } = call;
  const user = directory.users.get(caller.oid);
  if (user !== undefined) return objectAnswer(call, 'users', showUser(user));
  // The text is Graph's own; az shows it to who signed in as a program.
  throw new Refusal('Request_BadRequest', '/me request is only valid with delegated authentication flow.');
}

function userOf({ directory, ...call }: Call): User {
  const named = partOf({ directory, ...call }, 0);
  const key = named.toLowerCase();
  const user = directory.users.get(key) ?? directory.users.get(directory.oidByName.get(key) ?? '');
  if (user === undefined) throw notFound(named);
  return user;
}

/** POST /users */
export async function makeUser(call: Call): Promise<Answer> {
  const { body, directory } = call;
  refuseOthers(body, ['accountEnabled', 'displayName', 'mailNickname', 'passwordProfile', 'userPrincipalName']);
  const { password, mustChangePassword } = profileOf(body) ?? {};
  if (password === undefined) {
    throw new Refusal('Request_BadRequest', 'The property passwordProfile.password is missing.', {
      target: 'passwordProfile',
    });
  }
  const user = await createUser(directory, {
    upn: textOf(body, 'userPrincipalName'),
    displayName: textOf(body, 'displayName'),
    password,
    // Graph doc "passwordProfile": true unless told otherwise.
    mustChangePassword: mustChangePassword ?? true,
  });
  if (optionalFlag(body, 'accountEnabled') === false) await setEnabled(directory, user.id, false);
  return objectAnswer(call, 'users', showUser(directory.users.get(user.id) ?? user));
}

type Profile = { readonly password?: Secret; readonly mustChangePassword?: boolean };

function profileOf(body: JsonObject): Profile | undefined {
  const profile = body['passwordProfile'] ?? undefined;
  if (profile === undefined) return undefined;
  if (!isObject(profile))
    throw new Refusal('Request_BadRequest', 'The property passwordProfile must be an object.', {
      target: 'passwordProfile',
    });
  refuseOthers(profile, ['password', 'forceChangePasswordNextSignIn', 'forceChangePasswordNextSignInWithMfa']);
  const password = optionalText(profile, 'password');
  const mustChangePassword = optionalFlag(profile, 'forceChangePasswordNextSignIn');
  return {
    ...(password === undefined ? {} : { password: new Secret(password) }),
    ...(mustChangePassword === undefined ? {} : { mustChangePassword }),
  };
}

/** PATCH /users/{id or name}: an administrator's change. */
export async function changeUser(call: Call): Promise<Answer> {
  const { body, directory } = call;
  refuseOthers(body, ['accountEnabled', 'displayName', 'passwordProfile']);
  const { id } = userOf(call);
  const [displayName, isEnabled] = [optionalText(body, 'displayName'), optionalFlag(body, 'accountEnabled')];
  const profile = profileOf(body);
  if (profile !== undefined && profile.password === undefined) {
    const says = 'forceChangePasswordNextSignIn is taken together with a new password only.';
    throw new Refusal('Request_BadRequest', says, { target: 'passwordProfile' });
  }
  if (profile?.password !== undefined) {
    const { password, mustChangePassword = true } = profile;
    await setPassword(directory, id, { password, mustChangePassword });
  }
  if (displayName !== undefined) await renameUser(directory, id, displayName);
  if (isEnabled !== undefined) await setEnabled(directory, id, isEnabled);
  return { status: 204 };
}

/** DELETE /users/{id or name} */
export async function removeUser(call: Call): Promise<Answer> {
  await removePrincipal(call.directory, userOf(call).id);
  return { status: 204 };
}

/** POST /users/{id or name}/revokeSignInSessions, and of /me: every session and token ends (Graph doc "user: revokeSignInSessions"). */
export async function revokeSessions(call: Call): Promise<Answer> {
  refuseOthers(call.body, []);
  await revokeSignIns(call.directory, userOf(call).id);
  return { status: 200, body: { '@odata.context': contextOf(call, 'Edm.Boolean'), value: true } };
}

/** POST /me/changePassword: what a user changes of itself; the current password is checked as a sign-in. */
export async function changeOwnPassword(call: Call): Promise<Answer> {
  const { body, directory, caller, asked } = call;
  refuseOthers(body, ['currentPassword', 'newPassword']);
  const user = directory.users.get(caller.oid);
  if (user === undefined) throw denied();
  const [current, wanted] = [textOf(body, 'currentPassword'), textOf(body, 'newPassword')];
  const signIn = { name: user.upn, password: new Secret(current), source: asked.source };
  try {
    await changePassword(directory, { ...signIn, wanted: new Secret(wanted) });
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 401) throw error;
    // The token was good: clients take a 401 for one that is not, and would sign in anew.
    throw new Refusal('Request_BadRequest', 'The current password is incorrect.', { target: 'currentPassword' });
  }
  return { status: 204 };
}
