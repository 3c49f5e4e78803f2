/** Guests: users of one directory that stand for a user of another and sign in with that one's password. */

import { randomUUID } from 'node:crypto';
import { signInNameMax } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';
import { change, refuseFull, type Directories, type Directory } from '#engine/identity/directory.ts';
import type { User } from '#engine/identity/records.ts';
import { guestMark } from '#engine/identity/users.ts';

/**
 * Makes a guest in `directory` for the user of another directory that the name is of. Its name is Azure's:
 * `ann_home.example#EXT#@other.example` (Entra doc "Properties of a B2B guest user").
 */
export async function inviteGuest(directory: Directory, name: string): Promise<User> {
  const { directories } = directory;
  return await change(directory, () => {
    refuseFull(directory);
    const found = userNamed(directories, name);
    if (found === undefined || found.holder === directory || found.user.guestOf !== undefined) {
      throw new Refusal(
        'Request_BadRequest',
        `Cannot invite "${name.slice(0, signInNameMax)}": wanted is the name of a user of another directory of this stamp.`,
        { target: 'invitedUserEmailAddress' },
      );
    }
    const { user, holder } = found;
    const upn = `${user.upn.replace('@', '_')}${guestMark}@${directory.domain}`;
    if (directory.oidByName.has(upn.toLowerCase())) {
      throw new Refusal('Request_ResourceExists', `The name ${upn} is taken.`, {
        status: 409,
        target: 'userPrincipalName',
      });
    }
    const guest: User = {
      kind: 'user',
      id: randomUUID(),
      upn,
      displayName: user.displayName,
      isEnabled: true,
      passwordHash: '',
      mustChangePassword: false,
      guestOf: { directory: holder.tenantId, oid: user.id },
      tokensValidFromS: 0,
      createdMs: directory.now(),
    };
    return { changes: [{ put: guest }], result: guest };
  });
}

function userNamed({ all, tenantByDomain }: Directories, name: string): { user: User; holder: Directory } | undefined {
  const upn = name.toLowerCase();
  const holder = all.get(tenantByDomain.get(upn.split('@').at(-1) ?? '') ?? '');
  const user = holder?.users.get(holder.oidByName.get(upn) ?? '');
  return holder === undefined || user === undefined ? undefined : { user, holder };
}

/** The directories other than its own in which a user is a guest. */
export function directoriesAsGuest({ all }: Directories, oid: string): Directory[] {
  const id = oid.toLowerCase();
  return [...all.values()].filter((directory) => {
    for (const user of directory.users.values()) if (user.guestOf?.oid === id) return true;
    return false;
  });
}
