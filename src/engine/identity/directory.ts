/** The directories of a stamp, one for each tenant: opened from their store, changed one save at a time, and asked who a principal is. */

import { randomUUID } from 'node:crypto';
import { isObject, type JsonObject } from '#base/json.ts';
import { principalsMax, principalsOfStampMax } from '#base/identity-limits.ts';
import { Secret } from '#base/secret.ts';
import { Bug, Fault, Refusal } from '#base/wrong.ts';
import { startAttempts, type Attempts } from '#engine/identity/attempts.ts';
import { hashPassword, passwordCost, type PasswordCost } from '#engine/identity/password.ts';
import type {
  Application,
  DirectoryChange,
  DirectoryRecord,
  DirectoryRow,
  DirectoryStore,
  Group,
  RefreshFamily,
  ServicePrincipal,
  User,
} from '#engine/identity/records.ts';

/** What the directories are opened with: the stamp's own one. `domain` is what follows the `@` of its users' names. */
export type DirectoryOptions = {
  readonly tenantId: string;
  readonly domain: string;
  readonly store: DirectoryStore;
  /** Milliseconds. */
  readonly now: () => number;
  readonly passwordCost?: PasswordCost;
};

/** All directories of a stamp, and what they share. */
export type Directories = {
  readonly homeId: string;
  /** The domain below which the others have theirs. */
  readonly zone: string;
  readonly all: Map<string, Directory>;
  readonly store: DirectoryStore;
  readonly now: () => number;
  readonly passwordCost: PasswordCost;
  readonly attempts: Attempts;
  /** The hash of a password that nobody has: an unknown name costs as much time as a known one. */
  readonly decoyHash: string;
  /** A program's id is unique in the stamp: it alone says which directory the program is of. */
  readonly oidByAppId: Map<string, string>;
  readonly tenantByDomain: Map<string, string>;
  /** The save at work; the next waits for it, so that checks and their save are not interleaved. */
  readonly saving: { last: Promise<void> };
};

/** An open directory. Its maps mirror the store: a row is here only when it is durable there. */
export type Directory = {
  readonly tenantId: string;
  readonly domain: string;
  readonly directories: Directories;
  readonly now: () => number;
  readonly passwordCost: PasswordCost;
  readonly attempts: Attempts;
  readonly users: Map<string, User>;
  readonly servicePrincipals: Map<string, ServicePrincipal>;
  readonly applications: Map<string, Application>;
  readonly groups: Map<string, Group>;
  readonly refreshFamilies: Map<string, RefreshFamily>;
  readonly oidByName: Map<string, string>;
  /** What is kept of the directory itself; replaced when it changes. */
  record: DirectoryRecord;
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

/** Opens the stamp's own directory, and the others with it. */
export async function openDirectory(options: DirectoryOptions): Promise<Directory> {
  return home(await openDirectories(options));
}

/** Opens all directories from their store. A row that is none of ours is a Fault: nothing is guessed or dropped. */
async function openDirectories(options: DirectoryOptions): Promise<Directories> {
  const { tenantId, domain, store, now } = options;
  const cost = options.passwordCost ?? passwordCost;
  const directories: Directories = {
    homeId: tenantId,
    zone: domain,
    all: new Map(),
    store,
    now,
    passwordCost: cost,
    attempts: startAttempts(now),
    decoyHash: await hashPassword(new Secret(randomUUID()), cost),
    oidByAppId: new Map(),
    tenantByDomain: new Map(),
    saving: { last: Promise.resolve() },
  };
  const rows = (await store.load()).map(parseRow);
  // The stamp's own directory stands before anything of it was kept: earlier versions kept nothing.
  const own: DirectoryRecord = {
    kind: 'directory',
    id: tenantId,
    displayName: domain,
    domains: [domain],
    administrators: [],
    createdMs: now(),
  };
  mirror(directories, own);
  for (const row of rows) if (row.kind === 'directory') mirror(directories, row);
  for (const row of rows) if (row.kind !== 'directory') mirror(directories, heldBy(tenantId, row));
  return directories;
}

/** The stamp's own directory. */
export function home({ all, homeId }: Directories): Directory {
  const directory = all.get(homeId);
  if (directory === undefined) throw new Bug("The stamp's own directory went away.");
  return directory;
}

/** The directory whose principal this is; object ids are unique in the stamp. */
export function directoryHolding({ all }: Directories, oid: string): Directory | undefined {
  const id = oid.toLowerCase();
  for (const directory of all.values())
    if (directory.users.has(id) || directory.servicePrincipals.has(id)) return directory;
  return undefined;
}

/** Who is this object id? Undefined when it is gone. */
export function principalOf(directory: Directory, oid: string): PrincipalRecord | undefined {
  const id = oid.toLowerCase();
  const user = directory.users.get(id);
  const application = directory.servicePrincipals.get(id);
  const found = user ?? application;
  if (found === undefined) return undefined;
  const { displayName, kind } = found;
  const names = user === undefined ? { appId: application?.appId } : { upn: user.upn };
  return { oid: id, kind, displayName, ...standingOf(directory, found), groups: groupsOf(directory, id), ...names };
}

/** A guest stands while the user that it stands for does, and its tokens end with that user's. */
function standingOf({ directories }: Directory, row: User | ServicePrincipal) {
  const { isEnabled, tokensValidFromS } = row;
  if (row.kind !== 'user' || row.guestOf === undefined) return { isEnabled, tokensValidFromS };
  const origin = directories.all.get(row.guestOf.directory)?.users.get(row.guestOf.oid);
  return {
    isEnabled: isEnabled && origin?.isEnabled === true,
    tokensValidFromS: Math.max(tokensValidFromS, origin?.tokensValidFromS ?? 0),
  };
}

function groupsOf(directory: Directory, oid: string): string[] {
  const groups: string[] = [];
  for (const group of directory.groups.values()) if (group.members.includes(oid)) groups.push(group.id);
  return groups.sort();
}

/**
 * Does one change at a time: `decide` looks at the directories as they are and says what to save (or refuses); the rows
 * are mirrored when the store has them, never before. A new row belongs to this directory unless it names another.
 */
export async function change<T>(
  { directories, tenantId }: Directory,
  decide: () => { readonly changes: readonly Change[]; readonly result: T },
): Promise<T> {
  const { saving, store } = directories;
  const turn = saving.last.then(async () => {
    const { changes, result } = decide();
    const held = changes.map((one) => ('put' in one ? { put: heldBy(tenantId, one.put) } : one));
    if (held.length > 0) await store.save(held.map(toStored));
    for (const one of held) {
      if ('put' in one) mirror(directories, one.put);
      else forget(directories, one.remove);
    }
    return result;
  });
  saving.last = turn.then(
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

function heldBy(tenantId: string, row: DirectoryRow): DirectoryRow {
  if (row.directory !== undefined) return row;
  return { ...row, directory: row.kind === 'directory' ? row.id : tenantId };
}

function mirror(directories: Directories, row: DirectoryRow): void {
  if (row.kind === 'directory') return mirrorDirectory(directories, row);
  const directory = directories.all.get(row.directory ?? '');
  if (directory === undefined) throw new Fault('DirectoryDamaged', `A stored ${row.kind} is of no known directory.`);
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
      directories.oidByAppId.set(row.appId, row.id);
      return;
    case 'application':
      directory.applications.set(row.id, row);
      return;
    case 'group':
      directory.groups.set(row.id, row);
      return;
    case 'refreshFamily':
      directory.refreshFamilies.set(row.id, row);
  }
}

function mirrorDirectory(directories: Directories, row: DirectoryRecord): void {
  const known = directories.all.get(row.id);
  for (const domain of known?.record.domains ?? []) directories.tenantByDomain.delete(domain);
  for (const domain of row.domains) directories.tenantByDomain.set(domain, row.id);
  if (known !== undefined) {
    known.record = row;
    return;
  }
  const { now, passwordCost: cost, attempts } = directories;
  directories.all.set(row.id, {
    tenantId: row.id,
    domain: row.domains[0] ?? '',
    directories,
    now,
    passwordCost: cost,
    attempts,
    users: new Map(),
    servicePrincipals: new Map(),
    applications: new Map(),
    groups: new Map(),
    refreshFamilies: new Map(),
    oidByName: new Map(),
    record: row,
  });
}

function forget(directories: Directories, row: DirectoryRow): void {
  if (row.kind === 'directory') {
    for (const domain of row.domains) directories.tenantByDomain.delete(domain);
    directories.all.delete(row.id);
    return;
  }
  const directory = directories.all.get(row.directory ?? '');
  if (row.kind === 'servicePrincipal') directories.oidByAppId.delete(row.appId);
  switch (row.kind) {
    case 'user':
      directory?.users.delete(row.id);
      directory?.oidByName.delete(row.upn.toLowerCase());
      return;
    case 'servicePrincipal':
      directory?.servicePrincipals.delete(row.id);
      return;
    case 'application':
      directory?.applications.delete(row.id);
      return;
    case 'group':
      directory?.groups.delete(row.id);
      return;
    case 'refreshFamily':
      directory?.refreshFamilies.delete(row.id);
  }
}

// The members that each kind must have to be safe to mirror; the store has already proved that nobody altered the row.
const members: Readonly<Record<DirectoryRow['kind'], readonly string[]>> = {
  directory: ['id', 'displayName', 'domains', 'administrators', 'createdMs'],
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
  application: ['id', 'appId', 'displayName', 'secrets', 'certificates', 'createdMs'],
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

/** Refuses one object too many, in the directory or in the stamp. */
export function refuseFull(directory: Directory): void {
  if (objectsIn(directory) >= principalsMax) throw full(`The directory holds ${principalsMax} objects`);
  let count = 0;
  for (const each of directory.directories.all.values()) count += objectsIn(each);
  if (count >= principalsOfStampMax) throw full(`The stamp's directories hold ${principalsOfStampMax} objects`);
}

function objectsIn({ users, servicePrincipals, applications, groups }: Directory): number {
  return users.size + servicePrincipals.size + applications.size + groups.size;
}

function full(says: string): Refusal {
  return new Refusal('DirectoryQuotaExceeded', `${says}; remove some first.`, { status: 409 });
}

/** The second from which tokens are good again: one later than any token that may have been issued this second. */
export function nextSecond(directory: Pick<Directory, 'now'>): number {
  return Math.floor(directory.now() / 1000) + 1;
}

/** Refuses a display name that is empty, long or holds control characters. */
export function checkDisplayName(displayName: string): void {
  if (/^[^\p{Cc}]{1,256}$/u.test(displayName)) return;
  throw new Refusal('Request_BadRequest', 'The displayName must have 1 to 256 printable characters.', {
    target: 'displayName',
  });
}
