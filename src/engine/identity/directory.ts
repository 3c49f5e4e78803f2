/** The directory of one tenant: opened from its store, changed one save at a time, and asked who a principal is. */

import { randomUUID } from 'node:crypto';
import { isObject, type JsonObject } from '#base/json.ts';
import { principalsMax } from '#base/limits.ts';
import { Secret } from '#base/secret.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import { startAttempts, type Attempts } from '#engine/identity/attempts.ts';
import { hashPassword, passwordCost, type PasswordCost } from '#engine/identity/password.ts';
import type {
  DirectoryChange,
  DirectoryRow,
  DirectoryStore,
  Group,
  RefreshFamily,
  ServicePrincipal,
  User,
} from '#engine/identity/records.ts';

/** What a directory is opened with. `domain` is what follows the `@` of its users' names; `now` gives milliseconds. */
export type DirectoryOptions = {
  readonly tenantId: string;
  readonly domain: string;
  readonly store: DirectoryStore;
  readonly now: () => number;
  readonly passwordCost?: PasswordCost;
};

/** An open directory. Its maps mirror the store: a row is here only when it is durable there. */
export type Directory = {
  readonly tenantId: string;
  readonly domain: string;
  readonly store: DirectoryStore;
  readonly now: () => number;
  readonly passwordCost: PasswordCost;
  readonly attempts: Attempts;
  /** The hash of a password that nobody has: an unknown name costs as much time as a known one. */
  readonly decoyHash: string;
  readonly users: Map<string, User>;
  readonly servicePrincipals: Map<string, ServicePrincipal>;
  readonly groups: Map<string, Group>;
  readonly refreshFamilies: Map<string, RefreshFamily>;
  readonly oidByName: Map<string, string>;
  readonly oidByAppId: Map<string, string>;
  /** The save at work; the next waits for it, so that checks and their save are not interleaved. */
  readonly saving: { last: Promise<void> };
};

/** Who a principal is now: what access decisions and token checks ask for. */
export type PrincipalRecord = {
  readonly oid: string;
  readonly kind: 'user' | 'servicePrincipal';
  readonly displayName: string;
  readonly isEnabled: boolean;
  readonly tokensValidFromS: number;
  readonly groups: readonly string[];
  readonly upn?: string;
  readonly appId?: string;
};

/** Opens the directory from its store. A row that is none of ours is a Fault: nothing is guessed or dropped. */
export async function openDirectory(options: DirectoryOptions): Promise<Directory> {
  const cost = options.passwordCost ?? passwordCost;
  const directory: Directory = {
    tenantId: options.tenantId,
    domain: options.domain,
    store: options.store,
    now: options.now,
    passwordCost: cost,
    attempts: startAttempts(options.now),
    decoyHash: await hashPassword(new Secret(randomUUID()), cost),
    users: new Map(),
    servicePrincipals: new Map(),
    groups: new Map(),
    refreshFamilies: new Map(),
    oidByName: new Map(),
    oidByAppId: new Map(),
    saving: { last: Promise.resolve() },
  };
  for (const row of await options.store.load()) mirror(directory, parseRow(row));
  return directory;
}

/** Who is this object id? Undefined when it is gone. */
export function principalOf(directory: Directory, oid: string): PrincipalRecord | undefined {
  const id = oid.toLowerCase();
  const user = directory.users.get(id);
  const application = directory.servicePrincipals.get(id);
  const found = user ?? application;
  if (found === undefined) return undefined;
  const { displayName, isEnabled, tokensValidFromS, kind } = found;
  const names = user === undefined ? { appId: application?.appId } : { upn: user.upn };
  return { oid: id, kind, displayName, isEnabled, tokensValidFromS, groups: groupsOf(directory, id), ...names };
}

function groupsOf(directory: Directory, oid: string): string[] {
  const groups: string[] = [];
  for (const group of directory.groups.values()) if (group.members.includes(oid)) groups.push(group.id);
  return groups.sort();
}

/**
 * Does one change at a time: `decide` looks at the directory as it is and says what to save (or refuses); the rows are
 * mirrored when the store has them, never before.
 */
export async function change<T>(
  directory: Directory,
  decide: () => { readonly changes: readonly Change[]; readonly result: T },
): Promise<T> {
  const turn = directory.saving.last.then(async () => {
    const { changes, result } = decide();
    if (changes.length > 0) await directory.store.save(changes.map(toStored));
    for (const one of changes) {
      if ('put' in one) mirror(directory, one.put);
      else forget(directory, one.remove);
    }
    return result;
  });
  directory.saving.last = turn.then(
    () => undefined,
    () => undefined,
  );
  return await turn;
}

/** A change in our own words: a row in its new form, or one that goes. */
export type Change = { readonly put: DirectoryRow } | { readonly remove: DirectoryRow };

function toStored(one: Change): DirectoryChange {
  return 'put' in one
    ? { put: one.put as DirectoryRow & JsonObject }
    : { remove: { kind: one.remove.kind, id: one.remove.id } };
}

function mirror(directory: Directory, row: DirectoryRow): void {
  switch (row.kind) {
    case 'user': {
      const before = directory.users.get(row.id);
      if (before !== undefined) directory.oidByName.delete(before.upn.toLowerCase());
      directory.users.set(row.id, row);
      directory.oidByName.set(row.upn.toLowerCase(), row.id);
      return;
    }
    case 'servicePrincipal':
      directory.servicePrincipals.set(row.id, row);
      directory.oidByAppId.set(row.appId, row.id);
      return;
    case 'group':
      directory.groups.set(row.id, row);
      return;
    case 'refreshFamily':
      directory.refreshFamilies.set(row.id, row);
  }
}

function forget(directory: Directory, row: DirectoryRow): void {
  switch (row.kind) {
    case 'user':
      directory.users.delete(row.id);
      directory.oidByName.delete(row.upn.toLowerCase());
      return;
    case 'servicePrincipal':
      directory.servicePrincipals.delete(row.id);
      directory.oidByAppId.delete(row.appId);
      return;
    case 'group':
      directory.groups.delete(row.id);
      return;
    case 'refreshFamily':
      directory.refreshFamilies.delete(row.id);
  }
}

// The members that each kind must have to be safe to mirror; the store has already proved that nobody altered the row.
const members: Readonly<Record<DirectoryRow['kind'], readonly string[]>> = {
  user: [
    'id',
    'upn',
    'displayName',
    'isEnabled',
    'passwordHash',
    'mustChangePassword',
    'tokensValidFromS',
    'createdMs',
  ],
  servicePrincipal: [
    'id',
    'appId',
    'displayName',
    'isEnabled',
    'secrets',
    'certificates',
    'tokensValidFromS',
    'createdMs',
  ],
  group: ['id', 'displayName', 'members'],
  refreshFamily: ['id', 'oid', 'clientId', 'current', 'rotatedMs', 'createdMs'],
};

function parseRow(row: unknown): DirectoryRow {
  const kind = isObject(row) && typeof row['kind'] === 'string' ? row['kind'] : '';
  const wanted = Object.hasOwn(members, kind) ? members[kind as DirectoryRow['kind']] : undefined;
  if (!isObject(row) || wanted === undefined) {
    throw new Fault('DirectoryDamaged', `A stored directory row has the unknown kind "${kind}".`);
  }
  const missing = wanted.find((name) => row[name] === undefined);
  if (missing !== undefined) throw new Fault('DirectoryDamaged', `A stored ${kind} lacks its ${missing}.`);
  return row as unknown as DirectoryRow;
}

/** Refuses one principal too many. */
export function refuseFull(directory: Directory): void {
  const count = directory.users.size + directory.servicePrincipals.size + directory.groups.size;
  if (count < principalsMax) return;
  throw new Refusal('DirectoryQuotaExceeded', `The directory holds ${principalsMax} objects; remove some first.`, {
    status: 409,
  });
}

/** The second from which tokens are good again: one later than any token that may have been issued this second. */
export function nextSecond(directory: Directory): number {
  return Math.floor(directory.now() / 1000) + 1;
}

/** Refuses a display name that is empty, long or holds control characters. */
export function checkDisplayName(displayName: string): void {
  if (/^[^\p{Cc}]{1,256}$/u.test(displayName)) return;
  throw new Refusal('Request_BadRequest', 'The displayName must have 1 to 256 printable characters.', {
    target: 'displayName',
  });
}
