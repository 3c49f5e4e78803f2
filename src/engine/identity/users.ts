/** Users: made, signed in by password, given a new password, switched off, removed. */

import { randomUUID } from 'node:crypto';
import {
  signInFailuresAccountMax,
  signInFailuresPairMax,
  signInFailuresSourceMax,
  signInNameMax,
} from '#base/identity-limits.ts';
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
import type { ServicePrincipal, User } from '#engine/identity/records.ts';

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

function checkUpn({ record }: Directory, upn: string): string {
  const domain = domainOf(upn) ?? '';
  const isGood = /^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9.-]{1,253}$/i.test(upn) && record.domains.includes(domain);
  if (isGood) return upn;
  throw new Refusal(
    'Request_BadRequest',
    `Cannot take "${upn.slice(0, signInNameMax)}" as a name: wanted is letters, digits, dot, dash or underscore, then @${record.domains.join(' or @')}.`,
    { target: 'userPrincipalName' },
  );
}

/** A sign-in: the name as typed (with or without the domain), the password, and where it comes from. */
export type PasswordSignIn = { readonly name: string; readonly password: Secret; readonly source: string };

/** A user, and the one whose password it has: itself, or that of another directory which a guest stands for. */
type Account = { readonly user: User; readonly holder: Directory; readonly origin: User };

/**
 * Checks a password. What follows the `@` selects the directory; a name without it is of the directory given. Unknown
 * directory, unknown name, wrong password and switched-off account give one and the same answer after the same work; too
 * many failures make the next one wait (NIST SP 800-63B §5.2.2).
 */
export async function signInUser(directory: Directory, { name, password, source }: PasswordSignIn): Promise<User> {
  const upn = fullName(directory, name);
  // Whoever guesses at a guest guesses at the user whose password it is: they are counted as one.
  const counted = originName(upn) ?? upn;
  const keys: AttemptKey[] = [
    { name: `pair ${source} ${counted}`, failuresMax: signInFailuresPairMax },
    { name: `account ${counted}`, failuresMax: signInFailuresAccountMax },
    { name: `source ${source}`, failuresMax: signInFailuresSourceMax },
  ];
  return await attempt(directory.attempts, keys, async () => {
    const account = accountOf(directory, upn);
    const isRight = await passwordMatches(password, account?.origin.passwordHash ?? directory.directories.decoyHash);
    if (account === undefined || !isRight || !account.user.isEnabled || !account.origin.isEnabled)
      throw wrongPassword();
    const { user, holder, origin } = account;
    if (isHashWeaker(origin.passwordHash, directory.passwordCost)) await rehash(holder, origin, password);
    return user.id === origin.id ? user : { ...user, mustChangePassword: origin.mustChangePassword };
  });
}

function accountOf({ directories }: Directory, upn: string): Account | undefined {
  const holder = directories.all.get(directories.tenantByDomain.get(domainOf(upn) ?? '') ?? '');
  const user = holder?.users.get(holder.oidByName.get(upn) ?? '');
  if (holder === undefined || user === undefined) return undefined;
  if (user.guestOf === undefined) return { user, holder, origin: user };
  const from = directories.all.get(user.guestOf.directory);
  const origin = from?.users.get(user.guestOf.oid);
  return from === undefined || origin === undefined ? undefined : { user, holder: from, origin };
}

function fullName(directory: Directory, name: string): string {
  const plain = name.normalize('NFKC').trim().toLowerCase().slice(0, signInNameMax);
  return plain.includes('@') ? plain : `${plain}@${directory.domain}`;
}

function domainOf(upn: string): string | undefined {
  return /@([^@]+)$/.exec(upn)?.[1]?.toLowerCase();
}

/** The mark of a guest's name, as Azure writes it: `ann_home.example#EXT#@other.example`. */
export const guestMark = '#EXT#';

/** The name of the user that a guest's name stands for; a domain has no underscore, so the last one was the `@`. */
function originName(upn: string): string | undefined {
  const [, local, domain] = /^(.+)_([^_]+)#ext#@/i.exec(upn) ?? [];
  return local === undefined ? undefined : `${local}@${domain}`.toLowerCase();
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
  const account = accountOf(directory, user.upn.toLowerCase());
  if (account === undefined) throw missing(user.id);
  const changed = await setPassword(account.holder, account.origin.id, { password: wanted });
  return user.guestOf === undefined ? changed : { ...user, mustChangePassword: false };
}

/** Sets a password. All sign-ins and tokens of the user end with it. `mustChangePassword` is for one that others know. */
export async function setPassword(
  directory: Directory,
  oid: string,
  { password, mustChangePassword = false }: { readonly password: Secret; readonly mustChangePassword?: boolean },
): Promise<User> {
  const { upn, guestOf } = userOf(directory, oid);
  if (guestOf !== undefined) {
    const says = 'A guest has no password here: it signs in with that of its own directory.';
    throw new Refusal('Request_BadRequest', says, { target: 'passwordProfile' });
  }
  checkPasswordPolicy(password, { upn, target: 'newPassword' });
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

/** Gives a user another display name. */
export async function renameUser(directory: Directory, oid: string, displayName: string): Promise<void> {
  checkDisplayName(displayName);
  await change(directory, () => ({
    changes: [{ put: { ...userOf(directory, oid), displayName } }],
    result: undefined,
  }));
}

/** Switches a user or a service principal on or off. Off ends all its sign-ins and tokens at once. */
export async function setEnabled(directory: Directory, oid: string, isEnabled: boolean): Promise<void> {
  await change(directory, () => {
    const row = principalRow(directory, oid);
    const { administrators } = directory.record;
    if (!isEnabled && administrators.length === 1 && administrators[0] === row.id) throw lastAdministrator();
    const put = isEnabled ? { ...row, isEnabled } : { ...row, isEnabled, tokensValidFromS: nextSecond(directory) };
    return { changes: [{ put }, ...(isEnabled ? [] : endSignIns(directory, oid))], result: undefined };
  });
}

/** Ends all sign-ins and tokens of a user; it may sign in again. */
export async function revokeSignIns(directory: Directory, oid: string): Promise<void> {
  await change(directory, () => {
    const put = { ...userOf(directory, oid), tokensValidFromS: nextSecond(directory) };
    return { changes: [{ put }, ...endSignIns(directory, oid)], result: undefined };
  });
}

/** Removes a user or a service principal, its memberships and its sign-ins, and the guests elsewhere that stand for it. */
export async function removePrincipal(directory: Directory, oid: string): Promise<void> {
  await change(directory, () => ({ changes: removalOf(directory, principalRow(directory, oid)), result: undefined }));
}

/** What goes with a principal. A directory keeps one administrator at least: nobody else could mend it. */
export function removalOf(directory: Directory, row: User | ServicePrincipal): Change[] {
  const { record } = directory;
  const administrators = record.administrators.filter((id) => id !== row.id);
  if (administrators.length === 0 && record.administrators.length > 0) throw lastAdministrator();
  const isRecordChanged = administrators.length < record.administrators.length;
  const changes: Change[] = [
    { remove: row },
    ...(isRecordChanged ? [{ put: { ...record, administrators } }] : []),
    ...endSignIns(directory, row.id),
  ];
  for (const group of directory.groups.values()) {
    if (!group.members.includes(row.id)) continue;
    changes.push({ put: { ...group, members: group.members.filter((member) => member !== row.id) } });
  }
  for (const { guest, holder } of guestsOf(directory, row.id)) changes.push(...removalOf(holder, guest));
  return changes;
}

/** The refusal to leave a directory without an administrator. */
export function lastAdministrator(): Refusal {
  const says = 'This is the last administrator of the directory; give another user the role first.';
  return new Refusal('Request_BadRequest', says, { target: 'administrators' });
}

function guestsOf({ directories, tenantId }: Directory, oid: string): { guest: User; holder: Directory }[] {
  const guests: { guest: User; holder: Directory }[] = [];
  for (const holder of directories.all.values()) {
    if (holder.tenantId === tenantId) continue;
    for (const guest of holder.users.values()) if (guest.guestOf?.oid === oid) guests.push({ guest, holder });
  }
  return guests;
}

/** The user with this object id, or the refusal that there is none. */
export function userOf(directory: Directory, oid: string): User {
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

/** The sign-ins of a principal, and those of its guests elsewhere, end. */
function endSignIns(directory: Directory, oid: string): Change[] {
  const id = oid.toLowerCase();
  const ended = [...directory.refreshFamilies.values()].filter((family) => family.oid === id);
  for (const { guest, holder } of guestsOf(directory, id))
    for (const family of holder.refreshFamilies.values()) if (family.oid === guest.id) ended.push(family);
  return ended.map((family) => ({ remove: family }));
}
