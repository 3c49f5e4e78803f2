/** The first administrator: a random password, shown once, that has to be replaced. */

import { randomInt } from 'node:crypto';
import { Secret } from '#base/secret.ts';
import { setAdministrator } from '#engine/identity/administrators.ts';
import type { Directory } from '#engine/identity/directory.ts';
import type { User } from '#engine/identity/records.ts';
import { createUser } from '#engine/identity/users.ts';

/**
 * Creates the first user when the directory has none; undefined otherwise. The caller writes the password to a root-only
 * file and shows it on a terminal only.
 *
 * The account is flagged `mustChangePassword`. A sign-in page demands the new password before it lets anyone on. The
 * password grant of OAuth has no way to ask for one, so there the first password works until it is replaced: otherwise
 * nobody could sign in on a machine without a browser. The flag stays visible until then.
 */
export async function createFirstAdministrator(
  directory: Directory,
  name = 'admin',
): Promise<{ readonly user: User; readonly password: Secret } | undefined> {
  if (directory.users.size > 0) return undefined;
  const password = new Secret(randomPassword());
  const user = await createUser(directory, {
    upn: `${name}@${directory.domain}`,
    displayName: 'First administrator',
    password,
    mustChangePassword: true,
  });
  await setAdministrator(directory, user.id, true);
  return { user, password };
}

// Six groups of five out of 31 signs that are not mistaken for one another: 148 bits, and it can be typed.
const signs = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A password of 30 random signs in groups of five. */
export function randomPassword(): string {
  const group = () => Array.from({ length: 5 }, () => signs[randomInt(signs.length)]).join('');
  return Array.from({ length: 6 }, group).join('-');
}
