/** The stamp's directory as the engine asks it for people. */

import type { Directory } from '#engine/identity/directory.ts';
import type { People } from '#engine/people.ts';

/** The people of the stamp's own directory. */
export function peopleOf(directory: Directory): People {
  const { tenantId, domain } = directory;
  return {
    directories: () => [{ tenantId, name: domain }],
    userNamed(name) {
      const user = directory.users.get(directory.oidByName.get(name.trim().toLowerCase()) ?? '');
      return user?.isEnabled === true ? { oid: user.id, upn: user.upn, tenantId } : undefined;
    },
  };
}
