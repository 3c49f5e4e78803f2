/** Who may change a directory: the holders of its one role, Global Administrator. */

import { administratorsMax } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';
import { change, principalOf, type Directory } from '#engine/identity/directory.ts';
import { lastAdministrator } from '#engine/identity/users.ts';

/** The role's template id, the same in every directory of Azure (Entra doc "Microsoft Entra built-in roles"). */
export const globalAdministrator = '62e90394-69f5-4237-9190-012177145e10';

/** Does this principal hold the role? */
export function isAdministrator({ record }: Directory, oid: string): boolean {
  return record.administrators.includes(oid.toLowerCase());
}

/** Gives or takes the role; a directory keeps one administrator at least. */
export async function setAdministrator(directory: Directory, oid: string, wanted: boolean): Promise<void> {
  await change(directory, () => {
    const principal = principalOf(directory, oid);
    if (principal === undefined) {
      throw new Refusal('Request_ResourceNotFound', `No principal has the object id "${oid.slice(0, 64)}".`, {
        status: 404,
      });
    }
    // Else a guest's own directory could not remove its user without the leave of this one.
    if (directory.users.get(principal.oid)?.guestOf !== undefined) {
      throw new Refusal('Request_BadRequest', 'A guest cannot administer a directory.', { target: 'administrators' });
    }
    const { administrators: before } = directory.record;
    const others = before.filter((id) => id !== principal.oid);
    if (!wanted && others.length === 0) throw lastAdministrator();
    const administrators = wanted ? [...others, principal.oid] : others;
    if (administrators.length > administratorsMax) {
      const says = `A directory has at most ${administratorsMax} administrators.`;
      throw new Refusal('DirectoryQuotaExceeded', says, { status: 409 });
    }
    return { changes: [{ put: { ...directory.record, administrators } }], result: undefined };
  });
}
