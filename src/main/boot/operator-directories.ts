/** What root on the stamp's own host may do with directories: make one, list them, remove one. */

import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { appendAudit } from '#engine/audit/audit.ts';
import {
  createDirectory,
  directoryOf,
  listDirectories,
  removeDirectory,
  type WantedDirectory,
} from '#engine/identity/directories.ts';
import { inviteGuest } from '#engine/identity/guests.ts';
import type { Directory } from '#engine/identity/directory.ts';
import type { Assembly } from '#main/boot/assembly.ts';

type AuditOf = (about: { readonly id: string; readonly type: string }) => AuditEntry;

/** The methods of the operator's socket that are about directories. */
export function directoryMethods(assembly: Assembly, auditOf: AuditOf) {
  const { directories } = assembly.directory;
  const noted = async (id: string, says: string): Promise<void> => {
    const entry = auditOf({ id: `/tenants/${id}`, type: 'Microsoft.Resources/tenants' });
    await appendAudit(assembly.store, '', { ...entry, says });
  };
  return {
    /** The administrator's password is answered once and kept nowhere. */
    directoryAdd: async ({ name, displayName, domain }: WantedDirectory): Promise<JsonObject> => {
      const made = await createDirectory(directories, {
        name,
        ...(displayName === undefined ? {} : { displayName }),
        ...(domain === undefined ? {} : { domain }),
      });
      await noted(made.directory.tenantId, `directory ${name} made`);
      const { administrator, password } = made;
      return { ...shown(made.directory), administrator: administrator.upn, password: password.reveal() };
    },
    directoryInvite: async (named: string, user: string): Promise<JsonObject> => {
      const directory = directoryOf(directories, named);
      const guest = await inviteGuest(directory, user);
      await noted(directory.tenantId, `${user} is a guest of ${directory.domain}`);
      return { tenantId: directory.tenantId, guest: guest.upn, oid: guest.id };
    },
    directoryList: (): JsonObject[] => listDirectories(directories).map(shown),
    directoryRemove: async (named: string): Promise<JsonObject> => {
      const directory = directoryOf(directories, named);
      refuseOwned(assembly, directory);
      await removeDirectory(directories, directory.tenantId);
      await noted(directory.tenantId, `directory ${directory.domain} removed`);
      return shown(directory);
    },
  };
}

function shown({ tenantId, record, users, servicePrincipals, groups }: Directory): JsonObject {
  const { displayName, domains } = record;
  const counts = { users: users.size, servicePrincipals: servicePrincipals.size, groups: groups.size };
  return { tenantId, displayName, domains, ...counts };
}

/** What is a directory's own goes before the directory: nobody could sign in to it any more. */
function refuseOwned({ engine }: Assembly, { tenantId }: Directory): void {
  const owned = [...engine.view().ofType('Microsoft.Resources/subscriptions')].filter(
    ({ properties }) => String(properties['tenantId'] ?? '').toLowerCase() === tenantId,
  );
  if (owned.length === 0) return;
  throw new Refusal('DirectoryInUse', `The directory has ${owned.length} subscriptions; remove them first.`, {
    status: 409,
    target: 'directory',
    details: owned.slice(0, 10).map(({ id }) => ({ code: 'DirectoryInUse', message: id, target: id })),
  });
}
