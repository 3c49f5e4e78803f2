/** Users: made, signed in by password, given a new password, switched off, removed. */

import { randomUUID } from 'node:crypto';
import {
  signInFailuresAccountMax,
  signInFailuresPairMax,
  signInFailuresSourceMax,
  signInNameMax,
} from '#base/limits.ts';
import type { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import { attempt, type AttemptKey } from '#engine/identity/attempts.ts';
import {
  change,
  checkDisplayName,
  nextSecond,
  refuseFull,
  type Change,
  type Directory,
} from '#engine/identity/directory.ts';
import { checkPasswordPolicy } from '#engine/identity/password-policy.ts';
import { hashPassword, isHashWeaker, passwordMatches } from '#engine/identity/password.ts';
import type { User } from '#engine/identity/records.ts';

/** Creates a user. There are no default passwords: one that meets the policy is always wanted. */
export async function createUser(
  directory: Directory,
  wanted: {
    readonly upn: string;
    readonly displayName: string;
    readonly password: Secret;
    readonly mustChangePassword?: boolean;
  },
): Promise<User> {
  const upn = checkUpn(directory, wanted.upn);
  checkDisplayName(wanted.displayName);
  checkPasswordPolicy(wanted.password, { upn });
  const passwordHash = await hashPassword(wanted.password, directory.passwordCost);
  return await change(directory, () => {
    refuseFull(directory);
    if (directory.oidByName.has(upn.toLowerCase())) {
      throw new Refusal('Request_ResourceExists', `The name ${upn} is taken.`, {
        status: 409,
        target: 'userPrincipalName',
      });
    }
    const user: User = {
      kind: 'user',
      id: randomUUID(),
      upn,
      displayName: wanted.displayName,
      isEnabled: true,
      passwordHash,
      mustChangePassword: wanted.mustChangePassword ?? false,
      tokensValidFromS: 0,
      createdMs: directory.now(),
    };
    return { changes: [{ put: user }], result: user };
  });
}

function checkUpn(directory: Directory, upn: string): string {
  const isGood =
    /^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9.-]{1,253}$/i.test(upn) && upn.toLowerCase().endsWith(`@${directory.domain}`);
  if (isGood) return upn;
  throw new Refusal(
    'Request_BadRequest',
    `Cannot take "${upn.slice(0, signInNameMax)}" as a name: wanted is letters, digits, dot, dash or underscore, then @${directory.domain}.`,
    { target: 'userPrincipalName' },
  );
}

/** A sign-in: the name as typed (with or without the domain), the password, and where it comes from. */
export type PasswordSignIn = { readonly name: string; readonly password: Secret; readonly source: string };

/**
 * Checks a password. Unknown name, wrong password and switched-off account give one and the same answer after the same
 * work; too many failures make the next one wait (NIST SP 800-63B §5.2.2).
 */
export async function signInUser(directory: Directory, { name, password, source }: PasswordSignIn): Promise<User> {
  const upn = fullName(directory, name);
  const keys: AttemptKey[] = [
    { name: `pair ${source} ${upn}`, failuresMax: signInFailuresPairMax },
    { name: `account ${upn}`, failuresMax: signInFailuresAccountMax },
    { name: `source ${source}`, failuresMax: signInFailuresSourceMax },
  ];
  return await attempt(directory.attempts, keys, async () => {
    const user = directory.users.get(directory.oidByName.get(upn) ?? '');
    const isRight = await passwordMatches(password, user?.passwordHash ?? directory.decoyHash);
    if (user === undefined || !isRight || !user.isEnabled) throw wrongPassword();
    if (isHashWeaker(user.passwordHash, directory.passwordCost)) await rehash(directory, user, password);
    return user;
  });
}

function fullName(directory: Directory, name: string): string {
  const plain = name.normalize('NFKC').trim().toLowerCase().slice(0, signInNameMax);
  return plain.includes('@') ? plain : `${plain}@${directory.domain}`;
}

function wrongPassword(): Refusal {
  return new Refusal('InvalidCredentials', 'The user name or password is incorrect.', { status: 401 });
}

async function rehash(directory: Directory, user: User, password: Secret): Promise<void> {
  const passwordHash = await hashPassword(password, directory.passwordCost);
  await change(directory, () => {
    const current = directory.users.get(user.id);
    const isSame = current !== undefined && current.passwordHash === user.passwordHash;
    return { changes: isSame ? [{ put: { ...current, passwordHash } }] : [], result: undefined };
  });
}

/** A user's own change of password: the current one is checked as a sign-in, the new one by the policy. */
export async function changePassword(
  directory: Directory,
  { wanted, ...signIn }: PasswordSignIn & { readonly wanted: Secret },
): Promise<User> {
  const user = await signInUser(directory, signIn);
  if (wanted.equals(signIn.password.reveal())) {
    throw new Refusal('PasswordPolicyViolated', 'The new password is the current one; choose another.', {
      target: 'newPassword',
    });
  }
  return await setPassword(directory, user.id, { password: wanted });
}

/** Sets a password. All sign-ins and tokens of the user end with it. `mustChangePassword` is for one that others know. */
export async function setPassword(
  directory: Directory,
  oid: string,
  { password, mustChangePassword = false }: { readonly password: Secret; readonly mustChangePassword?: boolean },
): Promise<User> {
  checkPasswordPolicy(password, { upn: userOf(directory, oid).upn, target: 'newPassword' });
  const passwordHash = await hashPassword(password, directory.passwordCost);
  return await change(directory, () => {
    const user = {
      ...userOf(directory, oid),
      passwordHash,
      mustChangePassword,
      tokensValidFromS: nextSecond(directory),
    };
    return { changes: [{ put: user }, ...endSignIns(directory, oid)], result: user };
  });
}

/** Switches a user or a service principal on or off. Off ends all its sign-ins and tokens at once. */
export async function setEnabled(directory: Directory, oid: string, isEnabled: boolean): Promise<void> {
  await change(directory, () => {
    const row = principalRow(directory, oid);
    const put = isEnabled ? { ...row, isEnabled } : { ...row, isEnabled, tokensValidFromS: nextSecond(directory) };
    return { changes: [{ put }, ...(isEnabled ? [] : endSignIns(directory, oid))], result: undefined };
  });
}

/** Removes a user or a service principal, its memberships and its sign-ins. */
export async function removePrincipal(directory: Directory, oid: string): Promise<void> {
  await change(directory, () => {
    const row = principalRow(directory, oid);
    const memberships: Change[] = [];
    for (const group of directory.groups.values()) {
      if (!group.members.includes(row.id)) continue;
      memberships.push({ put: { ...group, members: group.members.filter((member) => member !== row.id) } });
    }
    return { changes: [{ remove: row }, ...memberships, ...endSignIns(directory, oid)], result: undefined };
  });
}

/** The user with this object id, or the refusal that there is none. */
function userOf(directory: Directory, oid: string): User {
  const user = directory.users.get(oid.toLowerCase());
  if (user === undefined) throw missing(oid);
  return user;
}

function principalRow(directory: Directory, oid: string) {
  const id = oid.toLowerCase();
  const row = directory.users.get(id) ?? directory.servicePrincipals.get(id);
  if (row === undefined) throw missing(oid);
  return row;
}

function missing(oid: string): Refusal {
  return new Refusal('Request_ResourceNotFound', `No principal has the object id "${oid.slice(0, 64)}".`, {
    status: 404,
  });
}

function endSignIns(directory: Directory, oid: string): Change[] {
  const families = [...directory.refreshFamilies.values()];
  return families.filter((family) => family.oid === oid.toLowerCase()).map((family) => ({ remove: family }));
}
