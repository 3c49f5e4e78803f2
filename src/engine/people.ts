/** Whom the stamp's directories know, as far as subscriptions and the list of directories need it. */

import type { Person } from '#model/plans/person.ts';

/** A directory whose users may sign in at the stamp. */
export type DirectoryTenant = { readonly tenantId: string; readonly name: string };

export interface People {
  /** The directories, the stamp's own first. */
  directories(): readonly DirectoryTenant[];
  /** The user with a sign-in name (`somebody@domain`, any casing), in whichever directory; one that is switched off is none. */
  userNamed(name: string): Person | undefined;
}
