/** The stamp's directories as the engine asks them for people. */

import { listDirectories } from '#engine/identity/directories.ts';
import type { Directory } from '#engine/identity/directory.ts';
import type { People } from '#engine/people.ts';

/** The people of all directories of the stamp. A guest is known by the name in the directory that is the guest's own. */
export function peopleOf({ directories }: Pick<Directory, 'directories'>): People {
  return {
    directories: () => listDirectories(directories).map(({ tenantId, domain }) => ({ tenantId, name: domain })),
    userNamed(name) {
      const upn = name.trim().toLowerCase();
      const tenantId = directories.tenantByDomain.get(upn.slice(upn.lastIndexOf('@') + 1)) ?? '';
      const directory = directories.all.get(tenantId);
      const user = directory?.users.get(directory.oidByName.get(upn) ?? '');
      return user?.isEnabled === true ? { oid: user.id, upn: user.upn, tenantId } : undefined;
    },
  };
}
