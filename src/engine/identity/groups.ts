/** Groups: made, filled, emptied, removed. Role assignments may name them. */

import { randomUUID } from 'node:crypto';
import { groupsPerPrincipalMax, principalsMax } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';
import { change, checkDisplayName, principalOf, refuseFull, type Directory } from '#engine/identity/directory.ts';
import type { Group } from '#engine/identity/records.ts';

/** Creates an empty group. Display names need not be unique; the object id is what counts. */
export async function createGroup(
  directory: Directory,
  displayName: string,
  more: Pick<Group, 'description' | 'mailNickname'> = {},
): Promise<Group> {
  checkDisplayName(displayName);
  return await change(directory, () => {
    refuseFull(directory);
    const group: Group = { kind: 'group', id: randomUUID(), displayName, ...more, members: [] };
    return { changes: [{ put: group }], result: group };
  });
}

/** Gives a group another name or description. */
export async function updateGroup(
  directory: Directory,
  groupId: string,
  wanted: Partial<Pick<Group, 'displayName' | 'description'>>,
): Promise<void> {
  if (wanted.displayName !== undefined) checkDisplayName(wanted.displayName);
  await change(directory, () => ({
    changes: [{ put: { ...groupOf(directory, groupId), ...wanted } }],
    result: undefined,
  }));
}

/** Adds a user or service principal to a group; one that is in it already stays. */
export async function addMember(directory: Directory, groupId: string, oid: string): Promise<void> {
  await change(directory, () => {
    const group = groupOf(directory, groupId);
    const principal = principalOf(directory, oid);
    if (principal === undefined) throw missing('principal', oid);
    if (group.members.includes(principal.oid)) return { changes: [], result: undefined };
    if (principal.groups.length >= groupsPerPrincipalMax || group.members.length >= principalsMax) {
      throw new Refusal('DirectoryQuotaExceeded', `A principal is in at most ${groupsPerPrincipalMax} groups.`, {
        status: 409,
      });
    }
    return { changes: [{ put: { ...group, members: [...group.members, principal.oid] } }], result: undefined };
  });
}

/** Takes a principal out of a group. */
export async function removeMember(directory: Directory, groupId: string, oid: string): Promise<void> {
  await change(directory, () => {
    const group = groupOf(directory, groupId);
    const members = group.members.filter((member) => member !== oid.toLowerCase());
    if (members.length === group.members.length) throw missing('member', oid);
    return { changes: [{ put: { ...group, members } }], result: undefined };
  });
}

/** Removes a group; its members lose what was granted to it. */
export async function removeGroup(directory: Directory, groupId: string): Promise<void> {
  await change(directory, () => ({ changes: [{ remove: groupOf(directory, groupId) }], result: undefined }));
}

/** The group with this object id, or the refusal that there is none. */
export function groupOf(directory: Directory, groupId: string): Group {
  const group = directory.groups.get(groupId.toLowerCase());
  if (group === undefined) throw missing('group', groupId);
  return group;
}

function missing(what: string, id: string): Refusal {
  return new Refusal('Request_ResourceNotFound', `No ${what} has the object id "${id.slice(0, 64)}".`, { status: 404 });
}
