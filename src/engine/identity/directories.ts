/** Directories: made by the operator with a first administrator, given further domains, listed, removed with all that is in them. */

import { randomUUID } from 'node:crypto';
import { directoriesMax, domainsPerDirectoryMax } from '#base/identity-limits.ts';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import {
  change,
  checkDisplayName,
  home,
  type Change,
  type Directories,
  type Directory,
} from '#engine/identity/directory.ts';
import { randomPassword } from '#engine/identity/first-administrator.ts';
import { hashPassword } from '#engine/identity/password.ts';
import type { DirectoryRecord, DirectoryRow, User } from '#engine/identity/records.ts';

/** A directory as it is wanted: `name` is the label below the stamp's zone, `domain` one more that the operator vouches for. */
export type WantedDirectory = {
  readonly name: string;
  readonly displayName?: string;
  readonly domain?: string;
  /** The tenant id, when it is known elsewhere already. */
  readonly id?: string;
};

/** A new directory with its first administrator, whose password is told here and nowhere else. */
export type MadeDirectory = {
  readonly directory: Directory;
  readonly administrator: User;
  readonly password: Secret;
};

/** Names below the zone that the stamp has for itself. */
const ownNames = new Set(
  'management adminmanagement adfs portal adminportal graph crl pep cloudapp www vault blob table queue'.split(' '),
);

/** Makes a directory and its first administrator, who must change the password at the first sign-in. */
export async function createDirectory(directories: Directories, wanted: WantedDirectory): Promise<MadeDirectory> {
  const name = wanted.name.toLowerCase();
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name) || ownNames.has(name)) {
    throw badName('name', wanted.name, 'up to 40 letters, digits and dashes, and no name of an endpoint of the stamp');
  }
  const displayName = wanted.displayName ?? wanted.name;
  checkDisplayName(displayName);
  const id = (wanted.id ?? randomUUID()).toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw badName('id', id, 'a GUID');
  const first = `${name}.${directories.zone}`;
  const domains = [first, ...(wanted.domain === undefined ? [] : [checkDomain(directories, wanted.domain)])];
  const password = new Secret(randomPassword());
  const passwordHash = await hashPassword(password, directories.passwordCost);
  const createdMs = directories.now();
  const administrator: User = {
    kind: 'user',
    directory: id,
    id: randomUUID(),
    upn: `admin@${first}`,
    displayName: 'First administrator',
    isEnabled: true,
    passwordHash,
    mustChangePassword: true,
    tokensValidFromS: 0,
    createdMs,
  };
  const record: DirectoryRecord = {
    kind: 'directory',
    id,
    displayName,
    domains,
    administrators: [administrator.id],
    createdMs,
  };
  await change(home(directories), () => {
    if (directories.all.size >= directoriesMax) {
      const says = `The stamp has ${directoriesMax} directories; remove one first.`;
      throw new Refusal('DirectoryQuotaExceeded', says, { status: 409 });
    }
    if (directories.all.has(id)) throw taken('id', id);
    for (const domain of domains) if (directories.tenantByDomain.has(domain)) throw taken('domain', domain);
    return { changes: [{ put: record }, { put: administrator }], result: undefined };
  });
  return { directory: directoryOf(directories, id), administrator, password };
}

/** Adds a domain that the operator has seen to belong to the directory's owner. */
export async function addDomain(directory: Directory, text: string): Promise<void> {
  const { directories } = directory;
  const domain = checkDomain(directories, text);
  await change(directory, () => {
    const { record } = directory;
    if (directories.tenantByDomain.has(domain)) throw taken('domain', domain);
    if (record.domains.length >= domainsPerDirectoryMax) {
      const says = `A directory has at most ${domainsPerDirectoryMax} domains.`;
      throw new Refusal('DirectoryQuotaExceeded', says, { status: 409 });
    }
    return { changes: [{ put: { ...record, domains: [...record.domains, domain] } }], result: undefined };
  });
}

// Names below the zone are the stamp's to give; one directory must not take the name of another's users.
function checkDomain({ zone }: Directories, text: string): string {
  const domain = text.toLowerCase();
  const isName =
    domain.length <= 253 && /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/.test(domain);
  if (!isName || domain === zone || domain.endsWith(`.${zone}`)) {
    throw badName('domain', text, `a DNS name that is not ${zone} and not below it`);
  }
  return domain;
}

function badName(target: string, got: string, wanted: string): Refusal {
  return new Refusal('DirectoryInvalid', `Cannot take "${got.slice(0, 100)}" as ${target}: wanted is ${wanted}.`, {
    target,
  });
}

function taken(target: string, value: string): Refusal {
  return new Refusal('DirectoryExists', `The ${target} ${value} is that of a directory already.`, {
    status: 409,
    target,
  });
}

/** All directories, the stamp's own first, then by age. */
export function listDirectories({ all, homeId }: Directories): Directory[] {
  const order = ({ tenantId, record }: Directory) => (tenantId === homeId ? -1 : record.createdMs);
  return [...all.values()].sort((left, right) => order(left) - order(right));
}

/** The directory with this tenant id, name or domain, or the refusal that there is none. */
export function directoryOf(directories: Directories, named: string): Directory {
  const { all, tenantByDomain, zone } = directories;
  const key = named.toLowerCase();
  const id = tenantByDomain.get(key) ?? tenantByDomain.get(`${key}.${zone}`) ?? key;
  const found = all.get(id);
  if (found !== undefined) return found;
  const says = `There is no directory "${named.slice(0, 100)}"; a tenant id, a name or a domain is wanted.`;
  throw new Refusal('DirectoryNotFound', says, { status: 404, target: 'directory' });
}

/** Removes a directory: its users, programs, groups and sign-ins, and its users' guests elsewhere. Tokens end at once. */
export async function removeDirectory(directories: Directories, id: string): Promise<void> {
  const directory = directoryOf(directories, id);
  if (directory.tenantId === directories.homeId) {
    const says = "This is the stamp's own directory; it goes only with the stamp.";
    throw new Refusal('DirectoryInUse', says, { status: 409, target: 'directory' });
  }
  await change(home(directories), () => ({ changes: allOf(directories, directory), result: undefined }));
}

function allOf(directories: Directories, directory: Directory): Change[] {
  const { users, servicePrincipals, applications, groups, refreshFamilies, record, tenantId } = directory;
  const rows: DirectoryRow[] = [
    ...refreshFamilies.values(),
    ...groups.values(),
    ...applications.values(),
    ...servicePrincipals.values(),
    ...users.values(),
  ];
  const changes: Change[] = [];
  for (const other of directories.all.values()) {
    if (other === directory) continue;
    const guests = new Set<string>();
    for (const { id, guestOf } of other.users.values()) if (guestOf?.directory === tenantId) guests.add(id);
    if (guests.size > 0) changes.push(...withoutGuests(other, guests));
  }
  return [...changes, ...rows.map((row) => ({ remove: row })), { remove: record }];
}

/** The other directory without the users that are guests of this one: their rows, sign-ins and memberships. */
function withoutGuests({ users, refreshFamilies, groups }: Directory, guests: ReadonlySet<string>): Change[] {
  const stays = (id: string) => !guests.has(id);
  const changes: Change[] = [];
  for (const user of users.values()) if (guests.has(user.id)) changes.push({ remove: user });
  for (const family of refreshFamilies.values()) if (guests.has(family.oid)) changes.push({ remove: family });
  for (const group of groups.values())
    if (!group.members.every(stays)) changes.push({ put: { ...group, members: group.members.filter(stays) } });
  return changes;
}
